# SPDX-License-Identifier: MIT
# vm.sh - the world of the demo as two VMs with the distribution's kernel, joined by an emulated network
# shellcheck shell=bash

# shellcheck source=selftests/vm/hosts.sh disable=SC2154
. "$top/selftests/vm/hosts.sh"

# shellcheck disable=SC2034 # for the demo
IP_A=10.77.0.1 IP_B=10.77.0.2
emulated=''

world_name() { echo "two VMs, machnet.ko, virtio-net under DPDK$emulated"; }

on() { vm_exec "$@"; }

# on_bg HOST NAME CMD...: in the background, output to $work/NAME.log
on_bg() { start "$@"; }

# stop_bg HOST NAME: SIGTERM, and the status it ends with must be that of a clean end.
stop_bg() {
	stop "$1" "$2" || die "$2 did not end cleanly: $(tail -n 3 "$work/$2.log")"
}

world_up() {
	local host
	for host in a b; do
		vm_up $host cpus=1 mem=1024 nic=link:wire || die "VM $host"
	done
	for host in a b; do
		vm_wait $host || die "VM $host"
		on $host ip addr add "$(ip_of $host)/24" dev eth0 && on $host ip link set eth0 up ||
			die "the network of VM $host"
		printf '%s# uname -r: %s\n' $host "$(on $host uname -r)"
	done
	[ "$(vm_accel)" = tcg ] || return 0
	emulated='; emulated processor, no measure of speed'
	say "no KVM here: QEMU emulates the processor (TCG), so the times and rates below are no measure of Machnet"
}

world_daemon() {
	show "$1" modprobe machnet
	on_bg "$1" "machnetd-$1" "$bin/machnetd" -i eth0
}

world_log() { sed "s/^/$1> /" "$work/machnetd-$1.log"; }

# A connection that stays while the operator looks at it.
world_objects() {
	local host
	say "what the kernel knows while messages flow"
	on_bg a bench-live "$bin/machnet-bench" client $IP_B -s 64 -w 1 -d 60
	until_true 20 "a live connection" connection_is_listed
	for host in a b; do
		show $host "$bin/machnetctl" device
		show $host "$bin/machnetctl" port
		show $host "$bin/machnetctl" connection
	done
	stop_bg a bench-live
	row "machnetctl" "device, port, connection on both sides"
}

connection_is_listed() {
	[ "$(on a "$bin/machnetctl" -j connection | jq length)" -ge 1 ]
}

world_finish() {
	local host
	for host in a b; do
		stop_bg $host machnetd-$host
		tail -n 2 "$work/machnetd-$host.log" | sed "s/^/$host> /"
		show $host ip -br addr show eth0
		show $host modprobe -r machnet
		vm_log_clean $host || die "the kernel log of VM $host has a complaint"
	done
	row "NIC and module" "given back, unloaded, kernel log clean"
}
