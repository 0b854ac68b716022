#!/bin/bash
# SPDX-License-Identifier: MIT
# The module builds against each kernel's headers, and those of bookworm-backports, without a word from W=1 and from sparse;
# kernel-doc and checkpatch.pl have nothing to say of its sources either.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands sparse perl
work=$(mktemp -d /tmp/mn-clean.XXXXXX)
at_exit rm -rf "$work"
sources=(kmod/*.[ch] include/uapi/linux/machnet.h)

# Prints what compiler and sparse have to say of our files; fails when the build fails. BTF, which would want pahole, has
# nothing to say of them.
complaints() {
	rm -rf "$work/tree"
	mkdir "$work/tree"
	cp -r --parents Kbuild VERSION kmod include/uapi "$work/tree"
	env -u MAKEFLAGS -u MAKELEVEL make "-j$(nproc)" -C "$1" M="$work/tree" W=1 C=2 CONFIG_DEBUG_INFO_BTF_MODULES= \
		modules >"$work/log" 2>&1 ||
		{ cat "$work/log"; return 1; }
	! grep -E '(warning|error):' "$work/log"
}

# silent CMD...: the command succeeds and prints nothing.
silent() {
	local said

	said=$("$@" 2>&1) && [ -z "$said" ] && return
	echo "$said"
	return 1
}

against() {
	local release

	release=$(basename "$(dirname "$1")")
	run_ok "W=1 C=2 against $release" complaints "$1"
	run_ok "kernel-doc of $release" silent "$1/scripts/kernel-doc" -none -Werror "${sources[@]}"
}

# Skipped only when there is no way to the mirror: headers that are there and do not build fail.
against_backports() {
	local headers status

	headers=$(tools/build/backports-headers.sh 2>"$work/why")
	status=$?
	case $status in
	0) against "$headers" ;;
	3) skip "against the headers of bookworm-backports" "$(sed -n '$s/^Error: //p' "$work/why")" ;;
	*) not_ok "there are headers of bookworm-backports" "$(<"$work/why")" ;;
	esac
}

# checkpatch IGNORED FILE...
checkpatch() {
	local ignored=$1

	shift
	silent perl build/linux-source/checkpatch.pl --no-tree --strict --quiet --no-summary --terse --show-types \
		--max-line-length=100 --ignore "$ignored" -f "$@"
}

# What is ignored everywhere: locks are explained in the comment above their structure; an argument of a macro may be the
# name of a member; a sentence for the user may contain the word that its function is named after.
everywhere=UNCOMMENTED_DEFINITION,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,EMBEDDED_FUNCTION_NAME

styles() {
	local others=() file

	for file in "${sources[@]}"; do
		case $file in kmod/compat.h | kmod/trace.h) ;; *) others+=("$file") ;; esac
	done
	run_ok "checkpatch.pl" checkpatch "$everywhere" "${others[@]}"
	# The one place where versions may be asked for.
	run_ok "checkpatch.pl of compat.h" checkpatch "$everywhere,LINUX_VERSION_CODE,CONSTANT_COMPARISON" kmod/compat.h
	# TRACE_EVENT() has a layout of its own.
	run_ok "checkpatch.pl of trace.h" checkpatch "$everywhere,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE" kmod/trace.h
}

tap_start
for headers in /lib/modules/*/build; do
	[ ! -e "$headers/Makefile" ] || against "$headers"
done
against_backports
styles
tap_end
