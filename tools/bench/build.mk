# SPDX-License-Identifier: MIT
# machnet-bench

PROGS += machnet-bench
machnet-bench_SRCS := $(wildcard tools/bench/*.c)
machnet-bench_LIBS := libmachnet

INSTALL_BIN += machnet-bench
INSTALL_MAN += tools/man/machnet-bench.1

# What a packet costs with many connections, without a device.
PROGS += bench-stack
bench-stack_SRCS := tools/bench/stack/stack.c
bench-stack_LIBS := libmn_core
