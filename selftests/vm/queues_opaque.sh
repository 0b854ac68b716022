#!/bin/bash
# SPDX-License-Identifier: MIT
# NICs with RSS whose key and table the daemon does not read: the hash is learned, and known again after a restart.
# shellcheck source=selftests/vm/two_queues.sh
. "$(dirname "$0")/two_queues.sh"

tap_start
two_queues opaque ,rss learned --rss=opaque
tap_end
