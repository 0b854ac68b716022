#!/bin/bash
# SPDX-License-Identifier: MIT
# path_ports.sh with the ports lent to the module: for a VM that has it.
modprobe machnet || exit 1
MN_CONTROL=kernel exec "$(dirname "$0")/path_ports.sh"
