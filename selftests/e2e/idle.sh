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

# A NIC whose link is down takes no frame: what was to be sent must not keep the engine awake.
netns_new c
ns[c]=$c
start c machnetd-c "$bin/machnetd" --control=local -a 10.78.0.1/24 \
	--vdev "net_memif0,role=server,socket-abstract=no,socket=$work/memif.sock"
alone=$started
here_ok "a daemon without a link" wait_for 20 grep -q serving "$work/machnetd-c.log"
on c ping -c 1 -w 1 10.78.0.2 >/dev/null 2>&1
here_ok "frames are dropped" wait_for 5 counted c drop_tx_stuck 1
# This driver cannot wake anybody, so that the engine only naps.
used=$(share "$alone" 3)
if awk -v u="$used" 'BEGIN { exit !(u < 5) }'; then
	ok "it rests: $used % of a core"
else
	not_ok "a daemon without a link under 5 % of a core" "$used %"
fi
here_ok "it ends in order" stop "$alone"
tap_end
