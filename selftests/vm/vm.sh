#!/bin/bash
# SPDX-License-Identifier: MIT
# Virtual machines for tests and the demo: a library to be sourced, and a command. See README.md.

vm_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$vm_top/selftests/lib.sh"

# Put before the command of a VM: it does not outlive the program that owns MN_VM_DIR, however that ends.
vm_within=()
vm_release=$("$vm_top/tools/build/kernel.sh" vm)
vm_files=$vm_top/build/vm/$vm_release
vm_splats='BUG:|WARNING:|Oops|Call Trace:|Kernel panic|KASAN|UBSAN|general protection|refcount_t|INFO: (task|possible|suspicious)'
vm_splats+='|unregister_netdevice: waiting|kmemleak|leaked|blocked for more than|sleeping function|list_(add|del) corruption'
vm_splats+='|still (held|in use)|rcu: INFO|Objects remaining'

# --- before the first VM ---

vm_module() {
	local dir

	for dir in "$vm_top/build/kmod-$vm_release" "$vm_top/build/kmod"; do
		[ -e "$dir/machnet.ko" ] && echo "$dir/machnet.ko" && return
	done
}

# Prints why there can be no VM, or nothing.
vm_obstacle() {
	command -v qemu-system-x86_64 >/dev/null || { echo "needs qemu-system-x86_64"; return; }
	[ -n "$vm_release" ] || { echo "needs a kernel in /boot with its headers"; return; }
	[ -n "$(vm_module)" ] || echo "needs machnet.ko (make kmod)"
}

# Makes the directory of this run's VMs, unless an outer program has made one (MN_VM_DIR) and is to clean up.
vm_init() {
	local why

	[ -z "${vm_ready:-}" ] || return 0
	why=$(vm_obstacle)
	[ -z "$why" ] || { echo "Error: $why" >&2; return 1; }
	"$vm_top/selftests/vm/prepare.sh" "$vm_release" "$vm_files" "$(vm_module)" || return 1
	if [ -z "${MN_VM_DIR:-}" ]; then
		MN_VM_DIR=$(mktemp -d /tmp/mnvm.XXXXXX)
		export MN_VM_DIR
		vm_within=(setpriv --pdeathsig KILL)
		at_exit vm_end
	fi
	vm_ready=1
}

vm_end() {
	local dir

	for dir in "$MN_VM_DIR"/*/pid; do
		[ -e "$dir" ] && vm_down "$(basename "$(dirname "$dir")")"
	done
	[ ! -e "$MN_VM_DIR/netns" ] || ip netns del "$(<"$MN_VM_DIR/netns")"
	rm -rf "$MN_VM_DIR"
}

# KVM where a VM really boots with it: a device node is no promise. The answer is kept in build/vm/.
vm_accel() {
	local kept

	kept=$vm_top/build/vm/accel-$(uname -r)
	if [ ! -e "$kept" ]; then
		echo tcg >"$kept.new"
		if [ -w /dev/kvm ] && vm_start probe accel=kvm && vm_wait probe 10 2>/dev/null; then
			echo kvm >"$kept.new"
		fi
		[ ! -e "$MN_VM_DIR/probe" ] || vm_down probe
		mv "$kept.new" "$kept"
	fi
	cat "$kept"
}

# --- one VM's command line: fills the array vm_args and the variables of vm_defaults ---

vm_defaults() {
	vm_cpus=1 vm_mem=768 vm_accelerator='' vm_append='' vm_nics=0 vm_iommu='' vm_shell='' vm_systemd='' vm_args=()
}

# vm_nic DIR SPEC: "link:NAME" joins two VMs; "net:NAME[,queues=N][,rss]" joins any number over a bridge (needs root).
vm_nic() {
	local kind=${2%%:*} name=${2#*:} id=n$vm_nics device side
	local queues=1 rss=''

	device="virtio-net-pci,netdev=$id,mac=$(vm_mac "$1" $vm_nics),romfile="
	vm_nics=$((vm_nics + 1))
	[ -z "$vm_iommu" ] || device+=",disable-legacy=on,iommu_platform=on"
	[[ $name == *,rss* ]] && rss=1
	[[ $name =~ ,queues=([0-9]+) ]] && queues=${BASH_REMATCH[1]}
	name=${name%%,*}
	case $kind in
	link)
		side=a
		[ ! -e "$MN_VM_DIR/$name.a" ] || side=b
		: >"$MN_VM_DIR/$name.$side"
		vm_args+=(-netdev "dgram,id=$id,local.type=unix,local.path=$MN_VM_DIR/$name.$side.sock,$(
			  )remote.type=unix,remote.path=$MN_VM_DIR/$name.$([ $side = a ] && echo b || echo a).sock")
		;;
	net)
		vm_tap "$name" "${1##*/}$vm_nics" "$queues" || return 1
		vm_args+=(-netdev "tap,id=$id,ifname=$vm_tap_name,script=no,downscript=no,vhost=off,queues=$queues")
		[ "$queues" = 1 ] || device+=",mq=on,vectors=$((2 * queues + 2))"
		[ -z "$rss" ] || device+=",rss=on,hash=on,disable-legacy=on"
		;;
	*)
		echo "Error: unknown kind of NIC: $2" >&2
		return 1
		;;
	esac
	vm_args+=(-device "$device")
}

