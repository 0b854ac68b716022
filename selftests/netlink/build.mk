# SPDX-License-Identifier: MIT
# Tests of the netlink interface: against the kernel in a VM, and of the client's parsers here.

nltest_programs := test_bad_input test_churn test_client test_connection test_connection_batch test_connection_end \
	test_device test_filter test_golden test_lend test_lend_share test_many test_module \
	test_netlink_fuzz test_no_room test_owner test_owner_reuse test_path test_path_mtu test_port test_port_bulk \
	test_port_conflict test_races test_route test_route_confirm test_route_cost test_route_events \
	test_route_policy test_route_secure test_stats test_trace test_visibility

VM_TEST_PROGS += $(nltest_programs)
define nltest_rule
$1_SRCS := $(addprefix selftests/netlink/,$1.c nltest.c nltest_env.c nltest_link.c nltest_pair.c nltest_random.c nltest_req.c)
$1_PKGS := libnl-3.0 libnl-genl-3.0
endef
$(foreach t,$(nltest_programs),$(eval $(call nltest_rule,$t)))
test_client_LIBS := libmnclient
test_golden_SRCS += selftests/netlink/nltest_json.c
test_bad_input_SRCS += $(addprefix selftests/netlink/,bad_objects.c bad_flows.c bad_paths.c)

TEST_PROGS += test_machnet_nl_parse
test_machnet_nl_parse_SRCS := selftests/netlink/test_machnet_nl_parse.c
test_machnet_nl_parse_LIBS := libmnclient

TESTS += selftests/netlink/test_spec.sh
