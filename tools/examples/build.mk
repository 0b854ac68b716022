# SPDX-License-Identifier: MIT
# Small programs to start from.

PROGS += hello echo_epoll
hello_SRCS := tools/examples/hello.c
hello_LIBS := libmachnet
echo_epoll_SRCS := tools/examples/echo_epoll.c
echo_epoll_LIBS := libmachnet

INSTALL_BIN += hello
INSTALL_FILES += $(foreach f,$(wildcard tools/examples/*.c),$f:share/doc/machnet/examples/$(notdir $f))
