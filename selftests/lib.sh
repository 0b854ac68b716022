# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Helpers of the shell tests, to be sourced. A test says tap_start, makes its statements, and ends with tap_end.

set -u

tap_count=0
tap_failed=0
lib_cleanup=()
lib_serial=0
exec {lib_tick}<> <(:)

# --- what happened, as TAP ---

tap_start() {
	echo "TAP version 13"
}

tap_end() {
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}

# Text from the standard input as diagnostics.
tap_diag() {
	sed 's/^/# /'
}

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok SENTENCE [WHY]
not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[ $# -lt 2 ] || tap_diag <<<"$2"
}

# skip SENTENCE WHY
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# For what takes the NIC, or the memory, of the whole machine away.
need_vm() {
	[ -e /run/vm/env ] || skip_all "is for a VM (selftests/vm/run-in-vm): it would take this machine's NIC or memory"
}

need_commands() {
	local c

	for c in "$@"; do
		command -v "$c" >/dev/null || skip_all "needs $c"
	done
}

# lib_run CMD...: leaves lib_out (both streams) and lib_status.
lib_run() {
	lib_out=$("$@" 2>&1)
	lib_status=$?
}

# lib_why CMD...: what to say of a command that did not do as expected.
lib_why() {
	echo "command: $*"
	echo "status: $lib_status"
	echo "$lib_out"
}

# run_ok SENTENCE CMD...: the command succeeds.
run_ok() {
	local sentence=$1

	shift
	lib_run "$@"
	if [ "$lib_status" = 0 ]; then ok "$sentence"; else not_ok "$sentence" "$(lib_why "$@")"; fi
}

# run_fail SENTENCE CMD...: the command refuses. A crash, a signal or a missing program is no refusal.
run_fail() {
	local sentence=$1

	shift
	lib_run "$@"
	if [ "$lib_status" -gt 0 ] && [ "$lib_status" -lt 124 ]; then
		ok "$sentence"
	else
		not_ok "$sentence" "$(lib_why "$@")"
	fi
}

# run_says SENTENCE REGEX CMD...: the command succeeds and prints a line that matches.
run_says() {
	local sentence=$1 regex=$2

	shift 2
	lib_run "$@"
	if [ "$lib_status" = 0 ] && grep -qE -- "$regex" <<<"$lib_out"; then
		ok "$sentence"
	else
		not_ok "$sentence" "wanted: $regex"$'\n'"$(lib_why "$@")"
	fi
}

# run_refuses SENTENCE REGEX CMD...: the command refuses and prints a line that matches.
run_refuses() {
	local sentence=$1 regex=$2

	shift 2
	lib_run "$@"
	if [ "$lib_status" -gt 0 ] && [ "$lib_status" -lt 124 ] && grep -qE -- "$regex" <<<"$lib_out"; then
		ok "$sentence"
	else
		not_ok "$sentence" "wanted: $regex"$'\n'"$(lib_why "$@")"
	fi
}

# --- time ---

# tick SECONDS: waits without starting a process.
tick() {
	read -r -t "$1" -u "$lib_tick"
	return 0
}

# A debug kernel takes several times as long for everything.
lib_patience=1
[[ $(</proc/sys/kernel/osrelease) != *-machnet-debug* ]] || lib_patience=5

# wait_for SECONDS CMD...: true as soon as the command succeeds, false after the time.
wait_for() {
	local until=$((${EPOCHREALTIME/./} + $1 * lib_patience * 1000000))

	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$until" ] || return 1
		tick 0.05
	done
}

# --- cleaning up: the last thing made goes first ---

# at_exit CMD...
at_exit() {
	[ ${#lib_cleanup[@]} -gt 0 ] || trap lib_exit EXIT
	lib_cleanup+=("$(printf '%q ' "$@")")
}

lib_exit() {
	local status=$? i

	trap '' INT TERM
	for ((i = ${#lib_cleanup[@]} - 1; i >= 0; i--)); do
		eval "${lib_cleanup[i]}" >/dev/null 2>&1
	done
	exit "$status"
}

# A signal ends the test by way of its clean-up.
trap 'exit 130' INT
trap 'exit 143' TERM

# background CMD...: starts it; it is killed and waited for at the end. Its process id is in background_pid.
background() {
	"$@" &
	background_pid=$!
	at_exit lib_stop "$background_pid"
}

# lib_stop PID: asks, waits for two seconds, insists.
lib_stop() {
	kill "$1" 2>/dev/null || return 0
	wait_for 2 lib_gone "$1" || kill -KILL "$1"
	wait "$1"
}

lib_gone() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

# --- network namespaces ---

# netns_new VAR: makes a namespace with a name of its own and puts the name into VAR.
netns_new() {
	lib_serial=$((lib_serial + 1))
	printf -v "$1" 'mnt-%d-%d' $$ "$lib_serial"
	ip netns add "${!1}" || skip_all "needs network namespaces"
	at_exit ip netns del "${!1}"
	ip -n "${!1}" link set lo up
}

# netns_pair VAR_A VAR_B [CIDR_A CIDR_B]: two new namespaces whose interfaces "eth0" are the ends of one veth pair.
netns_pair() {
	netns_new "$1"
	netns_new "$2"
	ip -n "${!1}" link add eth0 type veth peer name eth0 netns "${!2}"
	ip -n "${!1}" addr add "${3:-10.77.0.1/24}" dev eth0
	ip -n "${!2}" addr add "${4:-10.77.0.2/24}" dev eth0
	ip -n "${!1}" link set eth0 up
	ip -n "${!2}" link set eth0 up
}

# --- memory ---

# hugepages MEGABYTES: true when that much is free in hugepages of 2 MB; gives back at the end what it had to reserve.
hugepages() {
	local dir=/sys/kernel/mm/hugepages/hugepages-2048kB want=$((($1 + 1) / 2)) free total

	[ -w $dir/nr_hugepages ] || return 1
	free=$(<$dir/free_hugepages) total=$(<$dir/nr_hugepages)
	if [ "$free" -lt "$want" ]; then
		at_exit eval "echo $total >$dir/nr_hugepages"
		echo $((total + want - free)) >$dir/nr_hugepages
		free=$(<$dir/free_hugepages)
	fi
	[ "$free" -ge "$want" ]
}
