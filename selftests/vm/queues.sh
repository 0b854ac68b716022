#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs with two queue pairs each, with RSS that can be set and with a spread that nobody can see: two engines
# share the packets, and those that arrive at the wrong one are handed over.
# shellcheck source=selftests/vm/hosts.sh
. "$(dirname "$0")/hosts.sh"

need_vm
need_nets
need_commands jq
declare -A addr=([a]=10.68.0.1 [b]=10.68.0.2)

# boot VM KIND OPTION
boot() {
	vm_up "$1-$2" cpus=2 mem=1024 "nic=net:$2,queues=2$3"
}

# two_queues KIND OPTION
two_queues() {
	local vm port i n ok=0

	boot a "$1" "$2" && boot b "$1" "$2" || return
	for vm in a b; do
		host_up "$vm-$1" ${addr[$vm]}/24 && daemon_up "$vm-$1" -e 2 || bail "$1: a daemon in VM $vm"
		ok "$1: a daemon in VM $vm"
		run_says "$1: it has two engines" ", 2 engines" cat "$work/machnetd-$vm-$1.log"
	done
	for port in 1001 1002; do
		server_up "b-$1" "server-$port" -p $port --verify || bail "$1: a server on port $port"
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
	n=$(counter "b-$1" handoff_sent)
	[ "$1" != rss ] || run_ok "$1: packets change engines ($n)" test "$n" -gt 0
	run_ok "$1: and none is dropped for it" test "$(counter "b-$1" drop_handoff_full)" = 0
	kernels_clean "a-$1" "b-$1"
	vm_down "a-$1"
	vm_down "b-$1"
}

tap_start
two_queues rss ,rss
two_queues hidden ''
tap_end
