#!/bin/bash
# SPDX-License-Identifier: MIT
# The library as others see it: headers, symbols, man pages.
# shellcheck source=selftests/lib.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/selftests/lib.sh"
need_commands g++ gcc nm man

lib=$top/build/lib/libmachnet.so.0
header=$top/include/machnet.h
work=$(mktemp -d)
at_exit rm -rf "$work"
mkdir "$work/include"
cp "$header" "$top/include/machnet_common.h" "$work/include"

# What the header declares, in order.
functions() {
	sed -n 's/^[A-Za-z].*[ *]\(machnet_[a-z_]*\)(.*/\1/p' "$header" | sort
}

# The errno names in the comment before a function of the header.
documented_errnos() {
	awk -v f="$1(" 'index($0, f) && /^[A-Za-z]/ { print text; exit } /^\/\*/ { text = "" } { text = text " " $0 }' "$header" |
		grep -oE '\bE[A-Z]{3,}\b' | sort -u
}

# same_symbols LIBRARY: its public version.
same_symbols() {
	diff <(functions) <(nm -D --defined-only "$1" | awk '$2 == "T" && sub(/@@MACHNET_0$/, "", $3) { print $3 }' | sort)
}

# It must not print, end the program or ask for anything of the kind.
no_symbol() {
	! nm -D --undefined-only "$lib" | grep -wE "$1"
}

# builds CMD...: the program of another project, which finds the installed headers and no others.
builds() {
	"$@" -Wall -Wextra -Werror -pedantic -I"$work/include" "$top/selftests/compat/names.c" -L"$top/build/lib" \
		-Wl,-rpath,"$top/build/lib" -lmachnet -o "$work/program"
}

# It runs as far as it can without a daemon.
runs() {
	MACHNET_SOCKET=$work/none "$work/program"
	[ $? = 3 ]
}

well_formed() {
	local out

	out=$(MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

page_has_errnos() {
	local e

	for e in $(documented_errnos "$1"); do
		grep -qw "$e" "$top/tools/man/$1.3" || { echo "$e is missing"; return 1; }
	done
}

tap_start
[ "$(functions | wc -l)" -ge 16 ] || not_ok "the header was understood" "$(functions)"
run_ok "the library exports what the header declares, and nothing else" same_symbols "$lib"
run_ok "so does its other name" same_symbols "$top/build/lib/libmachnet_shim.so.0"
run_ok "it prints nothing" no_symbol "v?f?printf|__v?f?printf_chk|puts|fputs|putchar|perror|v?syslog|stdout|stderr"
run_ok "it ends nothing" no_symbol "_?exit|abort|raise|kill|__assert_fail"
run_ok "it leaves signals alone" no_symbol "signal|sigaction|sigprocmask|pthread_sigmask"
for std in c99 gnu11 gnu17; do
	run_ok "a program for Microsoft's Machnet builds as $std" builds gcc -std=$std
	run_ok "it runs" runs
done
for std in c++11 c++20; do
	run_ok "it builds as $std" builds g++ -std=$std -x c++
	run_ok "it runs" runs
done
for f in $(functions); do
	run_ok "$f(3) is well formed" well_formed "$top/tools/man/$f.3"
	run_ok "$f(3) has the errors of the header" page_has_errnos "$f"
done
run_ok "machnet-bench(1) is well formed" well_formed "$top/tools/man/machnet-bench.1"
tap_end
