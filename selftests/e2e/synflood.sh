#!/bin/bash
# SPDX-License-Identifier: MIT
# A flood of SYNs from addresses of nobody: others get in, connections go on, memory does not grow.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# Bytes of memory that the daemon on b has.
rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/${daemon[b]}/status"
}

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
run_ok "clients connect" on a "$bin/machnet-bench" client $IP_B --connect 20
start a live "$bin/machnet-bench" client $IP_B -s 4K -w 4 -d 12 --verify
live=$started
here_ok "a connection carries messages" wait_for 10 counted b rx_messages 100
accepts=$(counter b accepts)
before=$(rss_kb)

start a flood /usr/bin/python3 "$(dirname "$0")/synflood.py" eth0 \
	"$(on b cat /sys/class/net/eth0/address)" $IP_B 31580
flood=$started
here_ok "the flood is answered by cookies" wait_for 10 counted b syn_cookies_sent 50000
run_ok "clients connect all the same" on a "$bin/machnet-bench" client $IP_B --connect 20
n=$(counter b syn_cookies_accepted)
if [ "$n" -ge 20 ]; then ok "each by its cookie"; else not_ok "each by its cookie" "$n accepted"; fi
here_ok "the connection does not notice" wait "$live"
stop "$flood"

# Those of --connect, and no other.
n=$(($(counter b accepts) - accepts))
if [ "$n" = 20 ]; then ok "nobody else was let in"; else not_ok "nobody else was let in" "$n accepted"; fi
grown=$(($(rss_kb) - before))
if [ $grown -lt 8192 ]; then ok "the daemon has not grown"; else not_ok "the daemon has not grown" "by $grown KiB"; fi
here_ok "the server saw nothing wrong" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
