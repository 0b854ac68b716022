#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line of machnetctl: what is wrong is refused with status 2 and a sentence, help is there for everything.
# Needs neither the module nor a daemon.
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"
ctl=$top/build/bin/machnetctl
export MACHNET_SOCKET=/nonexistent/machnetd.sock

# status WANTED REGEX ARGUMENT...: its exit status and a line of what it says.
status() {
	local wanted=$1 regex=$2

	shift 2
	lib_run "$ctl" "$@"
	if [ "$lib_status" = "$wanted" ] && grep -qE -- "$regex" <<<"$lib_out"; then
		ok "status $wanted: machnetctl $*"
	else
		not_ok "status $wanted: machnetctl $*" "wanted: $regex"$'\n'"$(lib_why "$ctl" "$@")"
	fi
}

tap_start
status 2 'an object is missing'
status 2 "'bogus' is no object" bogus
status 2 "'por' is no object" por
status 2 "'--bogus'" --bogus
status 2 "'x'" -x port
status 2 'requires an argument' stats -s
status 2 "'list' is no verb" port list
status 2 "'x' is not expected" port show x
status 2 'are missing' port release
status 2 'are missing' port release 10.0.0.1
status 2 "'10.0.0' is no IPv4 or IPv6" port release 10.0.0 80
for port in 0 65536 80x -- '' 4294967376; do
	status 2 'is no port number' port release -- 10.0.0.1 "$port"
done
status 2 "'x' is not expected" port release 10.0.0.1 80 x
status 2 "'x' is not expected" device show x
status 2 'is missing' device show dev
status 2 "'y' is not expected" device show dev x y
status 1 "no network device 'nosuch'" device show dev nosuch
status 2 'is missing' connection show id
for id in 0 xyz 0x1 ' 1' 11111111111111111; do
	status 2 'is no id' connection show id "$id"
done
status 2 'is missing' route get
status 2 'is no IPv4 or IPv6' route get example.org
status 2 "'x' is not expected" route get 10.0.0.1 x
status 2 'cannot be monitored' monitor bogus
status 2 "'x' is not expected" stats x

status 0 '^Usage: machnetctl \[OPTION\]' --help
status 0 '^machnetctl [^ ]+$' --version
for object in device port connection route monitor stats dev conn; do
	status 0 '^Usage: machnetctl ' "$object" --help
	status 0 '^Usage: machnetctl ' "$object" help
done
for object in device port connection route monitor stats; do
	run_says "help lists $object" "^  $object +[A-Za-z]" "$ctl" --help
done

if [ -e /sys/module/machnet ] || modinfo machnet >/dev/null 2>&1; then
	skip "without the module" "the module is at hand, and would be loaded"
else
	for object in device port connection route monitor; do
		status 1 '^Error: the machnet module is not loaded \(hint: modprobe machnet\)\.$' "$object"
	done
fi
status 1 '^Error: machnetd is not running, .*\(hint: .*machnetd -i' stats
run_refuses "a full disk is no success" '^Error: cannot print: No space left on device\.$' bash -c "'$ctl' --help >/dev/full"
tap_end
