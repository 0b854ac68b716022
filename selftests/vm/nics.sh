#!/bin/bash
# SPDX-License-Identifier: MIT
# The kinds of NIC that the harness can give: several queues with RSS on a bridge, and one behind an IOMMU.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

need_vm
need_nets

# feature VM BIT: what the driver and the device have agreed on for eth0.
feature() {
	vm_exec "$1" bash -c "cut -c $(($2 + 1)) /sys/class/net/eth0/device/features"
}

tap_start
vm_up a cpus=2 iommu nic=net:lan,queues=2,rss
vm_up b nic=net:lan
vm_wait a && vm_wait b || exit 1

run_says "a NIC can have two queues" '^2$' vm_exec a bash -c 'ls -d /sys/class/net/eth0/queues/rx-* | wc -l'
run_says "and real RSS" '^1$' feature a 60
run_says "another has none" '^0$' feature b 60
vm_exec a bash -c 'ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up'
vm_exec b bash -c 'ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up'
run_says "the bridge joins them" ' 0% packet loss' vm_exec a ping -c 5 -i 0.05 -W 2 10.0.0.2
run_says "with an IOMMU, vfio-pci takes the NIC" '/vfio-pci$' vm_script a <<'END'
	modprobe vfio-pci
	dev=$(readlink -f /sys/class/net/eth0/device/..)
	echo vfio-pci >$dev/driver_override
	echo ${dev##*/} >$dev/driver/unbind
	echo ${dev##*/} >/sys/bus/pci/drivers_probe
	readlink $dev/driver
END
run_ok "the kernel has nothing to complain of" vm_log_clean a
tap_end
