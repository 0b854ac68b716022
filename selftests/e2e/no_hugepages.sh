#!/bin/bash
# SPDX-License-Identifier: MIT
# Without hugepages the daemon runs, says so, and carries messages; with them it gives back what it had to reserve.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

# bare HOST: a daemon in a mount namespace where the kernel's hugepages are not to be seen.
bare() {
	start "$1" "machnetd-$1" unshare -m bash -c \
		'mount -t tmpfs none /sys/kernel/mm/hugepages && exec "$0" -i eth0 --control=local' "$bin/machnetd"
	daemon[$1]=$started
	wait_for 20 grep -q serving "$work/machnetd-$1.log"
}

tap_start
need_root
pair_join a b
here_ok "a daemon without hugepages" bare a
here_ok "and another one" bare b
run_says "it says that it runs without" "without, slower" cat "$work/machnetd-a.log"
server_up --verify || bail "a server"
run_ok "messages flow" on a "$bin/machnet-bench" client $IP_B -s 4K -w 8 -n 2000 --verify
stop "$server"
here_ok "the daemons end in order" pair_down

if [ -w $pages ]; then
	before=$(<$pages)
	here_ok "a daemon with hugepages" daemon_up a
	here_ok "it ends" stop "${daemon[a]}"
	here_ok "and leaves as many hugepages as there were" wait_for 5 test "$(<$pages)" = "$before"
else
	skip "hugepages are given back" "there are none to be had"
fi
tap_end
