#!/bin/bash
# SPDX-License-Identifier: MIT
# reattach.sh with the ports in the kernel's hands: for a VM with the module.
modprobe machnet || exit 1
MN_CONTROL=kernel exec "$(dirname "$0")/reattach.sh"
