#!/bin/bash
# SPDX-License-Identifier: MIT
# What an operator sees and does of real daemons: their connections, an end by order, neighbours that are not asked.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# connections HOST FILTER: how many of them the jq filter selects.
connections() {
	on "$1" "$bin/machnetctl" -j connection | jq "[.[] | select($2)] | length"
}

has() {
	[ "$(connections "$1" "$2")" -eq "$3" ]
}

# client NAME ADDRESS PORT: in the background; process id in the array client.
declare -A client
client() {
	start a "$1" "$bin/machnet-bench" client "$2" -p "$3" -d 60
	client[$1]=$started
}

# died NAME: it ended because its connection was ended by order.
died() {
	wait "${client[$1]}"
	grep -q 'Software caused connection abort' "$work/$1.log"
}

neighbour_is() {
	ip -n "${ns[a]}" neigh show "$IP_B" | grep -q "$1"
}

tap_start
pair_up -e 2 || bail "two daemons with two engines each"
server_up || bail "a server on host b"
start a local "$bin/machnet-bench" server -p 31581
here_ok "a server on host a" wait_for 10 grep -q listening "$work/local.log"
for i in 1 2 3; do client "c$i" $IP_B 31580; done
client within $IP_A 31581
here_ok "host a shows 3 connections to b, and both ends of one within it" wait_for 10 has a '.state == "established"' 5
here_ok "host b shows 3, on the server's port" wait_for 10 has b '.local_port == 31580' 3
run_ok "with their owner" has a ".owner_pid == ${client[c2]}" 1

# Paths: from a to b between some engines, to itself within a; their connections add up, and each names its path.
paths_hold() {
	on "$1" "$bin/machnetctl" -j path | jq -e 'length > 0 and all(.state == "open" and .mtu == 1500 and .engine < 2 and .remote_engine < 2) and
		(map(.connections) | add) == '"$2"' and (map(select(.remote_addr == "'"$3"'") | .srtt_us > 0 and .tx_packets > 0 and has("mac")) | length > 0 and all)'
}
here_ok "host a's connections are on its paths" wait_for 10 paths_hold a 5 $IP_B
here_ok "host b's, too" wait_for 10 paths_hold b 3 $IP_A
# names_path HOST: each of its connections names one of its paths.
names_path() {
	local named there

	named=$(on "$1" "$bin/machnetctl" -j connection | jq -c 'map(.path) | unique')
	there=$(on "$1" "$bin/machnetctl" -j path | jq -c 'map(.id)')
	jq -ne "($named | length > 0) and $named - $there == []"
}
run_ok "each connection names a path" names_path a

# ports HOST KEY FILTER...: of the paths that a host has.
ports() {
	on "$1" "$bin/machnetctl" -j path show "${@:3}" | jq -c "map($2) | sort"
}
# Each direction has ports of its own: what one host sends with is what the other one receives.
agrees() {
	[ "$(ports "$1" '"\(.tx_local_port) \(.tx_remote_port)"' remote "$3")" = "$(ports "$2" '"\(.rx_remote_port) \(.rx_local_port)"' remote "$4")" ]
}
here_ok "both hosts name the same ports of packets from one of them" wait_for 5 agrees a b $IP_B $IP_A
here_ok "and of those from the other one" wait_for 5 agrees b a $IP_A $IP_B

# What there is, without the module: by the daemon's own account.
answers() {
	on "$1" "$bin/machnetctl" -j "${@:3}" | jq -e "$2"
}
run_ok "the device" answers b '. == [.[0]] and .[0].ifname == "eth0" and .[0].mtu == 1500 and .[0].engines == 2 and
	.[0].path_port_first == 61440 and .[0].path_port_count == 64 and .[0].pid == '"${daemon[b]}"' and (.[0].mac | length) == 17' device
run_ok "by its name" answers b '.[0].driver == "net_af_packet"' device show dev eth0
run_refuses "another device" "eth0 is served" on b "$bin/machnetctl" device show dev lo
run_ok "the ports, with their owners" answers b 'length > 0 and all(.number == 31580 and .claimed and .owner_uid == 0 and
	.owner_comm == "machnet-bench" and .owner_pid == '"$server"')' port
run_ok "chosen" answers b 'length == 0' port show number 9
run_refuses "there are no events without the module" "events come from the machnet module.*machnetctl top" on b "$bin/machnetctl" monitor
run_refuses "a port stays its application's" "cannot take a port" on b "$bin/machnetctl" port release addr 0.0.0.0 number 31580

ip -n "${ns[a]}" neigh change $IP_B dev eth0 nud stale
here_ok "a next hop that has become stale is confirmed by the traffic" wait_for 10 neighbour_is REACHABLE

run_ok "one is killed, named by its owner" on a "$bin/machnetctl" connection kill pid "${client[c2]}"
here_ok "its application gets ECONNABORTED" died c2
here_ok "the peer is told" wait_for 10 grep -q 'Connection reset by peer' "$work/server.log"
here_ok "and nobody else" wait_for 10 has b 'true' 2
run_ok "one end of the connection within the host is killed" on a "$bin/machnetctl" connection kill local-port 31581
here_ok "the other end is reset" wait_for 10 grep -q 'Connection reset by peer' "$work/within.log"
run_ok "the others are killed" on a "$bin/machnetctl" connection kill all
here_ok "and their applications know" died c1
here_ok "each of them" died c3
here_ok "none is left on host a" wait_for 10 has a 'true' 0
here_ok "none is left on host b" wait_for 10 has b 'true' 0
here_ok "the daemons end in order" pair_down
tap_end
