/* SPDX-License-Identifier: MIT */
/*
 * shm.h - layout of a channel, the memory that one application and one engine
 * of the datapath share
 *
 * A channel is a sealed memfd (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) made
 * by the datapath and passed to one application. It holds a header, four
 * single-producer single-consumer rings, two tables of links and two sets of
 * buffers. Everything in it is an offset or an index, never a pointer.
 *
 *   [struct mn_shm_header, padded to a page]
 *   [ring TX    app -> engine  messages to send, and requests]
 *   [ring TXC   engine -> app  messages whose buffers are free again]
 *   [ring RX    engine -> app  received messages and events]
 *   [ring RXC   app -> engine  received messages that the app is done with]
 *   [TX done: struct mn_shm_tx_done per connection slot, written by the engine]
 *   [RX done: u32 per connection slot, written by the app]
 *   [TX links: u32 per TX buffer]  [RX links: u32 per RX buffer]
 *   [TX buffers]                   [RX buffers]
 *
 * A message lies in a chain of buffers, all of them full but the last; the
 * link of a buffer names the next one. TX buffers are allocated by the
 * application, RX buffers by the engine, each from a free list in its own
 * memory. The engine follows a TX chain once, when it takes the message, and
 * keeps its own copy of it: what the application writes to the links later
 * does not matter. Both sides put a message of up to 16 buffers into consecutive
 * ones as long as there are any (channel/runs.h): the links say whether it lies in one piece.
 *
 * A message of up to MN_SHM_INLINE_MAX bytes needs no buffer: it lies in the
 * ring itself, in the slots behind its descriptor, and is gone from the channel when
 * they are given back. Descriptor and message lie in one piece: where they do not fit
 * in front of the ring's end, a filler takes the slots up to there (no more than
 * MN_SHM_INLINE_SLOTS) and they begin at the ring's start. A side publishes
 * a descriptor together with all slots that belong to it, and with the filler in front of it.
 *
 * Requests lie on TX between the messages, and are carried out in this order: to open a
 * connection, to close one. The answer to an opening comes on RX, with the number that the
 * application has given the request: MN_DESC_OPEN, behind which the connection's messages follow,
 * or MN_DESC_FAILED.
 *
 * A connection's handle is a 64-bit number that is not used again in its channel and names no
 * engine: a connection may move to another one together with its channel.
 *
 * Accounts: the lowest bits of a connection's handle are its slot. Per slot the engine
 * counts what it has released of what was sent, the application what it has consumed of
 * what was received. All counters run freely modulo 2^32 and over all connections that
 * have had the slot: sent minus released is what a connection has queued, and bounds what
 * it may still send; received minus consumed is what its application has not read.
 *
 * Trust: the engine treats every word that an application can write as
 * hostile. It derives the geometry from its own copy, reads each index and
 * length once, checks it, and drops the channel when a check fails.
 *
 * Sleeping: a side that is about to sleep sets its flag in the header, issues
 * a full barrier, looks at its rings once more and then waits on its
 * descriptor. The other side, after it has published, issues a full barrier,
 * and when it finds the flag set, clears it and writes to the descriptor.
 * (selftests/model/ring.pml is a model of it, and of the rings.)
 *
 * The descriptors are such that the application cannot make the engine block:
 * the engine is woken by an eventfd that it watches but never reads, the
 * application by a pipe of which it has the reading end alone. (Whoever shares
 * an eventfd can clear O_NONBLOCK and fill the counter.)
 */
#ifndef MACHNET_SHM_H
#define MACHNET_SHM_H

#include <stddef.h>
#include <stdint.h>

#define MN_SHM_MAGIC		0x4d4e4348u	/* "MNCH" */
#define MN_SHM_VERSION		5
#define MN_SHM_CACHELINE	64
#define MN_SHM_PAGE		4096

