#!/bin/bash
# SPDX-License-Identifier: MIT
# The harness itself: two VMs on a link, what they offer to a test, and that trouble in a VM is noticed.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

need_commands ip
need_vm

tap_start
started=$SECONDS
vm_up a cpus=2 nic=link:ab nic=link:spare append=hugepages=16
vm_up b nic=link:ab
vm_wait a && vm_wait b || exit 1
echo "# two VMs with $(vm_accel) after $((SECONDS - started)) s"

run_says "output comes back" '^here a$' vm_exec a bash -c 'echo here $(hostname)'
run_says "a command runs in the directory of the caller" "^$PWD\$" vm_exec b pwd
vm_exec a bash -c 'exit 41'
status=$?
run_ok "the status of a command comes back" test $status = 41
run_says "arguments arrive as they were given" "^<a  b><\\\$x'\"><>\$" vm_exec a printf '<%s>' 'a  b' "\$x'\"" ''
vm_exec a mkfifo /run/pipe
vm_exec a cat /run/pipe >"$MN_VM_DIR/reader" &
reader=$!
run_ok "commands run at the same time: one talks" vm_exec a timeout 30 bash -c 'echo together >/run/pipe'
wait $reader
run_says "and the other listens" '^together$' cat "$MN_VM_DIR/reader"

run_ok "modprobe finds the module" vm_exec a modprobe machnet
run_ok "modprobe -r takes it out" vm_exec a modprobe -r machnet
run_ok "modules for networks and user space drivers are there" \
	vm_exec a modprobe -a veth tun bridge dummy vrf sch_netem uio_pci_generic vfio-pci vhost_net nft_numgen
run_says "hugepages can be had at boot" '^16$' vm_exec a cat /proc/sys/vm/nr_hugepages
run_says "and later" '^64$' vm_exec a bash -c 'echo 64 >/proc/sys/vm/nr_hugepages; cat /proc/sys/vm/nr_hugepages'
run_ok "namespaces can be made" vm_exec a bash -c 'ip netns add x && ip netns exec x ip link && unshare -n true'
run_says "a second NIC goes to uio_pci_generic" '/uio_pci_generic$' vm_script a <<'END'
	dev=$(readlink -f /sys/class/net/eth1/device/..)
	echo uio_pci_generic >$dev/driver_override
	echo ${dev##*/} >$dev/driver/unbind
	echo ${dev##*/} >/sys/bus/pci/drivers_probe
	readlink $dev/driver
END

vm_exec a bash -c 'ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up'
vm_exec b bash -c 'ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up'
run_says "the two reach each other" ' 0% packet loss' vm_exec a ping -c 5 -i 0.02 -W 2 10.0.0.2

run_ok "a quiet kernel log is clean" vm_log_clean b
vm_note b "WARNING: CPU: 0 made up"
run_fail "a complaint in the kernel log is noticed" vm_log_clean b
run_ok "once" vm_log_clean b
run_refuses "a panic ends the command with the kernel's last words" 'Kernel panic.*sysrq' \
	timeout 60 bash -c ". $vm_top/selftests/vm/vm.sh; vm_exec b bash -c 'echo c >/proc/sysrq-trigger; sleep 60'; [ \$? != 255 ] || exit 1"
run_fail "a dead VM takes no more commands" bash -c ". $vm_top/selftests/vm/vm.sh; vm_exec b true || exit 1"
tap_end
