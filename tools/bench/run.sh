#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh - the benchmark suite behind "make bench"
#
# Worlds of two hosts each, as network namespaces, with a client here and a server there: two daemons joined by
# memif (shared memory, no kernel) or by veth (af_packet), with and without faults, and the kernel's sockets over
# veth. Within a round the worlds take turns; of the rounds the medians count. table.py makes the table.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/../../selftests/e2e/pair.sh"

# The largest packet of the memif worlds, and the driver's buffers, of which one has to hold it.
memif_mtu=${MEMIF_MTU:-9000}
memif_options=socket-abstract=no,rsize=8,bsize=$(((memif_mtu + 128 + 2047) / 2048 * 2048))
fault_loss="loss=1,seed=7"
fault_loss10="loss=10,seed=7"
fault_single="loss=0.5,seed=7"		# so rare that hardly ever two hit the same message
fault_reorder="reorder=5%:8,seed=7"
interval_us=300				# between messages of a connection that is otherwise idle
raw_window=128				# packets; more do not make af_packet faster
neighbour_port=31581			# servers besides the measured one
echo_port=31582
hostile_pause_us=100

works=("64-w1" "64-w32" "1K-w32" "32K-w32")
words=${BENCH:-}
results=''
distances=()				# between the processors, as it was from time to time
failed=0

