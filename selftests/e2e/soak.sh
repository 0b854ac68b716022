#!/bin/bash
# SPDX-License-Identifier: MIT
# Two hosts under faults of all kinds, with applications that are stopped, are killed and leave, and daemons that are
# killed: every message of every connection is as it was sent and in order, what a program sent before it was gone arrives,
# and in the end nothing is left over.
#
# SOAK_SECONDS=N (60)  how long, without the time to start and to finish; an hour wants this script run by itself
# SOAK_SEED=N          the run to repeat, but for what the scheduler does
# SOAK_WORLDS="..."    veth, memif
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

seconds=${SOAK_SECONDS:-60}
seed=${SOAK_SEED:-$((EPOCHSECONDS * 1000 + $$ % 1000))}
read -ra worlds <<<"${SOAK_WORLDS:-veth memif}"
faults="loss=1%,burst=0.1%:8,reorder=5%:8,duplicate=1%,delay=20%:100us:50us,corrupt=0.3%,truncate=0.3%"
faults+=",txfull=0.3%:100us,stall=0.03%:5ms"
kinds="dropped burst_dropped reordered duplicated delayed corrupted truncated tx_full stalls"
apps=3 connections=6
declare -A app log rest device address=([a]=$IP_A [b]=$IP_B)
declare -A other=([a]=b [b]=a)
events=0

say() { echo "# ${world:-} $*"; }

# --- the world ---

world_veth() {
	pair_join a b
	device[a]="-i eth0" device[b]="-i eth0"
}

world_memif() {
	local a b vdev="net_memif0,socket=$work/memif.sock,socket-abstract=no"

	netns_new a
	netns_new b
	ns[a]=$a
	ns[b]=$b
	device[a]="--vdev $vdev,role=server -a $IP_A/24" device[b]="--vdev $vdev,role=client -a $IP_B/24"
}

# serve HOST: its daemon.
serve() {
	local host=$1

	# shellcheck disable=SC2086 # a list of words
	start "$host" "machnetd-$host" "$bin/machnetd" --control=local --fault "$faults,seed=$seed" ${device[$host]}
	daemon[$host]=$started
	wait_for 20 grep -q serving "$work/machnetd-$host.log"
}

# gauges HOST: what is in use, in one line.
gauges() {
	on "$1" "$bin/machnetctl" -j stats 2>/dev/null | jq -c 'with_entries(select(.key | test(
		"\\.(mbufs_in_use|channels|connections|held_packets|tx_buffers|rx_buffers|fault_held)$")))'
}

# run_app HOST PORT: an application that listens there and connects to all of the other host.
run_app() {
	local host=$1 port=$2 peer=${other[$1]} peers=() i name

	for ((i = 0; i < apps; i++)); do
		peers+=("${address[$peer]}:$((31600 + i))")
	done
	incarnation=$((incarnation + 1))
	name="app-$host-$port-$incarnation"
	start "$host" "$name" "$bin/machnet-soak" -s "$seed" -r $((seed + incarnation)) -l "${address[$host]}:$port" \
		-k "$work/kills" -g "$work/go" -a "$work/ledger" -n $connections "${peers[@]}"
	app[$host:$port]=$started
	log[$host:$port]=$work/$name.log
}

listens() { grep -q listening "${log[$1]}"; }

# --- what is done to it ---

# killing WHAT: is written down before it happens.
killing() {
	echo "${EPOCHREALTIME/./} $1" >>"$work/kills"
}

kill_app() {
	local key=$1

	say "kills the application $key"
	killing "${address[${key%:*}]}:${key#*:}"
	kill -KILL "${app[$key]}"
	wait "${app[$key]}" 2>/dev/null
	run_app "${key%:*}" "${key#*:}"
}

# It exits, in the middle of everything.
leave_app() {
	local key=$1

	say "has the application $key leave"
	killing "${address[${key%:*}]}:${key#*:}"
	kill -USR1 "${app[$key]}"
	wait "${app[$key]}" || broken "the application $key found something wrong"
	run_app "${key%:*}" "${key#*:}"
}

# kill_daemons HOST...
kill_daemons() {
	local host

	say "kills the daemon of host" "$@"
	killing daemon
	for host in "$@"; do
		kill -KILL "${daemon[$host]}"
		wait "${daemon[$host]}" 2>/dev/null
	done
	# The driver of memif does not take the place of one that was killed.
	[ "$1" = b ] || rm -f "$work/memif.sock"
	for host in "$@"; do
		serve "$host" || broken "the daemon of host $host does not come back"
	done
	killing daemon
	killed_at=$EPOCHSECONDS
}

stop_app() {
	say "stops the application $1 for a while"
	kill -STOP "${app[$1]}"
	tick "$((RANDOM % 2)).$((RANDOM % 10))"
	kill -CONT "${app[$1]}"
}

