# SPDX-License-Identifier: MIT
# libmachnet, what applications link.

LIBS += libmachnet
libmachnet_SO := 1
libmachnet_SOVER := 0
libmachnet_MAP := user/lib/libmachnet.map
libmachnet_SRCS := $(wildcard user/lib/*.c) user/base/udp_port.c user/channel/runs.c
libmachnet_LIBS := libmnclient

# Programs for Microsoft's Machnet link -lmachnet_shim, and those that are linked already, as well as
# bindings, load libmachnet_shim.so. ldconfig finds no name that links to a library of another one.
LIBS += libmachnet_shim
libmachnet_shim_SO := 1
libmachnet_shim_SOVER := 0
libmachnet_shim_MAP := $(libmachnet_MAP)
libmachnet_shim_SRCS := $(libmachnet_SRCS)
libmachnet_shim_LIBS := $(libmachnet_LIBS)

INSTALL_LIB += libmachnet libmachnet_shim
INSTALL_PC += libmachnet
INSTALL_HEADERS += include/machnet.h include/machnet_common.h
INSTALL_MAN += $(wildcard tools/man/machnet*.3)
