#!/bin/bash
# SPDX-License-Identifier: MIT
# The dissector for Wireshark, on packets of the transport that scripts have captured.
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands tshark
runner=build-san/tests/test_packet_scripts
scripts=selftests/packet
scratch=$(mktemp -d)
at_exit rm -rf "$scratch"
fields=(type path_index engine number frame.type frame.fin stream serial offset len ack.first ack.last accepted drops credit code mss
	window cookie rtt again message.offset message.len)

# What a user has configured must not matter.
export WIRESHARK_CONFIG_DIR=$scratch HOME=$scratch

# One that is installed is loaded anyhow, and none can be loaded twice.
plugins=$(tshark -G folders 2>/dev/null | sed -n 's/^Global Lua Plugins:[ \t]*//p')
load=()
if [ ! -e "$plugins/machnet.lua" ]; then
	load=(-X lua_script:tools/wireshark/machnet.lua)
elif ! cmp -s tools/wireshark/machnet.lua "$plugins/machnet.lua"; then
	skip_all "another version of the dissector is installed"
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
	dissect all -T fields -E header=y -E separator=' ' $(printf -- '-e machnet.%s ' "${fields[@]}") >"$scratch/got"
	diff "$scripts/runner/dissected.golden" "$scratch/got" && sound
}

# finds NAME FILTER N [PORTS [ARG...]]: so many packets
finds() {
	local n

	n=$(dissect "$1" -Y "$2" -o machnet.ports:"${4-61440-61503}" "${@:5}" | wc -l)
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
run_ok "checksums of the capture are right" finds all 'udp.checksum.status == Good' 38
run_ok "all packets are found by their look, without ports" finds all machnet 38 ''
run_ok "the list shows frames" says all 'N=2 ACK 1-2 DATA 0:5\+104 acc=118'
run_ok "the list shows ranges" says all 'ACK 9-10,5-5,1-2 CREDIT 0:'
run_ok "the list shows codes" says all 'RESET.UNKNOWN'
run_ok "an end of a connection is noted" finds all machnet.expert.abort 5
run_ok "a peer without credit is noted" finds all machnet.expert.zero_credit 4

run_ok "packets of another version" capture version $scripts/hostile/version.pkt
run_ok "versions are seen" finds version machnet.expert.version 5 61440-61503
run_ok "types are seen" finds version machnet.expert.type 3 61440-61503
run_ok "reserved bits are seen" finds version machnet.expert.reserved 2 61440-61503
run_ok "none of them is found by its look" finds version machnet 6 ''

run_ok "packets that are cut" capture short $scripts/hostile/short.pkt
run_ok "they are seen, but for the empty one" finds short machnet.expert.short 6 61440-61503
run_ok "none of them is found by its look" finds short machnet 6 ''

run_ok "packets that cannot be true" capture malformed $scripts/hostile/malformed.pkt
run_ok "they are seen" finds malformed machnet.expert.malformed 26 61440-61503
run_ok "frames that are cut" capture frames_cut $scripts/hostile/frames_cut.pkt
run_ok "they are seen" finds frames_cut machnet.expert.short 5 61440-61503
run_ok "frames that are unknown, or have reserved bits" capture unknown $scripts/hostile/frames_unknown.pkt
run_ok "unknown frames are seen" finds unknown machnet.expert.type 2 61440-61503
run_ok "reserved bits of frames are seen" finds unknown machnet.expert.reserved 16 61440-61503
run_ok "frames that cannot be" capture frames $scripts/hostile/frames_that_cannot_be.pkt
run_ok "they are seen" finds frames machnet.expert.malformed 13 61440-61503
tap_end