# Something out of what the phase allows.
event() {
	local keys=("${!app[@]}") key what=$((RANDOM % 10))

	mapfile -t keys < <(printf '%s\n' "${keys[@]}" | sort)
	key=${keys[RANDOM % ${#keys[@]}]}
	events=$((events + 1))
	if [ "$1" = strict ] || [ $what -lt 2 ]; then
		stop_app "$key"
	elif [ $what -lt 5 ]; then
		leave_app "$key"
	elif [ $what -lt 8 ] || [ $((EPOCHSECONDS - killed_at)) -lt 6 ]; then
		kill_app "$key"
	elif [ $((RANDOM % 2)) = 0 ]; then
		kill_daemons b
	elif [ $world = memif ]; then
		# Host a is the server of memif, whose client does not look for the next one.
		kill_daemons a b
	else
		kill_daemons a
	fi
}

# --- what is expected of it ---

# broken WHAT: the end of the test.
broken() {
	local f

	not_ok "$world: $1" "seed $seed: SOAK_SEED=$seed SOAK_SECONDS=$seconds SOAK_WORLDS=$world $0"
	# What went wrong first may have caused the rest.
	grep WRONG "$work"/app-*.log | sed 's,.*/\(app-[^:]*\):\([^ ]*\),\2 \1,' | sort | tap_diag
	tail -n 3 "$work"/machnetd-*.log | tap_diag
	for f in a b; do
		echo "host $f: $(gauges $f)"
	done | tap_diag
	tap_end
}

# Nobody has given up.
check_alive() {
	local key

	for key in "${!app[@]}"; do
		lib_gone "${app[$key]}" && broken "the application $key found something wrong"
	done
	for key in a b; do
		lib_gone "${daemon[$key]}" && broken "the daemon of host $key died"
	done
}

# total FIELD: of the last status of every application that ever ran.
total() {
	local f

	for f in "$work"/app-*.log; do
		grep '^status' "$f" | tail -n 1
	done | awk -v f="$1" '{ sum += $f } END { printf "%.0f\n", sum }'
}

progress() {
	say "$1: $(total 5) messages of $(($(total 6) / 1000000)) MB received; connections: $(total 7) ends in order," \
		"$(total 10) whose peer had left, $(total 8) broken, $(total 9) refused"
}

# The applications have finished what they had begun.
drained() {
	local key

	check_alive
	for key in "${!app[@]}"; do
		[[ $(tail -n 1 "${log[$key]}") == "status 0 1 "* ]] || return 1
	done
}

# at_rest HOST CHANNELS: nothing is in use but what a daemon needs that has just started.
at_rest() {
	local now want

	now=$(gauges "$1")
	want=$(jq -c ".\"engine0.channels\" = $2" <<<"${rest[$1]}")
	[ "$now" = "$want" ]
}

# settled HOST CHANNELS
settled() {
	wait_for 20 at_rest "$@" && return
	echo "in use: $(gauges "$1")"
	echo "at the start: ${rest[$1]}"
	return 1
}

faulted() {
	local kind

	for kind in $kinds; do
		counted "$1" "fault_$kind" 1 || { echo "no fault_$kind on host $1"; return 1; }
	done
}

uncorrupted() { [ "$(counter "$1" channels_corrupt)" = 0 ]; }

# --- the run ---

# phase strict|wild SECONDS
phase() {
	local until=$((EPOCHSECONDS + $2)) next=0

	while [ $EPOCHSECONDS -lt $until ]; do
		check_alive
		event "$1"
		tick "0.$((RANDOM % 10))"
		if [ $EPOCHSECONDS -ge $next ]; then
			progress "$1, $((until - EPOCHSECONDS)) s to go"
			next=$((EPOCHSECONDS + 5))
		fi
	done
}

up() {
	local host port

	app=() log=() incarnation=0 killed_at=0
	rm -f "$work"/app-*.log "$work/go" "$work/kills"
	: >"$work/kills"
	truncate -s 0 "$work/ledger"
	truncate -s 16M "$work/ledger"
	"world_$world"
	for host in a b; do
		serve $host || broken "a daemon"
	done
	for host in a b; do
		rest[$host]=$(gauges $host)
		for ((port = 31600; port < 31600 + apps; port++)); do
			run_app $host $port
			wait_for 10 listens $host:$port || broken "an application"
		done
	done
	: >"$work/go"
}

finish() {
	local key host

	for key in "${!app[@]}"; do
		kill -TERM "${app[$key]}"
	done
	here_ok "$world: every connection is finished" wait_for 90 drained
	progress "finished"
	[ "$tap_failed" = 0 ] || broken "connections are left"
	for host in a b; do
		here_ok "$world: host $host holds no buffer, packet or connection" settled $host $apps
		here_ok "$world: faults of all kinds came to host $host" faulted $host
		here_ok "$world: no channel was found corrupt on host $host" uncorrupted $host
	done
	for key in "${!app[@]}"; do
		here_ok "$world: the application $key is content" stop "${app[$key]}"
	done
	for host in a b; do
		here_ok "$world: host $host is as at its start" settled $host 0
		[ "$tap_failed" = 0 ] || broken "something is left over"
		here_ok "$world: the daemon of host $host ends in order" stop "${daemon[$host]}"
	done
}

need_root
need_commands ip jq
tap_start
RANDOM=$seed
for world in "${worlds[@]}"; do
	say "seed $seed"
	up
	phase strict $((seconds / ${#worlds[@]} / 3))
	phase wild $((seconds / ${#worlds[@]} * 2 / 3))
	finish
	say "$events events"
done
tap_end
