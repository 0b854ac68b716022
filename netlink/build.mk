# SPDX-License-Identifier: MIT
# The netlink client and the check that the three descriptions of the family agree.

LIBS += libmnclient
libmnclient_SRCS := netlink/machnet_nl.c netlink/machnet_nl_parse.c netlink/machnet_nl_path.c netlink/nlclient.c
libmnclient_PKGS := libmnl

CHECKS += build/netlink-spec.ok
build/netlink-spec.ok: netlink/check_spec.py netlink/machnet.yaml include/uapi/linux/machnet.h kmod/netlink-policy.c | build/.dir
	$(if $(V),,@printf '  %-7s %s\n' SPEC netlink/machnet.yaml)
	$(Q)netlink/check_spec.py && touch $@
