#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh - the main job of Machnet from end to end, between two hosts
#
#   host a  10.77.0.1 ------------------ 10.77.0.2  host b
#
# DEMO=vm (default): two VMs with machnet.ko, each with its NIC under DPDK.
# DEMO=netns: two network namespaces with af_packet and --control=local.
#
# Every step must succeed; the first one that fails ends the demo with status 1.
top=$(cd "$(dirname "$0")/../.." && pwd)
world=${DEMO:-vm}
began=$SECONDS
rows=()
set -u -o pipefail

die() {
	printf '\nFAILED: %s\n' "$*" >&2
	[ -z "${work:-}" ] || tail -n 10 "$work"/*.log >&2
	exit 1
}

say() { printf '\n== %s\n' "$*"; }
row() { rows+=("$1|$2"); }
ip_of() { if [ "$1" = a ]; then echo "$IP_A"; else echo "$IP_B"; fi; }
peer_of() { if [ "$1" = a ]; then echo b; else echo a; fi; }

# show HOST CMD...: runs a command on a host the way a person would, and shows it.
show() {
	local host=$1
	shift
	printf '%s# %s\n' "$host" "${*//$bin\//}"
	on "$host" "$@" || die "on host $host: ${*//$bin\//}"
}

# until_true SECONDS WHAT CMD...: polls.
until_true() {
	local seconds=$1 what=$2
	shift 2
	wait_for "$seconds" "$@" || die "waited in vain for: $what"
}

case $world in
vm | netns) ;;
*) die "DEMO=$world: want vm or netns" ;;
esac
# shellcheck disable=SC1090
. "$top/tools/demo/$world.sh"

start_daemons() {
	local host
	for host in a b; do
		world_daemon "$host"
	done
	for host in a b; do
		until_true 60 "machnetd on host $host" on "$host" "$bin/machnetctl" stats
	done
}

# hello_to SERVER: a program listens on one host, another one says hello to it.
hello_to() {
	local server=$1 client text
	client=$(peer_of "$server")
	text="hello from host $client"
	on_bg "$server" "hello-$server" "$bin/hello" listen
	until_true 20 "hello to listen on host $server" grep -q listening "$work/hello-$server.log"
	show "$client" "$bin/hello" "$(ip_of "$server")" "$text"
	until_true 5 "the message on host $server" grep -qF "$text" "$work/hello-$server.log"
	sed "s/^/$server> /" "$work/hello-$server.log"
	stop_bg "$server" "hello-$server"
	row "hello, $client to $server" "delivered and answered"
}

# json KEY FILE: a number of machnet-bench's report, with three digits that count.
json() { jq -er ".$1 | if . >= 100 then round elif . >= 0.01 then (. * 1000 | round) / 1000 else . end" "$2" || die "no $1 in the report of machnet-bench"; }

# bench NAME SIZE WINDOW SECONDS [OPTION...]
bench() {
	local name=$1 size=$2 window=$3 seconds=$4 out=$work/bench.json
	shift 4
	printf 'a# machnet-bench client %s -s %s -w %s -d %s %s\n' "$IP_B" "$size" "$window" "$seconds" "$*"
	on a "$bin/machnet-bench" client "$IP_B" -s "$size" -w "$window" -d "$seconds" --json "$@" > "$out" ||
		die "machnet-bench $name"
	row "$name" "$(printf '%s msg/s each way, %s Gbit/s, p50 %s us, p99 %s us' \
		"$(json rate "$out")" "$(json gbps "$out")" "$(json p50_us "$out")" "$(json p99_us "$out")")"
	printf '   %s\n' "${rows[-1]#*|}"
}

say "world: $(world_name)"
world_up
say "machnetd on both hosts"
start_daemons
world_log a
world_log b

say "hello in both directions"
hello_to b
hello_to a

say "ping of the peer"
show a ping -c 3 -i 0.2 -W 2 "$IP_B"
row "ping through the kernel" "3 of 3 answered"

say "machnet-bench: a server on host b, a client on host a"
on_bg b bench-server "$bin/machnet-bench" server
until_true 20 "machnet-bench to listen" grep -q listening "$work/bench-server.log"
bench "1 MiB, verified by checksum" 1M 1 1 --verify
world_objects
bench "64 B, window 1" 64 1 2
bench "64 B, window 32" 64 32 2
bench "32 KiB, window 32" 32K 32 2
printf 'a# machnet-bench client %s --connect 20\n' "$IP_B"
on a "$bin/machnet-bench" client "$IP_B" --connect 20 --json > "$work/connect.json" || die "machnet-bench --connect"
row "attach / listen, p50" "$(json attach_p50_us "$work/connect.json") / $(json listen_p50_us "$work/connect.json") us"
row "connect / refused, p50" "$(json connect_p50_us "$work/connect.json") / $(json refused_p50_us "$work/connect.json") us"
stop_bg b bench-server

say "end"
world_finish

say "what was measured ($(world_name))"
for r in "${rows[@]}"; do
	printf '  %-32s %s\n' "${r%%|*}" "${r#*|}"
done
printf '  %-32s %s s\n' "the whole demo" $((SECONDS - began))