# A locally administered address from the VM's place among the VMs of this run.
vm_mac() {
	printf '52:54:00:6d:%02x:%02x' "$(<"$1/number")" "$2"
}

# vm_tap NET PORT QUEUES: a TAP in a bridge, in a network namespace of this run; leaves vm_tap_name.
vm_tap() {
	local ns multi=''

	if [ ! -e "$MN_VM_DIR/netns" ]; then
		ns=mnvm-$$
		ip netns add "$ns" || return 1
		echo "$ns" >"$MN_VM_DIR/netns"
	fi
	ns=$(<"$MN_VM_DIR/netns")
	if ! ip -n "$ns" link show "br-$1" >/dev/null 2>&1; then
		ip -n "$ns" link add "br-$1" type bridge || return 1
		ip -n "$ns" link set "br-$1" up
	fi
	vm_tap_name=tap-$2
	[ "$3" = 1 ] || multi=multi_queue
	# shellcheck disable=SC2086
	ip -n "$ns" tuntap add "$vm_tap_name" mode tap $multi &&
		ip -n "$ns" link set "$vm_tap_name" master "br-$1" up
}

# vm_options DIR OPTION...: reads the options of vm_up.
vm_options() {
	local dir=$1 option

	shift
	for option in "$@"; do
		case $option in
		cpus=*) vm_cpus=${option#*=} ;;
		mem=*) vm_mem=${option#*=} ;;
		accel=*) vm_accelerator=${option#*=} ;;
		append=*) vm_append+=" ${option#*=}" ;;
		shell) vm_shell=1 ;;
		systemd) vm_systemd=1 ;;
		iommu) vm_iommu=1 vm_args+=(-device "intel-iommu,intremap=on,aw-bits=48") ;;
		nic=*) vm_nic "$dir" "${option#*=}" || return 1 ;;
		*) echo "Error: unknown option of a VM: $option" >&2; return 1 ;;
		esac
	done
	[ -z "$vm_iommu" ] || vm_append+=" intel_iommu=on"
}

# vm_machine NAME DIR: the part of the command line that all VMs have in common.
vm_machine() {
	local cpu=host accel=kvm console=null

	[ "$vm_accelerator" = kvm ] || cpu=max,la57=off accel=tcg,thread=multi
	[ -z "$vm_shell" ] || console=stdio,signal=off
	# shellcheck disable=SC2054 # the commas belong to the arguments
	vm_args=(-name "$1" -nodefaults -no-user-config -display none -no-reboot -M q35,kernel-irqchip=split
		-accel "$accel" -cpu "$cpu" -smp "$vm_cpus" -m "$vm_mem"
		-kernel "$vm_files/vmlinux" -initrd "$vm_files/initrd"
		-append "console=ttyS0 loglevel=5 mitigations=off nokaslr no_timer_check tsc=reliable $(
			)random.trust_cpu=on oops=panic panic=-1 rcupdate.rcu_cpu_stall_timeout=120 $(
			)watchdog_thresh=60 net.ifnames=0$vm_append"
		-serial "file:$2/kernel.log"
		"${vm_args[@]}"
		-device virtio-serial-pci
		-chardev "pipe,id=ctl,path=$2/ctl" -device virtserialport,chardev=ctl,name=machnet.ctl
		-chardev "${console/,/,id=tty,}$([ "$console" != null ] || echo ,id=tty)" -device virtconsole,chardev=tty
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=share,path=$2/share,security_model=none"
		-device virtio-9p-pci,fsdev=share,mount_tag=share)
}

