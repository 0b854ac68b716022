#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl stats: all counters of a daemon, and a sentence for each way in which it can misbehave.
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
ctl=$top/build/bin/machnetctl
need_commands python3 jq
work=$(mktemp -d /tmp/mn-ctl.XXXXXX)
at_exit rm -rf "$work"
export MACHNET_SOCKET=$work/daemon.sock

# serve MODE: a daemon for one client.
serve() {
	rm -f "$MACHNET_SOCKET"
	: >"$work/log"
	background python3 "$top/selftests/e2e/ctl_stats.py" "$MACHNET_SOCKET" "$1" >"$work/log" 2>&1
	wait_for 10 grep -q listening "$work/log"
}

tap_start
for mode in good zero-ends; do
	serve $mode
	run_says "JSON has all counters ($mode)" '^\{"engine0.rx_messages":5,"nic.rx_packets":18446744073709551615,"odd \\"name\\"":0\}$' \
		"$ctl" -j stats
done
serve good
run_says "JSON is an object to jq" '^3$' bash -c "'$ctl' -j stats | jq length"
serve good
run_says "pretty JSON is JSON, over several lines" '^3 5$' \
	bash -c "'$ctl' -p stats | tee '$work/pretty' | jq length | tr '\n' ' '; wc -l <'$work/pretty'"
serve good
run_says "text is aligned" '^engine0.rx_messages +5$' "$ctl" stats
serve good
run_refuses "a full disk is no success" 'cannot print: No space left' bash -c "'$ctl' stats >/dev/full"
for mode in short wrong-tag wrong-type unterminated loop old; do
	serve $mode
	run_refuses "an answer that makes no sense ($mode)" '^Error: machnetd gave an answer that makes no sense \(hint: ' "$ctl" stats
done
serve hang-up
run_refuses "a daemon that hangs up" 'Connection reset by peer\.$' "$ctl" stats
run_refuses "a socket where nobody listens" 'machnetd is not running, nobody listens at' "$ctl" stats
run_refuses "a path that is too long" 'File name too long' "$ctl" -s "/tmp/$(printf 'x%.0s' {1..120})" stats
serve good
run_says "-s overrides the environment" '"nic.rx_packets"' env MACHNET_SOCKET=/nonexistent "$ctl" -j -s "$MACHNET_SOCKET" stats
tap_end
