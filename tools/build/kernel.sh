#!/bin/bash
# SPDX-License-Identifier: MIT
# kernel.sh module|vm: prints the release of the kernel to build the module for, or of that which the VMs boot.

has_headers() {
	[ -e "/lib/modules/$1/build/Makefile" ]
}

newest() {
	sort -V | tail -n 1
}

# Of the images given, the newest with headers; a cloud kernel lacks the drivers that the VMs need.
vm_kernel() {
	for image in /boot/vmlinuz-*; do
		release=${image#/boot/vmlinuz-}
		[ -r "$image" ] && has_headers "$release" && [[ $release != *cloud* ]] && echo "$release"
	done | newest
}

module_kernel() {
	if has_headers "$(uname -r)"; then
		uname -r
	elif [ -n "$(vm_kernel)" ]; then
		vm_kernel
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
