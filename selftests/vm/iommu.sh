#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs with an IOMMU: the NIC goes to vfio-pci, and its RX interrupt wakes a sleeping engine.
# shellcheck source=selftests/vm/hosts.sh
. "$(dirname "$0")/hosts.sh"

need_vm
declare -A addr=([a]=10.67.0.1 [b]=10.67.0.2)

tap_start
vm_up a mem=1024 iommu nic=link:wire && vm_up b mem=1024 iommu nic=link:wire || exit 1
for vm in a b; do
	host_up $vm ${addr[$vm]}/24 && daemon_up $vm || bail "a daemon in VM $vm"
	ok "a daemon in VM $vm"
	run_says "it has taken vfio-pci" "bound it to vfio-pci" cat "$work/machnetd-$vm.log"
	run_says "packets wake it" "woken by packets" cat "$work/machnetd-$vm.log"
done
server_up b server --verify || bail "a server in VM b"
run_ok "messages flow" vm_exec a "$bin/machnet-bench" client "${addr[b]}" -s 1K -w 4 -n 500 --verify
run_ok "ping works" vm_exec a ping -c 3 -i 0.3 -W 2 "${addr[b]}"
for vm in a b; do
	run_ok "the daemon of VM $vm ends" daemon_down $vm
	run_ok "VM $vm has its NIC back" vm_exec $vm test -e /sys/class/net/eth0
done
kernels_clean a b
tap_end
