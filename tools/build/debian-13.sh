#!/bin/bash
# SPDX-License-Identifier: MIT
# debian-13.sh: prints the root directory of a Debian 13 that has what building and the demo in namespaces need. The first
# time it fetches the packages (100 MB) and unpacks them (600 MB), below ~/.cache/machnet; nothing is installed. Remove that
# directory to have newer ones. Exit status 3: the mirror cannot be reached.
set -euo pipefail
export LC_ALL=C
# shellcheck source=tools/build/apt-suite.sh
. "$(dirname "$0")/apt-suite.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/machnet
dir=$cache/debian-13
packages=(base-files bash coreutils dash findutils gawk grep sed tar util-linux procps kmod
	gcc libc6-dev make pkgconf libdpdk-dev libmnl-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev
	linux-headers-amd64 iproute2 iputils-ping jq)

# All packages that would be installed, but for the kernel, which is large and does not run here.
wanted() {
	suite_apt apt-get -s install "${packages[@]}" | sed -nE '/^Inst linux-image-/d; s/^Inst ([^ ]+) .*/\1/p'
}

# The packages' scripts do not run: what they would do, as far as it is needed, is done here.
unpack() {
	local names top

	names=$(wanted)
	# shellcheck disable=SC2086 # a list of words
	suite_fetch download $names
	for top in bin sbin lib lib64; do
		mkdir -p "root/usr/$top"
		ln -s "usr/$top" "root/$top"
	done
	suite_unpack root
	ln -s gawk root/usr/bin/awk
	[ -e root/usr/bin/sh ] || ln -s dash root/usr/bin/sh
	mkdir -p root/{proc,sys,dev,tmp,run,src}
	suite_apt apt-cache pkgnames | sort >root/packages
}

# The unpacked tree appears all at once.
make_tree() {
	local work

	work=$(mktemp -d "$cache/new.XXXXXX")
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$work'" EXIT
	cd "$work"
	echo "Fetching Debian 13 (100 MB, once)..." >&2
	suite_open trixie
	unpack
	mv -T root "$dir"
	cd /
}

mkdir -p "$cache"
exec 9>"$cache/debian-13.lock"
flock 9
[ -d "$dir" ] || make_tree
echo "$dir"
