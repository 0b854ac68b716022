# SPDX-License-Identifier: MIT
# Both sides of a channel at once, under the thread sanitizer.

TSAN_PROGS += race_ring race_channel
race_ring_SRCS := selftests/threads/race_ring.c
# The library's sources, so that the sanitizer sees into it; see one_mapping.c for mmap.
race_channel_SRCS := $(addprefix selftests/,threads/race_channel.c threads/one_mapping.c unit/fake_daemon.c) \
	$(channel_srcs) user/base/udp_port.c \
	$(wildcard user/lib/*.c)
race_channel_LIBS := libmnclient
race_channel_LDLIBS := -Wl,--wrap=mmap -Wl,--wrap=munmap
