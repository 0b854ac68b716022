#!/bin/bash
# SPDX-License-Identifier: MIT
# Process 1 of a VM after init, or a service below systemd (VM_SYSTEMD). Obeys the lines that arrive on the control port:
#   run ID          run /run/vm/ID.sh in the background; its output, its status: ID.out ID.err ID.rc
#   kill ID SIGNAL  send a signal to the session of a running command
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=${TERM:-linux}
share=/run/vm
# shellcheck source=/dev/null
. $share/env

# systemd with nothing but what its services ask for, and this script as one of them.
start_systemd() {
	local unit

	# What a boot would do to the machine is not wanted: cleaning /tmp of the host by 9p takes minutes.
	for unit in /lib/systemd/system/sysinit.target.wants/*; do
		[[ $unit == *journal* ]] || ln -sf /dev/null "/etc/systemd/system/${unit##*/}"
	done
	cat >/etc/systemd/system/vm.service <<-END
		[Unit]
		DefaultDependencies=no
		[Service]
		ExecStart=/bin/bash $share/guest.sh
		KillMode=process
		LimitMEMLOCK=infinity
	END
	exec /lib/systemd/systemd --unit=vm.service --log-target=kmsg --show-status=no
}

[ -z "$VM_SYSTEMD" ] || [ $$ != 1 ] || start_systemd
ulimit -l unlimited

run() {
	local status

	setsid --wait bash $share/"$1".sh >$share/"$1".out 2>$share/"$1".err </dev/null &
	echo $! >$share/"$1".pid
	wait $!
	status=$?
	echo $status >$share/"$1".status && mv $share/"$1".status $share/"$1".rc
}

control_port() {
	local port name

	for port in /sys/class/virtio-ports/*; do
		name=
		[ ! -e "$port/name" ] || read -r name <"$port/name"
		[ "$name" != machnet.ctl ] || echo "/dev/${port##*/}"
	done
}

if [ -n "$VM_SHELL" ]; then
	setsid -c bash -c "cd '$VM_CWD'; stty rows $VM_ROWS cols $VM_COLS; exec bash -i" </dev/hvc0 >/dev/hvc0 2>&1
	echo o >/proc/sysrq-trigger
fi

port=$(control_port)
: >$share/ready
while read -r verb id signal; do
	case $verb in
	run) run "$id" & ;;
	kill) pkill -"$signal" -s "$(cat $share/"$id".pid)" ;;
	esac
done <"$port"
# The port never ends while the machine runs.
echo o >/proc/sysrq-trigger
