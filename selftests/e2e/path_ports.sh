#!/bin/bash
# SPDX-License-Identifier: MIT
# The block of path ports: reserved at each address of the device and at no other, shared by the datapaths of a host,
# and free again after every end.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands ss jq

mode=${MN_CONTROL:-local}
IP2_B=10.78.0.2 IP3_B=10.79.0.2 IP4_B=10.77.0.4

# held ADDRESS N [FIRST LAST]: machnetd holds N ports of the block there, and no other program any.
held() {
	local sockets

	sockets=$(ip netns exec "${ns[b]}" ss -Hulpn "src $1 and sport >= :${3:-61440} and sport <= :${4:-61503}")
	printf '%s\n' "$sockets"
	[ "$(grep -c '"machnetd"' <<<"$sockets")" = "$2" ] && [ "$(grep -c . <<<"$sockets")" = "$2" ]
}

# bind ADDRESS PORT: as an ordinary program.
bind() {
	on b python3 -c "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind((sys.argv[1], int(sys.argv[2])))" "$@"
}

# holder ADDRESS PORT: a program on host b that keeps it; process id in holder.
holder() {
	start b holder python3 -c "import socket, signal, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2]))); print('held', flush=True); signal.pause()" "$@"
	holder=$started
	wait_for 10 grep -q held "$work/holder.log"
}

# machnetd NAME OPTION...: must refuse.
machnetd() {
	on b timeout 20 "$bin/machnetd" --control="$mode" --socket "$work/$1.sock" "${@:2}"
}

# another NAME OPTION...: one more daemon on host b.
another() {
	start b "machnetd-$1" "$bin/machnetd" --control="$mode" --socket "$work/$1.sock" "${@:2}"
	daemon[$1]=$started
	wait_for 20 grep -q serving "$work/machnetd-$1.log"
}

# wire NAME ADDRESS: an interface of host b.
wire() {
	ip -n "${ns[b]}" link add "$1" type veth peer name "$1-peer"
	ip -n "${ns[b]}" addr add "$2/24" dev "$1"
	ip -n "${ns[b]}" link set "$1-peer" up
	ip -n "${ns[b]}" link set "$1" up
}

# send_twice PORT: from host a, two packets that are not Machnet's; ECONNREFUSED after an ICMP.
send_twice() {
	on a python3 -c "import select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b'what is this')
select.select([s], [], [], 0.5)
s.send(b'and this')" $IP_B "$1"
}

# gone NAME SIGNAL
gone() {
	kill "-$2" "${daemon[$1]}"
	wait "${daemon[$1]}" 2>/dev/null
	lib_gone "${daemon[$1]}"
}

test_held() {
	here_ok "all of it at the IPv4 address" held $IP_B 64
	here_ok "and at the IPv6 address" wait_for 10 held "[$IP6_B]" 64
	here_ok "nowhere else" held 127.0.0.1 0
	run_refuses "no other program gets one" "[Aa]ddress already in use" bind $IP_B 61440
	run_refuses "nor at any address" "[Aa]ddress already in use" bind 0.0.0.0 61503
	run_ok "the numbers are free at other addresses" bind 127.0.0.1 61440
	run_ok "the ports beside it are free" bind $IP_B 61439
	run_ok "on both sides" bind $IP_B 61504
	run_says "machnetctl shows the block" 61440-61503 on b "$bin/machnetctl" device
	run_says "but not its ports, between which those of programs would be lost" '^0$' ports
	[ "$mode" = kernel ] || return
	run_says "the module has been lent each of them, at each address" '^2$' ports show number 61440
	run_says "down to the last one" '^2$' ports show number 61503
}

# ports [ARGUMENT of machnetctl port...]: how many host b has.
ports() {
	on b "$bin/machnetctl" -j port "$@" | jq length
}

test_packets() {
	local before

	before=$(counter b rx_machnet)
	run_ok "packets to a path port are answered by no ICMP" send_twice 61450
	here_ok "they are the datapath's, and counted" wait_for 10 counted b rx_machnet $((before + 2))
	run_refuses "one to a port beside the block is the kernel's" "[Cc]onnection refused" send_twice 61504
	server_up --verify || bail "a server"
	run_ok "messages flow" on a "$bin/machnet-bench" client $IP_B -s 4K -w 8 -n 1000 --verify
	kill "$server"
}

test_two_datapaths() {
	wire other $IP2_B
	here_ok "a second datapath of the host, on another interface" another second -i other
	here_ok "has the same numbers at its address" held $IP2_B 64
	here_ok "the first one has its own" held $IP_B 64
	run_says "for the doctor they are nothing that waits to be served" '^ok$' \
		bash -c "ip netns exec ${ns[b]} '$bin/machnetctl' -s '$work/b.sock' -j doctor |
			jq -r 'map(select(.check | test(\"ports\")) | .status) | unique[]'"
	here_ok "the second one ends" gone second TERM
	here_ok "and its ports are free" held $IP2_B 0
	here_ok "the first one keeps its own" held $IP_B 64
}

