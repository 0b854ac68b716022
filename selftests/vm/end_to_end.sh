#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs with machnet.ko and their only NIC under DPDK: who holds what, and what is left when somebody dies.
# shellcheck source=selftests/vm/hosts.sh
. "$(dirname "$0")/hosts.sh"

need_vm
IP_A=10.66.0.1
IP_B=10.66.0.2

# listed VM OBJECT N: machnetctl lists so many.
listed() {
	[ "$(vm_exec "$1" "$bin/machnetctl" -j "$2" | jq length)" = "$3" ]
}

# expect SENTENCE SECONDS CMD...: it comes true in time.
expect() {
	local sentence=$1

	shift
	if wait_for "$@"; then ok "$sentence"; else not_ok "$sentence" "$(lib_run "${@:2}"; echo "$lib_out"; tail -n 5 "$work"/*.log)"; fi
}

# expect_listed SENTENCE VM OBJECT N
expect_listed() {
	if wait_for 20 listed "$2" "$3" "$4"; then ok "$1"; else
		not_ok "$1" "$(vm_exec "$2" "$bin/machnetctl" "$3" 2>&1)"; fi
}

# udp_bind VM PORT: an ordinary program takes a UDP port.
udp_bind() {
	vm_exec "$1" /usr/bin/python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('0.0.0.0', $2))"
}

boot() {
	vm_up a mem=1024 nic=link:wire && vm_up b mem=1024 nic=link:wire &&
		host_up a $IP_A/24 fd66::1/64 && host_up b $IP_B/24 fd66::2/64 &&
		vm_exec a bash -c "ip route add default via $IP_B &&
				   ip route add 192.0.2.0/24 via $IP_B metric 77 mtu 1400"
}

# configured IFACE: all that boot gave to the interface of VM a. It moves with the NIC, and comes back.
configured() {
	vm_exec a bash -c "ip -4 addr show dev $1 | grep -q $IP_A/24 && ip -6 addr show dev $1 | grep -q fd66::1/64 &&
			   ip route show default dev $1 | grep -q 'via $IP_B' &&
			   ip route show 192.0.2.0/24 dev $1 | grep -q 'via $IP_B metric 77 mtu 1400'"
}

test_takeover() {
	run_ok "addresses and routes have moved to the exception path" configured mnet0
	run_fail "the kernel's interface is gone" vm_exec a ip link show eth0
	run_ok "IPv6 works through the exception path" vm_exec a ping -c 2 -i 0.2 -W 2 fd66::2
}

test_datapath() {
	run_ok "ping through the exception path" vm_exec a ping -c 2 -i 0.2 -W 2 $IP_B
	server_up b server --verify || bail "a server in VM b"
	run_ok "64 B messages" vm_exec a "$bin/machnet-bench" client $IP_B -s 64 -w 8 -n 2000 --verify
	run_ok "1 MiB messages" vm_exec a "$bin/machnet-bench" client $IP_B -s 1M -w 1 -n 4 --verify
	run_refuses "a port where nobody listens" "[Cc]onnection refused" vm_exec a "$bin/machnet-bench" client $IP_B -p 9 -n 1
	run_says "the device is registered" "eth0|mnet0" vm_exec a "$bin/machnetctl" device
}

test_ports() {
	run_says "ss shows the port" ":31580" vm_exec b ss -Huln
	run_refuses "a program cannot bind a reserved port" "[Aa]ddress already in use" udp_bind b 31580
	run_ok "it can bind another one" udp_bind b 31581
	start b holder /usr/bin/python3 -c "import socket, signal
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 31590)); print('held', flush=True); signal.pause()"
	wait_for 20 logged holder held || bail "a program that holds a port"
	run_refuses "a port that a program holds cannot be reserved" "[Aa]ddress already in use" \
		vm_exec b "$bin/machnet-bench" server -p 31590
	send b holder KILL
}

test_killed_application() {
	start b monitor "$bin/machnetctl" -j monitor
	start a client "$bin/machnet-bench" client $IP_B -s 1K -w 1 -d 120 --verify
	expect_listed "the connection is listed" b connection 1
	send b server KILL
	expect_listed "a killed application loses its connections" b connection 0
	expect "and its port" 20 udp_bind b 31580
	expect "the monitor says why" 20 logged monitor 'owner[-_]died'
	expect "its peer learns of it" 20 gone a client
	send b monitor TERM
}

test_killed_daemon() {
	start a monitor "$bin/machnetctl" -j monitor
	server_up b server2 || bail "a server in VM b"
	start a client2 "$bin/machnet-bench" client $IP_B -s 1K -w 1 -d 120
	wait_for 20 listed a connection 1 || bail "a connection"
	send a machnetd-a KILL
	for object in device connection port; do
		expect_listed "a killed daemon leaves no $object" a $object 0
	done
	expect "the monitor says why" 20 logged monitor 'datapath[-_]died'
	expect "its application learns of it" 20 gone a client2
	send a monitor TERM
	if daemon_up a; then ok "the next daemon takes over the NIC"; else bail "the next daemon"; fi
	run_ok "messages flow again" vm_exec a "$bin/machnet-bench" client $IP_B -s 64 -w 8 -n 1000 --verify
	run_ok "ping works again" vm_exec a ping -c 2 -i 0.2 -W 2 $IP_B
	send b server2 TERM
}

test_end() {
	local vm

	for vm in a b; do
		expect "the daemon of VM $vm ends on SIGTERM" 1 daemon_down $vm
		run_says "VM $vm has its NIC back" "virtio_net|virtio-pci" \
			vm_exec $vm bash -c "basename \$(readlink /sys/class/net/eth0/device/driver)"
		run_ok "the module unloads in VM $vm" vm_exec $vm modprobe -r machnet
	done
	run_ok "addresses and routes are back" configured eth0
	run_ok "the kernel's network is as before" vm_exec a ping -c 1 -W 2 $IP_B
	kernels_clean a b
}

tap_start
boot || bail "two VMs"
daemon_up a && daemon_up b || bail "two daemons"
test_takeover
test_datapath
test_ports
test_killed_application
test_killed_daemon
test_end
tap_end
