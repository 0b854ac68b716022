# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# pair.sh - hosts as network namespaces, a daemon on each, to be sourced
#
# A host is a name; ns[NAME] is its namespace, and its daemon's socket is $work/NAME.sock. pair_up makes
# two of them:
#
#   namespace a  10.77.0.1 -- eth0 ========= eth0 -- 10.77.0.2  namespace b
#
# machnetd -i eth0 --control=$MN_CONTROL (local) on both sides (veth: af_packet).

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"

bin=$top/build/bin
declare -A ns daemon
# shellcheck disable=SC2034 # for those who source this
IP_A=10.77.0.1 IP_B=10.77.0.2 IP6_A=fd77::1 IP6_B=fd77::2
# Not in TMPDIR: the path of a socket has at most 107 bytes.
work=$(mktemp -d /tmp/mn-e2e.XXXXXX)
at_exit rm -rf "$work"

# on HOST CMD...
on() {
	local host=$1

	shift
	ip netns exec "${ns[$host]}" env MACHNET_SOCKET="$work/$host.sock" "$@"
}

# start HOST NAME CMD...: in the background; output in $work/NAME.log, process id in started.
start() {
	local host=$1 name=$2

	shift 2
	# Before the program runs: what an earlier one has written must not be taken for its own.
	: >"$work/$name.log"
	(exec ip netns exec "${ns[$host]}" env MACHNET_SOCKET="$work/$host.sock" "$@") >"$work/$name.log" 2>&1 &
	started=$!
	at_exit kill -KILL $started
}

# here_ok SENTENCE CMD...: like run_ok, but in this shell, for what starts processes or waits for them.
here_ok() {
	local sentence=$1

	shift
	if "$@" >"$work/here.log" 2>&1; then ok "$sentence"; else not_ok "$sentence" "$*"$'\n'"$(<"$work/here.log")"; fi
}

# stop PID: SIGTERM; true when the program ends by it, in order.
stop() {
	kill -TERM "$1" && wait "$1"
	case $? in 0 | 143) ;; *) return 1 ;; esac
}

daemon_up() {
	local host=$1

	shift
	start "$host" "machnetd-$host" "$bin/machnetd" -i eth0 --control="${MN_CONTROL:-local}" "$@"
	daemon[$host]=$started
	wait_for 60 grep -q 'serving' "$work/machnetd-$host.log" && return
	tap_diag <"$work/machnetd-$host.log"
	return 1
}

# pair_join A B: two hosts on one wire.
pair_join() {
	local a b

	netns_pair a b "$IP_A/24" "$IP_B/24"
	ip -n "$a" addr add $IP6_A/64 dev eth0 nodad
	ip -n "$b" addr add $IP6_B/64 dev eth0 nodad
	ns[$1]=$a
	ns[$2]=$b
}

# pair_up [OPTION of machnetd...]
pair_up() {
	need_root
	pair_join a b
	daemon_up a "$@" && daemon_up b "$@"
}

pair_down() {
	stop "${daemon[a]}"
	stop "${daemon[b]}"
}

# server_up [OPTION of machnet-bench server...]: on host b; process id in server.
server_up() {
	start b server "$bin/machnet-bench" server "$@"
	# shellcheck disable=SC2034 # for those who source this
	server=$started
	wait_for 10 grep -q listening "$work/server.log"
}

# counter HOST NAME: the sum over all engines.
counter() {
	on "$1" "$bin/machnetctl" -j stats | jq "[to_entries[] | select(.key | endswith(\".$2\")) | .value] | add"
}

# counted HOST NAME N: the counter has reached N.
counted() {
	[ "$(counter "$1" "$2")" -ge "$3" ]
}

# engine_channels HOST: of its engines, in their order.
engine_channels() {
	on "$1" "$bin/machnetctl" -j stats | jq -c '[to_entries[] | select(.key | test("^engine[0-9]+[.]channels$")) | .value]'
}

# bail SENTENCE: the test cannot go on.
bail() {
	not_ok "$1" "$(tail -n 20 "$work"/*.log)"
	tap_end
}
