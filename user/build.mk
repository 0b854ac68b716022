# SPDX-License-Identifier: MIT
# The libraries and the daemon.

# The datapath on DPDK.
LIBS += libmachnet_dp
libmachnet_dp_SRCS := $(wildcard user/dp/*.c) $(sort $(base_srcs) $(channel_srcs)) $(transport_srcs)
libmachnet_dp_PKGS := libdpdk
libmachnet_dp_PC_IN := user/dp/libmachnet_dp.pc.in

PROGS += machnetd
machnetd_SRCS := $(wildcard user/daemon/*.c) user/base/udp_port.c
machnetd_PKGS := libmnl
machnetd_LIBS := libmachnet_dp libmnclient

INSTALL_SBIN += machnetd
INSTALL_LIB += libmachnet_dp
INSTALL_PC += libmachnet_dp
INSTALL_HEADERS += include/machnet/dp.h include/machnet/addr.h
INSTALL_MAN += tools/man/machnetd.8
INSTALL_FILES += $(O)/systemd/machnetd@.service:lib/systemd/system/machnetd@.service

# The transport alone, for its tests: no DPDK, no system call but for what a channel is made of.
LIBS += libmn_transport
libmn_transport_SRCS := $(sort $(base_srcs) $(channel_srcs)) $(transport_srcs)
