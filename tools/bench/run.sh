#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh - the benchmark suite behind "make bench"
#
# Two daemons on this machine, each with one engine, and a client and a server program: four busy threads
# on the cores there are. Joined by memif (shared memory, no kernel) and by veth (af_packet). Every row is
# run ROUNDS times, the worlds in turn, and the medians are printed.
#
# usage: run.sh [SECONDS [ROUNDS]]
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/../../selftests/e2e/pair.sh"

seconds=${1:-2}
rounds=${2:-3}
rows=("64 1" "64 32" "1K 1" "1K 32" "32K 32")

die() {
	echo "Error: $*" >&2
	tail -n 5 "$work"/*.log >&2
	exit 1
}

# run HOST NAME WORD CMD...: in the background, until its output has the word.
run() {
	start "$1" "$2" "${@:4}"
	wait_for 20 grep -q "$3" "$work/$2.log" || die "$2 does not start"
}

# serve HOST OPTION...: a daemon.
serve() {
	run "$1" "machnetd-$1" serving "$bin/machnetd" --control=local "${@:2}"
}

# Hosts of a world are WORLD-a and WORLD-b.
world_memif() {
	local a b vdev="net_memif0,socket=$work/memif.sock,socket-abstract=no"

	netns_new a
	netns_new b
	ns[memif-a]=$a
	ns[memif-b]=$b
	serve memif-a --vdev "$vdev,role=server" -a "$IP_A/24"
	serve memif-b --vdev "$vdev,role=client" -a "$IP_B/24"
}

world_veth() {
	pair_join veth-a veth-b
	serve veth-a -i eth0
	serve veth-b -i eth0
}

# measure WORLD SIZE WINDOW ROUND
measure() {
	on "$1-a" "$bin/machnet-bench" client "$IP_B" -s "$2" -w "$3" -d "$seconds" --json \
		>"$work/result-$1-$2-$3-$4.json" || die "$1: $2, window $3"
}

# median WORLD SIZE WINDOW KEY
median() {
	jq -s "map(.$4) | sort | .[length / 2 | floor]" "$work/result-$1-$2-$3"-*.json
}

need_root
need_commands ip jq
for world in memif veth; do
	world_$world
	run $world-b $world-server listening "$bin/machnet-bench" server
done
for ((round = 1; round <= rounds; round++)); do
	for row in "${rows[@]}"; do
		for world in memif veth; do
			printf '\r%-60s' "round $round of $rounds: $world, $row" >&2
			# shellcheck disable=SC2086
			measure $world $row $round
		done
	done
done
printf '\r%-60s\r' '' >&2

echo "$(nproc) cores shared by 2 daemons, client and server; $rounds rounds of $seconds s, medians"
printf '%-6s %-6s %6s %14s %10s %10s %10s %12s\n' world size window 'messages/s' Gbit/s 'p50 us' 'p99 us' 'p99.9 us'
for world in memif veth; do
	for row in "${rows[@]}"; do
		read -r size window <<<"$row"
		printf '%-6s %-6s %6s' $world "$size" "$window"
		for key in rate gbps p50_us p99_us p999_us; do
			printf ' %12s' "$(median $world "$size" "$window" $key)"
		done
		echo
	done
done
