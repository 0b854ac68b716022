#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian 13: userspace and module build with its compiler, DPDK and kernel headers, and two daemons of that build serve in
# network namespaces. A change of root into its unpacked packages, in a mount namespace; skipped without the mirror alone.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_root
need_commands apt-get unshare
work=$(mktemp -d)
at_exit rm -rf "$work"

tree_up() {
	local status

	tree=$(tools/build/debian-13.sh 2>"$work/why")
	status=$?
	[ $status != 3 ] || skip_all "$(sed -n '$s/^Error: //p' "$work/why")"
	[ $status = 0 ] && return
	not_ok "there is a Debian 13" "$(<"$work/why")"
	tap_end
}

# inside CMD...: in the tree, with this repository's sources, and what is built of them, at /src.
inside() {
	# shellcheck disable=SC2016 # for the shell in the namespace
	unshare --mount bash -euc '
		root=$1/root
		mkdir -p "$root"
		mount --bind "$2" "$root"
		for fs in proc sys dev; do mount --rbind /$fs "$root/$fs"; done
		for fs in tmp run; do mount -t tmpfs tmpfs "$root/$fs"; done
		mount --bind "$1/src" "$root/src"
		shift 2
		exec chroot "$root" /usr/bin/env -i -C /src PATH=/usr/sbin:/usr/bin HOME=/root "$@"' inside "$work" "$tree" "$@"
}

built() {
	inside make "-j$(nproc)" -f tools/build/main.mk user kmod
}

# Prints the packages that the installer asks for, those of the debug kernel apart, and that Debian 13 does not have.
unknown_packages() {
	sed -n '/^declare -A packages/,/^)/p' tools/build/install-deps.sh | sed '/\[debug\]/d; 1d; s/.*="//' |
		grep -oE '[a-z0-9][a-z0-9.+-]+' | sort -u | comm -23 - "$tree/packages"
}

every_package_is_known() {
	local unknown

	unknown=$(unknown_packages)
	[ -z "$unknown" ] || { echo "$unknown"; return 1; }
}

tap_start
tree_up
run_ok "it has the packages that install-deps.sh asks for" every_package_is_known
mkdir "$work/src"
cp -r Kbuild VERSION include kmod netlink selftests tools user "$work/src"
run_ok "userspace and module build" built
run_ok "with the driver of Azure's MANA" grep -qaw net_mana "$work/src/build/bin/machnetd"
run_ok "the demo in namespaces succeeds" inside env DEMO=netns timeout 200 tools/demo/demo.sh
tap_diag < <(sed -n '/^== what was measured/,$p' <<<"$lib_out")
tap_end
