#!/bin/bash
# SPDX-License-Identifier: MIT
# Four engines on each of two hosts, whose NICs (af_packet's fanout) spread packets by a hash whose key cannot be read: after a
# moment every packet arrives at the engine that it belongs to, whatever pair of engines it joins.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq

ENGINES=4
PORT=31600

fact() {
	on "$1" "$bin/machnetctl" -j device | jq -r ".[0].$2"
}

# pairs HOST: of engines, that a path joins.
pairs() {
	on "$1" "$bin/machnetctl" -j path | jq '[.[] | "\(.engine) \(.remote_engine)"] | unique | length'
}

# Programs that attach one after the other get an engine each.
servers_up() {
	local i

	for ((i = 0; i < ENGINES; i++)); do
		start b "server-$i" "$bin/machnet-bench" server -p $((PORT + i)) --verify
		wait_for 10 grep -q listening "$work/server-$i.log" || return 1
	done
}

# One from each engine to each server: a program per connection, as each gets an engine of its own.
clients_up() {
	local i

	clients=()
	for ((i = 0; i < ENGINES * ENGINES; i++)); do
		start a "client-$i" "$bin/machnet-bench" client $IP_B -p $((PORT + i / ENGINES)) -s 256 --interval 2000 -d 8 --verify
		clients+=("$started")
		wait_for 10 attached $((i + 1)) || return 1
	done
}

attached() {
	[ "$(counter a channels)" = "$1" ]
}

all_pairs() {
	[ "$(pairs a)" = $((ENGINES * ENGINES)) ]
}

misplaced() {
	echo "$(counter a rx_misplaced) $(counter b rx_misplaced)"
}

# While so many packets arrive at each host.
stands_still() {
	local before a b

	before=$(misplaced) a=$(counter a rx_packets) b=$(counter b rx_packets)
	wait_for 5 arrived $((a + 500)) $((b + 500)) && [ "$before" = "$(misplaced)" ]
}

arrived() {
	[ "$(counter a rx_packets)" -gt "$1" ] && [ "$(counter b rx_packets)" -gt "$2" ]
}

paths_are_shown() {
	on "$1" "$bin/machnetctl" -j path |
		jq -e 'any(.[]; .steered) and all(.[]; .rx_local_port >= 61440 and .rx_remote_port >= 61440)' >/dev/null
}

tap_start
pair_up -e $ENGINES || bail "two daemons with $ENGINES engines each"
here_ok "a server on each engine" servers_up
here_ok "$((ENGINES * ENGINES)) programs" clients_up
here_ok "each pair of engines has a path" wait_for 5 all_pairs
here_ok "hand-offs come to an end" wait_for 10 stands_still
for host in a b; do
	run_says "host $host has asked for ports" '^[1-9]' counter $host advices_sent
	run_says "host $host: its queues are known by arrivals" '^labelled$' fact $host rss_class
	here_ok "host $host: paths show where packets come from, and whether ports were asked for" wait_for 5 paths_are_shown $host
done
tap_diag <<<"hand-offs $(misplaced), tuples tried $(counter a candidates_sent) $(counter b candidates_sent), unknown before $(fact a rss_candidates) $(fact b rss_candidates)"
for i in "${!clients[@]}"; do
	wait "${clients[i]}" || not_ok "program $i: every message intact and in order" "$?"
done
ok "every message intact and in order"
here_ok "the daemons end in order" pair_down
tap_end
