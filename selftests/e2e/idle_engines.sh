#!/bin/bash
# SPDX-License-Identifier: MIT
# Where there is next to nothing to do for a while one engine has all channels, and the others rest.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq

ENGINES=4
PROGRAMS=8

# A server each, so that the other host has as many channels.
programs_up() {
	local i

	clients=()
	for ((i = 0; i < PROGRAMS; i++)); do
		start b "server-$i" "$bin/machnet-bench" server -p $((31600 + i)) --verify
		wait_for 10 grep -q listening "$work/server-$i.log" || return
		start a "client-$i" "$bin/machnet-bench" client $IP_B -p $((31600 + i)) -s 64 -d 60 --interval 200000 --verify
		clients+=("$started")
	done
}

spread() {
	[ "$(engine_channels "$1" | jq 'map(select(. > 0)) | length')" = $ENGINES ]
}

at_one_engine() {
	[ "$(engine_channels "$1" | jq -c '[.[0], (.[1:] | add)]')" = "[$PROGRAMS,0]" ]
}

# wakes HOST: how often each of its engines has slept so far, in their order.
wakes() {
	local n tid

	for ((n = 1; n <= ENGINES; n++)); do
		for tid in /proc/"${daemon[$1]}"/task/*; do
			[ "$(<"$tid/comm")" != rte-worker-$n ] || awk '/^voluntary_ctxt/ { print $2 }' "$tid/status"
		done
	done
}

# they_rest HOST: in three seconds the others wake less often all together than the first one.
they_rest() {
	wakes "$1" >"$work/before"
	tick 3
	wakes "$1" >"$work/after"
	paste "$work/before" "$work/after" | awk '{ n[NR] = $2 - $1; others += NR > 1 ? n[NR] : 0; print "woken: " n[NR] }
		END { exit !(NR > 1 && n[1] > others) }' >"$work/woken"
}

tap_start
pair_up -e $ENGINES || bail "two daemons with $ENGINES engines each"
here_ok "$PROGRAMS programs at each host" programs_up
here_ok "each engine has channels" wait_for 10 spread a
here_ok "at the other host, too" wait_for 10 spread b
here_ok "one engine has them all after a while" wait_for 50 at_one_engine a
here_ok "at the other host, too" wait_for 50 at_one_engine b
here_ok "the others rest" wait_for 15 they_rest a
tap_diag <"$work/woken"
bad=0
for ((i = 0; i < PROGRAMS; i++)); do
	wait "${clients[i]}" || bad=$((bad + 1))
done
run_ok "all programs: every message intact and in order" test $bad = 0
run_says "no connection has ended otherwise" "^0\$" counter a aborts_received
here_ok "the daemons end in order" pair_down
tap_end
