#!/bin/bash
# SPDX-License-Identifier: MIT
# A host that dies ends 10,000 connections, each once, all with the same reason, within the time that machnetd(8) states.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

CONNECTIONS=10000
# Documentation/protocol.md: 5 s of silence, and what the last packet had still to live; a second for a busy machine.
STATED_S=7

# silence WHAT REASON CMD...: from CMD to the last end, with 10,000 connections from host a to host b.
silence() {
	local what=$1 reason=$2 from

	shift 2
	start a survivor "$bin/survivor" $IP_B 31580 $CONNECTIONS
	survivor=$started
	here_ok "$what: $CONNECTIONS connections" wait_for 60 grep -q connected "$work/survivor.log"
	ends=$(counter a ends)
	from=$(date +%s%N)
	here_ok "the host dies" "$@"
	here_ok "each connection ends, once" wait "$survivor"
	took_ms=$((($(date +%s%N) - from) / 1000000))
	run_says "all with the same reason, at once" "^connected ($reason) $CONNECTIONS [0-9]{1,3} $" \
		tr '\n' ' ' <"$work/survivor.log"
	if [ $took_ms -ge 4000 ] && [ $took_ms -le $((STATED_S * 1000)) ]; then
		ok "within the stated time"
	else
		not_ok "within the stated time" "$took_ms ms"
	fi
	here_ok "the control plane knows of each end" wait_for 20 counted a ends $((ends + CONNECTIONS))
	here_ok "no connection is left" wait_for 20 eval "on a '$bin/machnetctl' -j connection | jq -e 'length == 0'"
}

kill_host() {
	kill -KILL "${daemon[b]}" "$server"
	wait "${daemon[b]}" "$server" 2>/dev/null
	true
}

tap_start
pair_up || bail "two daemons"
server_up || bail "a server"
silence "machnetd and its applications are killed" ETIMEDOUT kill_host
here_ok "host b is back" eval "daemon_up b && server_up"
# By then the kernel may know that the neighbour does not answer.
silence "the cable is out" "ETIMEDOUT|EHOSTUNREACH" ip -n "${ns[b]}" link set eth0 down
tap_end
