/* SPDX-License-Identifier: MIT */
/*
 * channel.h - the engine's side of a channel (layout: include/machnet/shm.h)
 *
 * All functions belong to the engine that owns the channel, but for
 * mn_channel_create() and mn_channel_destroy(), which run on the control
 * thread while no engine has it. Nothing here trusts the application: a
 * function that finds the shared memory inconsistent returns -EPROTO, and the
 * caller then gives the channel up with mn_channel_close().
 */
#ifndef MN_CHANNEL_CHANNEL_H
#define MN_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/shm.h>
#include "base/checksum.h"
#include "base/list.h"
#include "channel/handles.h"
#include "channel/ring.h"
#include "channel/runs.h"
#include "channel/tx_arena.h"

/*
 * A piece of a connection's stream that is to be sent: a message in TX buffers, named by the
 * first of them, or a chunk of small messages (tx_arena.h), named by tx_bufs + its number.
 */
struct mn_txmsg {
	uint64_t seq, end;	/* its place in the stream */
	uint64_t flow;
	uint32_t len;		/* bytes of the message; a chunk has none */
	uint32_t first;		/* its name */
	uint32_t cur;		/* buffer that holds byte cur_off: where the last copy ended */
	uint32_t cur_off;	/* multiple of MN_SHM_BUF_SIZE */
	uint32_t next;		/* the next piece of the connection; MN_SHM_BUF_NONE: none */
};

struct mn_channel {
	struct mn_ring tx, txc, rx, rxc;
	struct mn_shm_header *hdr;	/* the mapping; of it only the flags are read */
	uint8_t *tx_data, *rx_data;
	uint32_t *tx_links, *rx_links;	/* shared */
	struct mn_shm_tx_done *tx_done;	/* shared, written only */
	const uint32_t *rx_done;	/* shared */
	uint32_t tx_bufs, rx_bufs;	/* powers of two */
	uint32_t flows;			/* slots of connections, a power of two */
	struct mn_handles handles;	/* of the connections; the values are the owner's */

	void *tables;			/* memory of the tables below */
	uint64_t tables_len;
	uint32_t *tx_chain;		/* private copy of the links of messages that it has */
	uint8_t *tx_state;		/* per TX buffer: in the engine's hands or not */
	struct mn_txmsg *txmsgs;	/* by name */
	struct mn_tx_arena tx_arena;
	uint32_t *rx_chain;		/* private links of RX buffers in use */
	uint8_t *rx_state;		/* per RX buffer: free, filling, posted, inside a chain */
	struct mn_runs rx_runs;		/* RX buffers that are free and promised to no message */
	uint32_t rx_free_count;		/* those, and the runs of messages under assembly */
	uint32_t *rx_posted;		/* per slot: bytes of messages handed over, modulo 2^32 */

	int memfd;
	int engine_efd;		/* eventfd: the application wakes the engine */
	int app_efd;		/* the application's end of a pipe: readable, it is woken */
	int wake_fd;		/* the engine's end: no other process can fill it */
	uint64_t len;		/* of the mapping */
	uint32_t id;		/* index in the datapath, for logs and statistics */
	uint32_t posted;	/* MN_SHM_WAKE_*: what has happened since the last flush */
	uint64_t work;		/* messages and KiB, both ways; the engine's, any thread reads it */
	bool txc_put;		/* on txc, not published */
	bool tx_held;		/* what is next on tx waits for a chunk */
	bool tx_ended;		/* the application has left: what it puts on tx now is void */
	struct mn_list in_posted;	/* in posted_list while that is not 0 */
	struct mn_list *posted_list;	/* of the channels that need a flush; NULL: not wanted */
	void *owner;			/* theirs who made the list */
	bool dead;		/* closed; only destroy is left */
};

/*
 * Makes the memfd, seals it, fills the header, allocates the private tables.
 * Buffer counts are rounded up to powers of two from MN_SHM_BUFS_MIN on; 0 is
 * the default, more than MN_SHM_BUFS_MAX -EINVAL. flows: slots of the connections' handles,
 * rounded up likewise, at most MN_SHM_FLOWS_MAX. 0, -EINVAL, -ENOMEM or what
 * memfd_create(2), eventfd(2), pipe(2), mmap(2) say.
 */
