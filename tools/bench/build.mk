# SPDX-License-Identifier: MIT
# machnet-bench

PROGS += machnet-bench
machnet-bench_SRCS := $(wildcard tools/bench/*.c)
machnet-bench_LIBS := libmachnet

INSTALL_BIN += machnet-bench
INSTALL_MAN += tools/man/machnet-bench.1

# What a device moves without a transport; for run.sh alone.
PROGS += bench-packets
bench-packets_SRCS := tools/bench/packets/packets.c
bench-packets_PKGS := libdpdk
bench-packets_LIBS := libmachnet_dp

# What messages and connections cost the transport, without a device.
PROGS += bench-stack
bench-stack_SRCS := $(wildcard tools/bench/stack/*.c)
bench-stack_LIBS := libmn_transport

# What it costs to find ports that lead to the right queues, without a device.
PROGS += bench-steer
bench-steer_SRCS := $(wildcard tools/bench/steer/*.c) $(addprefix selftests/,unit/soft_nic.c unit/soft_way.c) \
	$(addprefix selftests/transport/,steer_net.c steer_app.c steer_kind.c steer_storm.c)
bench-steer_LIBS := libmn_transport

# How far apart two processors are; for run.sh alone.
PROGS += bench-line
bench-line_SRCS := tools/bench/line/line.c
