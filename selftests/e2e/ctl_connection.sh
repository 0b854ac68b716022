#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl connection and top through a daemon's socket (--control=local): show, filters, kill, rates, and answers that make no sense.
# shellcheck source=selftests/e2e/ctl_fake.sh
. "$(dirname "$0")/ctl_fake.sh"

need_no_module
tap_start
serve good
run_json "all connections" 'length == 2 and .[0].state == "established" and .[0].local_addr == "10.0.0.1" and .[0].local_port == 4000 and
	.[0].remote_addr == "10.0.0.2" and .[0].ifname == "lo" and .[0].engine == 1 and .[0].owner_uid == 0 and .[0].age_ms == 1000 and
	.[0].path == "000000000000aaaa" and .[0].id == "0000000000001111" and (.[0].owner_comm | startswith("python"))' "$ctl" -j connection
run_json "an owner that is gone has neither pid nor uid" '.[1] | has("owner_pid") or has("owner_uid") or has("owner_comm") | not' "$ctl" -j connection
run_says "as text" '^established  10\.0\.0\.1:4001  10\.0\.0\.3:5000  lo +1  - +-    -  ' "$ctl" connection show

# chosen N FILTER...: so many pass.
chosen() {
	local n=$1

	shift
	run_json "$n with: $*" "length == $n" "$ctl" -j connection show "$@"
}
chosen 1 id 2222
chosen 2 local 10.0.0.1
chosen 0 local 10.0.0.9
chosen 1 local-port 4001
chosen 1 remote 10.0.0.3
chosen 0 remote ::1
chosen 2 remote-port 5000
chosen 2 state established
chosen 0 state closing
chosen 2 engine 1
chosen 0 engine 0
chosen 1 user root
chosen 1 user 0
chosen 1 pid "$fake"
chosen 2 dev lo
chosen 2 path aaaa
chosen 0 path aaab
chosen 1 local 10.0.0.1 remote 10.0.0.3 state established
chosen 0 local-port 4000 remote 10.0.0.3
run_refuses "an id that there is not" '^Error: there is no connection of this id' "$ctl" connection show id 3333

# --- kill ---
run_refuses "nothing to kill" '^Error: no connection matches' "$ctl" connection kill remote 10.9.9.9
run_says "one by its id" '^killed 1 connection$' "$ctl" connection kill id 1111
chosen 1 state established
run_json "JSON tells which ones" '. == [{"id": "0000000000002222"}]' "$ctl" -j connection kill all
chosen 0 local 10.0.0.1
serve good
run_says "by a filter" '^killed 2 connections$' "$ctl" connection kill local 10.0.0.1 state established
serve denied
run_refuses "not for everybody" 'root alone \(hint: run it as root\)' "$ctl" connection kill all
serve stubborn
run_refuses "a datapath that does not obey" 'has not ended 2 of 2 connections' "$ctl" connection kill all
serve kernel
run_refuses "a daemon that wants the module" '^Error: the machnet module is not loaded' "$ctl" connection
run_refuses "which kill wants, too" '^Error: the machnet module is not loaded' "$ctl" connection kill all

# --- top ---
serve good
run_json "top: rates, the busiest first" '(.connections | map(.remote_addr)) == ["10.0.0.3", "10.0.0.2"] and .count == 2 and
	(.connections[1].tx_messages_per_second * .seconds | round) == 100 and (.connections[0].tx_bits_per_second * .seconds | round) == 400000 and
	(.connections[0].retransmits_per_second * .seconds | round) == 1 and .connections[0].srtt_us == 45 and .connections[0].cwnd_bytes == 65536 and
	.connections[0].inflight_bytes == 1400 and .connections[0].unsent_bytes == 5000 and .connections[0].waits_for == "peer" and .connections[0].rx_bits_per_second == 0' "$ctl" -j -i 0.05 -c 2 top
run_says "top as text, where the output is no terminal" '^State +Local +Remote +Process +PID ' "$ctl" -i 0.05 -c 1 top
serve good
# 40 columns, 4 lines; q ends it and the terminal is as it was.
run_ok "top on a terminal fits it, and q ends it" python3 "$top/selftests/e2e/ctl_screen.py" 40 4 "$ctl" -i 0.05 top

for mode in huge more fewer no-descriptor pipe unsealed may-shrink two-descriptors short old hang-up; do
	serve $mode
	for command in "-c 1 -i 0.05 top" connection; do
		[ "$command $mode" != "connection old" ] || continue
		# shellcheck disable=SC2086 # several words
		run_refuses "connections that make no sense ($mode): $command" '^Error: (machnetd |the machnet module )' timeout 20 "$ctl" $command
	done
done
serve good
run_ok "many descriptors later none is left open" bash -c "exec 2>/dev/null; ulimit -n 16; '$ctl' -c 40 -i 0.01 -j top >/dev/null"
tap_end
