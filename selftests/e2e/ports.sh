#!/bin/bash
# SPDX-License-Identifier: MIT
# A connection leaves from the port number of a listener, on another address of the same host: its end must not take
# the port from the listener. The kernel has one port to give to clients here, so that the numbers meet.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

port=31600
IP2_B=10.77.0.3

# messages HOST ADDRESS PORT: a few there and back.
messages() {
	on "$1" timeout 20 "$bin/machnet-bench" client "$2" -p "$3" -n 100 --verify
}

tap_start
need_root
pair_join a b
ip -n "${ns[b]}" addr add $IP2_B/24 dev eth0
on b sysctl -qw net.ipv4.ip_local_port_range="$port $port"
daemon_up a && daemon_up b || bail "two daemons"
start a server-a "$bin/machnet-bench" server
here_ok "a server on host a" wait_for 10 grep -q listening "$work/server-a.log"
server_up -l $IP_B -p $port
run_ok "host b serves port $port" messages a $IP_B $port

# Lasts until the connections of the others have ended.
start a lasting "$bin/machnet-bench" client $IP_B -p $port -d 60 --interval 1000 --verify
lasting=$started
here_ok "a connection to it" wait_for 10 counted a connects 2

run_ok "an IPv6 connection from port $port of host b" messages b $IP6_A 31580
run_ok "the listener has kept its port" messages a $IP_B $port
ip -n "${ns[b]}" route add $IP_A/32 dev eth0 src $IP2_B
run_ok "a connection from port $port of its second address" messages b $IP_A 31580
run_ok "the listener has kept its port" messages a $IP_B $port
kill -INT $lasting
here_ok "the connection lasted: every message intact and in order" wait $lasting
here_ok "the daemons end in order" pair_down
tap_end
