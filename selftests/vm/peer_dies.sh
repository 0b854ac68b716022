#!/bin/bash
# SPDX-License-Identifier: MIT
# The power of a host fails: no goodbye. Its 10,000 connections end at the other one, each once, all with the same reason,
# within the time that machnetd(8) states; the module, which has registered them, lists none of them any more.
# shellcheck source=selftests/vm/hosts.sh
. "$(dirname "$0")/hosts.sh"

need_vm
need_commands jq
IP_A=10.71.0.1
IP_B=10.71.0.2
CONNECTIONS=10000
# Documentation/protocol.md: 5 s of silence, and what the last packet had still to live; a second for a busy machine.
STATED_S=7

# listed N: the module of VM a has so many connections.
listed() {
	[ "$(vm_exec a "$bin/machnetctl" -j connection | jq length)" = "$1" ]
}

# monitored: the monitor sees what happens: a connection that is opened and closed.
monitored() {
	vm_exec a "$bin/machnet-bench" client $IP_B -n 1 && logged monitor '"reason":'
}

# reasons: of the ends that the module has reported, each once; the monitor's own connections were closed.
reasons() {
	sed -n 's/.*"reason":"\([^"]*\)".*/\1/p' "$work/monitor.log" | grep -v '^closed$' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# within MIN_MS MAX_MS SENTENCE: of took_ms.
within() {
	if [ "$took_ms" -ge "$1" ] && [ "$took_ms" -le "$2" ]; then ok "$3"; else not_ok "$3" "$took_ms ms"; fi
}

tap_start
vm_up a mem=1024 nic=link:wire && vm_up b mem=1024 nic=link:wire &&
	host_up a $IP_A/24 && host_up b $IP_B/24 || bail "two VMs"
daemon_up a && daemon_up b && server_up b server || bail "two daemons and a server"
start a survivor "$bin/survivor" $IP_B 31580 $CONNECTIONS
here_ok "$CONNECTIONS connections" wait_for 150 logged survivor connected
here_ok "the module has registered each" wait_for 30 listed $CONNECTIONS
start a monitor "$bin/machnetctl" -j monitor connection
wait_for 30 monitored || bail "a monitor"
from=${EPOCHREALTIME/./}
here_ok "the other host loses its power" vm_down b
here_ok "each connection ends, once" wait "${job[survivor]}"
took_ms=$(((${EPOCHREALTIME/./} - from) / 1000))
run_says "all with the same reason, at once" "^connected (ETIMEDOUT|EHOSTUNREACH) $CONNECTIONS [0-9]{1,3} $" \
	tr '\n' ' ' <"$work/survivor.log"
within 4000 $((STATED_S * 1000)) "within the stated time"
here_ok "the module lists none" wait_for 30 listed 0
run_says "which counts them as timed out" "^(timed-out|unreachable)\$" reasons
echo "# $took_ms ms; $(tr '\n' ' ' <"$work/survivor.log")" >&2
run_ok "the daemon of VM a ends" daemon_down a
kernels_clean a
tap_end
