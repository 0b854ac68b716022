#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl path through a daemon's socket (--control=local): what it shows, filters, and answers that make no sense.
# shellcheck source=selftests/e2e/ctl_fake.sh
. "$(dirname "$0")/ctl_fake.sh"

need_no_module
tap_start
serve good
run_json "all paths" '. == [
	{"state": "open", "local_addr": "10.0.0.1", "tx_local_port": 61441, "remote_addr": "10.0.0.2", "tx_remote_port": 61440,
	 "rx_local_port": 61450, "rx_remote_port": 61451, "ifindex": 1, "ifname": "lo", "engine": 1, "remote_engine": 3,
	 "mac": "02:00:00:00:00:09", "mtu": 1500, "connections": 2, "srtt_us": 45, "rttvar_us": 5, "rto_us": 1000,
	 "packet_bytes": 1472, "rx_packets": 900, "tx_frames": 2500, "rx_frames": 2400, "cwnd_packets": 16, "window_packets": 60,
	 "inflight_packets": 4, "tx_packets": 1000, "tx_lost": 7, "tx_frames_per_packet": 2.5, "rx_misplaced": 5,
	 "steered": true, "confined": false, "age_ms": 2000,
	 "id": "000000000000aaaa"},
	{"state": "opening", "local_addr": "10.0.0.1", "tx_local_port": 61442, "remote_addr": "10.0.0.1", "tx_remote_port": 61440,
	 "rx_local_port": 0, "rx_remote_port": 0, "ifindex": 1, "ifname": "lo", "engine": 0, "mtu": 0, "connections": 0,
	 "srtt_us": 0, "rttvar_us": 0, "rto_us": 1000000, "packet_bytes": 1200, "rx_packets": 0, "tx_frames": 0, "rx_frames": 0,
	 "cwnd_packets": 1, "window_packets": 1, "inflight_packets": 0, "tx_packets": 0, "tx_lost": 0, "rx_misplaced": 0, "steered": false,
	 "confined": false, "age_ms": 1,
	 "id": "000000000000bbbb"}]' "$ctl" -j path
run_says "as text" '^open +10\.0\.0\.1:61441  10\.0\.0\.2:61440  lo +1 +3  02:00:00:00:00:09  1500 +2 +45 +16 +60 +4  1000 +7 +2\.5 +5' "$ctl" path show
run_says "what is not there is a dash" '^opening  10\.0\.0\.1:61442  10\.0\.0\.1:61440  lo +0 +-  - ' "$ctl" path show

# chosen N FILTER...: so many pass.
chosen() {
	local n=$1

	shift
	run_json "$n with: $*" "length == $n" "$ctl" -j path show "$@"
}
chosen 1 id aaaa
chosen 2 dev lo
chosen 2 local 10.0.0.1
chosen 0 local 10.0.0.2
chosen 1 remote 10.0.0.2
chosen 0 remote ::1
chosen 1 engine 1
chosen 1 remote-engine 3
chosen 0 remote-engine 127
chosen 1 state open
chosen 1 state opening
chosen 0 state open engine 0
run_refuses "an id that there is not" '^Error: there is no path of this id' "$ctl" path show id 3333
serve kernel
run_refuses "a daemon that wants the module" '^Error: the machnet module is not loaded' "$ctl" path
for mode in huge more fewer no-descriptor pipe unsealed may-shrink two-descriptors short hang-up; do
	serve $mode
	run_refuses "paths that make no sense ($mode)" '^Error: (machnetd |the machnet module )' timeout 20 "$ctl" path
done
tap_end
