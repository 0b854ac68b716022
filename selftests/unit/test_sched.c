// SPDX-License-Identifier: MIT
/* Turns of channels, and of their connections. */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "transport/stack_priv.h"

#define CONNS	300u
#define PACKET	1400u

FIXTURE(sched)
{
	struct mn_stack *stack;
	struct mn_path p;
	struct mn_stack_channel ch[3];
	struct mn_conn *conns;
	uint64_t sent[CONNS];		/* bytes */
	uint32_t n;
};

FIXTURE_SETUP(sched)
{
	self->stack = calloc(1, sizeof(*self->stack));
	self->conns = calloc(CONNS, sizeof(*self->conns));
	ASSERT_NE(NULL, self->stack);
	ASSERT_NE(NULL, self->conns);
	mn_list_init(&self->stack->ready);
	self->p.stack = self->stack;
	self->p.state = MN_PATH_OPEN;
	mn_list_init(&self->p.in_ready);
	mn_list_init(&self->p.lanes);
	mn_list_init(&self->p.ready);
	mn_list_init(&self->p.waiting);
	mn_list_init(&self->p.rooms);
	for (int i = 0; i < 3; i++)
		mn_list_init(&self->ch[i].lanes);
}

FIXTURE_TEARDOWN(sched)
{
	for (uint32_t i = 0; i < self->n; i++)
		mn_lane_del(&self->conns[i]);
	/* No lane without connections. */
	EXPECT_TRUE(mn_list_empty(&self->p.lanes));
	EXPECT_TRUE(mn_list_empty(&self->p.ready));
	EXPECT_EQ(0, self->p.n_conns);
	free(self->conns);
	free(self->stack);
}

/* n more connections of a channel, all of which have something to send. */
static struct mn_conn *add_conns(FIXTURE_DATA(sched) *self, struct mn_stack_channel *ch, uint32_t n)
{
	struct mn_conn *first = &self->conns[self->n];

	while (n--) {
		struct mn_conn *c = &self->conns[self->n++];

		c->stack = self->stack;
		c->sch = ch;
		c->st.lost = MN_RECORD_NONE;
		mn_list_init(&c->in_ready);
		mn_list_init(&c->in_rooms);
		mn_lane_add(mn_lane_get(&self->p, ch), c);
		mn_sched_ready(c);
	}
	return first;
}

/* One frame of whose turn it is. */
static struct mn_conn *send_one(FIXTURE_DATA(sched) *self, uint32_t bytes, bool more)
{
	struct mn_conn *c = mn_sched_next(&self->p);

	if (!c)
		return NULL;
	self->sent[c - self->conns] += bytes;
	mn_sched_sent(c, bytes, more);
	return c;
}

static uint64_t sent_by(const FIXTURE_DATA(sched) *self, const struct mn_stack_channel *ch)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < self->n; i++)
		bytes += self->conns[i].sch == ch ? self->sent[i] : 0;
	return bytes;
}

TEST_F(sched, next__none)
{
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
	add_conns(self, &self->ch[0], 1);
	EXPECT_FALSE(mn_list_empty(&self->p.in_ready));
	EXPECT_EQ(&self->conns[0], send_one(self, 100, false));
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
	mn_sched_ready(&self->conns[0]);
	/* Twice is once. */
	mn_sched_ready(&self->conns[0]);
	EXPECT_EQ(&self->conns[0], send_one(self, 100, false));
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
}

/* A channel with many connections gets no more than one with a single one. */
TEST_F(sched, sent__channels_share_alike)
{
	add_conns(self, &self->ch[0], 200);
	add_conns(self, &self->ch[1], 1);
	add_conns(self, &self->ch[2], 7);
	for (int i = 0; i < 6000; i++)
		ASSERT_NE(NULL, send_one(self, PACKET, true));
	for (int i = 0; i < 3; i++) {
		EXPECT_LE(2000 * PACKET - MN_LANE_QUANTUM - PACKET, sent_by(self, &self->ch[i]));
		EXPECT_GE(2000 * PACKET + MN_LANE_QUANTUM + PACKET, sent_by(self, &self->ch[i]));
	}
}

/* By bytes: one with large frames has fewer of them. */
TEST_F(sched, sent__connections_share_bytes)
{
	add_conns(self, &self->ch[0], 10);
	for (int i = 0; i < 20000; i++) {
		struct mn_conn *c = mn_sched_next(&self->p);

		ASSERT_NE(NULL, c);
		send_one(self, c == self->conns ? 9000 : 64, true);
	}
	for (uint32_t i = 1; i < self->n; i++) {
		EXPECT_LE(self->sent[0], self->sent[i] + 9000 + MN_CONN_QUANTUM);
		EXPECT_GE(self->sent[0] + 9000 + MN_CONN_QUANTUM, self->sent[i]);
	}
}

/* What is owed is forgotten with the last byte: nobody saves up, nobody pays for ever. */
TEST_F(sched, sent__debt_ends)
{
	struct mn_conn *c = add_conns(self, &self->ch[0], 2);

	send_one(self, 9000, false);
	EXPECT_EQ(0, c->debt);
	EXPECT_EQ(c + 1, mn_sched_next(&self->p));
	send_one(self, 100, false);
	EXPECT_EQ(0, c->lane->debt);
}

TEST_F(sched, wait__until_others_are_answered)
{
	struct mn_conn *c = add_conns(self, &self->ch[0], 3);

	mn_stream_open(&c[0].st);
	mn_stream_open(&c[1].st);
	mn_sched_wait(&c[0]);
	EXPECT_EQ(&c[1], mn_sched_next(&self->p));
	mn_sched_wait(&c[1]);
	EXPECT_EQ(&c[2], send_one(self, 10, false));
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
	mn_sched_resume(&self->p, 1);
	EXPECT_EQ(&c[0], send_one(self, 10, false));
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
	/* One that leaves while it waits. */
	mn_lane_del(&c[1]);
	mn_sched_resume(&self->p, 1);
	EXPECT_EQ(NULL, mn_sched_next(&self->p));
}

TEST_F(sched, del__in_its_turn)
{
	struct mn_conn *c = add_conns(self, &self->ch[0], 2);

	add_conns(self, &self->ch[1], 1);
	mn_lane_del(&c[0]);
	EXPECT_EQ(NULL, c[0].lane);
	EXPECT_EQ(&c[1], mn_sched_next(&self->p));
	mn_lane_del(&c[1]);
	EXPECT_TRUE(mn_list_empty(&self->ch[0].lanes));
	EXPECT_EQ(&self->conns[2], mn_sched_next(&self->p));
	EXPECT_EQ(1, self->p.n_conns);
}

/* The channel is gone: it has its turns in the lane of those without one. */
TEST_F(sched, orphan__stays_on_the_path)
{
	struct mn_conn *c = add_conns(self, &self->ch[0], 2);

	mn_stream_open(&c[0].st);
	mn_stream_open(&c[1].st);
	mn_lane_orphan(&c[0]);
	mn_lane_orphan(&c[1]);
	EXPECT_TRUE(mn_list_empty(&self->ch[0].lanes));
	ASSERT_NE(NULL, c[0].lane);
	EXPECT_EQ(c[0].lane, c[1].lane);
	EXPECT_EQ(NULL, c[0].lane->sch);
	EXPECT_EQ(2, self->p.n_conns);
	EXPECT_EQ(&c[0], send_one(self, 10, false));
	EXPECT_EQ(&c[1], send_one(self, 10, false));
}

TEST_HARNESS_MAIN
