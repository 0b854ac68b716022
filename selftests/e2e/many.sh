#!/bin/bash
# SPDX-License-Identifier: MIT
# Thousands of connections with one message each under way, and their end all at once: none times out, each message
# arrives, and no turn of an engine takes long.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

CONNECTIONS=3000
TURN_US=50000

# longest_turn: of both hosts, in microseconds.
longest_turn() {
	local host

	for host in a b; do
		on $host "$bin/machnetctl" -j stats | jq '[to_entries[] | select(.key | endswith(".longest_turn_us")) | .value] | max'
	done | sort -n | tail -n 1
}

# Runnable threads per processor: with more than three a turn is mostly time that the scheduler took.
too_busy() {
	awk -v cpus="$(nproc)" '{ exit !($1 > 3 * cpus) }' /proc/loadavg
}

# round: one run with new daemons; leaves the longest turn in turn_us.
round() {
	pair_up || return 1
	server_up || return 1
	on a timeout 100 "$bin/machnet-bench" client $IP_B -c $CONNECTIONS -w $CONNECTIONS -n $((20 * CONNECTIONS)) --verify \
		--json >"$work/report" || return 1
	wait_for 30 counted a ends $CONNECTIONS && wait_for 30 counted b ends $CONNECTIONS || return 1
	turn_us=$(longest_turn)
	stop "$server" && pair_down
}

tap_start
need_root
here_ok "$CONNECTIONS connections, 20 messages over each, one at a time" round
run_says "none is lost, no connection ends by an error" '"lost": 0, .*"errors": 0,' cat "$work/report"
for ((again = 0; again < 2 && turn_us >= TURN_US; again++)); do
	round >"$work/again.log" 2>&1
done
if [ "${turn_us:-$TURN_US}" -lt $TURN_US ]; then
	ok "no turn of an engine took long"
elif too_busy; then
	skip "no turn of an engine took long" "the machine is too busy: longest turn $turn_us us"
else
	not_ok "no turn of an engine took long" "longest turn: $turn_us us"
fi
tap_end
