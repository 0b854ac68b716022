#!/bin/bash
# SPDX-License-Identifier: MIT
# What goes wrong is told to whom it concerns, and disturbs nobody else.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

tap_start
pair_up || bail "two daemons"
server_up || bail "a server"

hello=("$bin/hello")
run_refuses "a port where nobody listens: connection refused" "[Cc]onnection refused" \
	on a "$bin/machnet-bench" client $IP_B -p 9 -n 1
run_refuses "no route: network is unreachable" "[Nn]etwork is unreachable" \
	on a "${hello[@]}" 192.0.2.1 hi
ip -n "${ns[a]}" route add prohibit 203.0.113.0/24
ip -n "${ns[a]}" route add blackhole 198.51.100.0/24
run_refuses "a prohibited destination: network is unreachable" "[Nn]etwork is unreachable" on a "${hello[@]}" 203.0.113.1 hi
run_refuses "a blackhole: network is unreachable" "[Nn]etwork is unreachable" on a "${hello[@]}" 198.51.100.1 hi
run_refuses "a broadcast address: network is unreachable" "[Nn]etwork is unreachable" on a "${hello[@]}" 10.77.0.255 hi
run_refuses "no neighbour: no route to host, in the kernel's ARP time" "[Nn]o route to host" \
	on a timeout 20 "${hello[@]}" 10.77.0.99 hi
run_refuses "a port that is taken: address in use" "[Aa]ddress already in use" \
	on b "$bin/machnet-bench" server
run_refuses "a message over the limit" "[Tt]oo long|at most|8 ?M" \
	on a "$bin/machnet-bench" client $IP_B -s 9M -n 1
run_ok "same host: a client and a server of one daemon" \
	on b "$bin/machnet-bench" client $IP_B -s 1K -w 4 -n 1000 --verify

# Each family is a world of its own: IPv4 alone leaves the IPv6 port to others, the default takes both.
udp6() {
	on b /usr/bin/python3 -c "import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1); s.bind(('::', $1))"
}
start b server4 "$bin/machnet-bench" server -l 0.0.0.0 -p 31600
server4=$started
here_ok "a server for IPv4 alone" wait_for 10 grep -q listening "$work/server4.log"
run_ok "it serves IPv4" on a "$bin/machnet-bench" client $IP_B -p 31600 -n 10
run_refuses "it does not serve IPv6" "[Cc]onnection refused" on a "$bin/machnet-bench" client $IP6_B -p 31600 -n 10
run_ok "a program may have the IPv6 port" udp6 31600
run_refuses "it may not have that of a server for both" "[Aa]ddress already in use" udp6 31580
stop "$server4"

# A program that is killed in the middle of things.
accepts=$(counter b accepts)
start a victim "$bin/machnet-bench" client $IP_B -s 64K -w 16 -d 60
victim=$started
start a bystander "$bin/machnet-bench" client $IP_B -s 1K -w 4 -n 20000 --verify
bystander=$started
here_ok "two clients at once" wait_for 10 counted b accepts $((accepts + 2))
kill -KILL "$victim"
here_ok "another client does not notice that one was killed" wait "$bystander"
run_ok "the server goes on after a client was killed" \
	on a "$bin/machnet-bench" client $IP_B -s 1K -n 100 --verify

# A killed server: its port is free, its client learns of it.
messages=$(counter a rx_messages)
start a orphan "$bin/machnet-bench" client $IP_B -s 1K -w 1 -d 60
orphan=$started
here_ok "a client is served" wait_for 10 counted a rx_messages $((messages + 100))
kill -KILL "$server"
wait "$orphan"
status=$?
if [ $status = 1 ]; then ok "the client of a killed server ends with an error"; else
	not_ok "the client of a killed server ends with an error" "status $status"; fi
run_says "it says why" "[Cc]onnection reset|shut ?down" cat "$work/orphan.log"
here_ok "the port of a killed server is free" server_up

# No way to the peer any more, and the peer silent: the end is not just a time-out.
messages=$(counter a rx_messages)
start a lost "$bin/machnet-bench" client $IP_B -s 1K -w 1 -d 60
lost=$started
here_ok "a client is served once more" wait_for 10 counted a rx_messages $((messages + 100))
on a ip route replace unreachable $IP_B/32
kill -STOP "${daemon[b]}"
wait "$lost"
run_says "a silent peer to whom there is no way: no route to host" "[Nn]o route to host" cat "$work/lost.log"
on a ip route del unreachable $IP_B/32
kill -CONT "${daemon[b]}"

# A killed daemon: the next one starts at once. What its applications see of it is in reattach.sh.
kill -KILL "${daemon[b]}"
wait "${daemon[b]}" 2>/dev/null
here_ok "the next daemon starts over the dead one's socket" daemon_up b
here_ok "messages flow again" wait_for 10 on a "$bin/machnet-bench" client $IP_B -s 1K -n 100 --verify
here_ok "the daemons end in order" pair_down
tap_end
