# SPDX-License-Identifier: MIT
# Unit tests: one program per file under test.

# channel, ring, libmachnet
TEST_PROGS += test_ring test_channel test_lib test_lib_wait
test_ring_SRCS := selftests/unit/test_ring.c
test_channel_SRCS := selftests/unit/test_channel.c user/core/channel.c
test_lib_SRCS := selftests/unit/test_lib.c selftests/unit/fake_daemon.c user/core/channel.c
test_lib_LIBS := libmachnet
test_lib_wait_SRCS := selftests/unit/test_lib_wait.c selftests/unit/fake_daemon.c user/core/channel.c
test_lib_wait_LIBS := libmachnet
TESTS += selftests/unit/lib_abi.sh

# machnet-bench
TEST_PROGS += test_bench
test_bench_SRCS := selftests/unit/test_bench.c $(addprefix tools/bench/,histogram.c pattern.c options.c)

# The two control planes of the daemon, with the same tests
control_local := $(addprefix user/daemon/,control_local.c local_port.c local_route.c resolve.c rtnl.c)
control_kernel := user/daemon/control_kernel.c
TEST_PROGS += test_control_port_local test_control_route_local
VM_TEST_PROGS += test_control_port_kernel test_control_route_kernel
define control_test
test_control_$1_$2_SRCS := selftests/unit/test_control_$1.c $(control_$2)
test_control_$1_$2_CFLAGS := -DCONTROL=$2
test_control_$1_$2_LIBS := libmnclient
endef
$(foreach t,port route,$(foreach c,local kernel,$(eval $(call control_test,$t,$c))))

# machnetctl's output
TEST_PROGS += test_print
test_print_SRCS := selftests/unit/test_print.c tools/machnetctl/print.c
