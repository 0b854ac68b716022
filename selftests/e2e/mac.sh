#!/bin/bash
# SPDX-License-Identifier: MIT
# The interfaces of both hosts get other MAC addresses while messages flow: no connection is lost.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq

# change HOST MAC: the kernel announces it, as arp_notify demands.
change() {
	on "$1" sysctl -qw net.ipv4.conf.eth0.arp_notify=1 && ip -n "${ns[$1]}" link set eth0 address "$2" &&
		wait_for 10 grep -q "eth0 has the MAC address $2 now" "$work/machnetd-$1.log"
}

# goes_on: messages come back that were sent after this.
goes_on() {
	local n

	n=$(counter a rx_messages)
	wait_for 10 counted a rx_messages $((n + 1000))
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
start a client "$bin/machnet-bench" client $IP_B -s 4K -w 4 -d 100000 --verify --json
client=$started
here_ok "messages flow" goes_on
mac=2
for host in b a b; do
	here_ok "host $host gets another MAC address" change $host 02:00:00:00:77:0$((++mac))
	here_ok "messages flow on" goes_on
done
here_ok "the program ends, and has lost nothing" stop "$client"
run_says "no connection has ended before" '^1$' counter a connects
run_ok "a new one is made" on a "$bin/machnet-bench" client $IP_B -s 64 -n 100 --verify
kill "$server"
here_ok "the daemons end in order" pair_down
tap_end
