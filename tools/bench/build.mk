# SPDX-License-Identifier: MIT
# machnet-bench

PROGS += machnet-bench
machnet-bench_SRCS := $(wildcard tools/bench/*.c)
machnet-bench_LIBS := libmachnet

INSTALL_BIN += machnet-bench
INSTALL_MAN += tools/man/machnet-bench.1