usage() {
	cat <<-EOF
	Usage: run.sh [SECONDS [ROUNDS]]
	Runs each measurement ROUNDS times (default 5) for SECONDS (default 0.7) and prints the medians beside the bars;
	writes build/bench.json (or BENCH_JSON). Takes some five minutes by default. Needs root.

	BENCH="WORD..." in the environment: only measurements whose name contains one of the words. The names are
	WORK/WORLD: ${works[*]} connect each loss loss10 single reorder many connections-64 connections-8K
	same-host engines stopped-reader stuck deaf-client hostile stack steer; memif crossed veth udp udp-busy tcp tcp-busy tcp-batch
	tcp-batch-busy raw exchange idle ring holes first. Example: BENCH="w1/ loss" make bench
	MEMIF_MTU=BYTES in the environment: the MTU of the memif worlds (default 9000).
	Exit status: 0, or 1 when a run failed; a bar that is missed is no failure.
	EOF
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
seconds=${1:-0.7}
rounds=${2:-5}

# wanted WORK/WORLD
wanted() {
	local word

	[ -n "$words" ] || return 0
	for word in $words; do
		[[ $1 != *"$word"* ]] || return 0
	done
	return 1
}

# any_wanted NAME...: a world is made only if somebody wants it.
any_wanted() {
	local name

	for name in "$@"; do
		! wanted "$name" || return 0
	done
	return 1
}

complain() {
	printf '\r%-70s\rError: %s\n' '' "$*" >&2
	failed=1
}

die() {
	complain "$*"
	tail -n 5 "$work"/*.log >&2
	exit 1
}

# The processor of a host's daemon and of its applications.
declare -A daemon_cpu app_cpu
crossed=0
two=$(($(nproc) > 1))

# place WORLD: the hosts WORLD-a and WORLD-b.
place() {
	app_cpu[$1-a]=0
	app_cpu[$1-b]=$two
	daemon_cpu[$1-a]=$((crossed ? two : 0))
	daemon_cpu[$1-b]=$((crossed ? 0 : two))
}

# up HOST NAME WORD CMD...: in the background, until its output has the word. Process id in started.
up() {
	start "$1" "$2" taskset -c "${app_cpu[$1]}" "${@:4}"
	wait_for 20 grep -q "$3" "$work/$2.log" || die "$2 does not start"
}

# --- worlds: hosts WORLD-a and WORLD-b, a daemon on each, a server on b ---

# serve HOST OPTION of machnetd...
serve() {
	start "$1" "machnetd-$1" taskset -c "${daemon_cpu[$1]}" "$bin/machnetd" --control=local "${@:2}"
	daemon[$1]=$started
	wait_for 20 grep -q serving "$work/machnetd-$1.log" || die "the daemon of $1 does not start"
}

server_of() {
	up "$1-b" "server-$1" listening "$bin/machnet-bench" server
}

# world_memif WORLD [OPTION of machnetd...]
world_memif() {
	local a b vdev="net_memif0,socket=$work/$1.sock,$memif_options"

	netns_new a
	netns_new b
	ns[$1-a]=$a
	ns[$1-b]=$b
	place "$1"
	serve "$1-a" --vdev "$vdev,role=server" --mtu "$memif_mtu" -a "$IP_A/24" "${@:2}"
	# Without hugepages the driver cannot share its buffers.
	grep -q 'running without' "$work/machnetd-$1-a.log" || vdev+=,zero-copy=yes
	serve "$1-b" --vdev "$vdev,role=client" --mtu "$memif_mtu" -a "$IP_B/24" "${@:2}"
	server_of "$1"
}

# The same with applications and daemons the other way round.
world_crossed() {
	any_wanted "${works[@]/%//crossed}" || return 0
	crossed=1
	world_memif crossed
	crossed=0
}

# world_veth WORLD [OPTION of machnetd...]
world_veth() {
	pair_join "$1-a" "$1-b"
	place "$1"
	serve "$1-a" -i eth0 "${@:2}"
	serve "$1-b" -i eth0 "${@:2}"
	server_of "$1"
}

# only WORLD: the other worlds' daemons stand still: some cannot sleep until a packet comes, and would disturb it.
only() {
	local host

	for host in "${!daemon[@]}"; do
		case $host in
		"$1"-[ab]) kill -CONT "${daemon[$host]}" ;;
		*) kill -STOP "${daemon[$host]}" ;;
		esac
	done
}

world_down() {
	only "$1"
	stop "${daemon[$1-a]}" && stop "${daemon[$1-b]}" || complain "the daemons of $1 did not end in order"
	unset "daemon[$1-a]" "daemon[$1-b]"
}

# --- measurements ---

progress() {
	printf '\r%-70s' "round $round of $rounds: $1" >&2
}

# stats WORLD: the counters of both daemons, as a list; of none where there are none.
stats() {
	local host

	for host in "$1-a" "$1-b"; do
		[ -z "${daemon[$host]:-}" ] || on "$host" "$bin/machnetctl" -j stats 2>>"$work/machnetctl.log"
	done | jq -cs .
}

# record WORK WORLD BEFORE AFTER: the report in $work/report.
record() {
	jq -c --arg work "$1" --arg world "$2" --argjson round "$round" --argjson before "$3" --argjson after "$4" \
		'{$work, $world, $round, $before, $after, report: .}' "$work/report" >>"$results"
}

# client WORK WORLD HOSTS ADDRESS OPTION...: from HOSTS-a.
client() {
	local before

	wanted "$1/$2" || return 0
	progress "$1/$2"
	only "$3"
	before=$(stats "$3")
	if on "$3-a" taskset -c "${app_cpu[$3-a]}" "$bin/machnet-bench" client "$4" -d "$seconds" --json "${@:5}" \
		>"$work/report" 2>"$work/client.log"; then
		record "$1" "$2" "$before" "$(stats "$3")"
	else
		complain "$1/$2: $(grep machnet-bench: "$work/client.log")"
	fi
}

# options WORK: "64-w32" as options of the client.
options() {
	echo "-s ${1%-w*} -w ${1#*-w}"
}

# sockets WORK WORLD: the server only runs meanwhile, since a busy one takes a processor.
sockets() {
	local transport=${2%%-*} flags=''

	wanted "$1/$2" || return 0
	[[ $2 != *-busy ]] || flags=--busy
	case $2 in tcp | tcp-busy) flags+=" -b 1" ;; esac
	# shellcheck disable=SC2086 # words
	up sockets-b "server-$2" listening "$bin/machnet-bench" server -t "$transport" $flags
	# shellcheck disable=SC2046,SC2086 # words
	client "$1" "$2" sockets "$IP_B" $(options "$1") -t "$transport" $flags
	stop "$started" || complain "$2: the server did not end in order"
}

# raw WORK BYTES
raw() {
	local device=net_af_packet0,iface=eth0,qpairs=1

	wanted "$1/raw" || return 0
	only raw
	up raw-b raw ready "$bin/bench-packets" $device echo
	progress "$1/raw"
	if on raw-a taskset -c "${app_cpu[raw-a]}" "$bin/bench-packets" $device flood "$2" $raw_window "$seconds" >"$work/report" 2>"$work/client.log"
	then
		record "$1" raw '[]' '[]'
	else
		complain "$1/raw: $(tail -n 1 "$work/client.log")"
	fi
	stop "$started" || complain "raw: the other side did not end in order"
}

# stack NAME: in bench-stack, without hosts.
stack() {
	wanted "stack/$1" || return 0
	progress "stack/$1"
	only none
	if taskset -c 0 "$bin/bench-stack" "$1" >"$work/report" 2>"$work/client.log"; then
		record stack "$1" '[]' '[]'
	else
		complain "stack/$1: $(<"$work/client.log")"
	fi
}

# Ports for the queues of software NICs, in bench-steer: seeds decide, so that one run is enough.
steer() {
	wanted steer/all || return 0
	progress steer
	only none
	if "$bin/bench-steer" --json >"$work/report" 2>"$work/client.log"; then
		record steer all '[]' '[]'
	else
		complain "steer: $(<"$work/client.log")"
	fi
}

# each_round CMD...: with round set.
each_round() {
	for ((round = 1; round <= rounds; round++)); do
		"$@"
	done
	distances+=("$("$bin/bench-line" 2>&1)")
}

# --- the rows of the table ---

main_round() {
	local name world

	for name in "${works[@]}"; do
		for world in memif crossed veth; do
			# shellcheck disable=SC2046 # words
			client "$name" $world $world "$IP_B" $(options "$name")
		done
		for world in udp udp-busy tcp tcp-busy; do
			sockets "$name" $world
		done
		[ "$name" = 64-w1 ] || for world in tcp-batch tcp-batch-busy; do
			sockets "$name" $world
		done
	done
	client connect memif memif "$IP_B" --connect 200
	client each memif memif "$IP_B" --each -w 64
	raw 64-w32 64
	raw 32K-w32 1514
}

# fault WORK: OPTION of the client...: with faults (memif-WORK) and without.
fault() {
	any_wanted "$1/memif" "$1/memif-$1" || return 0
	client "$1" memif memif "$IP_B" "${@:2}"
	client "$1" "memif-$1" "memif-$1" "$IP_B" "${@:2}"
}

# fault_rows WORK FAULT OPTION of the client...
fault_rows() {
	any_wanted "$1/memif" "$1/memif-$1" || return 0
	world_memif "memif-$1" --fault "$2"
	each_round fault "$1" "${@:3}"
	world_down "memif-$1"
}

connections_round() {
	local n

	for n in 1 100 1000 10000; do
		client connections-64 $n memif "$IP_B" -s 64 -w 32 -c $n
	done
	# The packets that they take besides: to be opened, greeted and closed.
	client connections-0 10000 memif "$IP_B" -s 64 -w 32 -c 10000 -n 32
	for n in 1 10000; do
		client connections-8K $n memif "$IP_B" -s 8K -w 32 -c $n
	done
}

# A message under way on each of thousands of connections.
many_round() {
	local n

	for n in 100 3000 10000; do
		client many $n veth "$IP_B" -s 64 -w $n -c $n
	done
}

# More engines than there are processors to spare.
engines_round() {
	client engines 1 veth "$IP_B" -s 64 -w 32
	client engines 2 veth2 "$IP_B" -s 64 -w 32
}

engines_rows() {
	any_wanted engines/1 engines/2 || return 0
	world_veth veth2 -e 2
	each_round engines_round
	world_down veth2
}

same_host_round() {
	client same-host 64-w1 memif "$IP_A" -p $neighbour_port -s 64 -w 1
	client same-host 64-w32 memif "$IP_A" -p $neighbour_port -s 64 -w 32
	client same-host 32K-w32 memif "$IP_A" -p $neighbour_port -s 32K -w 32
}

same_host_rows() {
	any_wanted same-host/{64-w1,64-w32,32K-w32} || return 0
	only memif
	up memif-a server-same-host listening "$bin/machnet-bench" server -p $neighbour_port
	each_round same_host_round
	stop "$started" || complain "same host: the server did not end in order"
}

# What host a has sent no longer grows: the sender waits for the reader.
sender_waits() {
	local before

	before=$(counter memif-a tx_messages 2>/dev/null)
	tick 0.2
	[ "$(counter memif-a tx_messages 2>/dev/null)" = "$before" ]
}

stopped_reader_round() {
	local reader sender

	client stopped-reader alone memif "$IP_B" -s 64 -w 1
	wanted stopped-reader/beside || return 0
	only memif
	up memif-b stopped-reader listening "$bin/machnet-bench" server -p $neighbour_port
	reader=$started
	start memif-a sender taskset -c "${app_cpu[memif-a]}" "$bin/machnet-bench" client "$IP_B" -p $neighbour_port -s 1K -w 65536 -d 3600
	sender=$started
	wait_for 10 grep -q connected "$work/stopped-reader.log" || complain "nobody sends to the stopped reader"
	kill -STOP $reader
	wait_for 20 sender_waits || complain "the stopped reader does not stop its sender"
	client stopped-reader beside memif "$IP_B" -s 64 -w 1
	kill -KILL $sender $reader
	wait $sender $reader 2>/dev/null
}

# One of the connections of a channel is to a server that never reads.
stuck_round() {
	local reader

	client stuck alone memif "$IP_B" -s 64 -w 32 -c 1000
	wanted stuck/beside || return 0
	only memif
	up memif-b stuck-reader listening "$bin/machnet-bench" server -p $neighbour_port
	reader=$started
	kill -STOP $reader
	client stuck beside memif "$IP_B" -s 64 -w 32 -c 1000 --stuck $neighbour_port
	kill -KILL $reader
	wait $reader 2>/dev/null
}

# One server, two clients: one sends and never receives. 32 KiB fill the channel's buffers, 1 KiB the engine's memory.
deaf_client_round() {
	local server deaf=() size

	any_wanted deaf-client/alone deaf-client/beside || return 0
	only memif
	up memif-b echo listening "$bin/echo_epoll"
	server=$started
	client deaf-client alone memif "$IP_B" -p $echo_port -s 64 -w 1
	for size in 1024 32768; do
		start memif-a deaf-$size "$bin/deaf" "$IP_B" $echo_port $size $((size > 1024 ? 80000000 : 20000000))
		deaf+=("$started")
		wait_for 20 grep -q sent "$work/deaf-$size.log" || complain "the deaf client does not get so far"
	done
	client deaf-client beside memif "$IP_B" -p $echo_port -s 64 -w 1
	kill -KILL "${deaf[@]}" $server
	wait "${deaf[@]}" $server 2>/dev/null
}

hostile_round() {
	local pids=() host before

	client hostile alone memif "$IP_B" -s 64 -w 1
	wanted hostile/beside || return 0
	only memif
	for host in a b; do
		before=$(counter memif-$host channels_corrupt)
		# Wherever the kernel puts it. When it has had its burst of channels the daemon slows it down.
		start memif-$host hostile-$host "$bin/hostile" 3600 "$round" $hostile_pause_us
		pids+=("$started")
		wait_for 10 counted memif-$host channels_corrupt $((before + 40)) ||
			complain "the hostile program does nothing"
	done
	client hostile beside memif "$IP_B" -s 64 -w 1
	kill -KILL "${pids[@]}"
	wait "${pids[@]}" 2>/dev/null
}

need_root
need_commands ip jq python3 taskset
results=$work/results.jsonl
: >"$results"
world_memif memif
world_crossed
world_veth veth
pair_join sockets-a sockets-b
place sockets
pair_join raw-a raw-b
place raw
each_round main_round
each_round many_round
engines_rows
world_down veth
[ -z "${daemon[crossed-a]:-}" ] || world_down crossed
fault_rows loss "$fault_loss" -s 32K -w 32
fault_rows loss10 "$fault_loss10" -s 32K -w 32
fault_rows single "$fault_single" -s 64 --interval $interval_us -d "$(jq -n "$seconds * 3")"
fault_rows reorder "$fault_reorder" -s 32K -w 32
each_round connections_round
same_host_rows
each_round stopped_reader_round
each_round stuck_round
each_round deaf_client_round
each_round hostile_round
each_round stack exchange
# Virtual time, and memory: the same in each round.
round=1
for name in idle ring holes first; do
	stack $name
done
steer
printf '\r%-70s\r' '' >&2

"$(dirname "$0")/table.py" "$results" "${BENCH_JSON:-$top/build/bench.json}" "seconds=$seconds" "rounds=$rounds" \
	"memif MTU=$memif_mtu" "hugepages=$(grep -q 'running without' "$work"/machnetd-*.log && echo no || echo yes)" \
	"version=$("$bin/machnetd" -V)" || failed=1
printf 'The processors, after each part: %s\n' "${distances[@]}"
exit $failed
