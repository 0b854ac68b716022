#!/bin/bash
# SPDX-License-Identifier: MIT
# The dissector for Wireshark, on packets of the transport that scripts have captured.
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands tshark
runner=build-san/tests/test_packet1_scripts
scripts=selftests/packet1
scratch=$(mktemp -d /tmp/mn-dissector.XXXXXX)
at_exit rm -rf "$scratch"
fields=(type flags.fin flags.probe stream seq next_seq ack len sack.start sack.end body.mss body.engine body.code body.cookie rtt
	again message.seq message.len)

# What a user has configured must not matter.
export WIRESHARK_CONFIG_DIR=$scratch HOME=$scratch

# One that is installed is loaded anyhow, and none can be loaded twice.
dissector=tools/wireshark/machnet1.lua
installed=$(tshark -G folders 2>/dev/null | sed -n 's/^Global Lua Plugins:[ \t]*//p')/machnet1.lua
load=(-X "lua_script:$dissector")
if [ -e "$installed" ]; then
	cmp -s "$dissector" "$installed" || skip_all "another version of the dissector is installed"
	load=()
fi

# capture NAME SCRIPT: into $scratch/NAME
capture() {
	"$runner" -w "$scratch/$1" "$2"
}

# dissect NAME ARG...
dissect() {
	local file=$scratch/$1

	shift
	tshark -r "$file" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE "${load[@]}" "$@" 2>"$scratch/stderr"
}

# A complaint of the dissector itself.
sound() {
	! grep -v '^Running as user' "$scratch/stderr"
}

same_as_golden() {
	# shellcheck disable=SC2046 # a list of words
	dissect all -T fields -E header=y -E separator=' ' $(printf -- '-e machnet1.%s ' "${fields[@]}") >"$scratch/got"
	diff "$scripts/runner/dissected.golden" "$scratch/got" && sound
}

# finds NAME FILTER N: so many packets
finds() {
	local n

	n=$(dissect "$1" -Y "$2" -o machnet1.ports:"${4-31580}" | wc -l)
	[ "$n" = "$3" ] || { echo "$n packets"; return 1; }
	sound
}

# says NAME PATTERN: in the list of packets
says() {
	dissect "$1" | grep -E "$2"
}

tap_start
run_ok "the packets of a script go into a capture" capture all $scripts/runner/dissected.pkt
run_ok "every field is as the script says" same_as_golden
run_ok "no packet breaks a rule" finds all '_ws.expert.severity >= "Error"' 0
run_ok "checksums of the capture are right" finds all 'udp.checksum.status == Good' 31
run_ok "all packets are found by their look, without ports" finds all machnet1 31 ''
run_ok "the list shows flags and ranges" says all 'DATA Seq=1132 Ack=118 Credit=0 Len=3000'
run_ok "the list shows ranges" says all 'ACK Seq=118 Ack=130 .* Sack=1200-1300,132-1132'
run_ok "the list shows codes" says all 'RST.UNKNOWN'
run_ok "a peer without room is noted" finds all machnet1.expert.zero_credit 2

run_ok "packets of another version" capture version $scripts/hostile/version.pkt
run_ok "versions are seen" finds version machnet1.expert.version 4
run_ok "types are seen" finds version machnet1.expert.type 3
run_ok "reserved bits are seen" finds version machnet1.expert.reserved 4
run_ok "none of them is found by its look" finds version machnet1 4 ''

run_ok "packets that are cut" capture short $scripts/hostile/short.pkt
run_ok "they are seen, but for the empty one" finds short machnet1.expert.short 6
run_ok "none of them is found by its look" finds short machnet1 4 ''

run_ok "packets that cannot be true" capture malformed $scripts/hostile/malformed.pkt
run_ok "they are seen" finds malformed machnet1.expert.malformed 11
tap_end
