#!/bin/bash
# SPDX-License-Identifier: MIT
# registry.sh with the module's registry: for a VM that has it.
modprobe machnet || exit 1
MN_CONTROL=kernel exec "$(dirname "$0")/registry.sh"
