#!/bin/bash
# SPDX-License-Identifier: MIT
# address.sh with the module's routes and its registry: for a VM that has it.
modprobe machnet || exit 1
MN_CONTROL=kernel exec "$(dirname "$0")/address.sh"
