/* SPDX-License-Identifier: MIT */
/*
 * stream.h - the state machine of a connection: its two streams, its beginning and its end
 *
 * A plain value: no pointer, no timer, no clock, no memory of its own but for records by index. It
 * says what is due to be sent, and takes what has arrived and what was lost. Where the bytes lie
 * is the affair of the connection (conn.h).
 *
 *   opener:    OPENING --ACCEPT--> OPEN            acceptor: OPEN from the beginning
 *                      --REFUSE--> OVER
 *   both:      OPEN --both ends accepted, which the peer knows--> OVER
 *              any  --abort here--> ABORTED --the peer knows--> OVER
 *              any  --ABORT--> OVER
 */
#ifndef MN_TRANSPORT_STREAM_H
#define MN_TRANSPORT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/frame.h"
#include "transport/record.h"

#define MN_OFFSET_NONE	UINT64_MAX
#define MN_CREDIT_MOST	((1u << MN_CREDIT_BITS) - 1)

enum mn_stream_state {
	MN_STREAM_OPENING,
	MN_STREAM_OPEN,
	MN_STREAM_ABORTED,
	MN_STREAM_OVER,
};

/* Control frames that are to be sent. */
#define MN_DUE_OPEN	0x01
#define MN_DUE_ACCEPT	0x02
#define MN_DUE_ROOM	0x04
#define MN_DUE_STOP	0x08
#define MN_DUE_ABORT	0x10
#define MN_DUE_MOVE	0x20

struct mn_stream {
	uint8_t state;		/* enum mn_stream_state */
	uint8_t due;		/* MN_DUE_* */
	bool accepted;		/* opened by the peer */
	bool open_sent;		/* the peer may know of it */
	bool has_remote;	/* the peer's number is known */
	uint32_t remote;	/* the peer's number */

	/* sending */
	bool fin_queued, fin_sent;	/* the stream ends at snd_end */
	bool peer_stopped;		/* the peer accepts anything: only the end is sent */
	uint8_t drops_seen;
	uint64_t snd_una;	/* accepted by the peer */
	uint64_t snd_nxt;	/* next byte to be sent that is not in lost */
	uint64_t snd_max;	/* one behind the highest that was ever sent, FIN included */
	uint64_t snd_end;	/* bytes that there are to send */
	uint64_t snd_limit;	/* the peer's credit ends here */
	uint64_t room_number;	/* of the packet that said so */
	uint32_t lost;		/* records of what is to be sent again, ascending */

	/* receiving */
	bool stopped;		/* closed here: what comes is accepted and dropped */
	bool fin_known;		/* to the peer: that its end was accepted */
	uint8_t drops;
	uint64_t rcv_nxt;	/* accepted; behind the FIN: rcv_fin + 1 */
	uint64_t rcv_limit;	/* the highest credit that was ever given ends here */
	uint64_t rcv_fin;	/* length of the peer's stream; MN_OFFSET_NONE: not known */
};

/* A piece of the stream that goes into a packet. */
struct mn_span {
	uint64_t offset;
	uint32_t len;
	bool fin;
	bool again;		/* it had been sent before */
};

/* One that is opened here. */
void mn_stream_open(struct mn_stream *st);
/* It is opened on another path: nothing of it has been served. */
void mn_stream_reopen(struct mn_stream *st, struct mn_records *rs);
/* One that the peer opens by this frame. Its payload and FIN are still to be received. */
void mn_stream_accept(struct mn_stream *st, const struct mn_frame *open, uint64_t number);

/* It goes on in another stack: what was lost is sent there, without the records of this one. */
void mn_stream_detach(struct mn_stream *st, struct mn_records *rs);

/* --- what is to be sent --- */

/* There are more bytes to send, or no more from here on. */
static inline void mn_stream_queue(struct mn_stream *st, uint64_t end)
{
	st->snd_end = end;
}

void mn_stream_finish(struct mn_stream *st);

