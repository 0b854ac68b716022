#!/bin/bash
# SPDX-License-Identifier: MIT
# A peer that never reads, on one connection of a channel with 1,000 others: their messages all arrive.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

port=31581

# waits: exactly one connection of host a waits for its peer, with messages that were taken for it.
waits() {
	on a "$bin/machnetctl" -j connection |
		jq -e '[.[] | select(.waits_for == "peer" and .unsent_bytes > 0)] | length == 1'
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
start b stopped "$bin/machnet-bench" server -p $port
stopped=$started
wait_for 10 grep -q listening "$work/stopped.log" || bail "another server"
kill -STOP "$stopped"
for size in 64 32K; do
	start a client "$bin/machnet-bench" client $IP_B -s $size -c 1000 -w 1000 -d 3600 --verify --stuck $port --json
	client=$started
	here_ok "$size: one connection waits for its peer" wait_for 20 waits
	messages=$(counter b rx_messages)
	here_ok "messages of 1,000 others flow beside it" \
		wait_for 20 counted b rx_messages $((messages + 5000))
	kill -TERM "$client"
	here_ok "each of them is answered" wait "$client"
	run_says "none is lost or wrong" '"lost": 0, .*"errors": 0,' cat "$work/client.log"
done
kill -KILL "$stopped"
here_ok "the server ends in order" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
