#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash offers after a command line of machnetctl. The daemon is one that is none, for the words that it is asked for.
# shellcheck source=selftests/e2e/ctl_fake.sh
. "$(dirname "$0")/ctl_fake.sh"

need_no_module
# shellcheck disable=SC2154 # ctl_fake.sh's
PATH=$(dirname "$ctl"):$PATH
# shellcheck source=tools/completion/machnetctl
. "$top/tools/completion/machnetctl"

# offers WANTED WORD...: in any order, after these words, of which the last one is being typed.
offers() {
	local wanted=$1 got

	shift
	COMP_WORDS=(machnetctl "$@")
	COMP_CWORD=$#
	_machnetctl
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
	wanted=$(tr ' ' '\n' <<<"$wanted" | sort | tr '\n' ' ')
	if [ "$got" = "$wanted" ]; then ok "after: $*"; else not_ok "after: $*" "wanted: $wanted"$'\n'"offered: $got"; fi
}

tap_start
serve good
offers "connection" co
offers "device port connection path route monitor stats top doctor" ""
offers "connection" -s /tmp/x -i 1 con
offers "--interval" --in
offers "" -i ""
offers "show kill help" connection ""
offers "all id dev local local-port remote remote-port state engine pid user path" connection kill ""
offers "local local-port" conn show lo
offers "established" connection show state e
offers "10.0.0.2 10.0.0.3" connection show remote ""
offers "4000 4001" connection kill local-port ""
offers "0000000000001111 0000000000002222" connection show id ""
offers "" connection kill all ""
offers "000000000000aaaa" connection show path ""
offers "show help" path ""
offers "id dev local remote engine remote-engine state" path show ""
offers "000000000000aaaa 000000000000bbbb" path show id ""
offers "opening open" path show state ""
offers "3" path show remote-engine ""
offers "dev local-port remote remote-port engine pid user path" connection show local 10.0.0.1 state closing ""
offers "lo" device show dev lo
offers "addr number pid user" port show ""
offers "addr number" port release ""
offers "number" port release addr 10.0.0.1 ""
offers "root" port show user roo
offers "from vrf" route get 10.0.0.1 ""
offers "vrf" route get 10.0.0.1 from 10.0.0.2 ""
offers "datapath device" monitor port d
tap_end
