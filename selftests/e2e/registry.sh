#!/bin/bash
# SPDX-License-Identifier: MIT
# The registry is right at rest, whatever came before: thousands of connections that come and go by themselves or are killed,
# of programs that end or are killed. Then its list is that of the engines, on both hosts, and each entry has its other end.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

ROUNDS=8 CONNECTIONS=200 KEPT=300 CONNECTS=3000
# As "machnetctl connection" and "machnetctl top" name the ends.
ENDS='[.[] | [.local_addr, .local_port, .remote_addr, .remote_port]] | sort'
OTHER_ENDS='[.[] | [.remote_addr, .remote_port, .local_addr, .local_port]] | sort'

# Those that the control plane lists: the module, or without one the daemon.
registry() {
	on "$1" "$bin/machnetctl" -j connection
}

# Those that the engines have.
engines() {
	on "$1" "$bin/machnetctl" -j -i 0.01 -c 1 top | jq .connections
}

# doctor_agrees HOST N: the daemon has registered all of its N connections.
doctor_agrees() {
	on "$1" "$bin/machnetctl" -j doctor | jq -e 'any(.check == "registry" and .text == "all of '"$2"' connections are in it")'
}

# is_right HOST N
is_right() {
	local wanted

	wanted=$(engines "$1" | jq -c "$ENDS")
	[ "$(jq length <<<"$wanted")" = "$2" ] && [ "$(registry "$1" | jq -c "$ENDS")" = "$wanted" ] && doctor_agrees "$1" "$2"
}

mirrored() {
	[ "$(registry a | jq -c "$ENDS")" = "$(registry b | jq -c "$OTHER_ENDS")" ]
}

# paths_are_right HOST: those that are open, as the registry has them, are those of the connections there.
paths_are_right() {
	local listed

	listed=$(on "$1" "$bin/machnetctl" -j path show state open)
	jq -e 'length > 0 and all(.connections >= 0 and .srtt_us > 0 and .id)' <<<"$listed" &&
		[ "$(jq -c 'map(.id) | sort' <<<"$listed")" = "$(registry "$1" | jq -c 'map(.path) | unique')" ]
}

no_paths() {
	[ "$(on a "$bin/machnetctl" -j path)$(on b "$bin/machnetctl" -j path)" = "[][]" ]
}

# load NAME OPTION...: a client in the background that is expected to lose its connections.
load() {
	start a "$1" "$bin/machnet-bench" client "${@:2}"
	clients+=("$started")
}

# A round: connections on two ports; those of one are killed by order, a client of the other one with its process.
round() {
	local i=$1 clients=()

	load "idle-$i" $IP_B -c $CONNECTIONS -d 60
	load "killed-$i" $IP_B -p 31581 -c $CONNECTIONS -d 60
	load "brief-$i" $IP_B -c $CONNECTIONS -n $CONNECTIONS
	load "churn-$i" $IP_B -p 31580 --connect 40
	wait_for 30 counted a connects $((i * 2 * CONNECTIONS)) || return 1
	case $((i % 3)) in
	0) on a "$bin/machnetctl" connection kill remote-port 31581 ;;
	1) on b "$bin/machnetctl" connection kill local-port 31581 ;;
	2) on a "$bin/machnetctl" connection kill all ;;
	esac
	kill -KILL "${clients[0]}" "${clients[1]}"
	wait "${clients[2]}" "${clients[3]}"
	return 0
}

storm() {
	local i

	for ((i = 1; i <= ROUNDS; i++)); do
		round "$i" || return 1
	done
}

tap_start
pair_up -e 2 || bail "two daemons with two engines each"
server_up || bail "a server on host b"
start b second "$bin/machnet-bench" server -p 31581
wait_for 10 grep -q listening "$work/second.log" || bail "another one"
here_ok "rounds of connects, closes, kills" storm
start a kept "$bin/machnet-bench" client $IP_B -c $KEPT -d 120
kept=$started
here_ok "those of the storm are gone, on host a: the registry has what the engines have" wait_for 60 is_right a $KEPT
here_ok "so it is on host b" wait_for 60 is_right b $KEPT
here_ok "each entry of one host is the other end of one of the other" mirrored
# A path that no connection uses is closed after 10 s by the side that has opened it.
here_ok "and names one of the paths that are there: host a" wait_for 30 paths_are_right a
here_ok "host b" wait_for 30 paths_are_right b
here_ok "it was a storm: $CONNECTS connections and more" counted b accepts $CONNECTS
kill -KILL "$kept"
here_ok "the last ones go, too: host a" wait_for 60 is_right a 0
here_ok "host b" wait_for 60 is_right b 0
here_ok "and so do their paths" wait_for 60 no_paths
run_fail "no daemon has complained of the registry" grep registry "$work/machnetd-a.log" "$work/machnetd-b.log"
here_ok "the daemons end in order" pair_down
tap_end
