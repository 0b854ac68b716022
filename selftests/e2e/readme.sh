#!/bin/bash
# SPDX-License-Identifier: MIT
# The program in README.md compiles as it stands there, talks to "hello listen", and reports what fails.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"
need_commands gcc jq

mkdir "$work/include"
cp "$top/include/machnet.h" "$top/include/machnet_common.h" "$work/include"
sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```/d' >"$work/first.c"

builds() {
	gcc -Wall -Wextra -Werror -I"$work/include" "$work/first.c" -L"$top/build/lib" -Wl,-rpath,"$top/build/lib" \
		-lmachnet -o "$work/first"
}

tap_start
run_ok "the program of the README builds" builds
[ -x "$work/first" ] || bail "a program to run"
run_refuses "without machnetd it says so" '^machnet_attach: ' env MACHNET_SOCKET="$work/none" "$work/first" $IP_B
pair_up || bail "two daemons"
run_refuses "without a server it says so" '^machnet_connect: Connection refused' on a timeout 60 "$work/first" $IP_B
start b hello "$bin/hello" listen
hello=$started
wait_for 10 grep -q listening "$work/hello.log" || bail "hello listen"
run_says "hello listen answers it" '^answer: good morning$' on a timeout 60 "$work/first" $IP_B
run_ok "and has got its message" grep -qx 'got: good morning' "$work/hello.log"
here_ok "hello ends" stop "$hello"
here_ok "the daemons end in order" pair_down
tap_end
