#!/bin/bash
# SPDX-License-Identifier: MIT
# debug-kernel.sh WHICH [where]: builds a kernel of "make check-debug" unless that has been done: debug-kernel.config, the
# checks of debug-kernel.kasan or .kcsan, and the sources of the package linux-source-6.1 or of Debian's newest backport.
# With "where" only prints its directory, which is what MN_VM_KERNEL wants:
#   boot/vmlinuz-RELEASE   lib/modules/RELEASE/   build/ (what it takes to build a module)
# WHICH is 6.1, newest, 6.1-kcsan or newest-kcsan. Exit status 3: the mirror cannot be reached.
set -euo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C

here=$(readlink -f "$(dirname "$0")")
which=${1:-}
checks=kasan
[[ $which != *-kcsan ]] || checks=kcsan

fail() {
	echo "Error: $*" >&2
	exit 1
}

# What lies in the cache is enough for the newest kernel; without it the sources are fetched.
find_sources() {
	local root

	case ${which%-kcsan} in
	6.1)
		tarball=/usr/src/linux-source-6.1.tar.xz
		version=$(dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null || echo 6.1)
		[ -e "$tarball" ] || fail "needs $tarball (package linux-source-6.1)"
		;;
	newest)
		root=$("$here/backports-kernel.sh" newest source)
		tarball=$(echo "$root"/usr/src/linux-source-*.tar.xz)
		version=$(basename "$tarball" .tar.xz)
		version=${version#linux-source-}
		;;
	*) fail "usage: debug-kernel.sh 6.1|newest|6.1-kcsan|newest-kcsan [where]" ;;
	esac
}

unpack() {
	echo "Unpacking $tarball..."
	rm -rf "${dir:?}"/{boot,lib,config,build}
	mkdir -p "$build"
	tar -xJf "$tarball" -C "$build" --no-same-owner --strip-components=1
}

configure() {
	local refused

	KCONFIG_ALLCONFIG=$wanted make -s -C "$build" allnoconfig
	refused=$(grep '^CONFIG_' "$wanted" | grep -vxFf "$build/.config" || true)
	[ -z "$refused" ] || fail "this kernel does not have, in this combination:" "$refused"
	cp "$wanted" "$begun"
}

# One line in 250 is enough to see that it goes on.
compile() {
	echo "Compiling (some 20 minutes of one processor, once)..."
	make -C "$build" "-j$(nproc)" bzImage modules 2>&1 | tee "$dir/log" |
		awk 'NR % 250 == 0 { print "  " NR " steps of about " total; fflush() }' total=2400 ||
		{ tail -n 30 "$dir/log" >&2; fail "the debug kernel does not build"; }
}

# What is needed no more takes 2 GB: the objects, and the sources of all that no module includes.
install() {
	local release

	release=$(make -s -C "$build" kernelrelease)
	mkdir -p "$dir/boot"
	make -s -C "$build" INSTALL_MOD_PATH="$dir" modules_install >>"$dir/log" 2>&1 || fail "see $dir/log"
	cp "$build/arch/x86/boot/bzImage" "$dir/boot/vmlinuz-$release"
	rm "$begun"
	find "$build" -path "$build/scripts" -prune -o \( -name '*.o' -o -name '*.a' \) -type f -exec rm {} +
	rm -rf "$build"/{Documentation,drivers,fs,net,samples,sound}
}

find_sources
dir=${XDG_CACHE_HOME:-$HOME/.cache}/machnet/debug-kernel-$version-$checks
build=$dir/build
begun=$build/begun-with
[ "${2:-}" != where ] || { echo "$dir"; exit 0; }
mkdir -p "$dir"
exec 9>"$dir/lock"
flock -n 9 || { echo "Waiting for another build of the debug kernel..."; flock 9; }
wanted=$dir/wanted
cat "$here/debug-kernel.config" "$here/debug-kernel.$checks" >"$wanted"
! cmp -s "$wanted" "$dir/config" || exit 0
echo "The debug kernel goes to $dir"
# What was interrupted goes on.
if ! cmp -s "$wanted" "$begun"; then
	unpack
	configure
fi
compile
install
cp "$wanted" "$dir/config"
