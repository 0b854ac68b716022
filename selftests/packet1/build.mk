# SPDX-License-Identifier: MIT
# Packet scripts of version 1 and what runs them.

TEST_PROGS += test_packet1_scripts
test_packet1_scripts_SRCS := $(wildcard selftests/packet1/*.c) selftests/packet/script.c selftests/transport1/sim_app.c
test_packet1_scripts_CFLAGS := -Iselftests
test_packet1_scripts_LIBS := libmn_transport1
TESTS += $(addprefix selftests/packet1/runner/,runner.sh dissector.sh)