# vm_start NAME OPTION...: starts the process of a VM, or becomes it when it is to have a shell.
vm_start() {
	local name=$1 dir=$MN_VM_DIR/$1 within=("${vm_within[@]}")

	shift
	mkdir -p "$dir/share"
	find "$MN_VM_DIR" -mindepth 2 -maxdepth 2 -name share | wc -l >"$dir/number"
	mkfifo "$dir/ctl.in" "$dir/ctl.out"
	: >"$dir/kernel.log"
	echo 0 >"$dir/seen"
	vm_defaults
	vm_options "$dir" "$@" || return 1
	vm_machine "$name" "$dir"
	cp "$vm_top/selftests/vm/guest.sh" "$dir/share/"
	printf '%s=%q\n' VM_NAME "$name" VM_TREE "$vm_files/tree" VM_KVER "$vm_release" VM_CWD "$PWD" \
		VM_SHELL "$vm_shell" VM_SYSTEMD "$vm_systemd" VM_ROWS "${LINES:-24}" VM_COLS "${COLUMNS:-80}" >"$dir/share/env"
	[ ! -e "$MN_VM_DIR/netns" ] || within+=(ip netns exec "$(<"$MN_VM_DIR/netns")")
	if [ -n "$vm_shell" ]; then
		"${within[@]}" qemu-system-x86_64 "${vm_args[@]}"
		return
	fi
	"${within[@]}" qemu-system-x86_64 "${vm_args[@]}" >"$dir/qemu.log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	disown		# or bash would announce its end
}

# --- what others call ---

# A test that needs VMs is skipped where there can be none ...
need_vm() {
	local why

	why=$(vm_obstacle)
	[ -z "$why" ] || skip_all "$why"
}

# ... and so is one that needs nic=net:X.
need_nets() {
	need_root
	need_commands ip
	[ -w /dev/net/tun ] || skip_all "needs /dev/net/tun"
	ip netns add "mnt-probe-$$" 2>/dev/null || skip_all "needs network namespaces"
	ip netns del "mnt-probe-$$"
}

# vm_up NAME [cpus=N] [mem=MB] [nic=link:X|nic=net:X[,queues=N][,rss]]... [iommu] [systemd] [append=WORDS]
# Starts a VM and returns at once.
vm_up() {
	vm_init && vm_start "$1" "accel=$(vm_accel)" "${@:2}"
}

vm_alive() {
	[ -e "$MN_VM_DIR/$1/pid" ] && ! lib_gone "$(<"$MN_VM_DIR/$1/pid")"
}

# vm_wait NAME [SECONDS]: until it obeys commands.
vm_wait() {
	local dir=$MN_VM_DIR/$1 until=$((SECONDS + ${2:-120}))

	until [ -e "$dir/share/ready" ]; do
		if ! vm_alive "$1" || [ $SECONDS -ge $until ]; then
			echo "Error: the VM $1 does not come up. $(tail -n 30 "$dir/qemu.log" "$dir/kernel.log")" >&2
			return 1
		fi
		tick 0.05
	done
}

vm_down() {
	local dir=$MN_VM_DIR/$1

	if [ -e "$dir/pid" ]; then
		kill -KILL "$(<"$dir/pid")" 2>/dev/null
		wait_for 5 lib_gone "$(<"$dir/pid")"
	fi
	rm -rf "$dir"
}

# vm_cable NAME N up|down: plugs the cable of its Nth NIC, one of nic=net:X, in or pulls it out.
vm_cable() {
	ip -n "$(<"$MN_VM_DIR/netns")" link set "tap-$1$2" "$3"
}

# vm_exec NAME CMD...: runs a command as root in the VM, in this directory; relays its output while it runs and its
# status. Any number may run at the same time. When the VM dies first: its last words, and status 255.
vm_exec() {
	local name=$1

	shift
	printf 'exec%s\n' "$(printf ' %q' "$@")" | vm_script "$name"
}

