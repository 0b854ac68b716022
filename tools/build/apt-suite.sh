# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Packages of a suite that is not this system's, to be sourced. Nothing is installed, and neither apt's configuration nor
# its lists change: suite_open makes an apt of its own in the working directory, which suite_apt and suite_fetch use.

suite_fail() {
	echo "Error: $*" >&2
	exit 1
}

# The mirror from which apt has this system's own packages; Debian's, while apt has no lists.
suite_mirror() {
	local uri

	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
	      'Component: main' | head -n 1)
	echo "${uri:-http://deb.debian.org/debian/}"
}

# suite_open SUITE: an apt that knows this one suite and no installed package. Proxies and the like are those of the system.
suite_open() {
	command -v apt-get >/dev/null || suite_fail "packages of $1 are fetched with apt-get, which is not here"
	mkdir -p lists/partial cache/archives/partial
	touch status
	echo "deb [arch=amd64 target=Packages signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(suite_mirror) $1 main" \
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
		APT::Install-Recommends "false";
		APT::Update::Error-Mode "any";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	# Its unprivileged user cannot enter a directory below that of root.
	[ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";' >>apt.conf
	suite_fetch update
}

# suite_apt PROGRAM ARGUMENT...
suite_apt() {
	"$1" -c apt.conf "${@:2}"
}

# suite_fetch APT-GET-COMMAND...: exit status 3 when the mirror cannot be reached.
suite_fetch() {
	suite_apt apt-get -q "$@" >log 2>&1 && return
	if grep -qiE '^[EW]: .*(resolv|connect|timed out|unreachable)' log; then
		echo "Error: $(suite_mirror) cannot be reached: $(grep -m 1 '^[EW]:' log)" >&2
		exit 3
	fi
	cat log >&2
	suite_fail "apt-get could not fetch the packages"
}

# suite_unpack DIR: every package in the working directory.
suite_unpack() {
	local package

	for package in *.deb; do
		dpkg-deb -x "$package" "$1"
	done
}
