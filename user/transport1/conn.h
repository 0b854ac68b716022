/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a connection
 *
 *   SYN_SENT --SYN_ACK--> OPEN <--first packet with our id-- SYN_RCVD
 *   OPEN --close here--> CLOSING --FIN acknowledged, peer's FIN--> LINGER --> gone
 *   OPEN --peer's FIN--> LAST_ACK --FIN acknowledged--> gone
 *   any --RST, timeout, abort--> DEAD --all told--> gone
 *
 * Documentation/protocol-1.md has it in full.
 */
#ifndef MN_TRANSPORT1_CONN_H
#define MN_TRANSPORT1_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer_wheel.h"
#include "transport/inbox.h"
#include "transport1/packet.h"
#include "transport1/reassembly.h"
#include "transport1/recovery.h"
#include "transport/sendq.h"
#include "transport1/stack.h"
#include "transport/swift.h"

struct mn_stack_channel;

/*
 * Who connects repeats himself from here on at twice the interval each time, and gives up. Who
 * accepts repeats nothing by himself: the address may be forged.
 */
#define MN_SYN_RETRY_US		5000u
#define MN_SYN_GIVE_UP_US	1000000u
/*
 * Silence after which the peer is asked, and so many times, before it is dead. It is the questions
 * that count: a host that was asleep itself must not take its peers for dead.
 */
#define MN_KEEPALIVE_US		1000000u
#define MN_KEEPALIVE_TRIES	4u
#define MN_DEAD_US		((MN_KEEPALIVE_TRIES + 1) * MN_KEEPALIVE_US)
/* The control thread is told no more often that the peer is there. */
#define MN_HEARD_US		2000000u
/* Timeouts in a row, some 12 s, when a peer answers but acknowledges nothing that has credit. */
#define MN_NO_PROGRESS_TRIES	20u
/* Wait for the answer to our last FIN, and for late repetitions of the peer's. */
#define MN_LAST_ACK_US		1000000u
#define MN_LINGER_US		10000u
/*
 * A closed connection is reset when the peer accepts nothing more of what was sent for such a
 * time, and when it takes longer than that in all: as TCP does with orphans, by time.
 */
#define MN_FINISH_IDLE_US	60000000u
#define MN_FINISH_US		300000000u
/* Least IP packet that a path must carry. */
#define MN_MTU_MIN		576u

#define MN_SEQ_NONE		UINT64_MAX

enum mn_conn_state {
	MN_CONN_FREE,
	MN_CONN_SYN_SENT,
	MN_CONN_SYN_RCVD,
	MN_CONN_OPEN,
	MN_CONN_CLOSING,	/* closed here: what was sent is delivered, what comes is dropped */
	MN_CONN_LAST_ACK,	/* closed by the peer: our FIN is under way */
	MN_CONN_LINGER,		/* over; answers repetitions of the peer's FIN */
	MN_CONN_DEAD,		/* over; a reset or a word to the application is still due */
};

/* Bytes that move between memory and the processor's caches at once. */
#define MN_CONN_LINE	64u

#define MN_POST_OPEN	0x1	/* the application must be told of the connection */
#define MN_POST_END	0x2	/* and of its end */

struct mn_conn {
	/*
	 * What packets in and out and messages look at. With many connections it lies in no near
	 * cache, and mn_conn_prefetch() fetches it.
	 */
	struct mn_stack *stack;
	struct mn_stack_channel *sch;	/* NULL: the channel is gone */
	uint64_t flow;			/* its handle there */
	uint8_t state;			/* enum mn_conn_state */
	bool answered;			/* the peer has said something since the SYN_ACK */
	struct mn_list in_ready, in_throttled;
	uint32_t debt;			/* bytes sent in this turn, and too many in earlier ones */
	uint32_t mss;			/* UDP payload of our packets */
	uint64_t remote_id;
	struct mn_path path;
	struct mn_timer rtx, ack;
	uint64_t heard_us;		/* last packet of the peer */
	uint64_t told_us;		/* when the control thread was told last that it is there */
	uint32_t unanswered;		/* keepalive probes since then */

	/* sending */
	uint32_t limit_ts;		/* the peer's clock when it said snd_limit */
	struct mn_sendq sendq;
	struct mn_recovery rec;
	struct mn_swift swift;
	uint64_t snd_una, snd_nxt;	/* acknowledged; next to send */
	uint64_t snd_max;		/* one behind the highest that was ever sent */
	uint64_t snd_end;		/* length of the stream */
	uint64_t snd_limit;		/* the peer's credit ends here */
	uint32_t credit_max;		/* most that it ever gave */
	bool fin_queued, fin_sent, fin_acked;
	bool tlp_due;			/* send a tail-loss probe */
	bool probe_due;			/* ask for an answer */
	bool insist;			/* after a timeout: the next packet asks for an answer */
	uint32_t persist_tries;
	uint64_t persist_us;		/* when to ask for credit; 0: not waiting */

	/* receiving */
	struct mn_reassembly held;
	struct mn_inbox inbox;
	uint64_t rcv_nxt, rcv_edge;	/* next expected; credit given ends here */
	uint64_t rcv_fin;		/* where the peer's stream ends; MN_SEQ_NONE: not known */
	int stalled;			/* why nothing can be taken now: -EAGAIN, -ENOBUFS */
	bool ack_now;
	uint16_t echo_wait_us;		/* the packet of echo_ts may have come before echo_us */
	uint32_t ack_packets, ack_bytes;	/* received and not acknowledged */
	uint64_t echo_us;		/* when it was seen */
	uint32_t echo_ts;		/* timestamp to echo; 0: none */
	uint32_t credit_epoch, ring_epoch;	/* of mn_sharers_touch() */

