#!/bin/bash
# SPDX-License-Identifier: MIT
# A peer that never reads blocks its own connection: a server's other clients, and a sender's other connections, go on.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

port=31582

# requests SIZE: 200 of them, one at a time, beside what is blocked.
requests() {
	on a timeout 60 "$bin/machnet-bench" client $IP_B -p $port -s "$1" -w 1 -n 200
}

tap_start
pair_up || bail "two daemons"
start b server "$bin/echo_epoll"
server=$started
wait_for 10 grep -q listening "$work/server.log" || bail "a server"
# More than a client's channel and a connection's room to send can hold, less than what the server keeps.
for size in 64 1024 32768; do
	bytes=$((size > 1024 ? 80000000 : 20000000))
	run_ok "$size bytes: requests are answered" requests $size
	start a deaf-$size "$bin/deaf" $IP_B $port $size $bytes
	deaf=$started
	here_ok "$size bytes: a client sends and never reads" wait_for 60 grep -q sent "$work/deaf-$size.log"
	run_ok "$size bytes: requests of others are answered beside it" requests $size
	run_ok "large requests, too" requests 200000
	here_ok "host b: that client's connection waits for its peer" \
		eval "on b '$bin/machnetctl' -j connection | jq -e '[.[] | select(.waits_for == \"peer\" and .unsent_bytes > 0)] | length == 1'"
	here_ok "host a: for its program, which does not read" \
		eval "on a '$bin/machnetctl' -j connection | jq -e '[.[] | select(.waits_for == \"program\" and .unread_bytes > 0)] | length == 1'"
	here_ok "host a: doctor names the program" eval "on a '$bin/machnetctl' doctor | grep -q 'process .* does not read'"
	kill -KILL "$deaf"
done
here_ok "the server ends in order" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
