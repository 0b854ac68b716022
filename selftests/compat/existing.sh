#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that were written for Microsoft's Machnet, with nothing but its header, run here unchanged.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/../e2e/pair.sh"
need_commands gcc g++ jq

port=31580
mkdir "$work/include"
cp "$top/include/machnet.h" "$top/include/machnet_common.h" "$work/include"
export LD_LIBRARY_PATH=$top/build/lib

# builds NAME COMPILER...: -pthread is what such programs have anyway.
builds() {
	local name=$1

	shift
	"$@" -Wall -Wextra -Werror -I"$work/include" "$top/selftests/compat/$name.c" -L"$top/build/lib" -lmachnet_shim -o "$work/$name"
}

# client EXPECTED TEXT...: the answers, joined by blanks.
client() {
	local answers

	answers=$(on a timeout 60 "$work/client" $IP_A $IP_B $port "${@:2}" | tr '\n' ' ')
	[ "$answers" = "$1" ] || { echo "$answers"; return 1; }
}

# dropped N: another client makes the server answer the one that is gone; N were counted.
dropped() {
	client "answer: now " now && counted b tx_stale "$1"
}

# The server's host has no listener for a client.
refused() {
	counted b drop_no_listener 2
}

still() {
	kill -0 "$1"
}

tap_start
run_ok "a server builds" builds server gcc
run_ok "a client builds, as C++" builds client g++ -x c++
pair_up || bail "two daemons"
start a early "$work/client" $IP_A $IP_B $port early
early=$started
wait_for 10 refused || bail "a client without a server"
start b server "$work/server" $IP_B $port
server=$started
wait_for 10 grep -q listening "$work/server.log" || bail "a server"
here_ok "a client that was there before the server ends in order" wait "$early"
run_ok "and was answered" grep -qx 'answer: early' "$work/early.log"
run_ok "a client is answered, and leaves" client "answer: one " one
run_ok "the server is there for the next one" client "answer: two answer: three " two three
run_ok "an answer that is too long for the client's buffer is one failure, and the next one comes" \
	client "failed answer: short " long short
before=$(counter b tx_stale)
run_ok "a client leaves before all its answers" client "answer: four " quiet four
here_ok "an answer to it is accepted, and counted as dropped" wait_for 20 dropped $((before + 1))
run_ok "clients are answered as before" client "answer: five " five
run_ok "the server runs" still "$server"
kill "$server"
here_ok "the daemons end in order" pair_down
tap_end
