# SPDX-License-Identifier: MIT
# The transport end to end: two stacks and a network in virtual time.

transport_tests := test_backlog test_bad_channel test_bars test_channels test_claims test_conn test_connect test_counters test_dead test_end test_engines test_fair \
	test_flow test_forged test_leave test_loss test_move test_move_channel test_move_ends test_operator test_paths test_stuck test_tuples
TEST_PROGS += $(transport_tests)
define transport_test
$1_SRCS := $(addprefix selftests/transport/,$1.c sim.c sim_net.c sim_app.c sim_info.c sim_load.c)
$1_LIBS := libmn_transport
endef
$(foreach t,$(transport_tests),$(eval $(call transport_test,$t)))

# With the datapath's frames around the packets: the inline functions of DPDK alone
TEST_PROGS += test_damage
test_damage_SRCS := $(addprefix selftests/transport/,test_damage.c sim.c sim_net.c sim_app.c sim_info.c) user/dp/frame.c
test_damage_LIBS := libmn_transport
test_damage_CFLAGS = $(call pkg_cflags,libdpdk)

TESTS += selftests/transport/scale.sh

# Between many engines, behind NICs that spread packets: paths alone
steer_net_srcs := $(addprefix selftests/,transport/steer_net.c unit/soft_nic.c unit/soft_way.c)
TEST_PROGS += test_steering
test_steering_SRCS := selftests/transport/test_steering.c $(steer_net_srcs)
test_steering_LIBS := libmn_transport

# The same with applications that connect; without loss and with it
steer_storm_srcs := $(addprefix selftests/transport/,steer_app.c steer_kind.c steer_storm.c) $(steer_net_srcs)
TEST_PROGS += test_connects test_connects_loss
test_connects_SRCS := selftests/transport/test_connects.c $(steer_storm_srcs)
test_connects_LIBS := libmn_transport
test_connects_loss_SRCS := $(test_connects_SRCS)
test_connects_loss_LIBS := libmn_transport
test_connects_loss_CFLAGS := -DLOSS_PPM=10000u
