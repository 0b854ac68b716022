#!/bin/bash
# SPDX-License-Identifier: MIT
# Engines are taken out of use and put into use again while programs send and receive; programs of which some do more than
# others are spread by what they do.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq

ENGINES=4
PROGRAMS=64

# use HOST N
use() {
	on "$1" "$bin/machnetctl" device set eth0 engines "$2"
}

# none_beyond HOST N: engines from that one on have no channel.
none_beyond() {
	[ "$(engine_channels "$1" | jq ".[$2:] | add // 0")" = 0 ]
}

all_there() {
	[ "$(counter a channels)" = $PROGRAMS ] && [ "$(counter a connections)" = $PROGRAMS ]
}

# Each eighth one sends as much as four others.
clients_up() {
	local i

	clients=()
	for ((i = 0; i < PROGRAMS; i++)); do
		start a "client-$i" "$bin/machnet-bench" client $IP_B -p $((31600 + i % 2)) -s 64 -d 40 --interval $((i % 8 ? 8000 : 2000)) --verify
		clients+=("$started")
	done
	wait_for 30 all_there
}

servers_up() {
	for port in 31600 31601; do
		start b "server-$port" "$bin/machnet-bench" server -p $port --verify
		wait_for 10 grep -q listening "$work/server-$port.log" || return 1
	done
}

# Of the connections of host a.
engines_shown() {
	on a "$bin/machnetctl" -j connection | jq -c '[.[].engine] | unique'
}

# sent: messages of the engines of host a, in their order.
sent() {
	on a "$bin/machnetctl" -j stats | jq -c '[to_entries[] | select(.key | test("^engine[0-9]+[.]tx_messages$")) | .value]'
}

# is_even: in a second each engine has sent at least 4/5 of what the one with most has.
is_even() {
	sent >"$work/before"
	tick 1
	sent >"$work/after"
	jq -se 'transpose | map(.[1] - .[0]) | min >= 0.8 * max' "$work/before" "$work/after" >"$work/even"
}

tap_start
pair_up -e $ENGINES || bail "two daemons with $ENGINES engines each"
servers_up || bail "two servers"
here_ok "$PROGRAMS programs" clients_up
tap_diag <<<"channels of the engines: $(engine_channels a)"
run_refuses "no engine at all" "engines: want a number" use a 0
run_refuses "more than there are" "has 4 engines" use a 5
run_refuses "another device" "serves eth0, not eth1" on a "$bin/machnetctl" device set eth1 engines 2
run_ok "two engines are used" use a 2
here_ok "the others have no channels after a while" wait_for 15 none_beyond a 2
run_says "connections are shown where they are" '^\[0,1\]$' engines_shown
run_ok "one engine is used" use a 1
here_ok "it has all channels" wait_for 15 none_beyond a 1
run_ok "the other host, too: its servers move" use b 1
here_ok "it has all of them" wait_for 15 none_beyond b 1
run_ok "all are used again" use a $ENGINES
run_ok "at both" use b $ENGINES
here_ok "programs spread by what they do" wait_for 15 is_even
tap_diag <<<"channels of the engines: $(engine_channels a)"
bad=0
for ((i = 0; i < PROGRAMS; i++)); do
	wait "${clients[i]}" || bad=$((bad + 1))
done
run_ok "all programs: every message intact and in order" test $bad = 0
tap_diag < <(grep -h "^longest pause" "$work"/client-*.log | sort -k3 -n | tail -n 1)
run_says "no connection has ended otherwise" "^0\$" counter a aborts_received
here_ok "the daemons end in order" pair_down
tap_end
