#!/bin/bash
# SPDX-License-Identifier: MIT
# Scripts that are wrong, or state what is not so, must fail, at the line and for the reason that they name themselves.
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

runner=build-san/tests/test_packet_scripts

# fails FILE: and the complaint is the one behind "fails:" in it.
fails() {
	local out want

	want=$(sed -n 's/^# fails: //p' "$1")
	out=$("$runner" "$1") && { echo "passed"; return 1; }
	grep -q "^not ok 1 - $1\$" <<<"$out" && grep -q "^# $1.*$want" <<<"$out" && return
	echo "wanted: $want"
	echo "$out"
	return 1
}

tap_start
for script in selftests/packet/runner/bad/*.pkt; do
	run_ok "fails: $(basename "$script" .pkt)" fails "$script"
done
run_fail "a script that cannot be read" "$runner" /nonexistent.pkt
run_ok "several scripts, each a test" "$runner" selftests/packet/handshake/connect.pkt selftests/packet/open/accept.pkt
tap_end
