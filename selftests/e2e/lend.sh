#!/bin/bash
# SPDX-License-Identifier: MIT
# Ports are sockets of the applications, which the daemon is lent: the kernel's rules say who gets one, and it stays the
# application's when the daemon ends, and the daemon's when the application ends before its data is delivered.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands ss setpriv unshare

port=31590
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
other=(setpriv --reuid=65533 --regid=65533 --clear-groups)

# held_by HOST PORT: the programs whose sockets have the port, once each.
held_by() {
	ip netns exec "${ns[$1]}" ss -Hulpn "sport = :$2" | grep -o '"[^"]*"' | sort -u | tr '\n' ' '
}

# holds HOST PORT PROGRAM...: just these do.
holds() {
	local host=$1 port=$2 held

	shift 2
	held=$(held_by "$host" "$port")
	printf '%s\n' "$held"
	[ "$held" = "$(printf '"%s"\n' "$@" | sort | tr '\n' ' ')" ]
}

# bind HOST PORT: as an ordinary program.
bind() {
	on "$1" python3 -c "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('', int(sys.argv[1])))" "$2"
}

is_free() {
	[ -z "$(held_by "$1" "$2")" ]
}

answers() {
	on a "$bin/hello" $IP_B "$1" | grep -q "answer: $1"
}

# serving NAME CMD...: a server on host b is started, and answers host a.
serving() {
	local name=$1

	shift
	start b "$name" "$@"
	wait_for 30 grep -q listening "$work/$name.log" && on a timeout 60 "$bin/leaver" ask $IP_B $port 1000
}

# ended PID NAME: the program's status, and what it has written.
ended() {
	wait "$1" && return
	cat "$work/$2.log"
	return 1
}

tap_start
pair_up || bail "two daemons"
chmod 755 "$work"

start b hello "$bin/hello" listen
hello=$started
here_ok "a server listens" wait_for 10 grep -q listening "$work/hello.log"
run_ok "it serves" answers before
here_ok "ss names it and the daemon" holds b 31581 hello machnetd
kill -KILL "${daemon[b]}"
wait "${daemon[b]}" 2>/dev/null
here_ok "the port is the application's when the daemon has been killed" holds b 31581 hello
run_refuses "and no other program gets it" "[Aa]ddress already in use" bind b 31581
here_ok "the next daemon starts" daemon_up b
here_ok "the server serves again" wait_for 10 answers after
here_ok "with the same socket" holds b 31581 hello machnetd
kill -KILL $hello
here_ok "the port is free when the server has ended" wait_for 10 is_free b 31581

here_ok "a user's server serves" serving user "${nobody[@]}" "$bin/leaver" serve $port
here_ok "one in a user namespace of its own serves" serving userns "${nobody[@]}" unshare -Ur "$bin/leaver" serve $port
here_ok "so does root of a user namespace" serving rootns unshare -Ur "$bin/leaver" serve $port
run_refuses "a privileged port is refused by the kernel" "listen: Permission denied" \
	on b "${nobody[@]}" "$bin/leaver" serve 80
run_refuses "also to root of a user namespace" "listen: Permission denied" on b unshare -Ur "$bin/leaver" serve 80
run_refuses "the daemon serves its own network namespace" "listen: Invalid cross-device link" \
	ip netns exec "${ns[a]}" env MACHNET_SOCKET="$work/b.sock" "$bin/leaver" serve $port

# The server exits while its client does not read, and more is sent than fits there.
start b fill "${nobody[@]}" "$bin/leaver" fill $port
fill=$started
here_ok "a server that will leave" wait_for 10 grep -q listening "$work/fill.log"
start a asker "$bin/leaver" ask $IP_B $port 100000
asker=$started
here_ok "it is asked" wait_for 10 grep -q asked "$work/fill.log"
kill -STOP "$asker"
kill -USR1 "$fill"
here_ok "it answers and exits" wait "$fill"
here_ok "the daemon keeps its port meanwhile" wait_for 10 holds b $port machnetd
run_refuses "another user's listener does not get it" "listen: Address already in use" \
	on b "${other[@]}" "$bin/leaver" serve $port
if [ "${MN_CONTROL:-local}" = kernel ]; then
	run_says "it has lent it to the module" machnetd on b "$bin/machnetctl" port show number $port
fi
start b again "${nobody[@]}" "$bin/leaver" serve $port
here_ok "its user's next server listens at once" wait_for 10 grep -q listening "$work/again.log"
kill -CONT "$asker"
here_ok "the answers arrive, then the end in order" ended "$asker" asker
run_ok "the next server serves" on a timeout 60 "$bin/leaver" ask $IP_B $port 1000
here_ok "its port is free in the end" wait_for 20 is_free b $port
here_ok "the daemons end in order" pair_down
tap_end
