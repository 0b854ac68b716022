/* SPDX-License-Identifier: MIT */
/*
 * path.h - what joins an engine here with an engine of another host
 *
 *   OPENING --ANSWER--> OPEN <--first packet with our id-- HALF_OPEN <--INIT-- (none)
 *   any --RESET, silence, idle without connections--> gone
 *
 * It owns what belongs to the network: ids, ports, packet numbers, acknowledgements, loss, window,
 * liveness. Documentation/protocol.md has it in full.
 */
#ifndef MN_TRANSPORT_PATH_H
#define MN_TRANSPORT_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer_wheel.h"
#include "transport/arrivals.h"
#include "transport/conn.h"
#include "transport/packet.h"
#include "transport/peer.h"
#include "transport/recovery.h"
#include "transport/serials.h"
#include "transport/stack.h"
#include "transport/swift.h"

/* INIT: first repetition, doubling in between, and when the opening is given up, at both ends. */
#define MN_INIT_RETRY_US	5000u
#define MN_INIT_GIVE_UP_US	1000000u
/* A silent peer is asked, and so many times; it is the unanswered questions that count. */
#define MN_KEEPALIVE_US		1000000u
#define MN_KEEPALIVE_TRIES	4u
#define MN_DEAD_US		((MN_KEEPALIVE_TRIES + 1) * MN_KEEPALIVE_US)
/* A path without connections is closed by the side that opened it, and later by the other one. */
#define MN_PATH_IDLE_US		10000000u
/* At most once in this time the control thread learns that the peer is reachable. */
#define MN_CONFIRM_US		2000000u
/* Least IP packet that a path must carry. */
#define MN_MTU_MIN		576u

/* Packets that are lost while others arrive. */
struct mn_black_hole {
	uint32_t large;		/* lost in a row: of those larger than the next smaller size */
	uint32_t small;		/* others that have arrived meanwhile */
	uint32_t carriers;	/* lost in a row: of those that carry something to be sent again */
	uint64_t since_us;	/* the first of them was found lost */
	uint64_t capped_us;	/* when the size was made smaller */
};

/* A port that the peer may have moved to. */
struct mn_port_check {
	uint16_t port;		/* 0: none */
	bool due;		/* a CHALLENGE to it */
	uint32_t bytes;		/* that have come from it since the last one */
	uint64_t nonce;
	uint64_t sent_us;	/* the last one, to any port */
};

/* A CHALLENGE of the peer, and the tuple that its RESPONSE takes. */
struct mn_challenged {
	bool due;
	uint16_t local_port, remote_port;
	uint64_t nonce;
};

/* UDP ports as packets carry them: src is their sender's. */
struct mn_ports {
	uint16_t src, dst;
};

#define MN_QUEUE_NONE	0xff

/* Where the peer's packets arrive, and what it is asked to try. */
struct mn_path_in {
	struct mn_ports now;		/* of the newest packet, those that try tuples aside */
	uint8_t queue;			/* of that packet; MN_QUEUE_NONE: there was none */
	uint32_t confined_us;		/* no tuple is left, for so long; 0: that is not so */
	bool due;			/* an ADVICE */
	uint8_t tries;			/* ADVICEs with the token, of those before the last one */
	uint8_t unanswered;		/* that the peer had time to answer */
	uint64_t number;		/* of the packet with the last one */
	uint32_t token;
	struct mn_ports asked;		/* 0: nothing is */
	struct mn_ports right;		/* of a CANDIDATE at the engine's queue; 0: none was */
	uint64_t noted_us, next_us;	/* last observation; next ADVICE at the earliest */
	uint64_t misplaced;		/* packets that arrived at queues of other engines */
};

/* What the peer has asked for, and whether it is used. */
struct mn_path_out {
	bool steered;
	struct mn_ports left;		/* that were used until a timeout; 0: none were */
	bool candidate_due, arrival_due;
	uint32_t token;
	struct mn_ports tried;		/* 0: none is */
	uint32_t arrival_token;
	uint8_t arrival_queue;
	struct mn_ports arrival;
};

enum mn_path_state {
	MN_PATH_FREE,
	MN_PATH_OPENING,
	MN_PATH_HALF_OPEN,	/* the peer's address is not proven yet */
	MN_PATH_OPEN,
};

