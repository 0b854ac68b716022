#!/bin/bash
# SPDX-License-Identifier: MIT
# backports-headers.sh: prints the directory to build a module in for the kernel of bookworm-backports. The first time it
# fetches the headers' packages (16 MB) and unpacks them, below ~/.cache/machnet; nothing is installed, and neither apt's
# configuration nor its lists change. Remove that directory to have newer ones. Exit status 3: the mirror cannot be reached.
set -euo pipefail
export LC_ALL=C

suite=bookworm-backports
cache=${XDG_CACHE_HOME:-$HOME/.cache}/machnet
dir=$cache/headers-$suite

fail() {
	echo "Error: $*" >&2
	exit 1
}

# The mirror from which apt has this system's own packages; Debian's, while apt has no lists.
mirror() {
	local uri

	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
	      'Component: main' | head -n 1)
	echo "${uri:-http://deb.debian.org/debian/}"
}

# An apt of our own: it knows this one suite and no installed package, and keeps everything in the directory it works in.
# The proxy and the like are those of the system.
configure() {
	mkdir -p lists/partial cache/archives/partial
	touch status
	echo "deb [arch=amd64 target=Packages signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" \
		>sources.list
	cat >apt.conf <<-END
		Dir::State "$PWD";
		Dir::State::lists "$PWD/lists";
		Dir::State::status "$PWD/status";
		Dir::Cache "$PWD/cache";
		Dir::Etc::sourcelist "$PWD/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Acquire::http::Timeout "20";
		Acquire::Retries "1";
		APT::Update::Error-Mode "any";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	# Its unprivileged user cannot enter a directory below that of root.
	[ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";' >>apt.conf
}

# fetch APT-GET-COMMAND...
fetch() {
	apt-get -c apt.conf -q "$@" >log 2>&1 && return
	if grep -qiE '^[EW]: .*(resolv|connect|timed out|unreachable)' log; then
		echo "Error: $(mirror) cannot be reached: $(grep -m 1 '^[EW]:' log)" >&2
		exit 3
	fi
	cat log >&2
	fail "apt-get could not fetch the headers of $suite"
}

# depends PACKAGE PATTERN: what the package needs, as far as the names match.
depends() {
	apt-cache -c apt.conf depends --important "$1" | sed -nE "s/^ *\|?Depends: <?($2)>?$/\1/p"
}

# The packages believe they are in /usr/src.
relocate() {
	local release=$1

	sed -i 's,/usr/src/,../,' "root/usr/src/linux-headers-$release/Makefile"
	ln -sfn "../../../usr/src/linux-headers-$release" "root/lib/modules/$release/build"
	ln -sfn "../../../usr/src/linux-headers-${release%-*}-common" "root/lib/modules/$release/source"
}

unpack() {
	local headers packages package

	headers=$(depends linux-headers-amd64 'linux-headers-.*')
	packages="$headers $(depends "$headers" 'linux-(headers|kbuild|compiler)-.*')"
	# shellcheck disable=SC2086 # a list of words
	fetch download $packages
	for package in *.deb; do
		dpkg-deb -x "$package" root
	done
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
	configure
	echo "Fetching the headers of $suite (16 MB, once)..." >&2
	fetch update
	unpack
	mv -T root "$dir"
	cd /
}

mkdir -p "$cache"
exec 9>"$cache/headers.lock"
flock 9
if [ ! -d "$dir" ]; then
	command -v apt-get >/dev/null || fail "the headers of $suite are fetched with apt-get, which is not here"
	make_tree
fi
compiler=$(<"$dir/compiler")
[ -z "$compiler" ] || command -v "$compiler" >/dev/null || fail "needs $compiler (hint: apt-get install $compiler)"
echo "$dir"/lib/modules/*/build
