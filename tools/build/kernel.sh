#!/bin/bash
# SPDX-License-Identifier: MIT
# kernel.sh module|vm: prints the release of the kernel to build the module for, or of that which the VMs boot.
# MN_VM_KERNEL=DIR has the VMs boot the kernel in DIR/boot, with DIR/lib/modules, instead of one of this host.

# has_headers ROOT RELEASE
has_headers() {
	[ -e "$1/lib/modules/$2/build/Makefile" ]
}

newest() {
	sort -V | tail -n 1
}

# Of the images below the directory, the newest with headers; a cloud kernel lacks the drivers that the VMs need.
image_kernel() {
	for image in "$1"/boot/vmlinuz-*; do
		release=${image##*/vmlinuz-}
		[ -r "$image" ] && has_headers "$1" "$release" && [[ $release != *cloud* ]] && echo "$release"
	done | newest
}

vm_kernel() {
	image_kernel "${MN_VM_KERNEL:-}"
}

module_kernel() {
	if has_headers "" "$(uname -r)"; then
		uname -r
	elif [ -n "$(image_kernel "")" ]; then
		image_kernel ""
	else
		for dir in /lib/modules/*/build; do
			[ -e "$dir/Makefile" ] && basename "$(dirname "$dir")"
		done | newest
	fi
}

case $1 in
module | vm) "${1}_kernel" ;;
*) echo "usage: kernel.sh module|vm" >&2; exit 2 ;;
esac
