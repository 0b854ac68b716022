// SPDX-License-Identifier: MIT
/*
 * The state machine of a connection, step by step. Cases that the search of test_stream_model.c
 * has found are here by name.
 */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport/stream.h"

#define CREDIT	100u
#define RECORDS	8u

FIXTURE(stream)
{
	struct mn_records rs;
	struct mn_stream a, b;		/* opener, acceptor */
	struct mn_span sp;
	struct mn_frame f;
	uint64_t number;		/* of packets */
};

FIXTURE_SETUP(stream)
{
	ASSERT_EQ(0, mn_records_init(&self->rs, RECORDS, 1));
	mn_stream_open(&self->a);
}

FIXTURE_TEARDOWN(stream)
{
	/* No record is kept by a stream that is over. */
	mn_stream_end(&self->a, &self->rs);
	if (self->b.state)
		mn_stream_end(&self->b, &self->rs);
	EXPECT_EQ(RECORDS, self->rs.n_free);
	mn_records_fini(&self->rs);
}

/* OPEN with what there is to send; served by b. */
static void serve(FIXTURE_DATA(stream) *self)
{
	mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp);
	self->f = (struct mn_frame){ .type = MN_FRAME_OPEN, .conn = 7, .credit = CREDIT,
				     .len = self->sp.len };
	mn_stream_control_sent(&self->a, MN_DUE_OPEN);
	mn_stream_accept(&self->b, &self->f, ++self->number);
}

/* What the receiver of a room gets. */
static struct mn_frame room_of(struct mn_stream *from, uint32_t credit)
{
	struct mn_frame f = { .type = MN_FRAME_CREDIT };

	mn_stream_fill_room(from, credit, &f);
	return f;
}

static void accept(FIXTURE_DATA(stream) *self)
{
	self->f = room_of(&self->b, CREDIT);
	mn_stream_control_sent(&self->b, MN_DUE_ACCEPT);
	mn_stream_accepted(&self->a, &self->rs, &self->f, ++self->number);
}

static struct mn_frame data_of(const struct mn_span *sp)
{
	return (struct mn_frame){ .type = MN_FRAME_DATA, .offset = sp->offset, .len = sp->len,
				  .flags = sp->fin ? MN_FRAME_F_FIN : 0 };
}

static uint32_t record(struct mn_records *rs, uint8_t kind, uint8_t flags, uint64_t offset,
		       uint32_t len)
{
	uint32_t i = mn_record_get(rs, 0);

	*mn_record_at(rs, i) = (struct mn_record){ .kind = kind, .flags = flags, .offset = offset,
						   .len = len, .next = MN_RECORD_NONE };
	return i;
}

static enum mn_place place(struct mn_stream *st, uint64_t offset, uint32_t len, bool fin)
{
	struct mn_span sp = { offset, len, fin, false };
	struct mn_frame f = data_of(&sp);
	uint32_t skip = 0;
	enum mn_place p = mn_stream_place(st, &f, &skip);

	if (p == MN_PLACE_NEXT)
		mn_stream_took(st, len - skip);
	return p;
}

TEST_F(stream, open__data_goes_along_without_credit)
{
	mn_stream_queue(&self->a, 30);
	EXPECT_EQ(MN_DUE_OPEN, mn_stream_control(&self->a));
	serve(self);
	EXPECT_EQ(30, self->sp.len);
	EXPECT_EQ(0, mn_stream_control(&self->a));
	EXPECT_FALSE(mn_stream_wants_packet(&self->a));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 30, false));
	accept(self);
	EXPECT_EQ(MN_STREAM_OPEN, self->a.state);
	EXPECT_EQ(30, self->a.snd_una);
	EXPECT_FALSE(mn_stream_wants_packet(&self->a));
}

/* What OPEN carried and the acceptor did not take is sent again. */
TEST_F(stream, accepted__rewinds)
{
	mn_stream_queue(&self->a, 30);
	serve(self);
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 10, false));
	accept(self);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_EQ(10, self->sp.offset);
	EXPECT_EQ(20, self->sp.len);
	EXPECT_TRUE(self->sp.again);
}