struct mn_path {
	struct mn_stack *stack;
	struct mn_peer *peer;
	uint32_t slot;
	uint32_t serial;		/* in the stack; not 0 */
	uint8_t state;			/* enum mn_path_state */
	bool opened_here;
	bool in_remote;			/* remote_id is in the table */
	uint8_t remote_engine;		/* OPENING: the one that is wanted, or any */
	uint16_t port;			/* OPENING: whose listener's engine is wanted */
	uint16_t local_port, remote_port;	/* where packets go */
	uint16_t home_port;		/* local_port of the handshake */
	uint16_t peer_port;		/* remote_port, where steering does not want another one */
	uint16_t peer_first, peer_count;	/* its block of ports, as it says */
	uint32_t mss;			/* UDP payload of our packets */
	uint32_t mss_cap;		/* larger ones have vanished; 0: none has */
	uint16_t peer_mss;		/* that the peer can take; 0: not known */
	uint64_t id, remote_id, instance;	/* the peer's instance */
	struct mn_port_check check;
	struct mn_challenged answer;
	struct mn_path_in in;
	struct mn_path_out out;

	struct mn_list in_peer;		/* mn_peer.paths; mn_stack.free_paths */
	struct mn_list in_ready;	/* mn_stack.ready */
	struct mn_list in_half_open;	/* mn_stack.half_open, oldest first */
	struct mn_list lanes, ready;	/* struct mn_lane: all; with something to send, in turn */
	struct mn_list waiting;		/* connections whose OPEN has to wait for answers */
	struct mn_list rooms;		/* connections whose credit is due */
	bool rooms_left;		/* they did not fit into the last packet */
	uint32_t n_conns;
	uint32_t refuses;		/* records of REFUSE and MOVE frames that are due */
	struct mn_list coming;		/* struct mn_move: connections that are to come here */
	struct mn_list settling;	/* and those that leave when nothing of them is under way */
	uint64_t settled;		/* no packet with a lower number is */

	/* handshake */
	bool init_due;			/* send INIT or ANSWER */
	uint32_t tries;
	uint32_t init_ts;		/* to be returned in ANSWER */
	uint64_t cookie;
	uint64_t probe;			/* to be reported when it is answered, or not; 0: no */
	uint64_t since_us;		/* when the handshake began; OPEN: when it was opened */

	/* sending */
	struct mn_recovery rec;
	struct mn_swift swift;
	uint16_t window;		/* packets that the peer allows */
	bool probe_due;			/* a tail-loss probe: beyond the window */
	bool ping_due;			/* a question of its own */
	bool ask_alone;			/* a question in a small packet, before all others */
	struct mn_black_hole hole;
	bool insist;			/* after a timeout: one packet whatever the window */
	struct mn_serials opens;	/* of connections opened here: answered */
	uint64_t next_serial;

	/* receiving */
	struct mn_arrivals arrivals;
	struct mn_serials served;	/* of connections that the peer opened */
	bool ack_now;
	bool ack_due;			/* something asks for an acknowledgement, by a time */
	uint32_t ack_packets, ack_bytes;	/* received and not acknowledged */
	uint64_t top;			/* highest number that has arrived */
	uint64_t top_us;		/* when it was seen */
	uint16_t top_wait_us;		/* and for how long it may have waited before */
	uint16_t advertised_window;		/* packets that the peer may have under way */
	uint32_t ring_epoch;		/* mn_sharers_touch() */

	/* the peer is there */
	uint64_t received_us, confirmed_us;
	uint32_t unanswered;		/* questions since then */
	uint64_t empty_us;		/* since when it has no connection; 0: it has some */

	struct mn_timer rtx, ack, idle;
	uint64_t tx_packets, rx_packets, tx_lost, tx_frames, rx_frames;
};

/* path.c: life */

/* A path to the peer's engine, which may be any, that is or gets open. NULL: no room, no memory. */
struct mn_path *mn_path_to(struct mn_stack *s, struct mn_peer *peer, uint8_t engine,
			   uint16_t port);
struct mn_path *mn_path_new(struct mn_stack *s, struct mn_peer *peer, enum mn_path_state state);
/* It is over, with all its connections. code: what its RESET says; NONE: none is sent. */
void mn_path_end(struct mn_path *p, enum mn_end why, uint32_t code);
/*
 * The peer has no such path any more: connections that are opening are opened on another one, the
 * others end. fresh: those alone of which no byte was sent, for the peer may have served them.
 */
void mn_path_reopen(struct mn_path *p, bool fresh);
/*
 * Connects to several listeners open a path each before it is known that one engine has them all:
 * as many paths to its engine as there may be were opened here and are open besides this one, which
 * has just been answered. Its connections open on those.
 */
bool mn_path_is_surplus(const struct mn_path *p);
void mn_path_merge(struct mn_path *p);
/* A port of our block that no other path to the peer has, if there is one. */
uint16_t mn_path_own_port(const struct mn_path *p);
/* The peer knows it as open. */
static inline bool mn_path_is_proven(const struct mn_path *p)
{
	return p->state == MN_PATH_OPEN && (!p->opened_here || p->rec.top);
}
struct mn_path *mn_path_by_id(struct mn_stack *s, uint64_t id);
/* A connection has left. */
void mn_path_conn_left(struct mn_path *p);
/* To the control thread, of one that is open: PATH_*. */
void mn_path_report(const struct mn_path *p, enum mn_stack_event_type type, enum mn_end why);
/* The one that asked for it learns what came of it. */
void mn_path_probed(struct mn_path *p, enum mn_end why);
/* The peer's next hop or MTU is another one. */
void mn_path_moved(struct mn_path *p);
/* What it is called outside the transport: unlike its ids not a secret. */
uint64_t mn_path_number(const struct mn_path *p);
/* Where its packets go. */
void mn_path_tuple(const struct mn_path *p, struct mn_tuple *t);
/* It may have something to send. */
void mn_path_ready(struct mn_path *p);

