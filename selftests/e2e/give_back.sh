#!/bin/bash
# SPDX-License-Identifier: MIT
# The NIC comes back, whatever becomes of the daemon that took it over. For a VM with a virtio NIC, eth0.
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

need_vm

bin=$(cd "$(dirname "$0")/../.." && pwd)/build/bin
# Not in TMPDIR: the path of a socket has at most 107 bytes.
work=$(mktemp -d /tmp/mn-back.XXXXXX)
at_exit rm -rf "$work"
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

ctl() {
	"$bin/machnetctl" "$@"
}

# configured IFACE: it has what eth0 had.
configured() {
	ip -4 addr show dev "$1" | grep -q 10.99.0.1/24 && ip route show default dev "$1" | grep -q 10.99.0.254 &&
		[ "$(cat "/sys/class/net/$1/mtu")" = 1400 ]
}

# is_back: the kernel has the NIC as it was, and nothing is left of the daemon.
is_back() {
	configured eth0 && [ "$(basename "$(readlink /sys/class/net/eth0/device/driver)")" = virtio_net ] &&
		[ ! -e /sys/class/net/mnet0 ] && [ "$(<$pool)" = "$pages" ] && ! pgrep -x mnet-guard
}

# up: a daemon with eth0; process id in daemon. The shell has told it to ignore INT and QUIT otherwise.
up() {
	: >"$work/log"
	env --default-signal "$bin/machnetd" -i eth0 --control=local >"$work/log" 2>&1 &
	daemon=$!
	at_exit kill -KILL $daemon
	wait_for 60 grep -q serving "$work/log" && configured mnet0
}

# try SENTENCE CMD...
try() {
	local sentence=$1

	shift
	if "$@" >"$work/here.log" 2>&1; then ok "$sentence"; else
		not_ok "$sentence" "$*"$'\n'"$(cat "$work/here.log" "$work/log"; ip addr; ip route)"
	fi
}

# ends SIGNAL: the daemon ends by it, in order.
ends() {
	up && kill -"$1" "$daemon" && wait "$daemon" && is_back
}

# endures SIGNAL: the daemon goes on.
endures() {
	kill -"$1" "$daemon" && ctl stats >"$work/stats" && grep -q '^State:[^TZ]*$' "/proc/$daemon/status" && configured mnet0
}

# dies SIGNAL: it cannot do anything any more.
dies() {
	up && kill -"$1" "$daemon" && wait_for 10 lib_gone "$daemon" && ! wait "$daemon" && wait_for 30 is_back
}

# lost: the daemon is killed, and what watches over it.
lost() {
	up && kill -STOP "$(pgrep -x mnet-guard)" && kill -KILL "$daemon" && ! wait "$daemon" && pkill -KILL -x mnet-guard &&
		! configured eth0
}

# relieved: a daemon is killed, and the next one starts at that moment.
relieved() {
	kill -0 "$daemon" || up
	kill -KILL "$daemon" && up
}

gave_back() {
	"$bin/machnetd" --give-back && is_back
}

at_once() {
	local i pids=() status=0

	for i in 1 2 3 4; do
		"$bin/machnetd" --give-back &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || status=1; done
	[ $status = 0 ] && is_back
}

# unread: the daemon's output has no reader.
unread() {
	env --default-signal "$bin/machnetd" -i eth0 --control=local 2>&1 | head -n 1 &
	wait_for 60 configured mnet0 && daemon=$(pgrep -x machnetd) && wait_for 10 ctl stats
}

tap_start
need_root
[ "$(basename "$(readlink /sys/class/net/eth0/device/driver)")" = virtio_net ] || skip_all "needs a virtio NIC, eth0"
pages=$(<$pool)
pci=$(basename "$(readlink -f /sys/class/net/eth0/device/..)")
ip link set eth0 up mtu 1400 && ip addr add 10.99.0.1/24 dev eth0 && ip route add default via 10.99.0.254
at_exit ip addr flush dev eth0

for sig in TERM INT HUP QUIT; do
	try "SIG$sig ends it, and the NIC is back" ends $sig