# vm_script NAME <SCRIPT: the same for a bash script.
vm_script() {
	local dir=$MN_VM_DIR/$1 share=$MN_VM_DIR/$1/share id chunk out err last=''

	id=$BASHPID-${EPOCHREALTIME/./}
	{ printf 'cd %q\n' "$PWD"; cat; } >"$share/$id.sh"
	: >"$share/$id.out"
	: >"$share/$id.err"
	exec {out}<"$share/$id.out" {err}<"$share/$id.err"
	vm_tell "$1" "run $id" || last=dead
	until [ -n "$last" ]; do
		if [ -e "$share/$id.rc" ]; then
			last=$(<"$share/$id.rc")
		elif ! vm_alive "$1"; then
			last=dead
		else
			tick 0.02
		fi
		while IFS= read -r -d '' -N 65536 -u "$out" chunk || [ -n "$chunk" ]; do printf %s "$chunk"; done
		while IFS= read -r -d '' -N 65536 -u "$err" chunk || [ -n "$chunk" ]; do printf %s "$chunk" >&2; done
	done
	exec {out}<&- {err}<&-
	if [ "$last" = dead ]; then
		echo "Error: the VM $1 died; its last words:" >&2
		tail -n 60 "$dir/kernel.log" | tr -d '\r' >&2
		return 255
	fi
	return "$last"
}

# vm_tell NAME LINE: to the control port.
vm_tell() {
	vm_alive "$1" && echo "$2" >"$MN_VM_DIR/$1/ctl.in"
}

# vm_note NAME WORDS: a mark in the kernel log, so that one sees what a later complaint belongs to.
vm_note() {
	vm_note_script "$2" | vm_script "$1"
}

vm_note_script() {
	printf "echo '<4>machnet-vm: %s' >/dev/kmsg\n" "$1"
}

# The kernel's log from the standard input, but for data races in which the module has no part.
vm_own_races() {
	tr -d '\r' | awk '
		/BUG: KCSAN:/ { race = 1; text = "" }
		!race { print }
		race { text = text $0 "\n" }
		race && /====================/ { race = 0; if (text ~ /\[machnet\]/) printf "%s", text }
		END { if (race && text ~ /\[machnet\]/) printf "%s", text }'
}

# vm_log_clean NAME: false, and the complaint printed, when the kernel has complained since the last call.
vm_log_clean() {
	local dir=$MN_VM_DIR/$1 seen said

	seen=$(<"$dir/seen")
	stat -c %s "$dir/kernel.log" >"$dir/seen"
	said=$(tail -c "+$((seen + 1))" "$dir/kernel.log" | vm_own_races)
	grep -qE "$vm_splats" <<<"$said" || return 0
	grep -E -m 1 -B 5 -A 60 "$vm_splats" <<<"$said" | sed 's/^/# kernel: /'
	return 1
}

# The end of a script for vm_script: where the kernel has kmemleak, puts into its log what has leaked since the last such
# script, or the first of it. Memory counts as leaked when it is 5 s old, and unchanged since the scan before.
vm_leaks_script() {
	cat <<-'END'
		report=/sys/kernel/debug/kmemleak
		if [ -e $report ]; then
			echo on >/proc/sys/kernel/printk_devkmsg
			echo scan >$report
			sleep 5
			echo scan >$report
			head -n 100 $report | while IFS= read -r line; do
				echo "<4>kmemleak: $line" >/dev/kmsg
			done
			echo clear >$report
		fi
	END
}

# --- as a command ---

vm_main() {
	local verb=${1:-help}

	[ $# -eq 0 ] || shift
	case $verb in
	shell)
		vm_init && vm_start shell "accel=$(vm_accel)" shell "$@"
		;;
	run)
		vm_up vm cpus=2 && vm_wait vm || exit 1
		vm_exec vm "$@"
		set -- $?
		vm_log_clean vm || exit 1
		exit "$1"
		;;
	*)
		echo "usage: vm.sh shell [OPTION of vm_up...] | vm.sh run CMD..." >&2
		exit 2
		;;
	esac
}

[ "${BASH_SOURCE[0]}" != "$0" ] || vm_main "$@"
