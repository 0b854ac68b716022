#!/bin/bash
# SPDX-License-Identifier: MIT
# machnetctl doctor: what it makes of a host with nothing, and of what a daemon says of itself.
# shellcheck source=selftests/e2e/ctl_fake.sh
. "$(dirname "$0")/ctl_fake.sh"

need_no_module
# diagnose [PEER]: what it says, whatever its exit status, into $work/json; its status into status.
diagnose() {
	"$ctl" -j doctor "$@" >"$work/json" 2>"$work/stderr"
	status=$?
}

# finding SENTENCE CHECK STATUS TEXT [FIX]: there is one, TEXT and FIX being regular expressions; without FIX it has none.
finding() {
	local sentence=$1 found

	shift
	# shellcheck disable=SC2016 # jq's variables
	found=$(jq --arg check "$1" --arg status "$2" --arg text "$3" --arg fix "${4:-}" 'any(.[]; .check == $check and
		.status == $status and (.text | test($text)) and if $fix == "" then has("fix") | not else .fix | test($fix) end)' "$work/json")
	if [ "$found" = true ]; then ok "$sentence"; else not_ok "$sentence" "wanted: $*"$'\n'"$(jq -c '.[]' "$work/json")"; fi
}

# ended SENTENCE STATUS
ended() {
	if [ "$status" = "$2" ] && [ ! -s "$work/stderr" ]; then ok "$1"; else not_ok "$1" "status $status"$'\n'"$(<"$work/stderr")"; fi
}

tap_start
diagnose
ended "with nothing there it finds problems" 1
finding "no module" module problem 'is not installed for the kernel|is not loaded' 'modprobe machnet$'
finding "no machnetd" daemon problem '^machnetd is not running' '^machnetd -i [^ ]+ --control=local$'
run_json "each finding has its fields, and what is not ok a fix" 'length > 3 and
	all(.[]; (.check | length > 0) and (.text | length > 0) and (.status == "ok") == (has("fix") | not))' cat "$work/json"
run_refuses "text says the same" '^ +fix: +machnetd -i ' "$ctl" doctor
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	run_refuses "it needs no privilege" '^daemon +problem +machnetd is not running' \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" -s /nonexistent doctor
else
	skip "it needs no privilege" "is not root"
fi

version=$("$ctl" --version | cut -d' ' -f2)
serve good "version=$version"
diagnose
ended "a daemon that does without the module is fine" 0
finding "the module is only missed" module note 'machnetd does without' 'modprobe machnet$'
finding "the daemon" daemon ok 'runs as process [0-9]+ since 12 s, control local, with 3 channels and 2 connections$'
finding "the device" device ok '^lo is served'
if grep -qs virtio /sys/class/net/*/device/modalias; then
	finding "af_packet, although there is a better NIC" driver note 'af_packet shares lo' 'machnetd -i [^ ]+ --control=local$'
else
	finding "af_packet" driver ok 'af_packet shares lo'
fi
finding "no hugepages" memory note 'without hugepages' 'sysctl -w vm\.nr_hugepages=[0-9]+ && .*machnetd'
finding "cores" cores ok '^1 engine on [0-9]+ processor'
finding "one engine needs no RSS" rss ok 'nothing to spread'
finding "the registry" registry ok '^all of 2 connections'
finding "peers in use" answers ok '^1 peer in use, and answers$'
run_json "no peer is asked that is not named" 'all(.[]; .check != "peer")' cat "$work/json"
diagnose 10.0.0.2
ended "a peer that answers is fine" 0
finding "a peer that answers" peer ok '^10\.0\.0\.2 answers at UDP port 61440$'
diagnose 10.0.0.3
ended "a silent peer is a problem" 1
finding "a silent peer" peer problem '^10\.0\.0\.3 does not answer at UDP port 61440: ' 'udp dport 61440-61503 accept$'
diagnose 10.0.0.4
finding "a neighbour that does not answer" peer problem '^10\.0\.0\.4 cannot be reached: No route to host' '^ip neigh show 10\.0\.0\.4$'
diagnose ::5
finding "no route" peer problem '^::5 cannot be reached: Network is unreachable' '^ip route get ::5$'
diagnose
finding "the path ports, and the rule for them" 'path ports' ok \
	'^lo: UDP ports 61440-61503 .*nft add rule .* udp dport 61440-61503 accept.*iptables .* --dport 61440:61503 -j ACCEPT'
if [ "$(cat /sys/class/net/lo/flags)" = 0x9 ]; then
	finding "the interface" 'exception path' ok '^lo is up and has [0-9]+ address'
else
	finding "the interface" 'exception path' problem 'lo is down|lo has no address' '^ip (link|address) .* (dev )?lo'
fi

serve good version=0.1 engines=99 poll=busy rss_class=unknown memory=hugepages mtu=1400 driver=net_virtio device=0000:00:99.0 \
	rx_wakeup=yes
diagnose
finding "another version" daemon warning 'of version 0\.1' 'kill [0-9]+; .*machnetd'
finding "engines that never sleep" cores warning '99 engines that never sleep on' 'machnetd.* --poll=busy.*--poll=adaptive$|machnetd.* --poll=adaptive$'
finding "packets wake it" driver ok '^net_virtio, packets wake'
finding "unknown RSS" rss note 'is not known' device
finding "hugepages" memory ok 'runs in hugepages'
[ "$(cat /sys/class/net/lo/flags)" != 0x9 ] || finding "another MTU" 'exception path' note 'has an MTU of [0-9]+, machnetd one of 1400' '^ip link set dev lo mtu 1400$'
serve good "version=$version" engines=99 rss_class=confined rss_ignores_ports=yes netdev=nosuch0 tap=nosuch0
diagnose
finding "more engines than processors" cores note '99 engines share' 'machnetd.* --engines=[0-9]+$'
finding "RSS that does not spread" rss note 'all come to one of the 99' 'machnetd.* --engines=1$'
finding "a device that is not to be seen here is not called ok" device problem 'but nosuch0 in another one' '^nsenter '
finding "an interface elsewhere" 'exception path' note 'nosuch0 is in another network namespace' .
serve good "version=$version" engines=99 rss_class=confined
diagnose
finding "a firewall that admits some ports" rss note 'no ports that would lead to the right engine get through' '^machnetctl path$'
serve good "version=$version" engines=99 rss_class=learned
diagnose
finding "RSS that is learned" rss ok 'is learned$'
# Something that was started as machnetd.
background bash -c 'exec -a machnetd tail -f /dev/null "$1"' - "it's" >/dev/null 2>&1
serve good "version=$version" engines=99 pid=$background_pid
diagnose
finding "its own words, quoted for the shell" cores note . "; machnetd -f /dev/null 'it'\\\\''s' --engines=[0-9]+$"

serve good "version=$version" registered=1
diagnose
finding "a connection that the registry does not have" registry warning '^only 1 of 2 connections' 'journalctl .*machnetd$'
serve good "version=$version" path_port_first= path_port_count= registered=
diagnose
ended "a daemon that names no path ports and no registry is fine" 0
run_json "and nothing is said of them" 'all(.[]; .check != "path ports" and .check != "registry")' cat "$work/json"

for mode in old short hang-up nameless-fact endless; do
	serve $mode
	diagnose
	ended "a daemon that makes no sense is a problem ($mode)" 1
	finding "and is named ($mode)" daemon problem 'does not answer as it should' .
done
tap_end
