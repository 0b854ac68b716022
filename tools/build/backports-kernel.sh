#!/bin/bash
# SPDX-License-Identifier: MIT
# backports-kernel.sh SUITE headers|kernel|source: prints the root directory of the packages of a kernel in SUITE, or in
# "newest", the suite of those that has the newest one. The first time it fetches the packages and unpacks them, below
# ~/.cache/machnet; nothing is installed, and neither apt's configuration nor its lists change. Remove the directory to have
# newer ones. Exit status 3: the mirror cannot be reached.
#   headers (20 MB): lib/modules/RELEASE/build, to build a module in
#   kernel (150 MB): that, boot/vmlinuz-RELEASE and lib/modules/RELEASE, which is what MN_VM_KERNEL wants
#   source (170 MB): usr/src/linux-source-VERSION.tar.xz
set -euo pipefail
export LC_ALL=C
# shellcheck source=tools/build/apt-suite.sh
. "$(dirname "$0")/apt-suite.sh"

newest=trixie-backports
cache=${XDG_CACHE_HOME:-$HOME/.cache}/machnet

# depends PACKAGE PATTERN: what the package needs, as far as the names match.
depends() {
	suite_apt apt-cache depends --important "$1" | sed -nE "s/^ *\|?Depends: <?($2)>?$/\1/p"
}

headers_packages() {
	local headers

	headers=$(depends linux-headers-amd64 'linux-headers-.*')
	echo "$headers" && depends "$headers" 'linux-((base|headers|kbuild)-[0-9]|compiler-).*'
}

kernel_packages() {
	local image

	image=$(depends linux-image-amd64 'linux-image-.*')
	headers_packages && echo "$image" && depends "$image" 'linux-(base|binary|modules)-[0-9].*'
}

source_packages() {
	depends linux-source 'linux-source-.*'
}

# Older packages have /lib/modules, newer ones only know /usr/lib/modules. Neither lies where it believes to be. Their
# compiler may be missing: then gcc does, of whatever version, and the two optional things that only newer ones have go.
relocate() {
	local headers release

	[ -e root/lib ] || ln -s usr/lib root/lib
	headers=$(echo root/usr/src/linux-headers-*-amd64)
	release=${headers##*/linux-headers-}
	sed -i "s,/usr/src/,$dir/usr/src/," "$headers/Makefile"
	# shellcheck disable=SC2016 # for make
	echo 'CC := $(or $(shell command -v $(CC)),gcc)' >>"$headers/.kernelvariables"
	sed -i -E '/CONFIG_CC_HAS_(ASSUME|MIN_FUNCTION_ALIGNMENT)\>/d' \
		"$headers"/include/{config/auto.conf,generated/autoconf.h}
	ln -sfn "$dir/usr/src/${headers##*/}" "root/lib/modules/$release/build"
	ln -sfn "$dir/usr/src/linux-headers-${release%-*}-common" "root/lib/modules/$release/source"
	lend_libc
	[ "$what" = headers ] || make_bootable "$release"
}

# Programs of the headers may want a newer libc than this system's: they run with that of their own suite.
lend_libc() {
	local program libc=$dir/libc/usr/lib/x86_64-linux-gnu

	find root/usr/lib/linux-kbuild-* -type f -perm -u+x | while read -r program; do
		ldd "$program" 2>&1 | grep -q 'GLIBC.* not found' || continue
		[ -e root/libc ] || (mkdir libc && cd libc && suite_open "${suite%-backports}" &&
				     suite_fetch download libc6 && suite_unpack ../root/libc)
		mv "$program" "$program.elf"
		printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$libc/ld-linux-x86-64.so.2" "$libc" \
			"$dir${program#root}.elf" >"$program"
		chmod +x "$program"
	done
}

# What the packages' scripts would do.
make_bootable() {
	mkdir -p root/boot
	[ -e "root/boot/vmlinuz-$1" ] || ln -s "../lib/modules/$1/vmlinuz" "root/boot/vmlinuz-$1"
	/sbin/depmod -b root "$1"
}

# The unpacked tree appears all at once.
make_tree() {
	local work packages

	work=$(mktemp -d "$cache/new.XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$work'" EXIT
	cd "$work"
	echo "Fetching the packages of a kernel of $suite ($what, once)..." >&2
	suite_open "$suite"
	packages=$("${what}_packages" | sort -u)
	# shellcheck disable=SC2086 # a list of words
	suite_fetch download $packages
	suite_unpack root
	[ "$what" = source ] || relocate
	mv -T root "$dir"
	cd /
}

suite=${1:-} what=${2:-}
case $suite/$what in
*-backports/headers | *-backports/kernel | *-backports/source) ;;
newest/headers | newest/kernel | newest/source) suite=$newest ;;
*) echo "usage: backports-kernel.sh SUITE|newest headers|kernel|source" >&2; exit 2 ;;
esac
mkdir -p "$cache"
exec 9>"$cache/$suite.lock"
flock 9
# The kernel comes with its headers.
[ "$what" != headers ] || [ ! -d "$cache/$suite-kernel" ] || what=kernel
dir=$cache/$suite-$what
[ -d "$dir" ] || make_tree
echo "$dir"
