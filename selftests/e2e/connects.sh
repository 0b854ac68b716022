#!/bin/bash
# SPDX-License-Identifier: MIT
# 10,000 connections between hosts with any numbers of engines: none fails, and none waits for packets to find their way.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

CONNECTS=10000
PROGRAMS=4

# grid A B [OPTION of machnetd...]
grid() {
	local name="$1x$2${3:+ $3}" i clients=()

	here_ok "$name: two daemons" eval "daemon_up a -e $1 ${3-} && daemon_up b -e $2 ${3-}" || return
	for ((i = 0; i < PROGRAMS; i++)); do
		start b "server-$i" "$bin/machnet-bench" server -p $((31600 + i)) --verify
		servers[i]=$started
		wait_for 10 grep -q listening "$work/server-$i.log" || not_ok "$name: server $i" "$(<"$work/server-$i.log")"
	done
	for ((i = 0; i < PROGRAMS; i++)); do
		start a "client-$i" "$bin/machnet-bench" client $IP_B -p $((31600 + i)) --each -w 32 -n $((CONNECTS / PROGRAMS))
		clients+=("$started")
	done
	for ((i = 0; i < PROGRAMS; i++)); do
		here_ok "$name: each of $((CONNECTS / PROGRAMS)) connections is answered" wait "${clients[i]}"
	done
	tap_diag <<<"$name: packets handed over $(counter a rx_misplaced) $(counter b rx_misplaced) of $(counter a rx_packets) $(counter b rx_packets)"
	kill "${servers[@]}"
	here_ok "$name: the daemons end in order" pair_down
}

tap_start
need_root
pair_join a b
for engines in "1 1" "1 4" "4 4" "3 5" "8 8" "16 16"; do
	# shellcheck disable=SC2086 # two words
	grid $engines
done
grid 4 4 --fault=loss=1%
tap_end