int mn_channel_create(struct mn_channel *ch, uint32_t id, uint32_t tx_bufs, uint32_t rx_bufs,
		      uint32_t flows);
void mn_channel_destroy(struct mn_channel *ch);

/*
 * From the control thread, when the application has left and the engine receives nothing more:
 * gives the memory of all buffers back but of those that hold what is still to be sent.
 */
void mn_channel_trim(struct mn_channel *ch);

/* Writes the errno into the header and wakes the application; idempotent. */
void mn_channel_close(struct mn_channel *ch, int error);

/*
 * Looks at the next entry of the application: 1 and *d, a MN_DESC_MSG, a MN_DESC_INLINE or a
 * MN_DESC_CONNECT that is whole, a MN_DESC_CLOSE; 0 when there is none, -EPROTO. Fillers are
 * skipped. mn_channel_tx_take(), _read() or _skip() takes it.
 */
int mn_channel_tx_peek(struct mn_channel *ch, struct mn_desc *d);

/*
 * Takes a message in buffers. Walks the chain once, checks every link, and keeps a private
 * copy; a buffer that is already in the engine's hands is -EPROTO. *msg stays valid until
 * mn_channel_tx_done().
 */
int mn_channel_tx_take(struct mn_channel *ch, const struct mn_desc *d, struct mn_txmsg **msg);

/* Takes what lies in the ring: d->len bytes to dst. */
void mn_channel_tx_read(struct mn_channel *ch, const struct mn_desc *d, void *dst);

/* Takes an entry without bytes. */
static inline void mn_channel_tx_skip(struct mn_channel *ch)
{
	ch->tx.self++;
}

/* Inline messages of the connection, bytes by MN_SHM_INLINE_COST(), are not in memory any more. */
void mn_channel_tx_inline_done(struct mn_channel *ch, uint64_t flow, uint32_t bytes);

/* The application has left: nothing is taken but what is on the ring by now. 0 or -EPROTO. */
int mn_channel_tx_end(struct mn_channel *ch);

/* Nothing is left to take. */
static inline bool mn_channel_tx_empty(const struct mn_channel *ch)
{
	return ch->tx.self == ch->tx.other;
}

/* Gives the slots of what was taken back to the application: once per batch. */
void mn_channel_tx_release(struct mn_channel *ch);

/*
 * Copies len bytes at off of the message to dst; off + len <= msg->len. Cheap when sequential.
 * sum: they are added to it; may be NULL.
 */
void mn_channel_tx_copy(struct mn_channel *ch, struct mn_txmsg *msg, uint32_t off, void *dst,
			uint32_t len, struct mn_sum *sum);

/* Gives the message's buffers back to the application. -EPROTO when its ring is inconsistent. */
int mn_channel_tx_done(struct mn_channel *ch, struct mn_txmsg *msg);

/* Takes back what the application has read. -EPROTO for a chain that it does not hold. */
int mn_channel_rx_reclaim(struct mn_channel *ch);

/* Bytes of RX buffers that are free: the basis of credits. */
static inline uint64_t mn_channel_rx_room(const struct mn_channel *ch)
{
	return (uint64_t)ch->rx_free_count * MN_SHM_BUF_SIZE;
}

/* The buffer holds something to be sent. From any thread: it was so a moment ago. */
bool mn_channel_tx_is_held(const struct mn_channel *ch, uint32_t buf);

/* Buffers that hold messages: the engine's to send, and received ones until they come back. */
struct mn_channel_usage {
	uint32_t tx_bufs, rx_bufs;
};

/* Bytes of messages of the connection that the application has not consumed, as far as it says. */
uint32_t mn_channel_unread(const struct mn_channel *ch, uint64_t flow);

/* From any thread that keeps the channel from being destroyed: as it was a moment ago. */
void mn_channel_usage(const struct mn_channel *ch, struct mn_channel_usage *u);

