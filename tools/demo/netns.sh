# SPDX-License-Identifier: MIT
# netns.sh - the world of the demo as two network namespaces joined by a veth pair
# shellcheck shell=bash

declare -A NS BG

world_name() { echo "two network namespaces, veth, af_packet, no module"; }

on() {
	local host=$1
	shift
	ip netns exec "${NS[$host]}" env MACHNET_SOCKET="$WORK/$host.sock" "$@"
}

# on_bg HOST NAME CMD...: in the background, output to $WORK/NAME.log
on_bg() {
	local host=$1 name=$2
	shift 2
	: > "$WORK/$name.log"
	# exec: the process id is that of the program, so that a signal reaches it
	(exec ip netns exec "${NS[$host]}" env MACHNET_SOCKET="$WORK/$host.sock" "$@") > "$WORK/$name.log" 2>&1 &
	BG[$name]=$!
	at_exit kill -KILL $!
}

# stop_bg HOST NAME: SIGTERM, and the status it ends with must be that of a clean end.
stop_bg() {
	kill -TERM "${BG[$2]}" 2>/dev/null
	wait "${BG[$2]}"
	case $? in 0 | 143) ;; *) die "$2 did not end cleanly: $(tail -n 3 "$WORK/$2.log")" ;; esac
}

world_up() {
	local a b
	netns_pair a b "${IP[a]}/24" "${IP[b]}/24" || die "no network namespaces (are you root?)"
	NS=([a]=$a [b]=$b)
}

world_daemon() { on_bg "$1" "machnetd-$1" "$BIN/machnetd" -i eth0 --control=local; }
world_log() { sed "s/^/$1> /" "$WORK/machnetd-$1.log"; }

world_objects() {
	say "counters of the daemon on host a"
	on a "$BIN/machnetctl" stats | grep -E 'messages|retransmits|handoff' || die "machnetctl stats"
}

world_finish() {
	stop_bg a machnetd-a
	stop_bg b machnetd-b
	tail -n 1 "$WORK/machnetd-a.log" | sed 's/^/a> /'
	row "machnetd" "ended cleanly on SIGTERM"
}