/* The copy of OPEN that was served had no end, and the last one had. */
TEST_F(stream, accepted__end_in_a_later_open)
{
	serve(self);
	mn_stream_finish(&self->a);
	mn_stream_lost(&self->a, &self->rs,
		       record(&self->rs, MN_RECORD_CONTROL, 0, 0, MN_DUE_OPEN));
	EXPECT_TRUE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_TRUE(self->sp.fin);
	mn_stream_control_sent(&self->a, MN_DUE_OPEN);
	accept(self);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_TRUE(self->sp.fin);
}

TEST_F(stream, take__credit)
{
	serve(self);
	accept(self);
	mn_stream_queue(&self->a, CREDIT + 50);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(60, self->sp.len);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(60, self->sp.offset);
	EXPECT_EQ(CREDIT - 60, self->sp.len);
	EXPECT_FALSE(mn_stream_wants_packet(&self->a));
	EXPECT_FALSE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, CREDIT, false));
	self->f = room_of(&self->b, 10);
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &self->f, ++self->number));
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(10, self->sp.len);
}

TEST_F(stream, lost__in_order_and_trimmed)
{
	serve(self);
	accept(self);
	mn_stream_queue(&self->a, 60);
	mn_stream_take(&self->a, &self->rs, 60, &self->sp);
	mn_stream_lost(&self->a, &self->rs, record(&self->rs, MN_RECORD_DATA, 0, 40, 20));
	mn_stream_lost(&self->a, &self->rs, record(&self->rs, MN_RECORD_DATA, 0, 0, 20));
	EXPECT_TRUE(mn_stream_wants_packet(&self->a));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 15, false));
	self->f = room_of(&self->b, CREDIT);
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &self->f, ++self->number));
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(15, self->sp.offset);
	EXPECT_EQ(5, self->sp.len);
	EXPECT_TRUE(self->sp.again);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 15, &self->sp));
	EXPECT_EQ(40, self->sp.offset);
	EXPECT_EQ(15, self->sp.len);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 15, &self->sp));
	EXPECT_EQ(55, self->sp.offset);
	EXPECT_EQ(5, self->sp.len);
	EXPECT_FALSE(mn_stream_take(&self->a, &self->rs, 15, &self->sp));
}

TEST_F(stream, room__older_packets_and_lies)
{
	serve(self);
	accept(self);
	mn_stream_queue(&self->a, 60);
	mn_stream_take(&self->a, &self->rs, 60, &self->sp);
	self->f = (struct mn_frame){ .accepted = 20, .credit = 5 };
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &self->f, 100));
	EXPECT_EQ(25, self->a.snd_limit);
	/* An older packet only counts by what it says was accepted. */
	self->f = (struct mn_frame){ .accepted = 30, .credit = 500, .drops = 9 };
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &self->f, 99));
	EXPECT_EQ(30, self->a.snd_una);
	EXPECT_EQ(25, self->a.snd_limit);
	EXPECT_EQ(60, self->a.snd_nxt);
	self->f = (struct mn_frame){ .accepted = 10, .credit = 50, .drops = 9 };
	EXPECT_EQ(0, mn_stream_room(&self->a, &self->rs, &self->f, 101));
	EXPECT_EQ(30, self->a.snd_una);
	EXPECT_EQ(30, self->a.snd_nxt);
	self->f.accepted = 61;
	EXPECT_EQ(-EBADMSG, mn_stream_room(&self->a, &self->rs, &self->f, 102));
}

/* Packets overtake each other: what they say of the stream before ACCEPT counts. */
TEST_F(stream, room__overtakes_accept)
{
	struct mn_frame first, more;

	mn_stream_queue(&self->a, 30);
	serve(self);
	first = room_of(&self->b, 0);
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 10, false));
	more = room_of(&self->b, CREDIT);
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &more, 3));
	/* The opening was served. */
	mn_stream_lost(&self->a, &self->rs,
		       record(&self->rs, MN_RECORD_CONTROL, 0, 0, MN_DUE_OPEN));
	EXPECT_EQ(0, mn_stream_control(&self->a));
	EXPECT_EQ(0, mn_stream_accepted(&self->a, &self->rs, &first, 2));
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_EQ(10, self->sp.offset);
	EXPECT_EQ(20, self->sp.len);
}

