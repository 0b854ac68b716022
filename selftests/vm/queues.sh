#!/bin/bash
# SPDX-License-Identifier: MIT
# NICs with RSS whose key and table the daemon may read, and NICs without RSS.
# shellcheck source=selftests/vm/two_queues.sh
. "$(dirname "$0")/two_queues.sh"

tap_start
two_queues rss ,rss computed
two_queues hidden '' 'labelled|unknown'
tap_end
