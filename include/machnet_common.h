/* SPDX-License-Identifier: MIT */
/*
 * machnet_common.h - what programs for Microsoft's Machnet use beside its functions
 *
 * Included by <machnet.h>, and under this name by such programs. They also rely on
 * the system headers that are included here.
 */
#ifndef MACHNET_COMMON_H
#define MACHNET_COMMON_H

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* System headers, DPDK and programs have some of these names, too. */
#ifndef KB
#define KB			(1 << 10)
#endif
#ifndef MB
#define MB			(KB * KB)
#endif
#ifndef CACHE_LINE_SIZE
#define CACHE_LINE_SIZE		64
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE		(4 * KB)
#endif
#ifndef HUGE_PAGE_2M_SIZE
#define HUGE_PAGE_2M_SIZE	(2 * MB)
#endif
#ifndef likely
#define likely(x)		__builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x)		__builtin_expect(!!(x), 0)
#endif

/* Longest message in bytes. */
#define MACHNET_MSG_MAX_LEN	(8 * 1024 * 1024)

/* A flag of MachnetMsgHdr_t that asks for a notification of delivery. Ignored: none is given. */
#define MACHNET_MSGBUF_NOTIFY_DELIVERY	(1 << 7)

/* A connection as the sender of a message sees it; all fields in host byte order. */
struct MachnetFlow {
	uint32_t src_ip;
	uint32_t dst_ip;
	uint16_t src_port;
	uint16_t dst_port;
};
typedef struct MachnetFlow MachnetFlow_t;

/* Where a program listens; in host byte order. No function takes one. */
struct MachnetListenerInfo {
	uint32_t ip;
	uint16_t port;
	uint16_t reserved;
};
typedef struct MachnetListenerInfo MachnetListenerInfo_t;

/* A channel; what is in it is the library's. Functions take it as a void pointer. */
typedef struct MachnetChannelCtx MachnetChannelCtx_t;

#endif /* MACHNET_COMMON_H */
