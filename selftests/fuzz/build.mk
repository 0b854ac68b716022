# SPDX-License-Identifier: MIT
# Fuzzers, and the same code under "make check" with inputs from a fixed seed.

# channel
FUZZERS += fuzz_channel
fuzz_channel_SRCS := selftests/fuzz/fuzz_channel.c user/core/channel.c
TEST_PROGS += test_fuzz_channel
test_fuzz_channel_SRCS := selftests/fuzz/test_fuzz_channel.c selftests/fuzz/fuzz_channel.c user/core/channel.c
