#!/bin/bash
# SPDX-License-Identifier: MIT
# IP addresses that go, come back, are replaced, and move to another host, under connections that use them:
#
#   namespace a  10.77.0.1 -- eth0 ==== to-a  namespace w (a bridge)  to-b ==== eth0 -- 10.77.0.2  namespace b
#                                                                        to-c ==== eth0 -- 10.77.0.3  namespace c
#
# As with TCP: an address that goes ends nothing by itself, nothing is sent from it, and its connections live on if it is back
# within the time that a silent peer has.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands jq busybox

NEW_A=10.77.0.11
NEW_B=10.77.0.22
IP_C=10.77.0.3
CONNECTIONS=100
# Documentation/protocol.md: 5 s of silence, and what the last packet had still to live; a second for a busy machine.
STATED_S=7

# host NAME ADDRESS: a namespace at the bridge.
host() {
	local name

	netns_new name
	ns[$1]=$name
	ip -n "${ns[w]}" link add "to-$1" type veth peer name eth0 netns "$name"
	ip -n "${ns[w]}" link set "to-$1" master bridge up
	ip -n "$name" addr add "$2/24" dev eth0
	ip -n "$name" link set eth0 up
	# Else the kernel removes a second address of the network with the first one.
	ip netns exec "$name" sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1
}

hosts_up() {
	local name

	netns_new name
	ns[w]=$name
	ip -n "$name" link add bridge type bridge && ip -n "$name" link set bridge up &&
		host a $IP_A && host b $IP_B && host c $IP_C
}

# addr HOST add|del ADDRESS
addr() {
	ip -n "${ns[$1]}" addr "$2" "$3/24" dev eth0
}

# serve HOST NAME [OPTION of machnet-bench server...]
serve() {
	start "$1" "$2" "$bin/machnet-bench" server --verify "${@:3}"
	wait_for 10 grep -q listening "$work/$2.log"
}

# exchange HOST ADDRESS [OPTION of machnet-bench client...]: a new connection.
exchange() {
	on "$1" "$bin/machnet-bench" client "$2" -s 1K -w 4 -n 200 --verify "${@:3}"
}

# goes_on: messages come back to host a that were sent after this.
goes_on() {
	local n

	n=$(counter a rx_messages)
	wait_for 10 counted a rx_messages $((n + 100))
}

# away HOST ADDRESS: for a second or two. False if something has come from it since its daemon noticed.
away() {
	local status n

	n=$(counter "$1" drop_no_address)
	addr "$1" del "$2"
	wait_for 2 counted "$1" drop_no_address $((n + 1)) && quiet "$1" "$2"
	status=$?
	addr "$1" add "$2"
	return $status
}

# quiet HOST ADDRESS: for a second no packet comes from it.
quiet() {
	ip netns exec "${ns[w]}" timeout 1 python3 - "to-$1" "$2" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
		s.bind((sys.argv[1], 0))
		source = socket.inet_aton(sys.argv[2])
		while True:
		    frame, where = s.recvfrom(2048)
		    if where[2] != socket.PACKET_OUTGOING and frame[12:14] == b"\x08\x00" and frame[26:30] == source:
		        sys.exit("a packet from " + sys.argv[2])
	END
	[ $? = 124 ]
}

# Each of the two ends of a connection may lose its address for a while.
test_away() {
	local host client

	start a client "$bin/machnet-bench" client $IP_B -s 1K -w 1 --interval 1000 -d 100000 --verify --json
	client=$started
	here_ok "messages flow" goes_on
	here_ok "host a has lost its address for a while, and sends nothing from it" away a $IP_A
	here_ok "messages flow on" goes_on
	here_ok "host b has lost its address for a while, and sends nothing from it" away b $IP_B
	here_ok "messages flow on" goes_on
	here_ok "the program ends, and has lost nothing" stop "$client"
	run_says "no connection has ended before" '"lost": 0, .*"errors": 0,' cat "$work/client.log"
}

# ends SENTENCE REASON MIN_MS CMD...: those of the connections to $IP_B after the command, the first one no earlier.
ends() {
	local sentence=$1 reason=$2 min_ms=$3 survivor from took_ms

	shift 3
	start a survivor "$bin/survivor" $IP_B 31580 $CONNECTIONS
	survivor=$started
	here_ok "$CONNECTIONS connections" wait_for 20 grep -q connected "$work/survivor.log"
	from=${EPOCHREALTIME/./}
	here_ok "$sentence" "$@"
	here_ok "each connection ends, once" wait "$survivor"
	took_ms=$(((${EPOCHREALTIME/./} - from) / 1000))
	run_says "all with the same reason" "^connected ($reason) $CONNECTIONS [0-9]+ $" tr '\n' ' ' <"$work/survivor.log"
	if [ $took_ms -ge "$min_ms" ] && [ $took_ms -le $((STATED_S * 1000)) ]; then
		ok "within the stated time"
	else
		not_ok "within the stated time" "$took_ms ms"
	fi
}

none_left() {
	on b "$bin/machnetctl" -j connection | jq -e 'length == 0'
}

# The one way to renumber a host without a gap: the new address comes first.
replace() {
	addr "$1" add "$3" && addr "$1" del "$2"
}

test_client() {
	ends "host a gets another address" EHOSTUNREACH 4000 replace a $IP_A $NEW_A
	here_ok "the other host has none of them left" wait_for 5 none_left
	run_ok "a connect is made from the new address" exchange a $IP_B
	here_ok "and the old one again" replace a $NEW_A $IP_A
	run_ok "a connect is made from the old address" exchange a $IP_B
}

test_server() {
	serve b bound -l $IP_B -p 31590
	ends "the server's host gets another address" "ETIMEDOUT|EHOSTUNREACH" 4000 replace b $IP_B $NEW_B
	run_ok "a server for any address is reached at the new one" exchange a $NEW_B
	run_ok "within the host, too" exchange b $NEW_B
	run_refuses "one for the old address is not" "[Cc]onnection refused" exchange a $NEW_B -p 31590
	here_ok "the old address comes back" replace b $NEW_B $IP_B
	here_ok "a server for any address is reached at it" wait_for 10 exchange a $IP_B
	here_ok "one for this address, too, and was not started again" exchange a $IP_B -p 31590
}

# The new host announces it, as keepalived and the like do.
take_over() {
	addr b del $IP_B && addr c add $IP_B && on c busybox arping -q -U -c 1 -I eth0 $IP_B
}

test_taken_over() {
	serve c other || bail "a server on host c"
	ends "another host gets the server's address" ECONNRESET 0 take_over
	run_ok "a connect reaches the new host" exchange a $IP_B
	run_says "which has served it" '^[1-9][0-9]*$' counter c accepts
}

tap_start
need_root
hosts_up || bail "three hosts"
daemon_up a && daemon_up b && daemon_up c || bail "three daemons"
serve b server || bail "a server"
test_away
test_client
test_server
test_taken_over
for host in a b c; do
	here_ok "the daemon of host $host ends in order" stop "${daemon[$host]}"
done
tap_end