/* Something is due that does not wait: control, or bytes that the peer has credit for. */
bool mn_stream_wants_packet(const struct mn_stream *st);

/* Control frames that can be sent now, besides ROOM. */
uint8_t mn_stream_control(const struct mn_stream *st);
/* They were sent. */
void mn_stream_control_sent(struct mn_stream *st, uint8_t what);
/* Fills the room of a frame: what was accepted, and credit for so many bytes beyond. */
void mn_stream_fill_room(struct mn_stream *st, uint32_t credit, struct mn_frame *f);

/*
 * Length of the first lost piece, which is the next one to be sent, as far as it still matters; 0:
 * there is none. A piece that is sent whole gives its record back.
 */
uint32_t mn_stream_lost_len(struct mn_stream *st, struct mn_records *rs);

/*
 * The next piece of at most max bytes; it counts as sent from now on. OPENING: what OPEN carries,
 * which may be nothing. False: none.
 */
bool mn_stream_take(struct mn_stream *st, struct mn_records *rs, uint32_t max, struct mn_span *sp);

/* --- what became of it; the record is taken over, or put back --- */

void mn_stream_arrived(struct mn_stream *st, const struct mn_record *rec);
void mn_stream_lost(struct mn_stream *st, struct mn_records *rs, uint32_t rec);

/* --- what was received --- */

/* The first ACCEPT; a later one is a room. -EBADMSG: it cannot be. */
int mn_stream_accepted(struct mn_stream *st, struct mn_records *rs, const struct mn_frame *f,
		       uint64_t number);
/* A room, in the packet with this number. 1: more is accepted, 0, -EBADMSG. */
int mn_stream_room(struct mn_stream *st, struct mn_records *rs, const struct mn_frame *f,
		   uint64_t number);
/* The peer wants nothing more. */
void mn_stream_peer_stops(struct mn_stream *st, struct mn_records *rs);

enum mn_place {
	MN_PLACE_OLD,		/* nothing of it is new */
	MN_PLACE_NEXT,		/* it goes on where the stream is, from the skipped bytes on */
	MN_PLACE_AHEAD,		/* a hole is before it */
	MN_PLACE_BEYOND,	/* more than there was credit for */
	MN_PLACE_BROKEN,	/* it contradicts what the peer has said before */
};

/* Where bytes belong; takes note of the stream's end. */
enum mn_place mn_stream_place(struct mn_stream *st, const struct mn_frame *f, uint32_t *skip);
/* The next n bytes were accepted. */
void mn_stream_took(struct mn_stream *st, uint64_t n);
/* Nothing more can be taken now: what was given as credit is void. */
static inline void mn_stream_stalls(struct mn_stream *st)
{
	st->rcv_limit = st->rcv_nxt;
	st->due |= MN_DUE_ROOM;
}
/* What arrived beyond rcv_nxt was not kept. */
static inline void mn_stream_dropped(struct mn_stream *st)
{
	st->drops++;
	st->due |= MN_DUE_ROOM;
}

/* --- the end --- */

/* Nothing more is read: the peer is to stop, and what comes is accepted and dropped. */
void mn_stream_stop(struct mn_stream *st);
/* Ends it at once. OVER when nothing of it was sent, else ABORTED until it has. */
void mn_stream_abort(struct mn_stream *st, struct mn_records *rs);
/* The peer has ended it, or its path is gone. */
void mn_stream_end(struct mn_stream *st, struct mn_records *rs);

/* All that the peer sent has been accepted. */
static inline bool mn_stream_peer_finished(const struct mn_stream *st)
{
	return st->rcv_fin != MN_OFFSET_NONE && st->rcv_nxt > st->rcv_fin;
}

/* The peer has accepted all that was sent. */
static inline bool mn_stream_finished(const struct mn_stream *st)
{
	return st->fin_queued && st->snd_una > st->snd_end;
}

#endif /* MN_TRANSPORT_STREAM_H */
