#!/bin/bash
# SPDX-License-Identifier: MIT
# The demo tells its story with figures of its own run, and fails when a step does.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

# vm_world ACCELERATOR: the world of two VMs comes up, with no VM started, and prints its name for the table of results.
vm_world() (
	# shellcheck source=tools/demo/vm.sh
	. "$top/tools/demo/vm.sh"
	accelerator=$1
	vm_up() { :; }
	vm_wait() { :; }
	vm_exec() { :; }
	vm_accel() { echo "$accelerator"; }
	ip_of() { echo "$IP_A"; }
	say() { printf '%s\n' "$*"; }
	world_up && world_name
)

# says_emulated ACCELERATOR TIMES
says_emulated() {
	vm_world "$1" >"$work/world" && grep -q 'two VMs' "$work/world" &&
		[ "$(grep -c 'emulate.*no measure' "$work/world")" = "$2" ]
}

tap_start
run_ok "with an emulated processor the demo says, before and beside its figures, that they are no measure" says_emulated tcg 2
run_ok "with KVM it does not" says_emulated kvm 0
need_root
DEMO=netns timeout 250 "$top/tools/demo/demo.sh" >"$work/demo.log" 2>&1
status=$?
run_ok "the demo in namespaces succeeds" test $status = 0
for word in 'hello from host a' '3 packets transmitted, 3 received' 'msg/s each way' 'connect / refused'; do
	run_ok "it shows: $word" grep -qF "$word" "$work/demo.log"
done
[ "$tap_failed" = 0 ] || tap_diag <"$work/demo.log"

# The same tree with a program that does not do its work.
mkdir -p "$work/tree/build"
cp -r "$top/tools" "$top/selftests" "$work/tree"
cp -r "$top/build/bin" "$top/build/lib" "$work/tree/build"
cp /bin/false "$work/tree/build/bin/machnet-bench"
DEMO=netns timeout 250 "$work/tree/tools/demo/demo.sh" >"$work/broken.log" 2>&1
status=$?
run_ok "with a broken program it fails" test $status = 1
run_ok "and says where" grep -q FAILED "$work/broken.log"
DEMO=moon "$top/tools/demo/demo.sh" >"$work/moon.log" 2>&1
status=$?
run_ok "an unknown world is refused" test $status = 1
tap_end
