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

/* Before, a table had an entry without a name at its end. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define register_net_sysctl_sz(net, path, table, n)	register_net_sysctl(net, path, table)
#endif

/* The attributes of the request for a dump. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define machnet_dump_attrs(cb)	(genl_info_dump(cb)->attrs)
#else
#define machnet_dump_attrs(cb)	(genl_dumpit_info(cb)->attrs)
#endif

#endif /* MACHNET_COMPAT_H */