	/* The beginning, the end, and what happens now and then. */
	struct mn_list in_channel;	/* mn_stack_channel.conns; mn_stack.free */
	struct mn_list in_blocked, in_unconfirmed, in_closing;
	uint32_t close_at;		/* index of the channel's tx, when in_closing */
	uint32_t open_at;		/* index of the channel's rx, when the opening was posted */
	bool accepted;
	bool end_due;			/* the control thread must be told of the end */
	bool app_knows;			/* and so must the application, unless it closed it */
	uint8_t post;			/* MN_POST_* that are still to be put on the ring */
	int post_error;
	uint32_t slot, channel_id;
	uint64_t id, peer_key, request;
	bool has_peer;			/* peer_key is in the table */
	bool unreachable;		/* the control plane knows no way to the peer */
	bool syn_due;			/* send SYN or SYN_ACK */
	uint16_t remote_engine;
	uint16_t peer_mss;		/* UDP payload that the peer can take */
	uint32_t syn_tries;		/* SYNs sent; then: questions whether it is up there */
	uint32_t rst_code;		/* send RST; 0: no */
	struct mn_timer idle;
	uint64_t born_us;
	uint64_t since_us;		/* when the handshake, or the closing state, began */
	uint64_t closed_us;		/* when the application closed it */
	uint64_t finish_una, finish_us;	/* closed: how far the peer had accepted, and since when */
	uint64_t cookie;		/* SYN_SENT: what the listener wants to see again */
	uint64_t retransmits;
} __attribute__((aligned(MN_CONN_LINE)));

/* It will be used soon. */
static inline void mn_conn_prefetch(const struct mn_conn *c)
{
	for (uint32_t at = 0; at < offsetof(struct mn_conn, in_channel); at += MN_CONN_LINE)
		__builtin_prefetch((const char *)c + at, 1);
}

/* conn.c */

/* New, in the channel, known by its id. NULL: no slot. */
struct mn_conn *mn_conn_new(struct mn_stack *s, struct mn_stack_channel *sch,
			    const struct mn_path *path, enum mn_conn_state state);
/* Both ends know each other: from now on data flows. 0 or -ENOMEM. */
int mn_conn_establish(struct mn_conn *c);
/* The application closes it, in order. */
void mn_conn_close(struct mn_conn *c);
/* The peer has closed it, and all that it sent has been delivered. */
void mn_conn_peer_closed(struct mn_conn *c);
/* Our FIN was acknowledged, or the peer's has come, in CLOSING or LAST_ACK. */
void mn_conn_check_closed(struct mn_conn *c);
/* The peer is there, and what we send reaches it: the control thread may want to know. */
void mn_conn_heard(struct mn_conn *c);
/* It ends now. rst_code: tell the peer, unless 0. */
void mn_conn_end(struct mn_conn *c, enum mn_end why, uint32_t rst_code);
/* The application receives nothing of it any more. */
void mn_conn_mute(struct mn_conn *c);
/* The channel goes away: no word to the application any more; the control thread is told now. */
void mn_conn_orphan(struct mn_conn *c, enum mn_end why);
/* It waits for room on its channel. */
void mn_conn_block(struct mn_conn *c);
/* Puts the words that are due on the application's ring. False: there is no room yet. */
bool mn_conn_post(struct mn_conn *c);
/*
 * New next hop and packet size. What had to wait for a timeout is tried anew at once; larger
 * packets under way are cut anew when they turn out lost.
 */
void mn_conn_set_path(struct mn_conn *c, const uint8_t mac[6], uint16_t mtu);
/* Cuts the stream anew from what is acknowledged: packets under way are too large to arrive. */
void mn_conn_recut(struct mn_conn *c);
/* It may have something to send. */
void mn_conn_ready(struct mn_conn *c);
/* A dead connection with nothing left to do is given back. */
void mn_conn_reap(struct mn_conn *c);

static inline bool mn_conn_has_stream(const struct mn_conn *c)
{
	return c->state >= MN_CONN_OPEN && c->state <= MN_CONN_LINGER;
}

/* conn_input.c; true when the packet's handle is kept */
bool mn_conn_input(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt);

/* conn_receive.c */
bool mn_conn_receive(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt);
/* There may be room now for what could not be taken. */
void mn_conn_resume(struct mn_conn *c);
/* Takes the next bytes of the stream; returns how many. */
uint32_t mn_conn_take(struct mn_conn *c, const uint8_t *data, uint32_t len);
void mn_conn_free_held(struct mn_conn *c);
/* The credit to put into a packet. */
uint32_t mn_conn_credit(struct mn_conn *c);

/* conn_output.c; 0: nothing to send now */
uint32_t mn_conn_output(struct mn_conn *c, uint8_t *buf, uint32_t cap, struct mn_path *path);

/* conn_timer.c */
void mn_conn_timers_init(struct mn_conn *c);
/* Sets the retransmission timer by what is outstanding. */
void mn_conn_rearm(struct mn_conn *c);
void mn_conn_handshake_started(struct mn_conn *c);
/* The congestion window has room, or the time of the next packet has come. */
bool mn_conn_may_send(const struct mn_conn *c);

#endif /* MN_TRANSPORT1_CONN_H */
