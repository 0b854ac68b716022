# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Two VMs with two queue pairs each, and what their engines make of them: packets that arrive at the wrong one are handed over, and
# after a moment none does. To be sourced.
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

misplaced() {
	echo "$(counter "a-$1" rx_misplaced) $(counter "b-$1" rx_misplaced)"
}

# Two programs at a time, so that each has an engine of its own.
load() {
	local port pids=()

	for port in 1001 1002; do
		vm_exec "a-$1" "$bin/machnet-bench" client "${addr[b]}" -p $port -s 256 -w 2 -n 200 --verify >"$work/load-$port.log" 2>&1 &
		pids+=("$!")
	done
	wait "${pids[0]}" && wait "${pids[1]}"
}

device() {
	vm_exec "$1" "$bin/machnetctl" -j device | jq -r ".[0].$2"
}

# A daemon that starts anew knows what the one before it has learned.
starts_learned() {
	local rank

	rank=$(device "a-$1" rss_rank)
	stop "a-$1" "machnetd-a-$1" && daemon_up "a-$1" -e 2 --paths=16 --rss=opaque && [ "$(device "a-$1" rss_rank)" = "$rank" ]
}

changes() {
	echo $(($(counter "a-$1" tuples_changed) + $(counter "b-$1" tuples_changed)))
}

# A VM that does not run for some time makes paths change their ports, and some packets arrive elsewhere until they are back.
stands_still() {
	local before after moved

	before=$(($(tr ' ' + <<<"$(misplaced "$1")"))) moved=$(changes "$1")
	load "$1" || return
	after=$(($(tr ' ' + <<<"$(misplaced "$1")"))) moved=$(($(changes "$1") - moved))
	[ $((after - before)) -le $((8 * moved)) ]
}

# two_queues KIND OPTION CLASSES [OPTION of machnetd...]
two_queues() {
	local vm port i ok=0 classes=$3

	boot a "$1" "$2" && boot b "$1" "$2" || return
	for vm in a b; do
		host_up "$vm-$1" ${addr[$vm]}/24 && daemon_up "$vm-$1" -e 2 --paths=16 "${@:4}" || bail "$1: a daemon in VM $vm"
		ok "$1: a daemon in VM $vm"
		run_says "$1: it has two engines" ", 2 engines" cat "$work/machnetd-$vm-$1.log"
	done
	for port in 1001 1002; do
		server_up "b-$1" "server-$port" -p $port --verify || bail "$1: a server on port $port"
	done
	for i in 1 2; do
		for port in 1001 1002; do
			vm_exec "a-$1" "$bin/machnet-bench" client "${addr[b]}" -p $port -s 1K -w 4 -n 100 --verify \
				>"$work/client.log" 2>&1 && ok=$((ok + 1))
		done
	done
	run_ok "$1: messages arrive intact over 4 connections to two engines" test $ok = 4
	# Each of the paths, 16 to each engine, has a tuple of its own, which the NICs of both show.
	for port in 1001 1002; do
		run_ok "$1: 24 connections to port $port" vm_exec "a-$1" "$bin/machnet-bench" client "${addr[b]}" -p $port -c 24 -w 24 -n 240 --verify
	done
	here_ok "$1: hand-offs come to an end" wait_for 60 stands_still "$1"
	tap_diag <<<"$1: hand-offs $(misplaced "$1"), tuples tried $(counter "a-$1" candidates_sent) $(counter "b-$1" candidates_sent)"
	for vm in a b; do
		run_says "$1: class of the NIC of VM $vm" "^($classes)\$" device "$vm-$1" rss_class
	done
	run_ok "$1: and none is dropped for it" test "$(counter "b-$1" drop_handoff_full)" = 0
	[ "$1" != opaque ] || here_ok "$1: what was learned outlives the daemon" starts_learned "$1"
	kernels_clean "a-$1" "b-$1"
	vm_down "a-$1"
	vm_down "b-$1"
}

