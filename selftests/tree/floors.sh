#!/bin/bash
# SPDX-License-Identifier: MIT
# The floors of user/: what each may include. No include runs upwards.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

declare -A below=(
	[base]=""
	[channel]="base"
	[steer]="base"
	[transport]="base channel steer"
	[dp]="base channel steer transport"
	[lib]="base channel"
	[daemon]="base channel dp"
)
floors=(base channel steer transport dp lib daemon)

# Prints includes of floors that do not lie below $1.
upwards() {
	local allowed

	allowed=$(printf '%s|' "$1" ${below[$1]})
	grep -nE "^#include \"($(IFS='|'; echo "${floors[*]}"))/" "user/$1"/*.[ch] |
		grep -vE "#include \"(${allowed%|})/"
}

# Prints includes of what pure logic must not know: system calls, clocks, DPDK.
impure() {
	grep -nE '^#include <(sys/|linux/|rte_|unistd|fcntl|poll|signal|time|pthread|threads|stdio)' "user/$1"/*.[ch]
}

none() {
	local found

	found=$("$@")
	[ -z "$found" ] || { echo "$found"; return 1; }
}

every_floor_is_known() {
	diff <(printf '%s\n' "${floors[@]}" | sort) \
	     <(find user -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
}

tap_start
run_ok "every folder of user/ is a floor" every_floor_is_known
for floor in "${floors[@]}"; do
	run_ok "user/$floor includes nothing above it" none upwards "$floor"
done
for floor in steer transport; do
	run_ok "user/$floor makes no system call and knows no DPDK" none impure "$floor"
done
tap_end
