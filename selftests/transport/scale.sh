#!/bin/bash
# SPDX-License-Identifier: MIT
# A packet for one of 32 connections costs the same when 100,000 others are there, too.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

tap_start
if line=$(build/bin/bench-stack); then
	ok "the cost of a packet does not depend on the number of connections"
else
	not_ok "the cost of a packet does not depend on the number of connections"
fi
tap_diag <<<"$line"
tap_end
