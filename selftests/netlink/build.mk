# SPDX-License-Identifier: MIT
# Tests of the netlink interface: against the kernel in a VM, and of the client's parsers here.

nltest_programs := test_bad_input test_client test_connection test_device test_module test_port test_route

VM_TEST_PROGS += $(nltest_programs)
define nltest_rule
$1_SRCS := $(addprefix selftests/netlink/,$1.c nltest.c nltest_env.c)
$1_PKGS := libnl-3.0 libnl-genl-3.0
endef
$(foreach t,$(nltest_programs),$(eval $(call nltest_rule,$t)))
test_client_LIBS := libmnclient

TEST_PROGS += test_machnet_nl_parse
test_machnet_nl_parse_SRCS := selftests/netlink/test_machnet_nl_parse.c
test_machnet_nl_parse_LIBS := libmnclient

TESTS += selftests/netlink/test_spec.sh
