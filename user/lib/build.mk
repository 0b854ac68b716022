# SPDX-License-Identifier: MIT
# libmachnet, what applications link.

LIBS += libmachnet
libmachnet_SO := 1
libmachnet_SOVER := 0
libmachnet_MAP := user/lib/libmachnet.map
libmachnet_SRCS := $(wildcard user/lib/*.c)
libmachnet_LIBS := libmnclient

INSTALL_LIB += libmachnet
INSTALL_PC += libmachnet
INSTALL_HEADERS += include/machnet/machnet.h include/machnet/machnet_common.h
# Programs written for Microsoft's Machnet include <machnet.h>.
INSTALL_LINKS += machnet/machnet.h:include/machnet.h machnet/machnet_common.h:include/machnet_common.h
INSTALL_MAN += $(wildcard tools/man/machnet*.3)
