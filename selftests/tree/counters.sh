#!/bin/bash
# SPDX-License-Identifier: MIT
# Every counter of the engines is explained.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

# Page and the headers whose counters it explains.
declare -A headers=(
	[Documentation/protocol.md]="user/transport/stack.h user/dp/engine.h"
)

# names PAGE
names() {
	# shellcheck disable=SC2086 # a list of files
	sed -n '/^#define [A-Z_]*COUNTERS(X)/,/[^\\]$/p' ${headers[$1]} | grep -oE '\bX\([a-z][a-z0-9_]*\)' | tr -d 'X()'
}

# Prints the counters that the page does not have, and those of its table that do not exist.
wrong() {
	local name

	for name in $(names "$1"); do
		grep -q "^|.*\`$name\`.*|" "$1" || echo "$name is not explained"
	done
	for name in $(sed -n '/^## Counters/,$s/^|\([^|]*\)|.*/\1/p' "$1" | grep -o '`[a-z0-9_]*`' | tr -d '`'); do
		grep -qx "$name" <(names "$1") || echo "$name does not exist"
	done
}

tap_start
for page in "${!headers[@]}"; do
	found=$(names "$page")
	if [ "$(wc -l <<<"$found")" -gt 40 ]; then ok "$page: the counters are found"; else not_ok "$page: the counters are found" "$found"; fi
	found=$(wrong "$page")
	if [ -z "$found" ]; then ok "$page: its table is that of the headers"; else not_ok "$page: its table is that of the headers" "$found"; fi
done
tap_end
