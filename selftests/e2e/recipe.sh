#!/bin/bash
# SPDX-License-Identifier: MIT
# The recipe of Documentation/setup.md for two namespaces works as it stands there.
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_root
need_commands unshare ip pidof xargs

top=$(cd "$(dirname "$0")/../.." && pwd)
# Not in TMPDIR: the path of a socket has at most 107 bytes.
work=$(mktemp -d /tmp/mn-recipe.XXXXXX)
at_exit rm -rf "$work"

# The sockets are in the directory of this test.
sed -n '/^```sh$/,/^```$/p' "$top/Documentation/setup.md" | sed "/^\`\`\`/d; s|/run/|$work/|g" >"$work/recipe"

# Its namespaces and its log are in mounts of its own, its processes end with it.
recipe() {
	PATH=$top/build/bin:$PATH timeout 120 unshare --mount --pid --fork --kill-child --mount-proc bash -e -c '
		mkdir -p /run/netns
		mount -t tmpfs none /run/netns
		mount -t tmpfs none /var/log
		. "$1/recipe"
		for name in left right; do
			[ ! -e "/run/netns/$name" ] || { echo "namespace $name remains"; exit 1; }
		done
		# They give back their hugepages before they end.
		. "$0"
		wait_for 20 eval "! pidof machnetd" || { echo "a machnetd remains"; exit 1; }' \
		"$top/selftests/lib.sh" "$work" >"$work/log" 2>&1
}

tap_start
run_ok "the recipe has commands" grep -q 'hello listen' "$work/recipe"
run_ok "each of them succeeds, and nothing remains" recipe
run_ok "the message arrives" grep -qx 'got: good morning' "$work/log"
run_ok "the answer arrives" grep -qx 'answer: good morning' "$work/log"
[ "$tap_failed" = 0 ] || tap_diag <"$work/log"
tap_end