/* A message on its way into RX buffers. All zero but first = cur = MN_SHM_BUF_NONE at rest. */
struct mn_rxmsg {
	uint32_t len;		/* bytes of the whole message */
	uint32_t got;		/* bytes that are in */
	uint32_t first, cur;	/* RX buffers */
	uint32_t run;		/* buffers after cur that are set aside for it */
};

/*
 * Appends up to len bytes to a message under assembly, taking RX buffers as needed: consecutive
 * ones, as many as m->len asks for and there are. (Buffers that are set aside and not used yet
 * still count as free: the claims of credit.h see to it that no other message needs them.)
 * Returns the bytes taken: fewer than len when the buffers have run out.
 */
uint32_t mn_channel_rx_append(struct mn_channel *ch, struct mn_rxmsg *m, const void *src,
			      uint32_t len);

/* Hands a complete message over. 0 and m is at rest; -EAGAIN when the ring is full, -EPROTO. */
int mn_channel_rx_post(struct mn_channel *ch, uint64_t flow, struct mn_rxmsg *m);

/*
 * Hands a message of up to MN_SHM_INLINE_MAX bytes over that needs no buffers. 0, -EAGAIN when
 * the ring has no room for it, -EPROTO.
 */
int mn_channel_rx_inline(struct mn_channel *ch, uint64_t flow, const void *data, uint32_t len);

/*
 * Bytes of RX that are free, as far as known: the basis of credits for small messages. Free slots
 * on both sides of the ring's end: a filler may take some of them.
 */
static inline uint64_t mn_channel_rx_ring_room(struct mn_channel *ch)
{
	int64_t slots = mn_ring_free(&ch->rx, ch->rx.size / 2);

	/* The next write to it finds out what is wrong with it. */
	if (slots < 0)
		return 0;
	if (mn_ring_fill(&ch->rx, slots))
		slots -= slots < MN_SHM_INLINE_SLOTS ? slots : MN_SHM_INLINE_SLOTS;
	return (uint64_t)slots * sizeof(struct mn_desc);
}

/* RX takes any entry now. */
static inline bool mn_channel_rx_has_room(struct mn_channel *ch)
{
	const uint32_t most = mn_ring_need(&ch->rx, MN_SHM_INLINE_MAX);

	return mn_ring_free(&ch->rx, most) >= (int64_t)most;
}

/* Gives the buffers of a message under assembly back to the free list. */
void mn_channel_rx_drop(struct mn_channel *ch, struct mn_rxmsg *m);

/*
 * The application has received the entry that was posted when rx.self was at, as far as it says.
 * 1, 0, -EPROTO.
 */
int mn_channel_rx_received(struct mn_channel *ch, uint32_t at);

/* The event of a new connection, accepted or made. 0, -EAGAIN, -EPROTO. */
int mn_channel_post_open(struct mn_channel *ch, uint64_t flow, const struct mn_shm_flow *info);

/* The answer to a request that failed. 0, -EAGAIN, -EPROTO. */
int mn_channel_post_failed(struct mn_channel *ch, uint64_t request, int error);

/* The event of the end of a connection; error 0: in order. 0, -EAGAIN, -EPROTO. */
int mn_channel_post_end(struct mn_channel *ch, uint64_t flow, int error);

/* Publishes what was posted and wakes the application if it sleeps: once per batch. */
void mn_channel_flush(struct mn_channel *ch);

/*
 * Before and after an engine sleeps. arm returns false when there is something
 * to do already, and then the engine must not sleep. wants_room: room to receive is
 * something to do.
 */
bool mn_channel_arm(struct mn_channel *ch, bool wants_room);
void mn_channel_disarm(struct mn_channel *ch);

static inline void mn_channel_worked(struct mn_channel *ch, uint64_t work)
{
	__atomic_store_n(&ch->work, ch->work + work, __ATOMIC_RELAXED);
}

#endif /* MN_CHANNEL_CHANNEL_H */
