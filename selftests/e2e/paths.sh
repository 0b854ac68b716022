#!/bin/bash
# SPDX-License-Identifier: MIT
# Several paths between two daemons, over a wire that knows them:
#
#   namespace a  10.77.0.1 -- eth0 ==== left  namespace w (wire.py)  right ==== eth0 -- 10.77.0.2  namespace b
#
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq python3

PATHS=4
e2e=$(dirname "$0")

# host NAME IFACE CIDR: a namespace whose eth0 is the other end of IFACE of the wire.
host() {
	local name

	netns_new name
	ns[$1]=$name
	ip -n "${ns[w]}" link add "$2" type veth peer name eth0 netns "$name"
	ip -n "${ns[w]}" link set "$2" up
	ip -n "$name" addr add "$3" dev eth0
	ip -n "$name" link set eth0 up
}

wire_up() {
	local name

	netns_new name
	ns[w]=$name
	sysctl_w net.ipv6.conf.all.disable_ipv6=1
	host a left $IP_A/24
	host b right $IP_B/24
	mkfifo "$work/wire.in"
	# Open at both ends: neither waits for the other.
	exec {wire}<>"$work/wire.in"
	start w wire python3 "$e2e/wire.py" left right "$work/wire.in"
	wait_for 10 grep -q ready "$work/wire.log"
}

sysctl_w() {
	ip netns exec "${ns[w]}" sysctl -qw "$1"
}

# wire COMMAND...: prints its answer.
wire() {
	local n

	n=$(wc -l <"$work/wire.log")
	echo "$@" >&"$wire"
	wait_for 10 answered "$n" && tail -n 1 "$work/wire.log"
}

answered() {
	[ "$(wc -l <"$work/wire.log")" -gt "$1" ]
}

# flows: "PORT PORT PACKETS", one a line.
flows() {
	wire flows | xargs -n 3
}

# carrying MIN: how many flows have carried as many packets.
carrying() {
	flows | awk -v min="$1" '$3 >= min' | wc -l
}

# clients_up SECONDS
clients_up() {
	local i

	clients=()
	for ((i = 1; i <= PATHS; i++)); do
		start a "client-$i" "$bin/machnet-bench" client $IP_B -s 1K --interval 500 -d "$1" --verify
		clients+=("$started")
	done
}

# paths_of HOST: "ID PORT:PORT PACKETS LOST" of each of its paths, one a line.
paths_of() {
	on "$1" "$bin/machnetctl" -j path |
		jq -r '.[] | "\(.id) \(.tx_local_port):\(.tx_remote_port) \(.tx_packets) \(.tx_lost)"' | sort
}

# first_flow: the ports of a path, the smaller one first.
first_flow() {
	paths_of a | tr ':' ' ' | awk 'NR == 1 { print $2 < $3 ? $2 " " $3 : $3 " " $2 }'
}

# tuples HOST MIN: how many its paths have that have carried as many packets.
tuples() {
	paths_of "$1" | awk -v min="$2" '$3 >= min { print $2 }' | sort -u | wc -l
}

# One path has lost packets, and of all that were lost at least half: a host that is busy takes some of
# the others' for lost, too.
one_loses() {
	paths_of a | join "$work/before" - | awk '{ n = $7 - $4; sum += n; if (n > most) most = n }
		END { exit !(most >= 20 && most >= 0.5 * sum) }'
}

# is_on FLOW: a path uses these ports.
is_on() {
	paths_of a | tr ':' ' ' | awk -v flow="$1" '{ f = $2 < $3 ? $2 " " $3 : $3 " " $2 } f == flow { n++ } END { exit !n }'
}

# A host that is busy may see so many timeouts that the path changes its port.
harmed() {
	one_loses || ! is_on "$1"
}

test_spread() {
	run_ok "12 connections" on a "$bin/machnet-bench" client $IP_B -c 12 -s 4K -w 12 -n 2400 --verify
	for host in a b; do
		run_says "host $host has $PATHS paths" "^$PATHS\$" counter $host paths
	done
	for host in a b; do
		run_says "each is a flow of its own, and carries its part" "^$PATHS\$" tuples $host 200
	done
	run_ok "as the wire has seen, too" test "$(carrying 500)" -ge $PATHS
}

# The connections of four programs get the paths that there are, one each.
test_loss() {
	local i flow

	clients_up 8
	run_ok "messages flow" wait_for 10 flowing
	flow=$(first_flow)
	paths_of a >"$work/before"
	run_says "a path that loses one of twenty packets" "done" wire lose "$flow" 0.05
	run_ok "harms the connection that it has" wait_for 10 harmed "$flow"
	for ((i = 1; i <= PATHS; i++)); do
		here_ok "program $i loses nothing" wait "${clients[i - 1]}"
	done
	run_says "no other path was opened" "^$PATHS\$" counter a paths
}

# both COUNTER: the sum of both hosts.
both() {
	echo $(($(counter a "$1") + $(counter b "$1")))
}

# moved CHANGED FOLLOWED: more paths than that have changed ports, at the host that noticed first, and the other one followed.
moved() {
	[ "$(both tuples_changed)" -gt "$1" ] && [ "$(both tuples_followed)" -gt "$2" ]
}

# What a broken switch does to the flows that are hashed to it. The path goes around, and no connection ends.
test_broken() {
	local i before

	before=("$(both tuples_changed)" "$(both tuples_followed)")
	clients_up 4
	run_ok "messages flow" wait_for 10 flowing
	run_says "a flow of which all packets are lost" "done" wire lose "$(first_flow)" 1
	here_ok "its path takes another one" wait_for 10 moved "${before[@]}"
	for ((i = 1; i <= PATHS; i++)); do
		here_ok "program $i loses nothing" wait "${clients[i - 1]}"
	done
	run_says "no path was opened or has ended" "^$PATHS 0\$" echo "$(counter a paths_opened) $(counter a paths_ended)"
	run_ok "there are more flows" test "$(carrying 500)" -gt $PATHS
}

# flowing: all programs have connections.
flowing() {
	on a "$bin/machnetctl" -j -c 1 top >"$work/top.json" && [ "$(jq '.connections | length' "$work/top.json")" = $PATHS ]
}

tap_start
need_root
wire_up || bail "a wire"
daemon_up a --paths=$PATHS && daemon_up b || bail "two daemons"
server_up --verify || bail "a server"
test_spread
test_loss
test_broken
kill "$server"
here_ok "the daemons end in order" pair_down
tap_end