/* Bytes in a buffer, and the longest message. */
#define MN_SHM_BUF_SIZE		4096u
#define MN_MSG_MAX		(8u << 20)
/* The longest message that lies in a ring. */
#define MN_SHM_INLINE_MAX	1024u
#define MN_SHM_INLINE_SLOTS	64u	/* without its descriptor */
/* Slots of TX and RX at least: such a message and the filler in front of it fit in. */
#define MN_SHM_RING_MIN		256u
/* No buffer: ends a chain. */
#define MN_SHM_BUF_NONE		UINT32_MAX
/* Number of TX and of RX buffers: a power of two. The least holds two messages of MN_MSG_MAX. */
#define MN_SHM_BUFS_MIN		4096u
#define MN_SHM_BUFS_DEFAULT	8192u
#define MN_SHM_BUFS_MAX		65536u
/* Slots of connections: a power of two. */
#define MN_SHM_FLOWS_DEFAULT	16384u
#define MN_SHM_FLOWS_MAX	(1u << 20)

enum mn_shm_ring {
	MN_SHM_RING_TX,
	MN_SHM_RING_TXC,
	MN_SHM_RING_RX,
	MN_SHM_RING_RXC,
	MN_SHM_RINGS
};

/* What a sleeping application waits for. */
#define MN_SHM_WAKE_RX		0x1u	/* an entry on RX */
#define MN_SHM_WAKE_TX		0x2u	/* room to send: an entry on TXC, slots on TX */

/* What a sleeping engine waits for; it always waits for an entry on TX. */
#define MN_SHM_WAKE_ENGINE	0x1u
#define MN_SHM_WAKE_ROOM	0x2u	/* also for room to receive: an entry on RXC, slots on RX */

/* The handle of no connection. A message on TX that has it is dropped and counted as tx_stale. */
#define MN_SHM_FLOW_NONE	UINT64_C(0)
/* Handles are below it: a double holds each of them exactly. */
#define MN_SHM_FLOW_END		(UINT64_C(1) << 53)

/* What a descriptor says. */
enum mn_desc_type {
	MN_DESC_NONE,
	MN_DESC_MSG,	/* TX, RX: a message; TXC, RXC: its buffers go back */
	MN_DESC_OPEN,	/* RX: up, before its first message; a struct mn_shm_flow follows */
	MN_DESC_INLINE,	/* TX, RX: a message of len bytes in the slots that follow; buf: 0 */
	MN_DESC_END,	/* RX: the connection has ended; len: the errno that says why, 0 in order */
	MN_DESC_FILL,	/* TX, RX: nothing; len slots from this one on, to the ring's end */
	MN_DESC_CONNECT, /* TX: open one; flow: the request; a struct mn_shm_connect follows */
	MN_DESC_CLOSE,	/* TX: no message of the connection follows, none is received any more */
	MN_DESC_FAILED,	/* RX: it was not opened; flow: the request; len: the errno that says why */
};

/*
 * 16 bytes, aligned to 16; a slot of every ring. Both sides copy a slot by its two 64-bit words
 * (ring.h) and look at the copy alone: type is the lowest byte of its word.
 */
struct mn_desc {
	uint64_t flow;		/* the connection's handle; flow % flows is its slot */
	uint32_t type : 8;	/* enum mn_desc_type */
	uint32_t len : 24;	/* bytes of the message, 1..MN_MSG_MAX */
	uint32_t buf;		/* first buffer of the chain */
};

/* What the engine has released of the messages of a slot's connections. */
struct mn_shm_tx_done {
	uint32_t inline_bytes;	/* of MN_DESC_INLINE: MN_SHM_INLINE_COST() each */
	uint32_t bufs;		/* of MN_DESC_MSG */
};

/* Bytes that an inline message of len bytes takes in the engine's memory. */
#define MN_SHM_INLINE_COST(len)	((len) + 4u)

