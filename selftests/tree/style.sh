#!/bin/bash
# SPDX-License-Identifier: MIT
# Rules of the tree that a program can check.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands shellcheck git
if git rev-parse --git-dir >/dev/null 2>&1; then
	mapfile -t files < <(git ls-files --cached --others --exclude-standard)
else
	mapfile -t files < <(find . -name 'build*' -type d -prune -o -type f -printf '%P\n')
fi
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '\.([ch]|sh|py|mk|map|awk|lua|yaml)$|(^|/)(Makefile|Kbuild|run|run-one|run-in-vm)$')
mapfile -t code < <(printf '%s\n' "${files[@]}" | grep -E '\.[ch]$')
mapfile -t scripts < <(grep -lE '^#!/bin/bash' "${sources[@]}")

not_executable() {
	local f

	for f in "${scripts[@]}"; do
		[ -x "$f" ] || echo "$f"
	done
}

without_licence() {
	local f

	for f in "${sources[@]}"; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier' || echo "$f"
	done
}

# Prints files of more than 500 lines.
too_long() {
	wc -l "${code[@]}" | awk '$1 > 500 && $2 != "total" { print $2 ": " $1 " lines" }'
}

# Prints lines of more than 100 columns, a tab being 8.
too_wide() {
	local f

	for f in "${code[@]}"; do
		expand "$f" | awk -v f="$f" 'length > 100 { print f ":" NR ": " length " columns" }'
	done
}

none() {
	local found

	found=$("$@")
	[ -z "$found" ] || { echo "$found"; return 1; }
}

no_match() {
	! grep -nE "$@"
}

tap_start
run_ok "every source names its licence" none without_licence
run_ok "no file of C is longer than 500 lines" none too_long
run_ok "no line of C is wider than 100 columns" none too_wide
run_ok "no blanks at the end of a line" no_match '[ 	]+$' "${sources[@]}"
run_ok "scripts can be executed" none not_executable
run_ok "scripts pass shellcheck" shellcheck -x --severity=warning "${scripts[@]}"
tap_end
