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

# holds NAME HOST: what is left of programs that are gone.
channels() {
	on "$1" "$bin/machnetctl" -j stats | jq '[to_entries[] | select(.key | endswith(".channels")) | .value] | add'
}

no_channels() {
	[ "$(channels a)" = 0 ] && [ "$(channels b)" = 0 ]
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
here_ok "nothing is left of them" wait_for 10 no_channels
for host in a b; do
	here_ok "host $host: no packet found its connection gone" [ "$(counter $host drop_unknown_conn)" = 0 ]
	here_ok "host $host: nothing was reset" [ "$(counter $host resets_sent)" = 0 ]
done
here_ok "the daemons end in order" pair_down
tap_end