/* path_handshake.c */
void mn_path_receive_init(struct mn_stack *s, const struct mn_packet *pk,
			  const struct mn_pkt *pkt);
void mn_path_receive_answer(struct mn_path *p, const struct mn_packet *pk,
			    const struct mn_pkt *pkt);
void mn_path_receive_retry(struct mn_path *p, const struct mn_packet *pk,
			   const struct mn_pkt *pkt);
/* The peer is proven: frames flow. False: no memory, and it is over. */
bool mn_path_opened(struct mn_path *p);
void mn_path_send_init(struct mn_path *p);
/* Packets that the peer may have under way from now on; advertised with the next one. */
uint16_t mn_path_window(struct mn_path *p);
uint32_t mn_path_output_init(struct mn_path *p, uint8_t *buf);

/* path_input.c; kept: mn_reassembly_add() */
void mn_path_receive_frames(struct mn_path *p, const struct mn_packet *pk,
			    const struct mn_pkt *pkt, uint32_t *kept);

/* path_output.c; 0: nothing to send now. sum: see mn_stack_output() */
uint32_t mn_path_output(struct mn_path *p, uint8_t *buf, uint32_t cap, struct mn_tuple *to,
			uint16_t *sum);
/* A packet of its has arrived, or is lost: mn_recovery_fn. */
void mn_path_settle(void *ctx, struct mn_sent *s, bool lost);

/* path_tuple.c */

/* Packets are sent with these ports from now on. */
void mn_path_use_tuple(struct mn_path *p, uint16_t local_port, uint16_t remote_port);
/* Once more, without an acknowledgement since the last time. */
void mn_path_timed_out(struct mn_path *p);
/* What was sent before it has arrived: the timeout was needless. */
void mn_path_timed_in(struct mn_path *p);
/* The newest packet of the peer has come by this tuple, and tries none. */
void mn_path_received_from(struct mn_path *p, const struct mn_pkt *pkt);
void mn_path_receive_challenge(struct mn_path *p, uint64_t nonce, const struct mn_tuple *t);
void mn_path_receive_response(struct mn_path *p, uint64_t nonce);
/* A packet that tries a tuple and is due, and where it goes; 0: none. */
uint32_t mn_path_output_check(struct mn_path *p, uint8_t *buf, struct mn_tuple *to);
/* Its single frame is f, of 16 bytes; neither acknowledged nor sent again. */
uint32_t mn_path_write_check(struct mn_path *p, uint8_t *buf, const struct mn_frame *f);

/* path_steer.c */

/* The peer's newest packet, with these ports, has arrived at a queue. */
void mn_path_arrived(struct mn_path *p, const struct mn_pkt *pkt);
void mn_path_receive_advice(struct mn_path *p, const struct mn_frame *f, const struct mn_pkt *pkt);
void mn_path_receive_candidate(struct mn_path *p, uint32_t token, const struct mn_pkt *pkt);
void mn_path_receive_arrival(struct mn_path *p, const struct mn_frame *f);
/* An ARRIVAL, CANDIDATE or ADVICE is due. */
bool mn_path_steers(const struct mn_path *p);
/* One of those, and where it goes. */
uint32_t mn_path_output_steer(struct mn_path *p, uint8_t *buf, struct mn_tuple *to);

/* path_mtu.c */
void mn_path_update_mss(struct mn_path *p);
/* A packet of this size, with records or without, has arrived or is lost. */
void mn_path_learn_size(struct mn_path *p, const struct mn_sent *s, bool lost);
/* Large packets are lost: whether small ones arrive is worth a question of its own. */
bool mn_path_suspects_size(const struct mn_path *p);
/* Nothing that is to be delivered gets through, though the peer answers. */
bool mn_path_is_hole(const struct mn_path *p);
/* After a while larger packets are tried again. */
void mn_path_retry_size(struct mn_path *p);

/* path_timer.c */
void mn_path_timers_init(struct mn_path *p);
/* Sets the retransmission timer by what is under way. */
void mn_path_rearm(struct mn_path *p);
/* The window has room, or the time of the next packet has come. */
bool mn_path_may_send(const struct mn_path *p);

#endif /* MN_TRANSPORT_PATH_H */
