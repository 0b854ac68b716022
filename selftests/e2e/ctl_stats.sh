#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl stats: all counters of a daemon, once and over and over, and a sentence for each way in which it can misbehave.
# shellcheck source=selftests/e2e/ctl_fake.sh
. "$(dirname "$0")/ctl_fake.sh"

tap_start
for mode in good zero-ends; do
	serve $mode
	run_says "JSON has all counters ($mode)" '^\{.*"engine0.rx_messages":5,"nic.rx_packets":18446744073709551615,"odd \\"name\\"":0\}$' \
		"$ctl" -j stats
done
serve good
run_json "pretty JSON is JSON" '."engine0.rx_messages" == 5' "$ctl" -p stats
run_says "and stands on several lines" '^    "nic.rx_packets": 1' "$ctl" -p stats
serve good
run_says "text is aligned" '^engine0.rx_messages +5$' "$ctl" stats
run_refuses "a full disk is no success" 'cannot print: No space left' bash -c "'$ctl' stats >/dev/full"

# A counter that grows by 100 each time it is asked for.
serve good
run_json "rates: value, and how much per second" '(.counters | length) == 1 and .counters[0].name == "engine0.rx_messages" and
	(.counters[0].per_second * .seconds | round) == 100 and .seconds > 0.04 and (.time | startswith("20"))' "$ctl" -j -i 0.05 -c 3 stats
serve good
lines=$("$ctl" -j -i 0.05 -c 3 stats 2>/dev/null | jq -c '.counters[0].value' | tr '\n' ' ')
if [ "$lines" = "105 205 305 " ]; then ok "a line per interval, as many as were asked for"; else not_ok "a line per interval" "$lines"; fi
run_json "all of them, changed or not" '(.counters | map(.name) | contains(["nic.rx_packets"]))' "$ctl" -j -i 0.05 -c 1 -a stats
run_says "rates as text" '^engine0.rx_messages +[0-9]+ +[0-9]+\.[0-9]$' "$ctl" -i 0.05 -c 1 stats
serve good
"$ctl" -j -i 0.05 stats >"$work/endless" 2>/dev/null &
endless=$!
wait_for 10 test -s "$work/endless"
kill -INT $endless
wait $endless
status=$?
if [ $status = 0 ]; then ok "SIGINT ends it in order"; else not_ok "SIGINT ends it in order" "status $status"; fi

for mode in short long wrong-tag wrong-type unterminated loop old negative endless; do
	serve $mode
	run_refuses "an answer that makes no sense ($mode)" '^Error: machnetd gave an answer that makes no sense \(hint: ' "$ctl" stats
done
serve hang-up
run_refuses "a daemon that hangs up" 'Connection reset by peer\.$' "$ctl" stats
kill "$fake"
wait "$fake" 2>/dev/null
if [ -e /sys/module/machnet ]; then
	run_says "where nobody listens the module answers alone" '^Note: machnetd is not running' "$ctl" stats
else
	run_refuses "a socket where nobody listens" 'machnetd is not running, nobody listens at' "$ctl" stats
	serve kernel
	run_says "without the module machnetd answers alone" '^Note: the machnet module is not loaded\.$' "$ctl" stats
	serve good
	run_fail "one that does without it has nothing to note" bash -c "'$ctl' stats 2>&1 >/dev/null | grep ."
fi
run_refuses "a path that is too long" 'File name too long' "$ctl" -s "/tmp/$(printf 'x%.0s' {1..120})" stats
serve good
run_says "-s overrides the environment" '"nic.rx_packets"' env MACHNET_SOCKET=/nonexistent "$ctl" -j -s "$MACHNET_SOCKET" stats
tap_end
