#!/bin/bash
# SPDX-License-Identifier: MIT
# One interface, one daemon; an interface that cannot be served is refused, and one that vanishes is noticed.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# machnetd HOST SOCKET OPTION...: must refuse; a daemon that starts all the same is ended.
machnetd() {
	on "$1" timeout 20 "$bin/machnetd" --control=local --socket "$work/$2.sock" "${@:3}"
}

mtu() {
	ip -n "${ns[$1]}" -j link show eth0 | jq '.[0].mtu'
}

# alone N: of N daemons that start on b's interface at the same moment, one serves.
alone() {
	local i pids=()

	for ((i = 0; i < $1; i++)); do
		start b "rival-$i" "$bin/machnetd" -i eth0 --control=local --socket "$work/rival-$i.sock"
		pids+=("$started")
	done
	wait_for 30 decided "$1" && [ "$(cat "$work"/rival-*.log | grep -c serving)" = 1 ]
	set -- $?
	for i in "${pids[@]}"; do kill "$i" 2>/dev/null; wait "$i"; done
	return "$1"
}

decided() {
	[ "$(grep -lE 'serving|is served' "$work"/rival-*.log | wc -l)" = "$1" ]
}

# ended HOST STATUS: unless it goes on.
ended() {
	kill -KILL "${daemon[$1]}"
	wait "${daemon[$1]}"
	[ $? = "$2" ]
}

tap_start
need_root
need_commands jq
pair_join a b
here_ok "of several daemons that start at the same moment on one interface, one serves" alone 4
daemon_up a --mtu 1400 || bail "a daemon"
daemon_up b || bail "another one, whose interface has the same name in another network namespace"
server_up --verify || bail "a server"

run_refuses "a second daemon on an interface is refused, and told of the first" \
	"eth0 is served by another machnetd, process ${daemon[b]}" machnetd b second -i eth0
run_refuses "also by the arguments of a virtual device" "eth0 is served by another machnetd" \
	machnetd b second --vdev net_af_packet0,iface=eth0
run_refuses "one that wants the same socket is told of the interface, too" "eth0 is served by another machnetd" \
	machnetd b b -i eth0
ip -n "${ns[b]}" link add other type veth peer name other2
run_refuses "a socket that is taken: another interface needs another one" \
	"another machnetd serves $work/b.sock: .*--socket" machnetd b b -i other
run_refuses "a socket in a directory that is missing" \
	"--socket $work/none/x.sock: there is no directory $work/none \(mkdir -p $work/none\)" machnetd b none/x -i other
run_fail "which is not made" test -e "$work/none"
run_refuses "nor one below a directory that is missing" "there is no directory $work/none/deep" machnetd b none/deep/x -i other
run_refuses "nor in a file" "there is no directory $work/machnetd-b.log" machnetd b machnetd-b.log/x -i other
run_ok "the first one is not disturbed" on a "$bin/machnet-bench" client $IP_B -s 4K -w 8 -n 1000 --verify

run_refuses "the loopback interface" "lo is the loopback interface" machnetd b third -i lo
run_refuses "a user other than root" "machnetd needs root: sudo" \
	setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/machnetd" -i eth0
run_refuses "no such interface" "there is no interface nosuch0" machnetd b third -i nosuch0
run_refuses "a larger MTU than the interface's" "other has an MTU of 1500.*ip link set" machnetd b third -i other --mtu 9000
run_ok "a smaller one is Machnet's alone" test "$(mtu a)" = 1500
run_says "and counts" "MTU 1400" cat "$work/machnetd-a.log"

for cores in 99 0,99 '' x; do
	run_refuses "--cores '$cores': refused before the interface is looked at" \
		"--cores $cores: want 1 number, .*CPUs that this process may use \\([0-9,]+\\)" \
		machnetd b third -i nosuch0 --cores "$cores"
done
run_refuses "a CPU that the process may not use" "may use \\(0\\)" \
	taskset -c 0 "$bin/machnetd" -i nosuch0 --control=local --cores 1

ip -n "${ns[b]}" link del eth0
for host in a b; do
	here_ok "host $host: a daemon whose interface vanishes ends, as failed" wait_for 10 lib_gone "${daemon[$host]}"
	here_ok "its status says so" ended $host 1
	run_ok "its log says why, once" test "$(grep -c 'eth0 is gone' "$work/machnetd-$host.log")" = 1
	lib_run on $host "$bin/machnetctl" -j doctor
	run_ok "the doctor does not call the device ok" \
		test "$(jq -r '.[] | select(.check == "device" or .check == "daemon") | .status' <<<"$lib_out" | grep -c '^ok$')" = 0
done
tap_end
