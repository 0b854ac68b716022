#!/bin/bash
# SPDX-License-Identifier: MIT
# Daemons share the machine's hugepages: those that start at the same moment all get theirs, what they reserved goes
# with them, also after a crash, and where there is no memory for more they run without. Inside a VM: the pool is global.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

need_vm

pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
rounds=8
# On a debug kernel a round takes minutes.
[ $lib_patience = 1 ] || rounds=2

pages() {
	[ "$(<$pool)" = "$1" ]
}

# both: two daemons at the same moment.
both() {
	local host

	for host in a b; do
		start $host machnetd-$host "$bin/machnetd" -i eth0 --control=local
		daemon[$host]=$started
	done
	for host in a b; do
		wait_for 30 grep -q serving "$work/machnetd-$host.log" || return 1
	done
}

in_hugepages() {
	grep -q 'serving.* hugepages' "$work/machnetd-$1.log" && ! grep -q 'without' "$work/machnetd-$1.log"
}

# together: a round of that. Both run in hugepages, and the pool is what it was when they have ended.
together() {
	echo 0 >$pool
	both && in_hugepages a && in_hugepages b && pair_down && wait_for 10 pages 0 && return
	cat "$work"/machnetd-*.log
	echo "hugepages: $(<$pool)"
	pair_down
	return 1
}

killed() {
	kill -KILL "${daemon[$1]}"
	wait "${daemon[$1]}" 2>/dev/null
	true
}

tap_start
need_root
pair_join a b
for ((i = 1; i <= rounds; i++)); do
	here_ok "two daemons start at the same moment, none reserved ($i)" together
done

echo 3 >$pool
here_ok "two daemons on a machine with some pages of its own" both
killed a
here_ok "one is killed, the other one ends" stop "${daemon[b]}"
here_ok "the next one starts" daemon_up a
here_ok "and ends" stop "${daemon[a]}"
here_ok "what the killed one had reserved is given back, and no more" wait_for 10 pages 3

# poor HOST: a daemon on a machine whose pool cannot grow.
poor() {
	start "$1" "machnetd-$1" unshare -m bash -c \
		"mount --bind $pool $pool && mount -o remount,bind,ro $pool && exec \"\$0\" -i eth0 --control=local" "$bin/machnetd"
	daemon[$1]=$started
	wait_for 60 grep -q serving "$work/machnetd-$1.log"
}

here_ok "a daemon for which there are too few pages starts without" poor a
run_ok "it says so" grep -q 'without, slower' "$work/machnetd-a.log"
run_ok "once" test "$(grep -c 'without, slower' "$work/machnetd-a.log")" = 1
run_ok "it keeps no page that it does not use" pages 3
stop "${daemon[a]}"
tap_end