test_busy() {
	local log=$work/refused.log

	wire third $IP3_B
	holder $IP3_B 61450 || bail "a program that holds a port"
	run_refuses "a port that a program holds: the start fails, and says how to mend it" \
		"path port 61450 of $IP3_B is in use \\(ss -ulpn 'sport = :61450' shows by which program\\).*--path-ports=FIRST-LAST" \
		machnetd third -i third
	here_ok "with status 1" test "$lib_status" = 1
	printf '%s\n' "$lib_out" >"$log"
	run_says "in one line" '^1$' grep -c 'path port' "$log"
	run_fail "before the device is looked at" grep 'sharing it' "$log"
	here_ok "nothing is left bound" held $IP3_B 0 61440 61449
	here_ok "with other ports it starts" another third -i third --path-ports=7000-7003
	here_ok "and has them" held $IP3_B 4 7000 7003
	here_ok "alone" held $IP3_B 4 6900 7100
	here_ok "it ends" gone third TERM
	kill "$holder"
}

# doctor STATUS: what it says of the path ports with this status, texts and fixes.
doctor() {
	on b "$bin/machnetctl" -j doctor | jq -r ".[] | select(.check == \"path ports\" and .status == \"$1\") | .text, .fix // empty"
}

# sysctl NAME VALUE: on host b.
sysctl() {
	on b sysctl -qw "net.ipv4.$1=$2"
}

# The ports that the kernel gives to programs which ask for any.
test_doctor() {
	run_says "the doctor has the rule of a firewall" "eth0: UDP ports 61440-61503 .*udp dport 61440-61503 accept" doctor ok
	run_says "it has no fault to find" '^$' doctor warning
	sysctl ip_local_port_range "32768 61439"
	run_says "nor with a range that ends before them" '^$' doctor warning
	sysctl ip_local_port_range "32768 61440"
	run_says "with one that has a port of them it warns" "61440-61503 overlap .*\\(32768-61440\\)" doctor warning
	run_says "and says what to do" "^sysctl -w net.ipv4.ip_local_reserved_ports=61440-61503$" doctor warning
	sysctl ip_local_reserved_ports "8080,61440"
	run_says "a reserved port does not count" '^$' doctor warning
	sysctl ip_local_port_range "1024 65535"
	run_says "the others do" "overlap" doctor warning
	run_says "and what is reserved stays so" "ports=\\$\\(sysctl -n net.ipv4.ip_local_reserved_ports\\),61440-61503$" doctor warning
	on b bash -c "$(doctor warning | tail -n 1)" >/dev/null
	run_says "its command mends it" '^$' doctor warning
	run_says "as it should" '^8080,61440-61503$' on b sysctl -n net.ipv4.ip_local_reserved_ports
	sysctl ip_local_reserved_ports "61000-61470,61471-65000"
	run_says "several ranges may hold them" '^$' doctor warning
}

# Addresses come and go while the daemon runs.
test_follow() {
	ip -n "${ns[b]}" addr add $IP4_B/24 dev eth0
	here_ok "a new address gets them" wait_for 10 held $IP4_B 64
	ip -n "${ns[b]}" addr del $IP4_B/24 dev eth0
	here_ok "one that goes loses them" wait_for 10 held $IP4_B 0
	here_ok "the others keep them" held $IP_B 64
	ip -n "${ns[b]}" addr add $IP4_B/24 dev third
	holder $IP4_B 61503 || bail "a program that holds a port"
	ip -n "${ns[b]}" addr del $IP4_B/24 dev third
	ip -n "${ns[b]}" addr add $IP4_B/24 dev eth0
	here_ok "a new address where one is in use: the daemon warns" \
		wait_for 10 grep -q "path port 61503 of $IP4_B is in use" "$work/machnetd-b.log"
	ip -n "${ns[b]}" link set third mtu 1400
	kill "$holder"
	here_ok "and goes on" server_up
	run_ok "with messages" on a "$bin/machnet-bench" client $IP_B -s 64 -n 100 --verify
	ip -n "${ns[b]}" link set third mtu 1300
	here_ok "it has them at the next change after that program's end" wait_for 10 held $IP4_B 64
	run_says "the warning stands there once" '^1$' grep -c "path port 61503" "$work/machnetd-b.log"
}

test_ends() {
	here_ok "SIGTERM ends it" gone b TERM
	here_ok "its ports are free" held $IP_B 0
	here_ok "the next one starts" daemon_up b
	here_ok "and has them" held $IP_B 64
	here_ok "kill -9 ends it" gone b KILL
	here_ok "its ports are free" wait_for 10 held $IP_B 0
	here_ok "the next one starts" daemon_up b
	here_ok "and has them" held $IP_B 64
}

tap_start
pair_up || bail "two daemons"
test_held
test_packets
test_two_datapaths
test_busy
test_follow
test_doctor
test_ends
here_ok "the daemons end in order" pair_down
tap_end
