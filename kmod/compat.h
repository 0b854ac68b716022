/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - differences between kernel versions; the only file that asks for one
 */
#ifndef MACHNET_COMPAT_H
#define MACHNET_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "machnet needs Linux 6.1 or later"
#endif

/* crypto_memneq() has got a header of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* The attributes of the request for a dump. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define machnet_dump_attrs(cb)	(genl_info_dump(cb)->attrs)
#else
#define machnet_dump_attrs(cb)	(genl_dumpit_info(cb)->attrs)
#endif

/* The unbound workqueue has got a new name, and is to lose the old one. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define system_dfl_wq	system_unbound_wq
#endif

/* The device of a dst, under RCU; the function has been backported to some kernels. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define machnet_dst_dev(dst)	dst_dev_rcu(dst)
#else
#define machnet_dst_dev(dst)	READ_ONCE((dst)->dev)
#endif

/* It takes a struct sock, before 6.6 and some backports a struct socket. */
#define machnet_encap_enable(sock)							\
	udp_tunnel_encap_enable((void *)__builtin_choose_expr(				\
		__builtin_types_compatible_p(typeof(udp_tunnel_encap_enable),		\
					     void (struct sock *)),			\
		(sock)->sk, (sock)))

#endif /* MACHNET_COMPAT_H */