TEST_F(stream, place__holes_ends_and_lies)
{
	serve(self);
	accept(self);
	EXPECT_EQ(MN_PLACE_AHEAD, place(&self->b, 10, 10, false));
	EXPECT_EQ(MN_PLACE_BEYOND, place(&self->b, 90, 11, false));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 10, false));
	EXPECT_EQ(MN_PLACE_OLD, place(&self->b, 0, 10, false));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 5, 10, false));
	EXPECT_EQ(15, self->b.rcv_nxt);
	EXPECT_EQ(MN_PLACE_AHEAD, place(&self->b, 20, 0, true));
	EXPECT_EQ(MN_PLACE_BROKEN, place(&self->b, 21, 0, true));
	EXPECT_EQ(MN_PLACE_BROKEN, place(&self->b, 15, 6, false));
	EXPECT_FALSE(mn_stream_peer_finished(&self->b));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 15, 5, false));
	EXPECT_TRUE(mn_stream_peer_finished(&self->b));
	EXPECT_EQ(21, self->b.rcv_nxt);
	EXPECT_EQ(MN_PLACE_OLD, place(&self->b, 15, 5, true));
	EXPECT_EQ(MN_PLACE_BROKEN, place(&self->b, UINT64_MAX - 1, 5, false));
}

/* It counts once, and what is not taken is sent again. */
TEST_F(stream, dropped__sender_goes_back)
{
	serve(self);
	accept(self);
	mn_stream_queue(&self->a, 60);
	mn_stream_take(&self->a, &self->rs, 60, &self->sp);
	mn_stream_stalls(&self->b);
	mn_stream_dropped(&self->b);
	self->f = room_of(&self->b, 0);
	EXPECT_EQ(0, mn_stream_room(&self->a, &self->rs, &self->f, ++self->number));
	EXPECT_EQ(0, self->a.snd_nxt);
	EXPECT_FALSE(mn_stream_wants_packet(&self->a));
	self->f = room_of(&self->b, CREDIT);
	mn_stream_room(&self->a, &self->rs, &self->f, ++self->number);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(60, self->sp.len);
	EXPECT_TRUE(self->sp.again);
}

TEST_F(stream, over__both_ends_known)
{
	serve(self);
	accept(self);
	mn_stream_finish(&self->a);
	mn_stream_finish(&self->b);
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->b, 0, 0, true));
	EXPECT_EQ(MN_PLACE_NEXT, place(&self->a, 0, 0, true));
	mn_stream_take(&self->a, &self->rs, 9, &self->sp);
	mn_stream_take(&self->b, &self->rs, 9, &self->sp);
	self->f = room_of(&self->b, CREDIT);
	EXPECT_EQ(1, mn_stream_room(&self->a, &self->rs, &self->f, ++self->number));
	EXPECT_EQ(MN_STREAM_OPEN, self->a.state);
	mn_stream_arrived(&self->a, &(struct mn_record){ .kind = MN_RECORD_CONTROL,
							 .flags = MN_RECORD_F_FINAL });
	EXPECT_EQ(MN_STREAM_OVER, self->a.state);
	EXPECT_EQ(MN_STREAM_OPEN, self->b.state);
}

/* All was sent, the end too, and taken back for want of room: no byte follows a STOP. */
TEST_F(stream, peer_stops__end_taken_back)
{
	serve(self);
	accept(self);
	mn_stream_queue(&self->a, 60);
	mn_stream_finish(&self->a);
	mn_stream_take(&self->a, &self->rs, 60, &self->sp);
	EXPECT_TRUE(self->sp.fin);
	mn_stream_dropped(&self->b);
	self->f = room_of(&self->b, CREDIT);
	mn_stream_room(&self->a, &self->rs, &self->f, ++self->number);
	mn_stream_peer_stops(&self->a, &self->rs);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(0, self->sp.len);
	EXPECT_EQ(60, self->sp.offset);
	EXPECT_TRUE(self->sp.fin);
	EXPECT_FALSE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
}

