#!/bin/bash
# SPDX-License-Identifier: MIT
# Applications that write anything into their channels are thrown out, again and again, and harm nobody else.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

seconds=3

# attached HOST: how many programs are attached, from the log.
attached() {
	local log=$work/machnetd-$1.log

	echo $(($(grep -c 'opened for process' "$log") - $(grep -c 'of process [0-9]* closed' "$log")))
}

attached_is() {
	[ "$(attached "$1")" = "$2" ]
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
start a stranger-a "$bin/hostile" $seconds 1 0 $IP_B 31580
hostile_a=$started
start b stranger-b "$bin/hostile" $seconds 2 0
hostile_b=$started

rounds=0
while ! lib_gone "$hostile_a" || ! lib_gone "$hostile_b"; do
	on a timeout 60 "$bin/machnet-bench" client $IP_B -s 3000 -w 8 -n 2000 --verify >"$work/victim.log" 2>&1 ||
		break
	rounds=$((rounds + 1))
done
here_ok "messages between others arrive intact, beside hostile programs on both hosts" \
	eval "lib_gone $hostile_a && lib_gone $hostile_b && [ $rounds -gt 0 ]"
here_ok "the first ends by itself" wait "$hostile_a"
here_ok "the second ends by itself" wait "$hostile_b"
for host in a b; do
	visits=$(jq .visits "$work/stranger-$host.log")
	if [ "${visits:-0}" -ge 10 ]; then ok "host $host: it came back"; else
		not_ok "host $host: it came back" "$(<"$work/stranger-$host.log")"; fi
	here_ok "host $host: it was thrown out, and counted" counted $host channels_corrupt 5
done
here_ok "host a: nobody is attached any more" wait_for 10 attached_is a 0
here_ok "host b: only the server is" wait_for 10 attached_is b 1
# 32 channels at once, and then one each 50 ms: the answer comes late, but it comes.
before=$EPOCHREALTIME
run_ok "who attaches again and again is served" on a timeout 60 "$bin/machnet-bench" client $IP_B --connect 50
if awk -v s="$before" -v e="$EPOCHREALTIME" 'BEGIN { exit !(e - s >= 18 * 0.05) }'; then
	ok "in his turn"
else
	not_ok "in his turn" "50 channels within $(awk -v s="$before" -v e="$EPOCHREALTIME" 'BEGIN { print e - s }') s"
fi
run_ok "a program that comes now is served" \
	on a timeout 60 "$bin/machnet-bench" client $IP_B -s 1M -w 4 -n 20 --verify
here_ok "the server saw nothing wrong" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
