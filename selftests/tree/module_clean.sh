#!/bin/bash
# SPDX-License-Identifier: MIT
# The module builds against each kernel's headers without a word from W=1 and from sparse.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands sparse
work=$(mktemp -d /tmp/mn-clean.XXXXXX)
at_exit rm -rf "$work"
cp -r --parents Kbuild kmod include/uapi "$work"

# Prints what compiler and sparse have to say of our files; fails when the build fails.
complaints() {
	env -u MAKEFLAGS -u MAKELEVEL make -C "/lib/modules/$1/build" M="$work" W=1 C=2 modules >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
	! grep -E '(warning|error):' "$work/log"
}

tap_start
for headers in /lib/modules/*/build; do
	[ -e "$headers/Makefile" ] || continue
	release=$(basename "$(dirname "$headers")")
	run_ok "W=1 C=2 against $release" complaints "$release"
done
tap_end
