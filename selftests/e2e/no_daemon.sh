#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that find no daemon name the socket that was tried, the reason, and the commands that start a daemon.
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
bin=$top/build/bin
# Not in TMPDIR: the path of a socket has at most 107 bytes.
work=$(mktemp -d /tmp/mn-e2e.XXXXXX)
trap 'rm -rf "$work"' EXIT
start='machnetd -i IFNAME, or systemctl start machnetd@IFNAME'
chmod 755 "$work"
install -d -m 700 "$work/closed"

# each SENTENCE REGEX COMMAND...: it starts each of the programs.
each() {
	local program

	for program in "hello listen" "hello 10.0.0.2 text" echo_epoll "machnet-bench server" "machnet-bench client 10.0.0.2" \
		"machnet-bench client 10.0.0.2 --connect 1"; do
		# shellcheck disable=SC2086 # words
		run_refuses "$program: $1" "$2 \\(.*MACHNET_SOCKET.*$start" timeout 20 "${@:3}" "$bin/"$program
	done
}

tap_start
need_root
each "a path of its own" "no machnetd at $work/x.sock: No such file or directory" env MACHNET_SOCKET="$work/x.sock"
# A mount namespace in which no daemon of this machine has its socket.
each "the default path" "no machnetd at /run/machnet/machnetd.sock: No such file or directory" \
	unshare -m sh -c "mount -t tmpfs none /run && env -u MACHNET_SOCKET \"\$@\"" sh
each "an empty name is none" "no machnetd at /run/machnet/machnetd.sock: No such file or directory" \
	unshare -m sh -c "mount -t tmpfs none /run && MACHNET_SOCKET= \"\$@\"" sh
each "a directory that is closed to the user" "no machnetd at $work/closed/x.sock: Permission denied" \
	env MACHNET_SOCKET="$work/closed/x.sock" setpriv --reuid=65534 --regid=65534 --clear-groups
tap_end
