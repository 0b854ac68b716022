# SPDX-License-Identifier: MIT
# The transport end to end: two stacks and a network in virtual time.

transport_tests := test_bad_channel test_conn test_end test_flow test_hostile test_loss test_operator test_backlog
TEST_PROGS += $(transport_tests)
define transport_test
$1_SRCS := selftests/transport/$1.c selftests/transport/sim.c selftests/transport/sim_app.c
$1_LIBS := libmn_core
endef
$(foreach t,$(transport_tests),$(eval $(call transport_test,$t)))