/* And if the word of it comes behind the STOP, the end is sent again all the same. */
TEST_F(stream, peer_stops__then_goes_back)
{
	serve(self);
	accept(self);
	mn_stream_finish(&self->a);
	mn_stream_take(&self->a, &self->rs, 60, &self->sp);
	mn_stream_dropped(&self->b);
	self->f = room_of(&self->b, CREDIT);
	mn_stream_peer_stops(&self->a, &self->rs);
	EXPECT_FALSE(mn_stream_wants_packet(&self->a));
	mn_stream_room(&self->a, &self->rs, &self->f, ++self->number);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_TRUE(self->sp.fin);
}

TEST_F(stream, peer_stops__before_accept)
{
	mn_stream_queue(&self->a, 30);
	serve(self);
	mn_stream_stop(&self->b);
	mn_stream_peer_stops(&self->a, &self->rs);
	accept(self);
	EXPECT_TRUE(self->a.peer_stopped);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, 60, &self->sp));
	EXPECT_EQ(0, self->sp.len);
	EXPECT_EQ(30, self->sp.offset);
	EXPECT_TRUE(self->sp.fin);
}

/* The peer's number is not known: OPEN asks for it, without a byte. */
TEST_F(stream, abort__before_accept)
{
	mn_stream_queue(&self->a, 30);
	serve(self);
	mn_stream_abort(&self->a, &self->rs);
	EXPECT_EQ(MN_STREAM_ABORTED, self->a.state);
	EXPECT_EQ(0, mn_stream_control(&self->a));
	mn_stream_lost(&self->a, &self->rs,
		       record(&self->rs, MN_RECORD_CONTROL, 0, 0, MN_DUE_OPEN));
	EXPECT_EQ(MN_DUE_OPEN, mn_stream_control(&self->a));
	EXPECT_FALSE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_EQ(0, self->sp.len);
	accept(self);
	EXPECT_EQ(MN_DUE_ABORT, mn_stream_control(&self->a));
	mn_stream_control_sent(&self->a, MN_DUE_ABORT);
	mn_stream_arrived(&self->a, &(struct mn_record){ .kind = MN_RECORD_CONTROL,
							 .len = MN_DUE_ABORT });
	EXPECT_EQ(MN_STREAM_OVER, self->a.state);
}

TEST_F(stream, abort__never_sent)
{
	mn_stream_abort(&self->a, &self->rs);
	EXPECT_EQ(MN_STREAM_OVER, self->a.state);
}

/* Control that was lost is sent again; what has become void is not. */
TEST_F(stream, lost__control)
{
	serve(self);
	accept(self);
	mn_stream_stop(&self->b);
	EXPECT_EQ(MN_DUE_STOP, mn_stream_control(&self->b));
	mn_stream_control_sent(&self->b, MN_DUE_STOP);
	mn_stream_lost(&self->b, &self->rs,
		       record(&self->rs, MN_RECORD_CONTROL, MN_RECORD_F_ROOM, 0,
			      MN_DUE_STOP | MN_DUE_ACCEPT));
	EXPECT_EQ(MN_DUE_STOP | MN_DUE_ACCEPT, mn_stream_control(&self->b));
	EXPECT_TRUE(self->b.due & MN_DUE_ROOM);
	mn_stream_abort(&self->b, &self->rs);
	EXPECT_EQ(MN_DUE_ABORT, mn_stream_control(&self->b));
	mn_stream_lost(&self->b, &self->rs,
		       record(&self->rs, MN_RECORD_CONTROL, 0, 0, MN_DUE_ACCEPT));
	EXPECT_EQ(MN_DUE_ABORT, mn_stream_control(&self->b));
}

TEST_F(stream, reopen__from_the_beginning)
{
	mn_stream_queue(&self->a, 30);
	serve(self);
	mn_stream_peer_stops(&self->a, &self->rs);
	mn_stream_reopen(&self->a, &self->rs);
	EXPECT_EQ(MN_DUE_OPEN, mn_stream_control(&self->a));
	EXPECT_FALSE(self->a.peer_stopped);
	ASSERT_TRUE(mn_stream_take(&self->a, &self->rs, CREDIT, &self->sp));
	EXPECT_EQ(0, self->sp.offset);
	EXPECT_EQ(30, self->sp.len);
	EXPECT_FALSE(self->sp.again);
}

TEST_HARNESS_MAIN
