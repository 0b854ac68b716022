#!/bin/bash
# SPDX-License-Identifier: MIT
# A daemon dies and comes back: the same server processes serve, and nobody has to restart them.
# shellcheck source=selftests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

answers() {
	on a "$bin/hello" $IP_B "$1" | grep -q "answer: $1"
}

# The server with an event loop; what measures is content with any server that returns messages.
answers_fd() {
	on a "$bin/machnet-bench" client $IP_B -p 31582 -s 1K -n 10 --verify >/dev/null
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# restart HOST SIGNAL: ends the daemon and starts the next one; the times in began and ready.
restart() {
	kill "-$2" "${daemon[$1]}"
	wait "${daemon[$1]}" 2>/dev/null
	began=$(now_ms)
	daemon_up "$1" && ready=$(now_ms)
}

# served WORD: until both servers have answered; says how long the first one took.
served() {
	local until=$(($(now_ms) + 10000 * lib_patience))

	until answers "$1"; do
		[ "$(now_ms)" -lt $until ] || return 1
	done
	took=$(now_ms)
	until answers_fd; do
		[ "$(now_ms)" -lt $until ] || return 1
	done
	echo "served again $((took - began)) ms after the daemon's start, $((took - ready)) ms after it was ready"
}

# still PID: the process runs.
still() { ! lib_gone "$1"; }

tap_start
pair_up || bail "two daemons"
start b hello "$bin/hello" listen
hello=$started
start b epoll "$bin/echo_epoll"
epoll=$started
for server in hello epoll; do
	here_ok "the server $server listens" wait_for 10 grep -q listening "$work/$server.log"
done
run_ok "it serves" answers before
run_ok "the one with an event loop serves" answers_fd

# The server's daemon: killed, then killed again, then ended in order as for an upgrade.
for signal in KILL KILL TERM; do
	start a client "$bin/machnet-bench" client $IP_B -p 31582 -s 1K -w 1 -d $((60 * lib_patience))
	client=$started
	before=$(counter a rx_messages)
	here_ok "a client is served" wait_for 10 counted a rx_messages $((before + 100))
	here_ok "the next daemon starts after SIG$signal" restart b $signal
	here_ok "both servers serve again" served "after-$signal"
	grep served "$work/here.log" | tap_diag
	wait "$client"
	status=$?
	if [ $status = 1 ]; then ok "the client learns that its connection is gone"; else
		not_ok "the client learns that its connection is gone" "status $status"; fi
	here_ok "they are the same processes" still "$hello"
	here_ok "they are the same processes, the other one, too" still "$epoll"
	run_refuses "their ports are taken" "[Aa]ddress already in use" on b "$bin/echo_epoll"
done

# The client's daemon: the connection ends with the reason, the next one works.
start a client "$bin/machnet-bench" client $IP_B -p 31582 -s 1K -w 1 -d $((60 * lib_patience))
client=$started
before=$(counter a rx_messages)
here_ok "a client is served" wait_for 10 counted a rx_messages $((before + 100))
here_ok "the next daemon of the client starts" restart a KILL
wait "$client"
status=$?
if [ $status = 1 ]; then ok "the client of a killed daemon ends with an error"; else
	not_ok "the client of a killed daemon ends with an error" "status $status"; fi
run_says "it says why" "dropped connection on reset" cat "$work/client.log"
run_ok "the next client is served" answers_fd

# No daemon, no work: a server that waits for one does not spin.
kill -KILL "${daemon[b]}"
wait "${daemon[b]}" 2>/dev/null
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# rests PID: a process that spins takes all of 200 ticks in each 2 s. An emulated machine that stands still charges the time
# to the one that runs: of five times, one without that is enough.
rests() {
	local i before used

	for i in 1 2 3 4 5; do
		before=$(ticks "$1")
		tick 2
		used=$(($(ticks "$1") - before))
		[ $used -ge 100 ] || return 0
		echo "$used ticks in 2 s"
	done
	return 1
}

for server in $hello $epoll; do
	here_ok "a server without a daemon rests" rests "$server"
done
here_ok "they end when they are told to" stop "$hello"
here_ok "also the one with an event loop" stop "$epoll"
tap_end
