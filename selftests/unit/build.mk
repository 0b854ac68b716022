# SPDX-License-Identifier: MIT
# Unit tests: one program per file under test.

# Faults at the NIC, with mbufs out of a pool, and the option that asks for them
TEST_PROGS += test_fault test_fault_option
test_fault_SRCS := selftests/unit/test_fault.c
test_fault_LIBS := libmachnet_dp
test_fault_PKGS := libdpdk
test_fault_option_SRCS := selftests/unit/test_fault_option.c user/daemon/fault_option.c

# keyset
TEST_PROGS += test_keyset
test_keyset_SRCS := selftests/unit/test_keyset.c user/base/keyset.c

# channel, ring
TEST_PROGS += test_ring test_channel test_channel_hostile test_handles test_runs test_channel_pieces
test_channel_pieces_SRCS := selftests/unit/test_channel_pieces.c $(channel_srcs)
test_runs_SRCS := selftests/unit/test_runs.c user/channel/runs.c
test_handles_SRCS := selftests/unit/test_handles.c user/channel/handles.c
test_ring_SRCS := selftests/unit/test_ring.c
test_channel_SRCS := selftests/unit/test_channel.c $(channel_srcs)
test_channel_hostile_SRCS := selftests/unit/test_channel_hostile.c $(channel_srcs)

# libmachnet, against a daemon of its own
lib_tests := test_lib test_lib_compat test_lib_connect test_lib_room test_lib_wait test_lib_hostile test_lib_reattach test_lib_restarts
TEST_PROGS += $(lib_tests)
define lib_test
$1_SRCS := selftests/unit/$1.c selftests/unit/fake_daemon.c $(channel_srcs) \
	user/base/udp_port.c
$1_LIBS := libmachnet
endef
$(foreach t,$(lib_tests),$(eval $(call lib_test,$t)))
# With a kernel module of its own, too, which takes the place of libmnclient
TEST_PROGS += test_lib_listener
test_lib_listener_SRCS := selftests/unit/test_lib_listener.c selftests/unit/fake_daemon.c $(channel_srcs) \
	$(wildcard user/lib/*.c) user/base/udp_port.c
test_lib_listener_PKGS := libmnl
TESTS += selftests/unit/lib_abi.sh

# machnet-bench
TEST_PROGS += test_bench
test_bench_SRCS := selftests/unit/test_bench.c $(addprefix tools/bench/,flows.c histogram.c meter.c \
	pattern.c options.c)

# The two control planes of the daemon, with the same tests
control_local := $(addprefix user/daemon/,control_local.c local_path.c local_route.c resolve.c rtnl.c tree.c) user/base/udp_port.c
control_kernel := user/daemon/control_kernel.c user/daemon/registry.c user/daemon/tree.c user/base/udp_port.c
TEST_PROGS += test_control_port_local test_control_registry_local test_control_route_local
VM_TEST_PROGS += test_control_port_kernel test_control_registry_kernel test_control_route_kernel
define control_test
test_control_$1_$2_SRCS := selftests/unit/test_control_$1.c $(control_$2)
test_control_$1_$2_CFLAGS := -DCONTROL=$2
test_control_$1_$2_LIBS := libmnclient
endef
$(foreach t,port registry route,$(foreach c,local kernel,$(eval $(call control_test,$t,$c))))

# The daemon between its applications and fakes of the datapath and the control plane
TEST_PROGS += test_control_daemon
test_control_daemon_SRCS := selftests/unit/test_control_daemon.c \
	$(addprefix user/daemon/,app.c app_port.c balance.c closer.c conn.c facts.c leaving.c listing.c loop.c path.c probe.c route.c \
	socket_path.c) user/base/udp_port.c
test_control_daemon_PKGS := libmnl
TEST_PROGS += test_app_descriptors test_app_port
test_app_descriptors_SRCS := $(subst test_control_daemon,test_app_descriptors,$(test_control_daemon_SRCS))
test_app_descriptors_PKGS := libmnl
TEST_PROGS += test_daemon_listing test_daemon_registry
test_daemon_listing_SRCS := $(subst test_control_daemon,test_daemon_listing,$(test_control_daemon_SRCS))
test_daemon_listing_PKGS := libmnl
test_daemon_registry_SRCS := $(subst test_control_daemon,test_daemon_registry,$(test_control_daemon_SRCS))
test_daemon_registry_PKGS := libmnl
test_app_port_SRCS := $(subst test_control_daemon,test_app_port,$(test_control_daemon_SRCS))
test_app_port_PKGS := libmnl

# Sockets that hold a port
TEST_PROGS += test_udp_port
test_udp_port_SRCS := selftests/unit/test_udp_port.c user/base/udp_port.c

# machnetctl's output
TEST_PROGS += test_print
test_print_SRCS := selftests/unit/test_print.c tools/machnetctl/print.c

# The datapath's ports
TEST_PROGS += test_ports
test_ports_SRCS := selftests/unit/test_ports.c user/dp/ports.c

# Sums of packets
TEST_PROGS += test_checksum
test_checksum_SRCS := selftests/unit/test_checksum.c

# The datapath's frames (the inline functions of DPDK alone), the daemon's command line
TEST_PROGS += test_frame test_options test_spin
test_spin_SRCS := selftests/unit/test_spin.c
test_frame_SRCS := selftests/unit/test_frame.c user/dp/frame.c user/base/checksum.c
test_frame_CFLAGS = $(call pkg_cflags,libdpdk)
test_options_SRCS := selftests/unit/test_options.c user/daemon/options.c user/daemon/fault_option.c

# The parts of the transport and what they stand on; what takes two stacks is in selftests/transport.
transport_parts := arrivals cookie credit hash path_size peer pieces record sched sent_recovery serials siphash steer_owner stream \
	swift timer_wheel tx_arena wire_frame wire_packet
TEST_PROGS += $(transport_parts:%=test_%)
define transport_part
test_$1_SRCS := selftests/unit/test_$1.c
test_$1_LIBS := libmn_transport
endef
$(foreach t,$(transport_parts),$(eval $(call transport_part,$t)))

# Two streams and all that can happen to them
TEST_PROGS += test_stream_model
test_stream_model_SRCS := $(addprefix selftests/unit/,test_stream_model.c stream_world.c stream_world_conn.c \
	stream_world_code.c)
test_stream_model_LIBS := libmn_transport

# The steering of a NIC, and software NICs
steer_world := $(addprefix selftests/unit/,steer_world.c soft_nic.c soft_way.c)
steer_tests := test_steer test_steer_learn test_steer_nics test_steer_parts test_steer_ways
TEST_PROGS += $(steer_tests)
define steer_test
$1_SRCS := selftests/unit/$1.c $(steer_world)
$1_LIBS := libmn_transport
endef
$(foreach t,$(steer_tests),$(eval $(call steer_test,$t)))
