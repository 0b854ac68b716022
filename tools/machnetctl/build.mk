# SPDX-License-Identifier: MIT
# The operator's tool. It speaks netlink through libnl, not through netlink/: two
# implementations keep the interface honest.

PROGS += machnetctl
machnetctl_SRCS := $(wildcard tools/machnetctl/*.c)
machnetctl_PKGS := libnl-3.0 libnl-genl-3.0

INSTALL_BIN += machnetctl
INSTALL_MAN += tools/man/machnetctl.8 tools/man/machnet.7
INSTALL_FILES += tools/completion/machnetctl:share/bash-completion/completions/machnetctl
