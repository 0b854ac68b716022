#!/bin/bash
# SPDX-License-Identifier: MIT
# Messages of all sizes arrive intact, without loss and with 1 % and 5 % of the packets lost, and every run ends.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# size, window, number of messages
cases=("64 32 20000" "1K 32 10000" "32K 8 1000" "1M 2 40" "8M 2 6")

tap_start
for loss in 0 1 5; do
	if ! pair_up --fault "loss=$loss,seed=7" || ! server_up --verify; then
		not_ok "two daemons with $loss % loss"
		continue
	fi
	for c in "${cases[@]}"; do
		read -r size window count <<<"$c"
		run_ok "$count messages of $size, window $window, $loss % loss" \
			on a timeout 120 "$bin/machnet-bench" client $IP_B -s "$size" -w "$window" -n "$count" --verify
	done
	run_ok "1000 messages of 4K over IPv6, $loss % loss" \
		on a timeout 120 "$bin/machnet-bench" client $IP6_B -s 4K -w 8 -n 1000 --verify
	if [ "$loss" -gt 0 ]; then
		dropped=$(counter b fault_dropped)
		if [ "$dropped" -gt 0 ]; then ok "packets were lost"; else not_ok "packets were lost" "$dropped"; fi
	fi
	here_ok "the server saw nothing wrong, $loss % loss" stop "$server"
	here_ok "the daemons end in order, $loss % loss" pair_down
done
tap_end
