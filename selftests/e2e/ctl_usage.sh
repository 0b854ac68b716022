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
status 2 "'prot' is no object: did you mean 'port'\?" prot
status 2 "'conection' is no object: did you mean 'connection'\?" conection show
status 2 "'stat' is no object: did you mean 'stats'\?" stat
status 2 "'sohw' is no verb of 'port': did you mean 'show'\?" port sohw
status 2 "'release' is no verb of 'device'$" device release
status 2 "'prot' cannot be monitored: did you mean 'port'\?" monitor prot
status 2 "'local-prot' is not expected here: did you mean 'local-port'\?" connection show local-prot 1
status 0 '^Usage: machnetctl \[OPTION' help
status 0 '^Usage: machnetctl port' help port
status 2 "'prot' is no object: did you mean 'port'" help prot
status 2 "'--bogus'" --bogus
status 2 "'x'" -x port
status 2 'requires an argument' stats -s
status 2 "'list' is no verb" port list
# --- options ---
for seconds in 0 -1 x 1s '' 1e9 nan; do
	status 2 'is no interval in seconds' -i "$seconds" stats
done
for count in 0 -1 x '' 4294967296; do
	status 2 'is no number of intervals' -i 1 -c "$count" top
done
status 2 '-i is not for .port' -i 1 port
status 2 '-c is not for .monitor' -c 1 monitor
status 2 '-b is not for .stats' -b stats
status 2 '-a is not for .top' -a top
status 2 '-a is not for .doctor' --all doctor
status 2 'are for repeating' -c 1 stats
status 2 'are for repeating' -a stats
status 2 "'x' is no IPv4 or IPv6 address" doctor x
status 2 "'y' is not expected" doctor 10.0.0.2 y
for object in stats top; do
	status 2 "'x' is not expected" $object x
done

# --- filters ---
status 2 "'x' is not expected here, but one of: addr, number, pid, user" port show x
status 2 "'local' is not expected" port show local 10.0.0.1
status 2 "'x' is not expected here, but one of: dev, local, local-port, remote" connection show x
status 2 "'sport' is not expected" connection show sport 1
status 2 "what is to follow 'state' is missing" connection show local 10.0.0.1 state
status 2 "'local' is there twice" connection show local 10.0.0.1 local 10.0.0.1
status 2 "'10.0.0' is no IPv4 or IPv6" connection show local 10.0.0
status 2 "'0' is no port number" connection show remote-port 0
status 2 "'open' is no state, but one of: connecting, established, closing" connection show state open
status 2 "'unspec' is no state" connection show state unspec
status 2 "'1.5' is no number" connection show engine 1.5
status 2 "'-1' is no number" connection show -- pid -1
status 2 "there is no user 'no such user'" connection show user 'no such user'
status 2 "there is no user '4294967295'" port show user 4294967295
status 1 "no network device 'nosuch' \(hint: ip link\)" connection show dev nosuch
status 2 'id is missing' connection show id
status 2 "'x' is not expected" connection show id 1 x
for id in 0 xyz 0x1 ' 1' 11111111111111111; do
	status 2 'is no id' connection show id "$id"
	status 2 'is no id' connection kill id "$id"
done

# --- verbs ---
status 2 "'x' is not expected here, but one of: dev, local, remote, engine, remote-engine, state" path show x
status 2 "'established' is no state, but one of: opening, open" path show state established
status 2 "did you mean 'remote-engine'" path show remote-engin 1
status 2 "a path's id is missing" path show id
status 2 "'x' is not expected" path show id 1 x
status 2 "'kill' is no verb of 'path'" path kill
for id in 0 g 1x '' 11112222333344445; do
	status 2 'is no id of a path' path show id "$id"
	status 2 'is no id of a path' connection show path "$id"
done
status 2 'name what to kill; all of them: connection kill all' connection kill
status 2 "'x' is not expected" connection kill all x
status 2 "'x' is not expected" connection kill x
status 2 'id is missing' connection kill id
status 2 'which port\? port release addr' port release
status 2 'which port\? port release addr' port release addr 10.0.0.1
status 2 'which port\? port release addr' port release number 80
status 2 "'10.0.0.1' is not expected here, but one of: addr, number" port release 10.0.0.1 80
status 2 "'pid' is not expected" port release pid 1
status 2 "'10.0.0' is no IPv4 or IPv6" port release addr 10.0.0 number 80
for port in 0 65536 80x '' 4294967376; do
	status 2 'is no port number' port release addr 10.0.0.1 number "$port"
done
status 2 "'x' is not expected" device show x
status 2 'is missing' device show dev
status 2 "'y' is not expected" device show dev lo y
status 1 "no network device 'nosuch'" device show dev nosuch
status 2 'is missing' route get
status 2 'is no IPv4 or IPv6' route get example.org
status 2 "'x' is not expected here, but one of: from, vrf" route get 10.0.0.1 x
status 2 'is no IPv4 or IPv6' route get 10.0.0.1 from x
status 2 "what is to follow 'from' is missing" route get 10.0.0.1 from
status 1 "no network device 'nosuch'" route get 10.0.0.1 vrf nosuch
status 2 'cannot be monitored' monitor bogus

status 0 '^Usage: machnetctl \[OPTION\]' --help
status 0 '^machnetctl [^ ]+$' --version
for object in device port connection path route monitor stats top doctor dev conn; do
	status 0 '^Usage: machnetctl ' "$object" --help
	status 0 '^Usage: machnetctl ' "$object" help
done
for object in device port connection path route monitor stats top doctor; do
	run_says "help lists $object" "^  $object +[A-Za-z]" "$ctl" --help
done

if [ -e /sys/module/machnet ] || modinfo machnet >/dev/null 2>&1; then
	skip "without the module" "the module is at hand, and would be loaded"
else
	for object in device port connection path route monitor; do
		status 1 '^Error: the machnet module is not loaded \(hint: modprobe machnet\)\.$' "$object"
	done
	status 1 '^Error: the machnet module is not loaded' connection kill all
	status 1 '^Error: machnetd is not running, .*\(hint: .*machnetd -i' stats
fi
status 1 '^Error: machnetd is not running, .*\(hint: .*machnetd -i' top
status 1 '^daemon +problem +machnetd is not running' doctor
run_refuses "a full disk is no success" '^Error: cannot print: No space left on device\.$' bash -c "'$ctl' --help >/dev/full"
tap_end
