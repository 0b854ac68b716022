#!/bin/bash
# SPDX-License-Identifier: MIT
# A flood of INITs from addresses that nobody has: new hosts get in, paths go on, memory does not grow.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# Bytes of memory that the daemon on b has.
rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/${daemon[b]}/status"
}

# A host that b has no path to: a's daemon starts anew.
a_starts_anew() {
	stop "${daemon[a]}" && daemon_up a
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
run_ok "clients connect" on a "$bin/machnet-bench" client $IP_B --connect 20
start a live "$bin/machnet-bench" client $IP_B -s 4K -w 4 -d 8 --verify
live=$started
here_ok "a connection carries messages" wait_for 10 counted b rx_messages 100
before=$(rss_kb)

start a flood /usr/bin/python3 "$(dirname "$0")/initflood.py" eth0 \
	"$(on b cat /sys/class/net/eth0/address)" $IP_B 61440
flood=$started
here_ok "the flood is answered by cookies" wait_for 20 counted b cookies_sent 50000
run_ok "clients connect on the path that there is" on a "$bin/machnet-bench" client $IP_B --connect 20
here_ok "the connection does not notice" wait "$live"
paths=$(counter b paths_accepted)
here_ok "a host starts anew" a_starts_anew
run_ok "its clients connect all the same" on a "$bin/machnet-bench" client $IP_B --connect 20
n=$(counter b cookies_accepted)
if [ "$n" -ge 1 ]; then ok "by a cookie"; else not_ok "by a cookie" "$n accepted"; fi
stop "$flood"

n=$(($(counter b paths_accepted) - paths))
if [ "$n" = 1 ]; then ok "no other host was let in"; else not_ok "no other host was let in" "$n paths"; fi
grown=$(($(rss_kb) - before))
if [ $grown -lt 8192 ]; then ok "the daemon has not grown"; else not_ok "the daemon has not grown" "by $grown KiB"; fi
here_ok "the server saw nothing wrong" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
