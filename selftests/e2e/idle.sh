#!/bin/bash
# SPDX-License-Identifier: MIT
# An idle daemon in adaptive mode leaves the processor alone: under 2 % of a core.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# ticks PID: processor time used so far, in clock ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# share PID SECONDS: percent of a core, with a fraction.
share() {
	local hz before after

	hz=$(getconf CLK_TCK)
	before=$(ticks "$1")
	sleep "$2"
	after=$(ticks "$1")
	awk -v n=$((after - before)) -v hz="$hz" -v s="$2" 'BEGIN { printf "%.2f", 100 * n / hz / s }'
}

tap_start
pair_up || bail "two daemons"
server_up || bail "a server"
run_ok "messages flow" on a "$bin/machnet-bench" client $IP_B -s 1K -w 8 -n 10000
# The client's daemon has lost its application, the server's has one that waits.
for host in a b; do
	used=$(share "${daemon[$host]}" 5)
	if awk -v u="$used" 'BEGIN { exit !(u < 2) }'; then
		ok "idle daemon $host: $used % of a core"
	else
		not_ok "idle daemon $host under 2 % of a core" "$used %"
	fi
done
run_ok "messages flow after the rest" on a "$bin/machnet-bench" client $IP_B -s 1K -w 8 -n 10000 --verify
here_ok "the daemons end in order" pair_down
tap_end
