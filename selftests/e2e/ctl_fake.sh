# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of machnetctl with a daemon that is none have in common; to be sourced.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
# shellcheck disable=SC2034 # for those who source this
ctl=$top/build/bin/machnetctl
need_commands python3 jq
# Not in TMPDIR: the path of a socket has at most 107 bytes.
work=$(mktemp -d /tmp/mn-ctl.XXXXXX)
at_exit rm -rf "$work"
export MACHNET_SOCKET=$work/daemon.sock
fake=

# serve MODE [FACT...]: from here on such a daemon.
serve() {
	[ -z "$fake" ] || lib_stop "$fake" 2>/dev/null
	rm -f "$MACHNET_SOCKET"
	: >"$work/log"
	background python3 -I -S "$top/selftests/e2e/ctl_daemon.py" "$MACHNET_SOCKET" "$@" >"$work/log" 2>&1
	fake=$background_pid
	wait_for 10 grep -q listening "$work/log"
}

# The module, where it is, is asked first.
need_no_module() {
	if [ -e /sys/module/machnet ] || modinfo machnet >/dev/null 2>&1; then
		skip_all "the module is at hand, and would be asked"
	fi
}

# run_json SENTENCE FILTER CMD...: the command succeeds, and jq finds the filter true of each value that it prints.
run_json() {
	local sentence=$1 filter=$2

	shift 2
	lib_out=$("$@" 2>"$work/stderr")
	lib_status=$?
	if [ "$lib_status" = 0 ] && [ -n "$lib_out" ] && [ "$(jq "$filter" <<<"$lib_out" | sort -u)" = true ]; then
		ok "$sentence"
	else
		not_ok "$sentence" "wanted: $filter"$'\n'"$(lib_why "$@")"$'\n'"$(<"$work/stderr")"
	fi
}
