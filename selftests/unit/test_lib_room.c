// SPDX-License-Identifier: MIT
/* Room to send belongs to the connection: one whose peer does not read leaves room to others. */
#include "lib_fixture.h"

#define MAX_HELD	65536

/* An engine whose peers do not read: it takes messages and holds them. */
struct held {
	struct mn_channel *engine;
	struct mn_desc descs[MAX_HELD];
	struct mn_txmsg *msgs[MAX_HELD];
	unsigned int n;
};

static void take(struct held *h)
{
	uint8_t data[MN_SHM_INLINE_MAX];
	struct mn_desc d;

	while (mn_channel_tx_peek(h->engine, &d) == 1 && h->n < MAX_HELD) {
		h->descs[h->n] = d;
		h->msgs[h->n] = NULL;
		if (d.type == MN_DESC_INLINE)
			mn_channel_tx_read(h->engine, &d, data);
		else if (mn_channel_tx_take(h->engine, &d, &h->msgs[h->n]))
			abort();
		h->n++;
	}
	mn_channel_tx_release(h->engine);
	mn_channel_flush(h->engine);
}

/* The peer has acknowledged what was taken from the first one on. */
static void release(struct held *h, unsigned int first)
{
	for (unsigned int i = first; i < h->n; i++) {
		const struct mn_desc *d = &h->descs[i];

		if (!h->msgs[i])
			mn_channel_tx_inline_done(h->engine, d->flow, MN_SHM_INLINE_COST(d->len));
		else if (mn_channel_tx_done(h->engine, h->msgs[i]))
			abort();
	}
	h->n = first;
	mn_channel_flush(h->engine);
}

/* Sends until the connection has no room, though the engine takes all. Returns how many. */
static unsigned int fill(struct _test_data_lib *self, struct held *h, MachnetFlow_t flow,
			 uint32_t len)
{
	unsigned int sent = 0;

	while (sent < MAX_HELD && !machnet_send(self->ch, flow, self->big, len)) {
		take(h);
		sent++;
	}
	return sent;
}

static struct held *hold(struct _test_data_lib *self)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->engine = fake_daemon_hold(&self->d);
	return h;
}

static void others_go_on(struct __test_metadata *_metadata, struct _test_data_lib *self,
			 uint32_t len)
{
	static const uint32_t lens[] = { 1, MN_SHM_INLINE_MAX, LARGE, 64 * 1024 };
	struct held *h;
	unsigned int blocked;
	MachnetFlow_t other;

	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &other));
	h = hold(self);
	blocked = fill(self, h, self->flow, len);
	ASSERT_EQ(EAGAIN, errno);
	EXPECT_GT(blocked, 0);
	for (unsigned int i = 0; i < 1000; i++) {
		ASSERT_EQ(0, machnet_send(self->ch, other, self->big, lens[i % 4]));
		take(h);
		release(h, blocked);
	}
	EXPECT_ERRNO(EAGAIN, machnet_send(self->ch, self->flow, self->big, len));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_SEND, 0));
	release(h, 0);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, 1000));
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, self->big, len));
	free(h);
}

TEST_F(lib, a_blocked_connection_with_small_messages)
{
	others_go_on(_metadata, self, 64);
}

TEST_F(lib, a_blocked_connection_with_the_longest_inline_messages)
{
	others_go_on(_metadata, self, MN_SHM_INLINE_MAX);
}

TEST_F(lib, a_blocked_connection_with_messages_in_buffers)
{
	others_go_on(_metadata, self, LARGE);
}

TEST_F(lib, a_blocked_connection_with_the_longest_messages)
{
	others_go_on(_metadata, self, MACHNET_MSG_MAX_LEN);
}

/* However many others are blocked, a connection with nothing queued may queue a message. */
TEST_F(lib, many_blocked_connections)
{
	enum { BLOCKED = 200 };
	MachnetFlow_t flows[BLOCKED], last;
	struct held *h;

	for (int i = 0; i < BLOCKED; i++)
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &flows[i]));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &last));
	h = hold(self);
	for (int i = 0; i < BLOCKED; i++) {
		EXPECT_GT(fill(self, h, flows[i], MN_SHM_INLINE_MAX), 0);
		EXPECT_GT(fill(self, h, flows[i], LARGE), 0);
	}
	ASSERT_LT(h->n, MAX_HELD);
	EXPECT_EQ(0, machnet_send(self->ch, last, self->big, 1));
	EXPECT_EQ(0, machnet_send(self->ch, last, self->big, 64 * 1024));
	free(h);
}

