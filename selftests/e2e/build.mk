# SPDX-License-Identifier: MIT
# Two daemons in network namespaces.
TESTS += $(addprefix selftests/e2e/,messages.sh failures.sh garbage.sh idle.sh \
	engines.sh no_hugepages.sh demo.sh)

# machnetctl
TESTS += selftests/e2e/ctl_usage.sh selftests/e2e/ctl_stats.sh
VM_TEST_PROGS += test_machnetctl
test_machnetctl_SRCS := selftests/e2e/test_machnetctl.c
test_machnetctl_LIBS := libmnclient
