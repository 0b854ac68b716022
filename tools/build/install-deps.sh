#!/bin/bash
# SPDX-License-Identifier: MIT
# install-deps.sh GROUP...: installs the Debian packages of the groups that are missing. Silent when none is.
set -u
lock_seconds=900

declare -A packages=(
	[build]="gcc libc6-dev make pkg-config libdpdk-dev libmnl-dev libnl-3-dev libnl-genl-3-dev
		 libnl-route-3-dev python3 python3-yaml"
	[module]="kmod"
	[vm]="qemu-system-x86 linux-image-amd64 linux-headers-amd64 busybox-static kmod cpio xz-utils zstd
	      util-linux procps"
	[net]="iproute2 iputils-ping procps util-linux jq"
	[test]="perl linux-source xz-utils sparse jq clang libclang-rt-dev shellcheck g++ man-db
		spin systemd tshark"
	[debug]="linux-source-6.1 xz-utils gcc make flex bison bc libelf-dev kmod util-linux"
)
declare -A reason=(
	[build]="to build" [module]="to install the module" [vm]="to run virtual machines"
	[net]="to run in network namespaces" [test]="to test" [debug]="to build a debug kernel"
)

# Any headers will do to build the module; to install it, those of the running kernel are wanted if to be had.
headers_package() {
	local own

	own=$(uname -r)
	[ -e "/lib/modules/$own/build/Makefile" ] && return
	if [ -n "$module" ] && apt-cache show "linux-headers-$own" >/dev/null 2>&1; then
		echo "linux-headers-$own"
	elif ! compgen -G "/lib/modules/*/build/Makefile" >/dev/null; then
		echo linux-headers-amd64
	fi
}

# The VMs run a kernel that has headers; an image that is older than the headers needs its own.
vm_headers_package() {
	local image newest=

	for image in /boot/vmlinuz-*; do
		[ -e "$image" ] || return
		newest=${image#/boot/vmlinuz-}
		[ -e "/lib/modules/$newest/build/Makefile" ] && return
	done
	echo "linux-headers-$newest"
}

kernel_packages() {
	[ -n "$build" ] && headers_package
	[ -n "$vm" ] && vm_headers_package
}

# Prints those of its arguments that are not installed.
missing_of() {
	local have

	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
	       sed -n 's/ installed$//p')
	comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$have")
}

refuse_unless_root() {
	[ "$(id -u)" = 0 ] && return
	echo "Error: packages are missing that only root can install. Run:" >&2
	echo "    sudo apt-get install -y --no-install-recommends $(xargs <<<"$*")" >&2
	exit 1
}

# apt_get ARGUMENT...: output in $log. While another package manager holds a lock, as on a cloud VM that updates itself
# after its first boot, the command is repeated. DPkg::Lock::Timeout covers neither the lock of the lists nor the archives'.
apt_get() {
	local until=$((SECONDS + lock_seconds)) holder='' last=''

	until LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >"$log" 2>&1; do
		holder=$(sed -nE 's/^E: Could not get lock ([^ ]*)\.( It is held by (.*))?$/\3 \1/p' "$log")
		[ -n "$holder" ] && [ $SECONDS -lt $until ] || return
		[ "$holder" = "$last" ] || echo "Waiting for another package manager: ${holder/ \// has the lock /}"
		last=$holder
		sleep 1
	done
}

# apt_install WHY PACKAGE...
apt_install() {
	local why=$1

	shift
	echo "Installing $why: $*"
	apt_get install -y --no-install-recommends "$@" && return
	tail -n 20 "$log" >&2
	echo "Error: apt-get could not install: $*" >&2
	exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "No Debian here: taking it that the packages of tools/build/install-deps.sh are there." >&2
	exit 0
fi

build='' module='' vm='' wanted=()
for group in "$@"; do
	case $group in build | module | vm) printf -v "$group" 1 ;; esac
	# shellcheck disable=SC2206 # a list of words
	wanted+=(${packages[$group]})
done
missing=" $(missing_of "${wanted[@]}" | tr '\n' ' ')"
extra=$(kernel_packages)
[ -z "${missing// /}$extra" ] && exit 0

refuse_unless_root "${missing# }" "$extra"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get update || { cat "$log" >&2; exit 1; }
for group in "$@"; do
	todo=()
	for package in ${packages[$group]}; do
		[[ $missing == *" $package "* ]] && todo+=("$package")
		missing=${missing// $package / }
	done
	[ ${#todo[@]} -gt 0 ] && apt_install "${reason[$group]}" "${todo[@]}"
done
# Asked again, since what was installed just now has changed the answer.
for package in $(kernel_packages); do
	apt_install "for the kernel" "$package"
done
exit 0