done
try "a daemon" up
for sig in PIPE USR1 USR2 ALRM VTALRM PROF IO TSTP TTIN TTOU 34 64; do
	try "it endures signal $sig" endures $sig
done
try "to give back what the dead left takes nothing from it" "$bin/machnetd" --give-back
try "it goes on" endures 0
second=("$bin/machnetd" --control=local --socket "$work/second.sock")
taken="is served by another machnetd, process $daemon"
run_refuses "a second daemon cannot have the NIC by the name of its interface" "eth0 $taken" "${second[@]}" -i eth0
run_refuses "nor by its PCI address" "$pci $taken" "${second[@]}" --pci "$pci"
run_refuses "nor share the exception path" "mnet0 $taken" "${second[@]}" -i mnet0
try "and does not disturb the first one" endures 0
kill "$daemon"
wait "$daemon"
for sig in KILL SEGV ABRT FPE; do
	try "SIG$sig kills it, and the NIC is back at once" dies $sig
done

for i in 1 2 3; do
	try "the next daemon starts while the NIC of a killed one is being given back ($i)" relieved
done
kill "$daemon"
wait "$daemon"
try "nothing of this is left" is_back

try "a daemon and its guard are killed" lost
try "machnetd --give-back gives the NIC back" gave_back
try "and does nothing when there is nothing to do" gave_back
try "once more" lost
try "several at once give it back" at_once
try "once more" lost
try "the next daemon mends it by itself" up
kill "$daemon"
wait "$daemon"
try "and leaves the NIC as it was before the first one" is_back

try "a daemon whose output nobody reads" unread
try "it goes on" endures 0
kill "$daemon"
try "and ends in order" wait_for 30 is_back
run_fail "a start that fails" "$bin/machnetd" -i eth0 --control=local --tap lo
try "leaves the NIC as it was" is_back

# from_terminal: a daemon that was started from a terminal, which then closes.
from_terminal() {
	: >"$work/log"
	script -qefc "env --default-signal $bin/machnetd -i eth0 --control=local" /dev/null >"$work/log" 2>&1 </dev/null &
	terminal=$!
	wait_for 60 grep -q serving "$work/log"
}

try "a daemon with the default route's NIC, from a terminal" from_terminal
run_says "is warned" "eth0 has the default route.*machnetd --detach -i eth0, or systemctl enable" cat "$work/log"
kill -KILL $terminal
try "when the terminal closes, the NIC is back" wait_for 30 is_back

# unplugged: the daemon notices that the NIC is gone, and ends as failed. The NIC is plugged in again.
unplugged() {
	local status

	up || return 1
	echo 1 >"/sys/bus/pci/devices/$pci/remove"
	wait_for 20 grep -q 'is gone: shutting down' "$work/log" || kill -KILL "$daemon"
	wait "$daemon"
	status=$?
	echo 1 >/sys/bus/pci/rescan
	wait_for 20 test -e /sys/class/net/eth0
	[ $status = 1 ] && [ "$(grep -c 'is gone: shutting down' "$work/log")" = 1 ] && [ -z "$(ls /run/machnet/nic-* 2>/dev/null)" ]
}

run_says "machnetd --detach returns when it serves" "in the background as process" \
	timeout 60 "$bin/machnetd" -i eth0 --control=local --detach
daemon=$(pgrep -x machnetd)
try "it serves" endures 0
run_fail "it has no reason to warn" grep -q 'default route' <<<"$lib_out"
run_says "in a session of its own" "^ *$daemon\$" ps -o sid= -p "$daemon"
run_ok "it holds no terminal" test "$(readlink "/proc/$daemon/fd/2")" = /dev/null
kill -KILL "$daemon"
try "killed, it is mended as well" wait_for 30 is_back
run_says "and its log says so" "gave .* eth0 back" bash -c 'cat /var/log/machnetd.log || journalctl -t machnetd'
run_refuses "what cannot start says so on the terminal" "no interface nosuch0" "$bin/machnetd" -i nosuch0 --control=local --detach
try "a NIC that is unplugged: the daemon says so, ends, and leaves nothing behind" unplugged
tap_end
