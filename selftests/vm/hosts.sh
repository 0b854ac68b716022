# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# hosts.sh - VMs as hosts: programs and a daemon on each, to be sourced
#
# A program has a name; its output is $work/NAME.log, its process id /run/NAME.pid of its VM. The daemon of
# VM x is the program machnetd-x.

# shellcheck source=selftests/vm/vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

bin=$vm_top/build/bin
declare -A job
work=$(mktemp -d /tmp/mn-hosts.XXXXXX)
at_exit rm -rf "$work"

# host_up VM CIDR...: waits for the VM; the module is loaded, eth0 is up and has the addresses.
host_up() {
	local vm=$1

	shift
	vm_wait "$vm" && vm_script "$vm" <<-END
		modprobe machnet && ip link set eth0 up || exit
		for cidr in $*; do
			ip addr add \$cidr dev eth0 \$([[ \$cidr != *:* ]] || echo nodad) || exit
		done
	END
}

# start VM NAME CMD...: in the background.
start() {
	local vm=$1 name=$2

	shift 2
	# Before the program runs: what an earlier one has written must not be taken for its own.
	: >"$work/$name.log"
	# shellcheck disable=SC2016
	vm_exec "$vm" bash -c 'echo $$ >"/run/$0.pid"; exec "$@"' "$name" "$@" >"$work/$name.log" 2>&1 &
	job[$name]=$!
}

# send VM NAME SIGNAL
send() {
	vm_exec "$1" bash -c "kill -$3 \$(</run/$2.pid)"
}

# stop VM NAME: SIGTERM; true when the program ends by it, in order.
stop() {
	send "$1" "$2" TERM && wait "${job[$2]}"
	case $? in 0 | 143) ;; *) return 1 ;; esac
}

gone() {
	! vm_exec "$1" bash -c "kill -0 \$(</run/$2.pid)"
}

# logged NAME REGEX
logged() {
	grep -qE "$2" "$work/$1.log"
}

# daemon_up VM [OPTION of machnetd...]
daemon_up() {
	start "$1" "machnetd-$1" "$bin/machnetd" -i eth0 "${@:2}"
	wait_for 60 logged "machnetd-$1" serving
}

daemon_down() {
	send "$1" "machnetd-$1" TERM && wait_for 20 gone "$1" "machnetd-$1"
}

# server_up VM NAME [OPTION of machnet-bench server...]
server_up() {
	start "$1" "$2" "$bin/machnet-bench" server "${@:3}"
	wait_for 30 logged "$2" listening
}

# counter VM NAME: the sum over all engines.
counter() {
	vm_exec "$1" "$bin/machnetctl" -j stats | jq "[to_entries[] | select(.key | endswith(\".$2\")) | .value] | add"
}

# counted VM NAME N: the counter has reached N.
counted() {
	[ "$(counter "$1" "$2")" -ge "$3" ]
}

# here_ok SENTENCE CMD...: like run_ok, but in this shell, for what starts programs or waits for them.
here_ok() {
	local sentence=$1

	shift
	if "$@" >"$work/here.log" 2>&1; then ok "$sentence"; else not_ok "$sentence" "$*"$'\n'"$(<"$work/here.log")"; fi
}

# kernels_clean VM...
kernels_clean() {
	local vm

	for vm in "$@"; do
		run_ok "the kernel of VM $vm has not complained" vm_log_clean "$vm"
	done
}

# bail SENTENCE: the test cannot go on.
bail() {
	not_ok "$1" "$(tail -n 20 "$work"/*.log)"
	tap_end
}
