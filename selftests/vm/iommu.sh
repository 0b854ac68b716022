#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs with an IOMMU: the NIC goes to vfio-pci, and its RX interrupt wakes a sleeping engine.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

why=$(vm_obstacle)
[ -z "$why" ] || skip_all "$why"

bin=$vm_top/build/bin
declare -A addr=([a]=10.67.0.1 [b]=10.67.0.2)

# daemon_up VM: the log is in the directory of the VM.
daemon_up() {
	vm_exec "$1" bash -c "modprobe machnet && ip addr add ${addr[$1]}/24 dev eth0 && ip link set eth0 up" || return 1
	vm_exec "$1" "$bin/machnetd" -i eth0 >"$MN_VM_DIR/machnetd-$1" 2>&1 &
	wait_for 60 grep -q serving "$MN_VM_DIR/machnetd-$1"
}

tap_start
vm_up a mem=1024 iommu nic=link:wire && vm_up b mem=1024 iommu nic=link:wire && vm_wait a && vm_wait b || exit 1
for vm in a b; do
	if daemon_up $vm; then ok "a daemon in VM $vm"; else not_ok "a daemon in VM $vm" "$(<"$MN_VM_DIR/machnetd-$vm")"; fi
	run_says "it has taken vfio-pci" "bound it to vfio-pci" cat "$MN_VM_DIR/machnetd-$vm"
	run_says "packets wake it" "woken by packets" cat "$MN_VM_DIR/machnetd-$vm"
done
vm_exec b "$bin/machnet-bench" server --verify >"$MN_VM_DIR/server" 2>&1 &
wait_for 30 grep -q listening "$MN_VM_DIR/server"
run_ok "messages flow" vm_exec a "$bin/machnet-bench" client "${addr[b]}" -s 1K -w 4 -n 500 --verify
run_ok "ping works" vm_exec a ping -c 3 -i 0.3 -W 2 "${addr[b]}"
for vm in a b; do
	run_ok "the daemon of VM $vm ends" vm_exec $vm pkill -TERM machnetd
	run_ok "VM $vm has its NIC back" wait_for 20 vm_exec $vm test -e /sys/class/net/eth0
	run_ok "the kernel of VM $vm has not complained" vm_log_clean $vm
done
tap_end
