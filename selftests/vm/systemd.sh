#!/bin/bash
# SPDX-License-Identifier: MIT
# The unit under a real systemd: two instances side by side, one that fails, one that is killed, and how programs find each.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

need_vm
[ -x /lib/systemd/systemd ] || skip_all "needs systemd"

in_vm() {
	vm_exec vm "$@"
}

# unit_ok SENTENCE CMD...: like run_ok, and on failure what the journal of the units says.
unit_ok() {
	local failed=$tap_failed

	run_ok "$1" in_vm "${@:2}"
	[ "$tap_failed" = "$failed" ] || grep -a machnetd "$MN_VM_DIR/vm/kernel.log" | tail -n 15 | tap_diag
}

# answers IFACE: its daemon serves, as its programs see it.
answers() {
	in_vm env MACHNET_SOCKET="/run/machnet/$1/machnetd.sock" machnetctl stats
}

main_pid() {
	in_vm systemctl show -p MainPID --value "machnetd@$1"
}

# another_serves IFACE PID: a process that is not PID.
another_serves() {
	answers "$1" && [ "$(main_pid "$1")" != "$2" ]
}

driver_is() {
	in_vm bash -c "readlink /sys/class/net/$1/device/driver | grep -q '/$2$'"
}

default_is() {
	[ "$(in_vm readlink /run/machnet/machnetd.sock)" = "$1/machnetd.sock" ] && in_vm machnetctl stats
}

tap_start
vm_up vm cpus=2 mem=1024 systemd nic=link:spare nic=link:other && vm_wait vm || exit 1
unit_ok "make install" make -f tools/build/main.mk install
unit_ok "systemd reads the unit" systemctl daemon-reload
run_says "systemd-analyze verify has no complaint" '^clean$' in_vm bash -c \
	'said=$(systemd-analyze verify machnetd@eth0.service 2>&1 | grep machnetd@); echo "${said:-clean}"'
unit_ok "its exposure is at most 4.6" systemd-analyze security --offline=yes --threshold=46 /lib/systemd/system/machnetd@.service
in_vm bash -c 'echo MACHNETD_OPTIONS=\"--poll adaptive --control=local\" >/etc/default/machnetd-eth1'
unit_ok "an instance starts" systemctl start machnetd@eth0
run_ok "its NIC is taken" in_vm bash -c '! readlink /sys/class/net/eth0/device/driver'
unit_ok "a second one starts" systemctl start machnetd@eth1
run_says "with the options of its file" 'control=local' in_vm bash -c \
	"tr '\\0' ' ' </proc/$(main_pid eth1)/cmdline"
run_ok "the first serves the programs that name no socket" default_is eth0
run_fail "a third one for no interface fails" in_vm systemctl start machnetd@none
in_vm systemctl stop machnetd@none
run_ok "the first goes on" answers eth0
run_ok "the second goes on" answers eth1
pid=$(main_pid eth0)
run_ok "the first is killed" in_vm kill -KILL "$pid"
run_ok "systemd starts it again" wait_for 60 another_serves eth0 "$pid"
unit_ok "the first stops" systemctl stop machnetd@eth0
run_ok "the kernel has its NIC again" driver_is eth0 virtio_net
run_ok "the second goes on without the first" answers eth1
unit_ok "the second starts anew" systemctl restart machnetd@eth1
run_ok "programs that name no socket find it" default_is eth1
unit_ok "the second stops" systemctl stop machnetd@eth1
run_ok "the kernel has that NIC again, too" driver_is eth1 virtio_net
run_ok "no socket is left" in_vm bash -c '! find /run/machnet -name "*.sock" | grep .'
run_ok "the kernel has not complained" vm_log_clean vm
tap_end
