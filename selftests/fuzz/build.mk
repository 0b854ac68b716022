# SPDX-License-Identifier: MIT
# Fuzzers, and the same code under "make check" with inputs from a fixed seed.

# channel
FUZZERS += fuzz_channel
fuzz_channel_SRCS := selftests/fuzz/fuzz_channel.c user/core/channel.c user/core/channel_memory.c user/core/outbox.c
TEST_PROGS += test_fuzz_channel
test_fuzz_channel_SRCS := selftests/fuzz/test_fuzz_channel.c selftests/fuzz/fuzz_channel.c user/core/channel.c user/core/channel_memory.c user/core/outbox.c

# frame: the inline functions of DPDK alone
FUZZERS += fuzz_frame
fuzz_frame_SRCS := selftests/fuzz/fuzz_frame.c user/dp/frame.c user/dp/checksum.c
fuzz_frame_CFLAGS = $(call pkg_cflags,libdpdk)
TEST_PROGS += test_fuzz_frame
test_fuzz_frame_SRCS := selftests/fuzz/test_fuzz_frame.c selftests/fuzz/fuzz_frame.c user/dp/frame.c user/dp/checksum.c
test_fuzz_frame_CFLAGS = $(call pkg_cflags,libdpdk)

# wire: packets to the transport
FUZZERS += fuzz_wire
fuzz_wire_SRCS := selftests/fuzz/fuzz_wire.c selftests/transport/sim.c selftests/transport/sim_app.c
fuzz_wire_LIBS := libmn_core
TEST_PROGS += test_fuzz_wire
test_fuzz_wire_SRCS := selftests/fuzz/test_fuzz_wire.c $(fuzz_wire_SRCS)
test_fuzz_wire_LIBS := libmn_core
