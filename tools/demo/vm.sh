# SPDX-License-Identifier: MIT
# vm.sh - the world of the demo as two VMs with the distribution's kernel, joined by an emulated network
# shellcheck shell=bash

# shellcheck source=selftests/vm/vm.sh
. "$TOP/selftests/vm/vm.sh"

declare -A BG

world_name() { echo "two VMs, machnet.ko, virtio-net under DPDK"; }

on() { vm_exec "$@"; }

# on_bg HOST NAME CMD...: in the background, output to $WORK/NAME.log; its process id stays in the VM.
on_bg() {
	local host=$1 name=$2
	shift 2
	# shellcheck disable=SC2016
	vm_exec "$host" bash -c 'echo $$ > "/run/$0.pid"; exec "$@"' "$name" "$@" > "$WORK/$name.log" 2>&1 &
	BG[$name]=$!
}

# stop_bg HOST NAME: SIGTERM, and the status it ends with must be that of a clean end.
stop_bg() {
	vm_exec "$1" bash -c "kill -TERM \$(</run/$2.pid)" || die "$2 is gone: $(tail -n 3 "$WORK/$2.log")"
	wait "${BG[$2]}"
	case $? in 0 | 143) ;; *) die "$2 did not end cleanly: $(tail -n 3 "$WORK/$2.log")" ;; esac
}

world_up() {
	local host
	for host in a b; do
		vm_up $host cpus=1 mem=1024 nic=link:wire || die "VM $host"
	done
	for host in a b; do
		vm_wait $host || die "VM $host"
		on $host ip addr add "${IP[$host]}/24" dev eth0 && on $host ip link set eth0 up ||
			die "the network of VM $host"
		printf '%s# uname -r: %s\n' $host "$(on $host uname -r)"
	done
}

world_daemon() {
	show "$1" modprobe machnet
	on_bg "$1" "machnetd-$1" "$BIN/machnetd" -i eth0
}

world_log() { sed "s/^/$1> /" "$WORK/machnetd-$1.log"; }

# A connection that stays while the operator looks at it.
world_objects() {
	local host
	say "what the kernel knows while messages flow"
	on_bg a bench-live "$BIN/machnet-bench" client "${IP[b]}" -p $PORT -s 64 -w 1 -d 60
	until_true 20 "a live connection" connection_is_listed
	for host in a b; do
		show $host "$BIN/machnetctl" device
		show $host "$BIN/machnetctl" port
		show $host "$BIN/machnetctl" connection
	done
	stop_bg a bench-live
	row "machnetctl" "device, port, connection on both sides"
}

connection_is_listed() {
	[ "$(on a "$BIN/machnetctl" -j connection | jq length)" -ge 1 ]
}

world_finish() {
	local host
	for host in a b; do
		stop_bg $host machnetd-$host
		tail -n 2 "$WORK/machnetd-$host.log" | sed "s/^/$host> /"
		show $host ip -br addr show eth0
		show $host modprobe -r machnet
		vm_log_clean $host || die "the kernel log of VM $host has a complaint"
	done
	row "NIC and module" "given back, unloaded, kernel log clean"
}
