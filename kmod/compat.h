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

#endif /* MACHNET_COMPAT_H */
