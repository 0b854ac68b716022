#!/bin/bash
# SPDX-License-Identifier: MIT
# Garbage on the wire: dropped, counted, and a live connection does not notice.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

tap_start
pair_up || bail "two daemons"
server_up --verify || bail "a server"
start a live "$bin/machnet-bench" client $IP_B -s 4K -w 4 -d 8 --verify
live=$started
here_ok "a connection carries messages" wait_for 10 counted b rx_messages 100
run_ok "20,000 frames of garbage are sent" on a /usr/bin/python3 "$(dirname "$0")/garbage.py" eth0 \
	"$(on b cat /sys/class/net/eth0/address)" $IP_A $IP_B 31580 20000 1
here_ok "the connection does not notice" wait "$live"
for c in drop_bad_frame drop_bad_checksum drop_short drop_version drop_malformed; do
	n=$(counter b $c)
	if [ "${n:-0}" -gt 0 ]; then ok "counted as $c"; else not_ok "counted as $c" "${n:-missing}"; fi
done
here_ok "the server saw nothing wrong" stop "$server"
here_ok "the daemons end in order" pair_down
tap_end
