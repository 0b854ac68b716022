# SPDX-License-Identifier: MIT
# Fuzzers, and the same code under "make check" with inputs from a fixed seed.

# channel
FUZZERS += fuzz_channel
fuzz_channel_SRCS := selftests/fuzz/fuzz_channel.c $(channel_srcs)
TEST_PROGS += test_fuzz_channel
test_fuzz_channel_SRCS := selftests/fuzz/test_fuzz_channel.c selftests/fuzz/fuzz_channel.c $(channel_srcs)

# frame: the inline functions of DPDK alone
FUZZERS += fuzz_frame
fuzz_frame_SRCS := selftests/fuzz/fuzz_frame.c user/dp/frame.c user/base/checksum.c
fuzz_frame_CFLAGS = $(call pkg_cflags,libdpdk)
TEST_PROGS += test_fuzz_frame
test_fuzz_frame_SRCS := selftests/fuzz/test_fuzz_frame.c selftests/fuzz/fuzz_frame.c user/dp/frame.c user/base/checksum.c
test_fuzz_frame_CFLAGS = $(call pkg_cflags,libdpdk)

# stack: a hostile application beside another one
FUZZERS += fuzz_stack
fuzz_stack_SRCS := $(addprefix selftests/,fuzz/fuzz_stack.c transport/sim.c transport/sim_net.c transport/sim_app.c transport/sim_info.c)
fuzz_stack_LIBS := libmn_transport
TEST_PROGS += test_fuzz_stack
test_fuzz_stack_SRCS := selftests/fuzz/test_fuzz_stack.c $(fuzz_stack_SRCS)
test_fuzz_stack_LIBS := libmn_transport

# lib: libmachnet and a hostile daemon, which takes the place of its sockets
FUZZERS += fuzz_lib
fuzz_lib_SRCS := selftests/fuzz/fuzz_lib.c $(channel_srcs) \
	$(filter-out %/socket.c %/request.c %/ring_request.c,$(wildcard user/lib/*.c)) user/base/udp_port.c
fuzz_lib_LIBS := libmnclient
TEST_PROGS += test_fuzz_lib
test_fuzz_lib_SRCS := selftests/fuzz/test_fuzz_lib.c $(fuzz_lib_SRCS)
test_fuzz_lib_LIBS := libmnclient

# frames: the parsers of the wire format
FUZZERS += fuzz_frames
fuzz_frames_SRCS := selftests/fuzz/fuzz_frames.c
fuzz_frames_LIBS := libmn_transport
TEST_PROGS += test_fuzz_frames
test_fuzz_frames_SRCS := selftests/fuzz/test_fuzz_frames.c $(fuzz_frames_SRCS)
test_fuzz_frames_LIBS := libmn_transport

# paths: a hostile peer on a path beside another one
FUZZERS += fuzz_paths
fuzz_paths_SRCS := $(addprefix selftests/,fuzz/fuzz_paths.c transport/sim.c transport/sim_net.c transport/sim_app.c transport/sim_info.c)
fuzz_paths_LIBS := libmn_transport
TEST_PROGS += test_fuzz_paths
test_fuzz_paths_SRCS := selftests/fuzz/test_fuzz_paths.c $(fuzz_paths_SRCS)
test_fuzz_paths_LIBS := libmn_transport

# steer: arrivals and questions in any order, and any bytes as what was learned
FUZZERS += fuzz_steer
fuzz_steer_SRCS := selftests/fuzz/fuzz_steer.c
fuzz_steer_LIBS := libmn_transport
TEST_PROGS += test_fuzz_steer
test_fuzz_steer_SRCS := selftests/fuzz/test_fuzz_steer.c $(fuzz_steer_SRCS)
test_fuzz_steer_LIBS := libmn_transport
