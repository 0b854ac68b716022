#!/bin/bash
# SPDX-License-Identifier: MIT
# machnet-bench: many connections, short ones, paced messages, and the kernel's sockets to compare with.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# is SENTENCE EXPRESSION: of the report in $work/report.
is() {
	if jq -e "$2" "$work/report" >/dev/null; then ok "$1"; else not_ok "$1" "$(<"$work/report")"; fi
}

# report OPTION of machnet-bench client...
report() {
	on a timeout 60 "$bin/machnet-bench" client $IP_B --json "$@" >"$work/report"
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"

before=$(counter b accepts)
here_ok "300 connections with 64 messages under way, verified" report -c 300 -w 64 -n 20000 --verify
is "every message came back" '.messages == 20000 and .lost == 0 and .errors == 0 and .connections == 300'
accepted=$(($(counter b accepts) - before))
if [ $accepted = 300 ]; then ok "there were 300 connections"; else not_ok "there were 300 connections" "$accepted"; fi
here_ok "the server knows when each has closed" \
	wait_for 10 eval "[ \"\$(grep -c 'closed' '$work/server.log')\" = 300 ]"

here_ok "more connections than messages under way" report -c 100 -w 3 -n 1000 --verify
is "every message came back" '.messages == 1000 and .lost == 0 and .errors == 0'

before=$(counter b accepts)
here_ok "a connection for each of 3,000 messages, 64 at a time" report --each -w 64 -n 3000
is "every message came back" '.messages == 3000 and .lost == 0 and .errors == 0 and .window == 64'
accepted=$(($(counter b accepts) - before))
if [ $accepted = 3000 ]; then ok "there were 3,000 connections"; else not_ok "there were 3,000 connections" "$accepted"; fi
run_refuses "to a port where nobody listens" "[Cc]onnection refused" \
	on a timeout 20 "$bin/machnet-bench" client $IP_B -p 9 --each -n 1
run_refuses "not together with --verify" "its own messages" \
	on a "$bin/machnet-bench" client $IP_B --each --verify -n 1

here_ok "one message each 20 ms" report --interval 20000 -n 26 --verify
is "that takes half a second at least" '.seconds >= 0.5'
here_ok "the server saw nothing wrong" stop "$server"

# Below machnetd's ports nothing of it is used: these go through the kernel alone.
pair_down
for transport in tcp udp; do
	for busy in '' --busy; do
		for batch in 1 32; do
			name="$transport${busy:+ busy}, batch $batch"
			# shellcheck disable=SC2086 # nothing, or one word
			here_ok "$name: a server" server_up -t $transport $busy -b $batch
			for case in "64 1 500" "64 32 20000" "32K 32 500"; do
				read -r size window count <<<"$case"
				# shellcheck disable=SC2086
				here_ok "$name: $size, window $window" \
					report -t $transport $busy -b $batch -s "$size" -w "$window" -n "$count"
				is "every message came back" ".messages == $count and .lost == 0 and .errors == 0"
			done
			here_ok "$name: the server ends in order" stop "$server"
		done
	done
done
here_ok "a message over tcp that takes many reads" eval "server_up -t tcp && report -t tcp -s 8M -w 2 -n 4"
is "every message came back" '.messages == 4 and .errors == 0'
run_refuses "a port where no datagram is wanted" "[Cc]onnection refused" \
	on a timeout 20 "$bin/machnet-bench" client $IP_B -t udp -n 1 -p 9
run_refuses "a port where no stream is wanted" "[Cc]onnection refused" \
	on a timeout 20 "$bin/machnet-bench" client $IP_B -t tcp -n 1 -p 9

# The suite itself, a corner of it.
suite="$top/tools/bench/run.sh"
suite_json="$work/suite.json"
run_says "the suite explains itself" "^Usage: run.sh" "$suite" --help
BENCH="64-w1/memif 64-w1/tcp 64-w32/raw 64-w32/veth connections-64/1 single hostile" BENCH_JSON=$suite_json \
	run_says "the suite runs what is asked for" "^memif, 64 B, window 1 +p50 <= 8 us .* (reached|MISSED) " \
	timeout 100 "$suite" 0.1 1
# suite_has EXPRESSION
suite_has() {
	jq -e "$1" "$suite_json"
}
here_ok "it measures no more than that" suite_has '(.medians | keys) == ["64-w1", "64-w32", "connections-64", "hostile", "single"]'
here_ok "each of its runs has a rate" suite_has '[.medians[][].rate > 0] | all'
here_ok "it compares with sockets" suite_has '[.bars[] | select(.bar == "<= 0.2x blocking sockets")] | length == 2'
here_ok "it compares with what af_packet moves" suite_has '.bars[] | select(.bar == "packets/s of af_packet alone") | .value > 0'
here_ok "it says how many connections cost what" suite_has '[.bars[] | select(.work | contains("connections"))] | length == 3'
run_refuses "a world that does not come up fails the suite" "does not start" \
	env MEMIF_MTU=100 BENCH=64-w1/memif "$suite" 0.1 1
tap_end
