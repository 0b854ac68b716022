#!/bin/bash
# SPDX-License-Identifier: MIT
# install-deps.sh waits for another package manager. The locks and the state are those of an apt of the test's own: nothing
# is fetched or installed, since the one package asked for is installed already.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_root
need_commands apt-get dpkg-query python3
work=$(mktemp -d)
at_exit rm -rf "$work"

private_apt() {
	mkdir -p "$work"/{bin,dpkg,state/lists/partial,cache/archives/partial}
	cp /var/lib/dpkg/status "$work/dpkg/"
	cat >"$work/apt.conf" <<-END
		Dir::State "$work/state";
		Dir::State::lists "$work/state/lists";
		Dir::State::status "$work/dpkg/status";
		Dir::Cache "$work/cache";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "/dev/null";
		APT::Sandbox::User "root";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
	END
	# What is installed looks missing to the installer, not to apt.
	printf '#!/bin/sh\n' >"$work/bin/dpkg-query"
	chmod +x "$work/bin/dpkg-query"
}

# The group of one package that any machine with modules has.
installer() {
	APT_CONFIG=$work/apt.conf PATH=$work/bin:$PATH tools/build/install-deps.sh module
}

# held LOCK: a package manager has it, until $background_pid is killed.
held() {
	rm -f "$work/is_held"
	background python3 -c "
import fcntl, signal
lock = open('$1', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
open('$work/is_held', 'w')
signal.pause()"
	wait_for 10 test -e "$work/is_held"
}

# waits_for LOCK: it says so, goes on waiting, and succeeds when the lock is free.
waits_for() {
	local holder

	held "$1" || return 1
	holder=$background_pid
	installer >"$work/log" 2>&1 &
	wait_for 20 eval "grep -q '^Waiting.*process $holder ' '$work/log' || lib_gone $!"
	! lib_gone $!
	set -- $?
	kill "$holder"
	wait $! && [ "$1" = 0 ]
}

# here_ok SENTENCE CMD...: like run_ok, in this shell.
here_ok() {
	local sentence=$1

	shift
	if "$@"; then ok "$sentence"; else not_ok "$sentence" "$(<"$work/log")"; fi
}

# Not every failure is a lock.
fails() {
	echo "Dir::Etc::sourcelist \"/nonexistent\"; Dir::State::status \"/nonexistent\";" >>"$work/apt.conf"
	installer
}

tap_start
private_apt
run_ok "with free locks" installer
here_ok "with the lock of the lists held" waits_for "$work/state/lists/lock"
here_ok "with the lock of the archives held" waits_for "$work/cache/archives/lock"
here_ok "with the lock of dpkg's frontend held" waits_for "$work/dpkg/lock-frontend"
run_fail "another failure ends it at once" fails
tap_end
