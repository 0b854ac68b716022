# SPDX-License-Identifier: MIT
# netns.sh - the world of the demo as two network namespaces joined by a veth pair
# shellcheck shell=bash

# shellcheck source=selftests/e2e/pair.sh
. "$top/selftests/e2e/pair.sh"

declare -A job

world_name() { echo "two network namespaces, veth, af_packet, no module"; }

# on_bg HOST NAME CMD...: in the background, output to $work/NAME.log
on_bg() {
	start "$@"
	job[$2]=$started
}

# stop_bg HOST NAME: SIGTERM, and the status it ends with must be that of a clean end.
stop_bg() {
	stop "${job[$2]}" || die "$2 did not end cleanly"
}

world_up() { pair_join a b || die "no network namespaces (are you root?)"; }
world_daemon() { on_bg "$1" "machnetd-$1" "$bin/machnetd" -i eth0 --control=local; }
world_log() { sed "s/^/$1> /" "$work/machnetd-$1.log"; }

world_objects() {
	say "counters of the daemon on host a"
	on a "$bin/machnetctl" stats | grep -E 'messages|retransmits|handoff' || die "machnetctl stats"
}

world_finish() {
	stop_bg a machnetd-a
	stop_bg b machnetd-b
	tail -n 1 "$work/machnetd-a.log" | sed 's/^/a> /'
	row "machnetd" "ended cleanly on SIGTERM"
}