/* What connections had queued before they fell silent does not count for ever. */
TEST_F(lib, room_of_silent_connections_comes_back)
{
	enum { SILENT = 100 };
	MachnetFlow_t flows[SILENT];
	struct held *h;
	unsigned int alone;

	for (int i = 0; i < SILENT; i++)
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &flows[i]));
	h = hold(self);
	alone = fill(self, h, self->flow, MN_SHM_INLINE_MAX);
	release(h, 0);
	for (int i = 0; i < SILENT; i++)
		fill(self, h, flows[i], MN_SHM_INLINE_MAX);
	release(h, 0);
	/* It takes some calls until they are looked at. */
	for (int i = 0; i < 1000; i++) {
		fill(self, h, self->flow, MN_SHM_INLINE_MAX);
		release(h, 0);
	}
	EXPECT_GE(fill(self, h, self->flow, MN_SHM_INLINE_MAX), alone / 2);
	free(h);
}

TEST_F(lib, several_refused_connections_have_room_again_one_by_one)
{
	MachnetFlow_t other;
	unsigned int first;
	struct held *h;

	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &other));
	h = hold(self);
	first = fill(self, h, self->flow, LARGE);
	fill(self, h, other, LARGE);
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_SEND, 0));
	release(h, first);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, 1000));
	EXPECT_ERRNO(EAGAIN, machnet_send(self->ch, self->flow, self->big, LARGE));
	EXPECT_EQ(0, machnet_send(self->ch, other, self->big, LARGE));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_SEND, 0));
	release(h, 0);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, 1000));
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, self->big, LARGE));
	free(h);
}

/* Messages of 64 KiB and less are sent in one piece. */
TEST_F(lib, one_piece)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	struct mn_desc d;

	for (uint32_t bufs = 1; bufs <= MN_RUNS_MAX; bufs++) {
		uint32_t len = bufs * MN_SHM_BUF_SIZE - bufs;
		struct mn_txmsg *msg;

		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, len));
		ASSERT_EQ(1, mn_channel_tx_peek(engine, &d));
		ASSERT_EQ(len, (uint32_t)d.len);
		ASSERT_EQ(0, mn_channel_tx_take(engine, &d, &msg));
		for (uint32_t k = 1; k < bufs; k++)
			ASSERT_EQ(d.buf + k, engine->tx_chain[d.buf + k - 1]);
		/* Each second one stays. */
		if (bufs % 2)
			ASSERT_EQ(0, mn_channel_tx_done(engine, msg));
		mn_channel_tx_release(engine);
		mn_channel_flush(engine);
	}
	fake_daemon_resume(&self->d);
}

/* The engine knows what a connection's program has not read. */
TEST_F(lib, unread)
{
	static const uint32_t lens[] = { 10, LARGE, 100000 };
	struct mn_channel *engine;
	uint64_t handle;
	uint32_t sum = 0;
	struct mn_desc d;

	engine = fake_daemon_hold(&self->d);
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, 1));
	ASSERT_EQ(1, mn_channel_tx_peek(engine, &d));
	handle = d.flow;
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, lens[i]));
	fake_daemon_resume(&self->d);
	ASSERT_EQ(1, machnet_recv_timeout(self->ch, self->big, 1, NULL, 2000));
	for (int i = 0; i < 3; i++)
		sum += lens[i];
	while (mn_channel_unread(engine, handle) < sum)
		sched_yield();
	EXPECT_EQ(sum, mn_channel_unread(engine, handle));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(lens[i], machnet_recv_timeout(self->ch, self->big, 100000, NULL, 2000));
		sum -= lens[i];
		EXPECT_EQ(sum, mn_channel_unread(engine, handle));
	}
}

TEST_HARNESS_MAIN
