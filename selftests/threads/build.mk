# SPDX-License-Identifier: MIT
# Both sides of a channel at once, engines at their shared steering, under the thread sanitizer.

TSAN_PROGS += race_ring race_channel race_steer
race_steer_SRCS := selftests/threads/race_steer.c $(wildcard user/steer/*.c) user/base/hash.c user/base/siphash.c
race_ring_SRCS := selftests/threads/race_ring.c
# The library's sources, so that the sanitizer sees into it; see one_mapping.c for mmap.
race_channel_SRCS := $(addprefix selftests/,threads/race_channel.c threads/one_mapping.c unit/fake_daemon.c) \
	$(channel_srcs) user/base/udp_port.c \
	$(wildcard user/lib/*.c)
race_channel_LIBS := libmnclient
race_channel_LDLIBS := -Wl,--wrap=mmap -Wl,--wrap=munmap
