# SPDX-License-Identifier: MIT
# The soak test and its program.

TESTS += selftests/e2e/soak.sh

PROGS += machnet-soak
machnet-soak_SRCS := $(wildcard selftests/soak/*.c) tools/bench/pattern.c
machnet-soak_CFLAGS := -Itools/bench -Iselftests/soak
machnet-soak_LDLIBS := -lm
machnet-soak_LIBS := libmachnet
