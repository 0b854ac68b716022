#!/bin/bash
# SPDX-License-Identifier: MIT
# The module builds against each kernel's headers, and those of Debian's backports, without a word from W=1 and from sparse;
# kernel-doc and checkpatch.pl have nothing to say of its sources either.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

need_commands sparse perl
work=$(mktemp -d /tmp/mn-clean.XXXXXX)
at_exit rm -rf "$work"
sources=(kmod/*.[ch] include/uapi/linux/machnet.h)

# What kernels of today expect of sparse and that of Debian 12 does not have. What is const is then left to the compiler.
sparse_lacks="-D__typeof_unqual__=__typeof__ '-D__builtin_strlen(s)=(sizeof(s)-1)'"

# Prints what compiler and sparse have to say of our files; fails when the build fails. BTF, which would want pahole, has
# nothing to say of them. Newer headers refuse sparse for want of a script that they leave out (KBUILD_CHECKSRC), and take
# notice of a compiler or pahole that is not the kernel's.
complaints() {
	rm -rf "$work/tree"
	mkdir "$work/tree"
	cp -r --parents Kbuild VERSION kmod include/uapi "$work/tree"
	env -u MAKEFLAGS -u MAKELEVEL make "-j$(nproc)" -C "$1" M="$work/tree" W=1 C=2 KBUILD_CHECKSRC=2 \
		CF="$sparse_lacks" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/log" 2>&1 &&
		grep -q '^ *CHECK ' "$work/log" || { cat "$work/log"; return 1; }
	! grep -vE 'differs from the one used to build the kernel|\(different modifiers\)' "$work/log" |
		grep -E '(warning|error):'
}

# silent CMD...: the command succeeds and prints nothing.
silent() {
	local said

	said=$("$@" 2>&1) && [ -z "$said" ] && return
	echo "$said"
	return 1
}

# Newer packages of headers come without kernel-doc.
against() {
	local release doc=$1/scripts/kernel-doc

	release=$(basename "$(dirname "$1")")
	run_ok "W=1 C=2 against $release" complaints "$1"
	[ ! -e "$doc" ] || run_ok "kernel-doc of $release" silent "$doc" -none -Werror "${sources[@]}"
}

# Skipped only when there is no way to the mirror: headers that are there and do not build fail.
against_backports() {
	local suite=$1 root

	root=$(tools/build/backports-kernel.sh "$suite" headers 2>"$work/why")
	case $? in
	0) against "$(echo "$root"/lib/modules/*/build)" ;;
	3) skip "against the headers of $suite" "$(sed -n '$s/^Error: //p' "$work/why")" ;;
	*) not_ok "there are headers of $suite" "$(<"$work/why")" ;;
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
against_backports bookworm-backports
against_backports newest
styles
tap_end
