#!/bin/bash
# SPDX-License-Identifier: MIT
# prepare.sh RELEASE DIR MACHNET_KO: puts into DIR what a VM boots (kernel, initramfs) and the small tree of modules
# that modprobe finds in it. Quick when nothing has changed. The kernel is that of the host or of MN_VM_KERNEL.
set -eu
export LC_ALL=C

release=$1 dir=$2 machnet=$3
here=$(dirname "$0")
root=${MN_VM_KERNEL:-}
image=$root/boot/vmlinuz-$release
installed=$root/lib/modules/$release

# What the first stage needs, and what modprobe may be asked for later.
boot_modules="virtio_pci virtio_console virtio_net 9p 9pnet_virtio overlay"
modules="$boot_modules virtio_rng veth tun tap dummy bridge vrf 8021q macvlan ipvlan ipv6 bonding
	uio uio_pci_generic vfio-pci vfio_iommu_type1 udp_tunnel ip6_udp_tunnel vxlan ipip ip_gre
	mpls_router mpls_iptunnel xfrm_user xfrm4_tunnel xfrm6_tunnel esp4 esp6 ah4 ah6 authenc cbc crypto_null hmac sha1 sha256
	echainiv sch_netem sch_ingress sch_prio sch_tbf cls_u32 cls_bpf cls_matchall act_mirred
	nf_tables nft_chain_nat nft_numgen nft_reject_inet nft_counter nft_limit nf_conntrack
	af_packet_diag udp_diag inet_diag unix_diag netlink_diag vhost_net hwmon kvm"

# QEMU enters a plain ELF file by this note (type 18 of "Xen") or not at all.
has_entry() {
	grep -qaP '\x04\x00\x00\x00[\x04\x08]\x00\x00\x00\x12\x00\x00\x00Xen\x00' "$1"
}

# Debian keeps the kernel compressed; the plain ELF file boots 4 s faster without hardware virtualization.
unpack_kernel() {
	local magic tool offset

	while read -r magic tool; do
		while IFS=: read -r offset _; do
			tail -c "+$((offset + 1))" "$image" | $tool >"$dir/vmlinux" 2>/dev/null || true
			[ "$(head -c 4 "$dir/vmlinux" | tail -c 3)" = ELF ] && has_entry "$dir/vmlinux" && return
		done < <(grep -obUaP "$magic" "$image")
	done <<-'END'
		\xfd7zXZ\x00 xz -dc
		\x28\xb5\x2f\xfd zstd -dc
		\x1f\x8b\x08 gzip -dc
	END
	cp "$image" "$dir/vmlinux"
}

# Files of a module and of those it depends on, in the order of loading; nothing for one that is built in or absent.
module_files() {
	/sbin/modprobe ${root:+-d "$root"} -S "$release" --ignore-install --show-depends "$1" 2>/dev/null |
		sed -n 's/^insmod \([^ ]*\).*/\1/p'
}

# shellcheck disable=SC2086 # lists of words
module_list() {
	local m

	for m in "$@"; do
		module_files "$m"
	done | awk '!seen[$0]++'
}

# put_module FILE DIR: without its compression, which busybox does not know, and which takes the guest longer than the host.
put_module() {
	local to

	mkdir -p "$2"
	to=$2/$(basename "$1")
	case $1 in
	*.xz) xz -dc "$1" >"${to%.xz}" ;;
	*.zst) zstd -dc "$1" >"${to%.zst}" ;;
	*) cp "$1" "$to" ;;
	esac
}

make_initramfs() {
	local files=$dir/initramfs file

	rm -rf "$files"
	mkdir -p "$files/bin" "$files/modules"
	cp /bin/busybox "$files/bin/"
	install -m 755 "$here/init" "$files/init"
	: >"$files/modules/order"
	# shellcheck disable=SC2086
	for file in $(module_list $boot_modules); do
		put_module "$file" "$files/modules"
		file=${file##*/}
		echo "${file%.[xz]*}" >>"$files/modules/order"
	done
	(cd "$files" && find . | cpio -o -H newc --quiet -R 0:0) >"$dir/initrd"
}

make_tree() {
	local tree=$dir/tree/lib/modules/$release file below

	rm -rf "$dir/tree"
	mkdir -p "$tree/updates"
	cp "$installed/"modules.{builtin,order,builtin.modinfo} "$tree/"
	# shellcheck disable=SC2086
	for file in $(module_list $modules); do
		below=${file#*"/lib/modules/$release/"}
		put_module "$file" "$tree/${below%/*}"
	done
	ln -s "$(readlink -f "$installed/build")" "$tree/build"
	cp "$machnet" "$tree/updates/machnet.ko"
	/sbin/depmod -b "$dir/tree" "$release"
}

newer() {
	[ ! -e "$2" ] || [ "$1" -nt "$2" ]
}

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if newer "$image" "$dir/vmlinux"; then
	unpack_kernel
fi
if newer "$dir/vmlinux" "$dir/initrd" || newer "$0" "$dir/initrd" || newer "$here/init" "$dir/initrd"; then
	make_initramfs
fi
ko=$dir/tree/lib/modules/$release/updates/machnet.ko
if newer "$dir/vmlinux" "$ko" || newer "$0" "$ko" || newer "$machnet" "$ko"; then
	make_tree
fi
