#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs with two queue pairs each, with RSS that can be set and with a spread that nobody can see: two engines
# share the packets, and those that arrive at the wrong one are handed over.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

need_root
need_commands ip jq
why=$(vm_obstacle)
[ -z "$why" ] || skip_all "$why"

bin=$vm_top/build/bin
declare -A addr=([a]=10.68.0.1 [b]=10.68.0.2)
work=$(mktemp -d /tmp/mn-queues.XXXXXX)
at_exit rm -rf "$work"

# boot VM KIND OPTION
boot() {
	vm_up "$1-$2" cpus=2 mem=1024 "nic=net:$2,queues=2$3"
}

daemon_up() {
	local vm=$1-$2

	vm_wait "$vm" || return 1
	vm_exec "$vm" bash -c "modprobe machnet && ip addr add ${addr[$1]}/24 dev eth0 && ip link set eth0 up" || return 1
	: >"$work/$vm.log"
	vm_exec "$vm" "$bin/machnetd" -i eth0 -e 2 >"$work/$vm.log" 2>&1 &
	wait_for 60 grep -q serving "$work/$vm.log"
}

# total VM COUNTER: over both engines.
total() {
	vm_exec "$1" "$bin/machnetctl" -j stats | jq "[.\"engine0.$2\", .\"engine1.$2\"] | add"
}

# two_queues KIND OPTION
two_queues() {
	local vm port i n ok=0

	boot a "$1" "$2" && boot b "$1" "$2" || return
	for vm in a b; do
		if daemon_up $vm "$1"; then ok "$1: a daemon in VM $vm"; else not_ok "$1: a daemon in VM $vm" "$(<"$work/$vm-$1.log")"; fi
		run_says "$1: it has two engines" ", 2 engines" cat "$work/$vm-$1.log"
	done
	for port in 1001 1002; do
		: >"$work/server-$port.log"
		vm_exec "b-$1" "$bin/machnet-bench" server -p $port --verify >"$work/server-$port.log" 2>&1 &
		wait_for 30 grep -q listening "$work/server-$port.log" || not_ok "$1: a server on port $port"
	done
	for i in 1 2 3 4; do
		for port in 1001 1002; do
			vm_exec "a-$1" "$bin/machnet-bench" client "${addr[b]}" -p $port -s 1K -w 4 -n 100 --verify \
				>"$work/client.log" 2>&1 && ok=$((ok + 1))
		done
	done
	run_ok "$1: messages arrive intact over 8 connections to two engines" test $ok = 8
	# Enough connections that not all of them can be where they belong by chance.
	run_ok "$1: 24 connections" vm_exec "a-$1" "$bin/machnet-bench" client "${addr[b]}" -p 1001 --connect 24
	# A TAP that steers by itself learns where the answers come from, and may be right each time.
	n=$(total "b-$1" handoff_sent)
	[ "$1" != rss ] || run_ok "$1: packets change engines ($n)" test "$n" -gt 0
	run_ok "$1: and none is dropped for it" test "$(total "b-$1" drop_handoff_full)" = 0
	for vm in a b; do
		run_ok "$1: the kernel of VM $vm has not complained" vm_log_clean "$vm-$1"
		vm_down "$vm-$1"
	done
}

tap_start
two_queues rss ,rss
two_queues hidden ''
tap_end
