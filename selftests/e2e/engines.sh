#!/bin/bash
# SPDX-License-Identifier: MIT
# Several engines: programs are spread over them, and packets that arrive at the wrong one are handed to the right one.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# A new instance of a draws new ports for its paths: each time another chance for a packet to arrive at the wrong engine.
hands_over() {
	local try

	for ((try = 0; try < 20; try++)); do
		[ "$(counter "$1" handoff_sent)" = 0 ] || return 0
		stop "${daemon[a]}" && daemon_up a -e 2 || return 1
		on a "$bin/machnet-bench" client $IP_B -p 31591 --connect 2 >/dev/null || return 1
		on a "$bin/machnet-bench" client $IP_B -p 31592 --connect 2 >/dev/null || return 1
	done
	return 1
}

tap_start
pair_up -e 2 || bail "two daemons with two engines each"
engines=$(on b "$bin/machnetctl" -j stats | jq '[keys[] | select(startswith("engine")) | split(".")[0]] | unique | length')
if [ "$engines" = 2 ]; then ok "two engines run"; else not_ok "two engines run" "$engines"; fi
# One program after another: each gets the engine with the fewest.
for port in 31591 31592; do
	start b "server-$port" "$bin/machnet-bench" server -p $port --verify
	here_ok "a server on port $port" wait_for 10 grep -q listening "$work/server-$port.log"
done
clients=()
for i in 1 2 3 4; do
	start a "client-$i" "$bin/machnet-bench" client $IP_B -p $((31591 + i % 2)) -s $((200 * i)) -w 8 -n 5000 --verify
	clients+=("$started")
done
for i in 1 2 3 4; do
	here_ok "client $i: every message intact and in order" wait "${clients[i - 1]}"
done
run_ok "24 connections" on a "$bin/machnet-bench" client $IP_B -p 31591 --connect 24
for host in a b; do
	for engine in engine0 engine1; do
		n=$(on $host "$bin/machnetctl" -j stats | jq ".\"$engine.rx_messages\"")
		if [ "$n" -gt 0 ]; then ok "$engine of host $host carries messages"; else
			not_ok "$engine of host $host carries messages" "$n"; fi
	done
done
for host in a b; do
	here_ok "host $host hands packets over" hands_over $host
done
here_ok "the daemons end in order" pair_down
tap_end
