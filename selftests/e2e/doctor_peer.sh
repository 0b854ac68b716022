#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl doctor PEER: the daemon asks the peer at the port where hosts are contacted first, with and without a machnetd there.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# finding STATUS TEXT ADDRESS: what host a's doctor says of the address. TEXT is a regular expression.
finding() {
	on a "$bin/machnetctl" -j doctor "$3" |
		jq -e --arg status "$1" --arg text "$2" 'any(.check == "peer" and .status == $status and (.text | test($text)))'
}

connected() {
	on a "$bin/machnetctl" -j connection show remote $IP_B state established | jq -e 'length == 1'
}

no_paths() {
	[ "$(on a "$bin/machnetctl" -j path)" = "[]" ]
}

tap_start
need_root
pair_join a b
daemon_up a -e 2 || bail "a daemon on host a"
run_ok "a host without machnetd does not answer" finding problem "^$IP_B does not answer at UDP port 61440" $IP_B
run_ok "nor over IPv6" finding problem "^$IP6_B does not answer" $IP6_B
run_ok "the question leaves nothing" no_paths
run_ok "a host that is not there cannot be reached" finding problem "^10.77.0.99 cannot be reached: No route to host" 10.77.0.99
run_ok "nor one that no route leads to" finding problem "^192.0.2.1 cannot be reached: Network is unreachable" 192.0.2.1
daemon_up b || bail "a daemon on host b"
run_ok "with machnetd it answers" finding ok "^$IP_B answers at UDP port 61440" $IP_B
run_ok "over IPv6, too" finding ok "^$IP6_B answers" $IP6_B
run_ok "the host itself answers" finding ok "^$IP_A answers" $IP_A
server_up || bail "a server on host b"
start a client "$bin/machnet-bench" client $IP_B -d 60
here_ok "beside connections" wait_for 10 counted b accepts 1
run_ok "it answers" finding ok "^$IP_B answers" $IP_B
run_says "the doctor says so of peers in use without being asked" '"text": *"[1-3] peers? in use, and answers?"' on a "$bin/machnetctl" -j doctor
run_ok "the connection goes on" connected
kill -KILL "$started"
here_ok "paths that nothing uses go" wait_for 40 no_paths
here_ok "the daemons end in order" pair_down
tap_end
