# SPDX-License-Identifier: MIT
# Packet scripts and what runs them.

TEST_PROGS += test_packet_scripts
test_packet_scripts_SRCS := $(wildcard selftests/packet/*.c) selftests/transport/sim_app.c
test_packet_scripts_CFLAGS := -Iselftests
test_packet_scripts_LIBS := libmn_transport
TESTS += $(addprefix selftests/packet/runner/,runner.sh dissector.sh)
