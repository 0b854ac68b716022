#!/bin/bash
# SPDX-License-Identifier: MIT
# make install into a directory: a program finds headers and library there; make uninstall takes everything back.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=selftests/lib.sh
. selftests/lib.sh

dest=$(mktemp -d /tmp/mn-install.XXXXXX)
at_exit rm -rf "$dest"
main=(env -u MAKEFLAGS -u MAKELEVEL make -f tools/build/main.mk DESTDIR="$dest")
release=$(tools/build/kernel.sh module)

# compiles COMPILER SUFFIX: a program that includes the header by each of its names.
compiles() {
	local flags

	printf '#include <%s>\n' machnet.h machnet_common.h machnet/machnet.h >"$dest/user.$2"
	echo 'int main(void) { return machnet_init() == 0 ? 0 : 1; }' >>"$dest/user.$2"
	flags=$(PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$dest/usr/lib/pkgconfig pkg-config --cflags --libs libmachnet) || return 1
	# shellcheck disable=SC2086 # a list of words
	"$1" -Wall -Wextra -Werror -I"$dest/usr/include" -o "$dest/user" "$dest/user.$2" -L"$dest/usr/lib" $flags
}

# embeds: a program of its own runs a datapath, as far as it gets without a device.
embeds() {
	local flags

	cat >"$dest/user_dp.c" <<-'END'
		#include <errno.h>
		#include <machnet/dp.h>

		int main(void)
		{
			struct machnet_dp_config cfg = { .engines = 1 };
			struct machnet_dp *dp;

			return machnet_dp_create(&cfg, &dp) == -EINVAL ? 0 : 1;
		}
	END
	flags=$(PKG_CONFIG_PATH=$dest/usr/lib/pkgconfig pkg-config --cflags --libs libmachnet_dp) || return 1
	# shellcheck disable=SC2086 # a list of words
	gcc -Wall -Wextra -Werror -I"$dest/usr/include" -o "$dest/user_dp" "$dest/user_dp.c" -L"$dest/usr/lib" $flags &&
		"$dest/user_dp"
}

left_over() {
	local found

	found=$(find "$dest" \( -type f -o -type l \) ! -name 'user*')
	[ -z "$found" ] || { echo "$found"; return 1; }
}

# A page that man cannot format without a warning; a page that only points to another one is fine.
lint() {
	local said

	said=$(man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null | grep -v "can't open\|cannot open")
	[ -z "$said" ] || { echo "$said"; return 1; }
}

# The folder that Wireshark names itself.
dissector_is_found() {
	test -e "$dest$(tshark -G folders 2>/dev/null | sed -n 's/^Global Lua Plugins:[ \t]*//p')/machnet.lua"
}

tap_start
run_ok "make install" "${main[@]}" install
run_ok "the module is where modprobe looks" test -e "$dest/lib/modules/$release/updates/machnet.ko"
for program in machnetd machnetctl machnet-bench; do
	run_ok "$program runs from where it was installed" \
		env LD_LIBRARY_PATH= "$(find "$dest/usr" -name $program -perm -u+x)" --help
done
run_refuses "hello runs from where it was installed" '^usage: ' env LD_LIBRARY_PATH= "$dest/usr/bin/hello"
if command -v tshark >/dev/null; then
	run_ok "the dissector is where Wireshark looks" dissector_is_found
fi
run_ok "a C program compiles against it" compiles gcc c
run_ok "a C++ program compiles against it" compiles g++ cc
run_fail "the program runs with the library, and finds no daemon" \
	env LD_LIBRARY_PATH="$dest/usr/lib" MACHNET_SOCKET=/nonexistent "$dest/user"
run_ok "a program embeds the datapath" embeds
for page in "$dest"/usr/share/man/man*/*; do
	run_ok "$(basename "$page") is a clean manual page" lint "$page"
done
run_ok "make uninstall" "${main[@]}" uninstall
run_ok "nothing is left" left_over
tap_end
