#!/bin/bash
# SPDX-License-Identifier: MIT
# Connections survive what happens to the way between two hosts: another router at the gateway's address, a router
# that dies, a link that gets narrow, a cable that is pulled, a NIC with another MAC address, an address that goes and
# comes. No message is lost, and the pause is told. Hosts and routers are VMs:
#
#             10.70.1.0/24                10.70.2.0/24
#   a  .1 -------+------ .251  r1  .251 ------+------- .1  b
#                +------ .252  r2  .252 ------+
#
# The gateway of both hosts is .254, which r1 has at first.
# shellcheck source=selftests/vm/hosts.sh
. "$(dirname "$0")/hosts.sh"

need_vm
need_nets
need_commands jq busybox
IP_B=10.70.2.1
GATEWAY=254
declare -A side=([a]=1 [b]=2) other=([a]=2 [b]=1)

# both CMD...: on a and b at the same time; @ in the command is the host's own net, % the other one.
both() {
	local host cmd pids=() status=0

	for host in a b; do
		cmd=${*//@/10.70.${side[$host]}}
		vm_exec $host bash -c "${cmd//%/10.70.${other[$host]}}" &
		pids+=($!)
	done
	wait "${pids[0]}" || status=1
	wait "${pids[1]}" || status=1
	return $status
}

# router_up VM NUMBER
router_up() {
	vm_wait "$1" && vm_exec "$1" bash -c "sysctl -qw net.ipv4.ip_forward=1 &&
		for n in 1 2; do
			ip link set eth\$((n - 1)) up && ip addr add 10.70.\$n.$2/24 dev eth\$((n - 1)) || exit
		done"
}

# gateway_at VM: it takes the gateway's addresses and says so, as routers with VRRP do.
gateway_at() {
	vm_exec "$1" bash -c "for n in 1 2; do
		ip addr add 10.70.\$n.$GATEWAY/24 dev eth\$((n - 1)) &&
			busybox arping -q -U -c 1 -I eth\$((n - 1)) 10.70.\$n.$GATEWAY
	done"
}

# snmp VM WORD: the kernel's counter of IPv4.
snmp() {
	vm_exec "$1" nstat -asz "Ip$2" | awk '/^Ip/ { print $2 }'
}

# seconds: how many the client has told of so far.
seconds() {
	grep -c messages/s "$work/client.log"
}

# flowed N: messages came back in the second after N.
flowed() {
	sed -n "s/.* s  *\([0-9]*\) messages.*/\1/p" "$work/client.log" | tail -n "+$(($1 + 1))" | grep -qv '^0'
}

# flowing: messages come back, not counting the second that has begun.
flowing() {
	wait_for 30 flowed $(($(seconds) + 1))
}

# carried VM_NOT VM: all that flows goes by the second router.
carried() {
	local n m

	flowing && n=$(snmp "$1" ForwDatagrams) m=$(snmp "$2" ForwDatagrams) && flowing &&
		[ "$(snmp "$1" ForwDatagrams)" = "$n" ] && [ "$(snmp "$2" ForwDatagrams)" -gt "$m" ]
}

# pause N: the longest of those that the client has told of since second N, in ms.
pause() {
	grep messages/s "$work/client.log" | tail -n "+$(($1 + 1))" | sed 's/.*longest pause \([0-9]*\).*/\1/' | sort -n | tail -n 1
}

# survive SENTENCE CMD...: messages flow on after the command. Leaves the pause in paused.
survive() {
	local sentence=$1 from

	shift
	from=$(seconds)
	run_ok "$sentence" "$@"
	run_ok "messages flow on" flowing
	paused=$(pause "$from")
	echo "# $sentence: pause of $paused ms; $(counter a tuples_changed) changes of ports at a, $(counter b tuples_changed) at b so far" >&2
}

# value KEY: of the client's report.
value() {
	grep '^{' "$work/client.log" | jq -e ".$1"
}

# complete: the client ends well, and as many messages as it sent came back and were counted at the far end.
complete() {
	stop a client && [ "$(value lost)" = 0 ] && [ "$(value errors)" = 0 ] && [ "$(value messages)" -gt 0 ] &&
		wait_for 10 logged server "closed, $(value messages) messages"
}

gateway_moves() {
	vm_exec r1 bash -c "ip addr del 10.70.1.$GATEWAY/24 dev eth0 && ip addr del 10.70.2.$GATEWAY/24 dev eth1" &&
		gateway_at r2 && carried r1 r2
}

neighbour_replaced() {
	local mac=()

	mapfile -t mac < <(vm_exec r1 cat /sys/class/net/eth{0,1}/address)
	vm_exec a ip neigh replace 10.70.1.$GATEWAY lladdr "${mac[0]}" dev mnet0 &&
		vm_exec b ip neigh replace 10.70.2.$GATEWAY lladdr "${mac[1]}" dev mnet0 && carried r2 r1
}

router_dies() {
	vm_down r1
	both ip route replace %.0/24 via @.252
}

# dropped N: r2 has dropped more packets than N because they were too large.
dropped() {
	[ "$(snmp r2 FragFails)" -gt "$1" ]
}

# narrow MTU: what is larger does not pass r2 any more, and has been tried.
narrow() {
	local n

	n=$(snmp r2 FragFails)
	vm_exec r2 bash -c "ip link set eth0 mtu $1 && ip link set eth1 mtu $1" && wait_for 10 dropped "$n"
}

# fits: nothing that is sent is too large.
fits() {
	local n

	n=$(snmp r2 FragFails)
	flowing && ! dropped "$n"
}

link_gets_narrow() {
	narrow 1400 && flowing && fits
}

routes_get_narrow() {
	narrow 1280 && both ip route replace %.0/24 via @.252 mtu 1280 && flowing && fits
}

cable_pulled() {
	vm_cable a 1 down && tick 2 && vm_cable a 1 up
}

address_gone() {
	vm_exec a bash -c 'ip addr del 10.70.1.1/24 dev mnet0 && sleep 2 && ip addr add 10.70.1.1/24 dev mnet0 &&
			   ip route add 10.70.2.0/24 via 10.70.1.252 mtu 1280'
}

# mac VM: of its interface.
mac() {
	vm_exec "$1" cat /sys/class/net/mnet0/address
}

# The kernel announces it to the routers, as arp_notify demands.
new_mac() {
	vm_exec a bash -c 'sysctl -qw net.ipv4.conf.mnet0.arp_notify=1 && ip link set mnet0 address 02:00:00:00:70:01' &&
		wait_for 10 logged machnetd-a '02:00:00:00:70:01 now'
}

tap_start
for vm in r1 r2; do
	vm_up $vm mem=320 nic=net:left nic=net:right || exit 1
done
vm_up a mem=512 nic=net:left && vm_up b mem=512 nic=net:right && router_up r1 251 && router_up r2 252 && gateway_at r1 &&
	host_up a 10.70.1.1/24 && host_up b $IP_B/24 && both ip route add %.0/24 via @.$GATEWAY || bail "four VMs"
daemon_up a && daemon_up b && server_up b server --verify || bail "two daemons and a server"
start a client "$bin/machnet-bench" client $IP_B -s 32K -w 4 -d 100000 --verify --json
flowing || bail "messages between the hosts"

survive "another router has the gateway's address" gateway_moves
survive "the operator says by hand who is the gateway" neighbour_replaced
kernels_clean r1
survive "the router dies, and the routes are changed" router_dies
survive "the link gets narrow, and the router says so" link_gets_narrow
survive "the link gets narrower, and the routes say so" routes_get_narrow
survive "the cable is out for two seconds" cable_pulled
run_ok "nothing passed meanwhile" test "$paused" -ge 1500
survive "the NIC gets another MAC address" new_mac
run_says "and has it" 02:00:00:00:70:01 mac a
survive "the address is gone for two seconds" address_gone
run_ok "nothing passed meanwhile" test "$paused" -ge 1500
here_ok "one connection has lived through all of it, and no message is lost" complete
echo "# $(value messages) messages of 32 KiB, longest pause: $(value longest_pause_ms | cut -d . -f 1) ms" >&2
for vm in a b; do
	run_ok "the daemon of VM $vm ends" daemon_down $vm
done
kernels_clean a b r2
tap_end
