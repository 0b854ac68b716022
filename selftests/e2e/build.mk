# SPDX-License-Identifier: MIT
# Two daemons in network namespaces.
TESTS += $(addprefix selftests/e2e/,messages.sh failures.sh garbage.sh initflood.sh idle.sh \
	bench.sh engines.sh steering.sh balance.sh idle_engines.sh connects.sh ports.sh many.sh hostile.sh deaf.sh peer_dies.sh stuck.sh leave.sh lend.sh no_hugepages.sh demo.sh operator.sh reattach.sh \
	readme.sh recipe.sh path_ports.sh paths.sh registry.sh doctor_peer.sh mac.sh address.sh)
VM_TESTS += selftests/e2e/path_ports_kernel.sh selftests/e2e/reattach_kernel.sh selftests/e2e/lend_kernel.sh \
	selftests/e2e/registry_kernel.sh selftests/e2e/address_kernel.sh

# What a machine is left with, and who has which interface
TESTS += selftests/e2e/interface.sh
VM_TESTS += selftests/e2e/hugepages.sh selftests/e2e/give_back.sh

# What harms its engine, for hostile.sh and tools/bench/run.sh
PROGS += hostile
hostile_SRCS := selftests/e2e/hostile.c
hostile_LIBS := libmachnet

# A peer that never reads, for deaf.sh and tools/bench/run.sh
PROGS += deaf
deaf_SRCS := selftests/e2e/deaf.c
deaf_LIBS := libmachnet

# What becomes of its connections, for peer_dies.sh
PROGS += survivor
survivor_SRCS := selftests/e2e/survivor.c
survivor_LIBS := libmachnet

# Programs that leave right after sending
PROGS += leaver
leaver_SRCS := selftests/e2e/leaver.c
leaver_LIBS := libmachnet

# Programs without a daemon
TESTS += selftests/e2e/no_daemon.sh

# machnetctl
TESTS += $(addprefix selftests/e2e/ctl_,usage.sh completion.sh stats.sh connection.sh path.sh doctor.sh)
VM_TEST_PROGS += test_machnetctl test_machnetctl_kill
test_machnetctl_SRCS := selftests/e2e/test_machnetctl.c user/base/udp_port.c
test_machnetctl_LIBS := libmnclient
test_machnetctl_kill_SRCS := selftests/e2e/test_machnetctl_kill.c user/base/udp_port.c
test_machnetctl_kill_LIBS := libmnclient
