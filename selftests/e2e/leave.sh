#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs leave right after sending: what was accepted is delivered, and the end is in order.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

port=31590
times=10

# leave_all SIZE COUNT HOW: so many programs, one after the other.
leave_all() {
	for _ in $(seq $times); do
		on a timeout 60 "$bin/leaver" send "$IP_B" $port "$@" || return
	done
}

# channels HOST: how many there are, also of programs that are gone.
channels() {
	on "$1" "$bin/machnetctl" -j stats | jq '[to_entries[] | select(.key | endswith(".channels")) | .value] | add'
}

no_channels() {
	[ "$(channels a)" = 0 ] && [ "$(channels b)" = 0 ]
}

# no_ports HOST: UDP packets for ports that no socket had.
no_ports() {
	ip netns exec "${ns[$1]}" awk '$1 == "Udp:" && $3 ~ /[0-9]/ { print $3 }' /proc/net/snmp
}

tap_start
pair_up || bail "two daemons"
for how in close detach close-detach exit; do
	for size in 12 1024 1025 100000 1000000; do
		start b sink "$bin/leaver" sink $port $times
		sink=$started
		wait_for 10 grep -q listening "$work/sink.log" || bail "a receiver"
		run_ok "$how after messages of $size bytes" leave_all $size 10 $how
		here_ok "all of them arrive, then the end in order" wait "$sink"
	done
done
for size in 12 100000; do
	start b serve "$bin/leaver" serve $port
	serve=$started
	wait_for 10 grep -q listening "$work/serve.log" || bail "a server"
	run_ok "answers of $size bytes arrive from a server that exits with unread requests" \
		on a timeout 60 "$bin/leaver" ask $IP_B $port $size
	here_ok "the server has exited" wait "$serve"
done
here_ok "nothing is left of them" wait_for 10 no_channels
# A FIN that is repeated after its connection is over may find nobody: a few of some hundred connections.
for host in a b; do
	here_ok "host $host: hardly a packet found its connection gone" [ "$(counter $host drop_unknown_conn)" -le 5 ]
	here_ok "host $host: hardly a packet found its port free" [ "$(no_ports $host)" -le 5 ]
done
here_ok "the daemons end in order" pair_down
tap_end
