# SPDX-License-Identifier: MIT
# The transport end to end: two stacks and a network in virtual time.

transport1_tests := backlog bad_channel bars channels claims conn counters dead end fair \
	flood flow forged hostile leave loss operator replaced
TEST_PROGS += $(transport1_tests:%=test1_%)
define transport1_test
test1_$1_SRCS := $(addprefix selftests/transport1/,test_$1.c sim.c sim_app.c sim_load.c)
test1_$1_LIBS := libmn_transport1
endef
$(foreach t,$(transport1_tests),$(eval $(call transport1_test,$t)))

TESTS += selftests/transport1/scale.sh
