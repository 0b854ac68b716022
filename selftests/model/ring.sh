#!/bin/bash
# SPDX-License-Identifier: MIT
# The model of the rings and of sleeping (ring.pml) holds, and does not when anything of it is left out.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands spin gcc
model=$PWD/selftests/model/ring.pml
dir=$(mktemp -d)
at_exit rm -rf "$dir"

# check -DX...: prints what the checker says of the model so compiled.
check() {
	(cd "$dir" && spin -a "$@" "$model" && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000) 2>&1
}

holds() {
	check "$@" | tee "$dir/said"
	grep -q 'errors: 0$' "$dir/said" && ! grep -qE 'too small|search not completed' "$dir/said" &&
		[ "$(awk '/states, stored/ { print $1 }' "$dir/said")" -gt 100000 ]
}

# fails WITH -DX...: the checker finds an end or a state as WITH describes it.
fails() {
	local with=$1

	shift
	check "$@" | tee "$dir/said"
	grep -qE "^pan:1: $with" "$dir/said"
}

sleeps_on='invalid end state'
wrong_slot='assertion violated'

tap_start
run_ok "stores become visible in order: nothing is lost" holds -DTSO
run_ok "stores become visible in any order: nothing is lost" holds -DPSO
run_ok "without a fence before the look at the flag a wake-up is lost" \
	fails "$sleeps_on" -DTSO -DNO_FENCE_TO_WAKE
run_ok "without a fence before the last look at the ring a wake-up is lost" \
	fails "$sleeps_on" -DTSO -DNO_FENCE_TO_SLEEP
run_ok "without a last look a wake-up is lost" fails "$sleeps_on" -DTSO -DNO_SECOND_LOOK
run_ok "a slot is read unwritten when the index need not come after it" \
	fails "$wrong_slot" -DPSO -DNO_RELEASE
run_ok "a slot is read unwritten when the index is stored first" \
	fails "$wrong_slot" -DTSO -DEARLY_PUBLISH
run_ok "a slot is overwritten unread when it is given back first" \
	fails "$wrong_slot" -DTSO -DEARLY_RELEASE
run_ok "a message goes on at the ring's start when no filler is put" \
	fails "$wrong_slot" -DTSO -DNO_FILLER
tap_end
