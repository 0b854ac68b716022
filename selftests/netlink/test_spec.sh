#!/bin/bash
# SPDX-License-Identifier: MIT
# The check of the netlink specification accepts the tree and catches disagreements of every kind.
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/lib.sh
. "$top/selftests/lib.sh"

declare -A path=(
	[spec]=$top/netlink/machnet.yaml
	[header]=$top/include/uapi/linux/machnet.h
	[policy]=$top/kmod/netlink-policy.c
)
dir=$(mktemp -d)
at_exit rm -rf "$dir"

# refuses SENTENCE WHICH SED MESSAGE: with the edit applied to one file the check fails and says so.
refuses() {
	local sentence=$1 which=$2 edit=$3 message=$4

	sed -E "$edit" "${path[$which]}" >"$dir/$which"
	if cmp -s "$dir/$which" "${path[$which]}"; then
		not_ok "$sentence" "the edit '$edit' changes nothing"
		return
	fi
	run_refuses "$sentence" "$message" "$top/netlink/check_spec.py" "--$which" "$dir/$which"
}

tap_start
run_ok "the tree agrees with itself" "$top/netlink/check_spec.py"
refuses "two commands in another order" header \
	'/MACHNET_CMD_PORT_LEND,/d; s/(MACHNET_CMD_PORT_RELEASE),/\1, MACHNET_CMD_PORT_LEND,/' \
	'enum machnet_cmd'
refuses "an attribute that is only in the header" header \
	's/(MACHNET_A_PORT_STRAY),/\1, MACHNET_A_PORT_EXTRA,/' 'enum machnet_a_port'
refuses "an enumeration value without its number" header \
	's/MACHNET_REASON_RESET,/MACHNET_REASON_RESET = 7,/' 'enum machnet_reason'
refuses "another constant" header 's/(MACHNET_ENGINES_MAX\t+)128/\1256/' 'engines-max'
refuses "another group name" header 's/"route"/"routes"/' 'group route'
refuses "a group that is not restricted" policy '/GENL_MCAST_CAP_NET_ADMIN/d' 'multicast group connection'
refuses "an enumeration that the header does not have" spec 's/name: route-state$/name: road-state/' \
	'machnet_road_state'
refuses "an operation without its privilege" policy \
	's/(CMD_CONNECTION_DEL), .flags = \w+/\1/' 'MACHNET_CMD_CONNECTION_DEL: flags'
refuses "an operation with a privilege too many" spec \
	'/name: port-get$/s/$/\n      flags: [uns-admin-perm]/' 'MACHNET_CMD_PORT_GET: flags'
refuses "an attribute that the policy does not accept" policy \
	'/connection_set_policy/,/};/{/_STATE\]/d}' 'MACHNET_CMD_CONNECTION_SET: attributes'
refuses "an attribute that only the policy accepts" spec \
	's/attributes: \[addr, number, owner-pid, cookie\]/attributes: [addr, number, cookie]/' \
	'MACHNET_CMD_PORT_CLAIM: attributes'
refuses "an attribute of a dump that the policy does not accept" policy \
	'/connection_get_policy/,/};/{/_ENGINE\]/d}' 'MACHNET_CMD_CONNECTION_GET: attributes'
refuses "an attribute that only a dump's policy accepts" spec \
	's/attributes: \[addr, number, owner-uid, owner-pid\]/attributes: [addr, number, owner-uid]/' \
	'MACHNET_CMD_PORT_GET: attributes'
refuses "another type" policy '/_COOKIE\]/s/NLA_U64/NLA_U32/' 'MACHNET_A_PORT_COOKIE'
refuses "another range" policy 's/min = 576/min = 68/' 'MACHNET_A_DEVICE_MTU'
refuses "another minimum" spec '/name: number$/,/min:/s/min: 1/min: 0/' 'MACHNET_A_PORT_NUMBER'
refuses "another length" policy 's/\.len = MACHNET_DRIVER_LEN/.len = 64/' 'MACHNET_A_DEVICE_DRIVER'
refuses "another length of a list" policy 's/(_NUMBERS\].*\.len = )[A-Z0-9a-z_* ()]*/\11024 /' \
	'MACHNET_A_PORT_NUMBERS'
refuses "a length that is no multiple of its members" spec 's/max-len: 2048/max-len: 2047/' 'sub-type'
refuses "another table in a nest" policy \
	's/NLA_POLICY_NESTED\(connection_add_policy\)/NLA_POLICY_NESTED(connection_del_policy)/' \
	'MACHNET_CMD_CONNECTION_ADD_BATCH: MACHNET_A_CONNECTION_ENTRY'
refuses "a nest that is none" policy 's/NLA_POLICY_NESTED\(connection_del_policy\)/{ .type = NLA_NESTED }/' \
	'MACHNET_CMD_CONNECTION_DEL_BATCH: MACHNET_A_CONNECTION_END'
refuses "an attribute that is missing in a nest" spec \
	'/name: connection-end$/,/name-prefix: machnet-a-route-/{/-$/{N;/name: reason/d}}' 'MACHNET_A_CONNECTION_END'
refuses "a nest of a set that is not there" spec 's/nested-attributes: connection-end/nested-attributes: ends/' \
	'ends'
refuses "a policy longer than its attributes" policy \
	's/route_key_policy\[MACHNET_A_ROUTE_VRF/route_key_policy[MACHNET_A_ROUTE_VRF + 1/' \
	'size of route_key_policy'
refuses "an operation that can no longer be dumped" policy 's/, .dumpit = machnet_nl_port_dump//' \
	'MACHNET_CMD_PORT_GET: can be dumped'
refuses "an operation that is missing" policy \
	'/CMD_ROUTE_DUMP/d' 'operations:'
refuses "a file that cannot be read" policy 's/NLA_POLICY_MAX\(/NLA_POLICY_MOST(/' 'NLA_POLICY_MOST'
tap_end
