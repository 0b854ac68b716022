#!/bin/bash
# SPDX-License-Identifier: MIT
# make install on a machine: the module is where modprobe looks, the programs are on the path, and uninstall undoes it.
# shellcheck source=selftests/vm/vm.sh
. "$(dirname "$0")/vm.sh"

need_commands make
need_vm

# The tree that modprobe finds in a VM has the module already: away with it.
tap_start
vm_up vm mem=1024 && vm_wait vm || exit 1
vm_exec vm bash -c "rm -f /lib/modules/$vm_release/updates/machnet.ko; depmod $vm_release"
run_fail "before: no module" vm_exec vm modprobe machnet
run_ok "make install" vm_exec vm make -f tools/build/main.mk install
run_ok "modprobe machnet" vm_exec vm modprobe machnet
run_says "the first look at the family shows it" '^\[\]$' vm_exec vm machnetctl -j port
run_ok "modprobe -r machnet" vm_exec vm modprobe -r machnet
run_ok "the use of the family loads it again" vm_exec vm machnetctl port
run_ok "it is loaded" vm_exec vm test -d /sys/module/machnet
run_ok "modprobe -r machnet, again" vm_exec vm modprobe -r machnet
run_ok "machnetd is on the path" vm_exec vm machnetd --version
run_ok "make uninstall" vm_exec vm make -f tools/build/main.mk uninstall
run_fail "after: no module" vm_exec vm modprobe machnet
run_ok "after: no program" vm_exec vm bash -c '! command -v machnetctl machnetd machnet-bench hello'
run_ok "the kernel has not complained" vm_log_clean vm
tap_end
