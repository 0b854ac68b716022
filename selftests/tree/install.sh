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

# links COMPILER FLAG...: a program for Microsoft's Machnet, with the headers and libraries that were installed.
links() {
	"$@" -Wall -Wextra -Werror -I"$dest/usr/include" -L"$dest/usr/lib" -o "$dest/user"
}

# Its flags from pkg-config, as a list of words.
flags() {
	PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$dest/usr/lib/pkgconfig pkg-config --cflags --libs libmachnet
}

# ends_without_daemon LIBRARY: the program needs that library, finds it, and no daemon.
ends_without_daemon() {
	readelf -d "$dest/user" | grep -q "NEEDED.*\[$1\]" || return 1
	LD_LIBRARY_PATH=$dest/usr/lib MACHNET_SOCKET=/nonexistent "$dest/user"
	[ $? = 3 ]
}

# A program that is linked already has this name in it, a binding opens it: without a search path of its own.
cached() {
	echo "$dest/usr/lib" >"$dest/user.conf"
	ldconfig -C "$dest/user.cache" -f "$dest/user.conf" -X &&
		ldconfig -C "$dest/user.cache" -p | grep -F "$1 (" | grep -F "=> $dest/usr/lib/"
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

# installs_beside RELEASE: make install for $release, on a machine that runs that kernel.
installs_beside() {
	mkdir -p "$dest/user.bin"
	printf '#!/bin/sh\necho %s\n' "$1" >"$dest/user.bin/uname"
	chmod +x "$dest/user.bin/uname"
	env PATH="$dest/user.bin:$PATH" "${main[@]}" KVER="$release" install
}

# It has no reason to warn.
installs_silently() {
	! installs_beside "$release" 2>&1 | tee "$dest/user.log" | grep -i warning && grep -q '^Installed' "$dest/user.log"
}

left_over() {
	local found

	found=$(find "$dest" \( -type f -o -type l \) ! -path "$dest/user*")
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
run_says "for another kernel than the one that runs it warns" \
	"^Warning: .*$release.*9\.9\.9-other.*\(hint: .*linux-headers-9\.9\.9-other" installs_beside 9.9.9-other
run_ok "for the one that runs it does not" installs_silently
run_ok "the module is where modprobe looks" test -e "$dest/lib/modules/$release/updates/machnet.ko"
for program in machnetd machnetctl machnet-bench; do
	run_ok "$program runs from where it was installed" \
		env LD_LIBRARY_PATH= "$(find "$dest/usr" -name $program -perm -u+x)" --help
done
version=$(<VERSION)
run_says "the version is semantic" '^[0-9]+\.[0-9]+\.[0-9]+$' echo "$version"
for program in machnetd machnetctl machnet-bench; do
	run_says "$program is of this version" "^$program ${version//./\\.}\$" \
		env LD_LIBRARY_PATH= "$(find "$dest/usr" -name $program -perm -u+x)" --version
done
run_says "so is the library" "^${version//./\\.}\$" env PKG_CONFIG_PATH="$dest/usr/lib/pkgconfig" pkg-config --modversion libmachnet
run_says "so is the module" "^${version//./\\.}\$" /sbin/modinfo -F version "$dest/lib/modules/$release/updates/machnet.ko"
run_ok "machnetctl is on the path of every user" test -x "$dest/usr/bin/machnetctl"
run_refuses "hello runs from where it was installed" '^usage: ' env LD_LIBRARY_PATH= "$dest/usr/bin/hello"
if command -v tshark >/dev/null; then
	run_ok "the dissector is where Wireshark looks" dissector_is_found
fi
program=selftests/compat/names.c
# shellcheck disable=SC2046 # words
run_ok "a C program builds with it" links gcc $program $(flags)
run_ok "and runs" ends_without_daemon libmachnet.so.0
# shellcheck disable=SC2046 # words
run_ok "a C++ program builds with it" links g++ -x c++ $program $(flags)
run_ok "and runs" ends_without_daemon libmachnet.so.0
run_ok "a program links the library by the name that Microsoft gave it" links gcc $program -lmachnet_shim
run_ok "and runs" ends_without_daemon libmachnet_shim.so.0
run_ok "a program that needs that name finds it" cached libmachnet_shim.so
run_ok "a program embeds the datapath" embeds
for page in "$dest"/usr/share/man/man*/*; do
	run_ok "$(basename "$page") is a clean manual page" lint "$page"
done
run_ok "make uninstall" "${main[@]}" uninstall
run_ok "nothing is left" left_over
tap_end
