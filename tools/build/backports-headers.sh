#!/bin/bash
# SPDX-License-Identifier: MIT
# backports-headers.sh: prints the directory to build a module in for the kernel of bookworm-backports. The first time it
# fetches the headers' packages (16 MB) and unpacks them, below ~/.cache/machnet; nothing is installed, and neither apt's
# configuration nor its lists change. Remove that directory to have newer ones. Exit status 3: the mirror cannot be reached.
set -euo pipefail
export LC_ALL=C
# shellcheck source=tools/build/apt-suite.sh
. "$(dirname "$0")/apt-suite.sh"

suite=bookworm-backports
cache=${XDG_CACHE_HOME:-$HOME/.cache}/machnet
dir=$cache/headers-$suite

# depends PACKAGE PATTERN: what the package needs, as far as the names match.
depends() {
	suite_apt apt-cache depends --important "$1" | sed -nE "s/^ *\|?Depends: <?($2)>?$/\1/p"
}

# The packages believe they are in /usr/src.
relocate() {
	local release=$1

	sed -i 's,/usr/src/,../,' "root/usr/src/linux-headers-$release/Makefile"
	ln -sfn "../../../usr/src/linux-headers-$release" "root/lib/modules/$release/build"
	ln -sfn "../../../usr/src/linux-headers-${release%-*}-common" "root/lib/modules/$release/source"
}

unpack() {
	local headers packages

	headers=$(depends linux-headers-amd64 'linux-headers-.*')
	packages="$headers $(depends "$headers" 'linux-(headers|kbuild|compiler)-.*')"
	# shellcheck disable=SC2086 # a list of words
	suite_fetch download $packages
	suite_unpack root
	relocate "${headers#linux-headers-}"
	depends "$headers" 'gcc-[0-9]+' >root/compiler
}

# The unpacked tree appears all at once.
make_tree() {
	local work

	work=$(mktemp -d "$cache/new.XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$work'" EXIT
	cd "$work"
	echo "Fetching the headers of $suite (16 MB, once)..." >&2
	suite_open "$suite"
	unpack
	mv -T root "$dir"
	cd /
}

mkdir -p "$cache"
exec 9>"$cache/headers.lock"
flock 9
[ -d "$dir" ] || make_tree
compiler=$(<"$dir/compiler")
[ -z "$compiler" ] || command -v "$compiler" >/dev/null ||
	suite_fail "needs $compiler (hint: apt-get install $compiler)"
echo "$dir"/lib/modules/*/build
