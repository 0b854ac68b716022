#!/bin/bash
# SPDX-License-Identifier: MIT
# Every counter of the engines is explained.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

headers=(user/transport/stack.h user/dp/engine.h)

names() {
	sed -n '/^#define [A-Z_]*COUNTERS(X)/,/[^\\]$/p' "${headers[@]}" | grep -oE '\bX\([a-z][a-z0-9_]*\)' | tr -d 'X()'
}

unexplained() {
	local name

	for name in $(names); do
		grep -q "^|.*\`$name\`.*|" Documentation/protocol.md || echo "$name"
	done
}

tap_start
if [ "$(names | wc -l)" -gt 40 ]; then ok "the counters are found"; else not_ok "the counters are found" "$(names)"; fi
missing=$(unexplained)
if [ -z "$missing" ]; then ok "each is explained"; else not_ok "each is explained" "$missing"; fi
tap_end