/* A connection's addresses, as the application learns them; ports in host byte order. */
struct mn_shm_flow {
	uint8_t local_addr[16];		/* struct mn_addr */
	uint8_t remote_addr[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t reserved;
	uint64_t request;		/* that it answers; 0: the peer opened it */
};

/* What is to be opened. */
struct mn_shm_connect {
	uint8_t local_addr[16];		/* any: the one that the routing table chooses */
	uint8_t remote_addr[16];
	uint16_t remote_port;		/* of the listener, not 0 */
	uint16_t reserved[3];
};

/*
 * Indices run freely over 0..2^32-1 and are masked on access; a ring holds
 * prod - cons entries. Producer and consumer write different cache lines.
 */
struct mn_shm_ring_ctl {
	uint32_t prod __attribute__((aligned(MN_SHM_CACHELINE)));
	uint32_t cons __attribute__((aligned(MN_SHM_CACHELINE)));
};

struct mn_shm_header {
	uint32_t magic;			/* MN_SHM_MAGIC */
	uint16_t version;		/* MN_SHM_VERSION */
	uint16_t header_len;		/* sizeof(struct mn_shm_header) */
	uint32_t features;		/* bits that the engine offers; unknown ones are ignored */
	uint32_t buf_size;		/* MN_SHM_BUF_SIZE */
	uint32_t tx_bufs;		/* power of two */
	uint32_t rx_bufs;		/* power of two */
	uint64_t total_len;		/* length of the memfd */
	uint32_t ring_slots[MN_SHM_RINGS];	/* powers of two */
	uint64_t ring_off[MN_SHM_RINGS];	/* of struct mn_shm_ring_ctl; the slots follow it */
	uint32_t flows;			/* slots of connections, a power of two */
	uint32_t reserved;
	uint64_t tx_done_off;
	uint64_t rx_done_off;
	uint64_t tx_links_off;
	uint64_t rx_links_off;
	uint64_t tx_bufs_off;
	uint64_t rx_bufs_off;

	/* Written by the engine: MN_SHM_WAKE_*, on what to write to its eventfd. */
	uint32_t engine_sleeps __attribute__((aligned(MN_SHM_CACHELINE)));
	/* Written by the application: MN_SHM_WAKE_*, on what to write to its pipe. */
	uint32_t app_sleeps __attribute__((aligned(MN_SHM_CACHELINE)));
	/* Written by the engine when it gives the channel up: an errno. */
	uint32_t closed __attribute__((aligned(MN_SHM_CACHELINE)));
};

/* Each word that one side writes while the other one looks has a line of its own. */
#define MN_SHM_LINE_OF(type, member)	(offsetof(type, member) / MN_SHM_CACHELINE)
_Static_assert(sizeof(struct mn_desc) == 16, "size of a slot");
_Static_assert(MN_MSG_MAX < 1 << 24, "a length fits into its field");
_Static_assert(MN_SHM_INLINE_SLOTS * sizeof(struct mn_desc) == MN_SHM_INLINE_MAX &&
	       1 + 2 * MN_SHM_INLINE_SLOTS <= MN_SHM_RING_MIN, "slots of an inline message");
_Static_assert(sizeof(struct mn_shm_ring_ctl) == 2 * MN_SHM_CACHELINE &&
	       MN_SHM_LINE_OF(struct mn_shm_ring_ctl, cons) == 1, "lines of a ring");
_Static_assert(MN_SHM_LINE_OF(struct mn_shm_header, rx_bufs_off) <
	       MN_SHM_LINE_OF(struct mn_shm_header, engine_sleeps) &&
	       MN_SHM_LINE_OF(struct mn_shm_header, engine_sleeps) <
	       MN_SHM_LINE_OF(struct mn_shm_header, app_sleeps) &&
	       MN_SHM_LINE_OF(struct mn_shm_header, app_sleeps) <
	       MN_SHM_LINE_OF(struct mn_shm_header, closed), "lines of the header");

#endif /* MACHNET_SHM_H */
