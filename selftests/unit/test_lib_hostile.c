// SPDX-License-Identifier: MIT
/* libmachnet and a daemon that lies: EPROTO, never a crash. */
#include "lib_fixture.h"

/* A daemon whose answer to ATTACH is not what it should be. */
FIXTURE(spoilt)
{
	struct fake_daemon d;
};
FIXTURE_VARIANT(spoilt)
{
	enum fake_spoil how;
};
FIXTURE_VARIANT_ADD(spoilt, no_fds) { FAKE_NO_FDS };
FIXTURE_VARIANT_ADD(spoilt, unsealed) { FAKE_UNSEALED };
FIXTURE_VARIANT_ADD(spoilt, bad_magic) { FAKE_BAD_MAGIC };
FIXTURE_VARIANT_ADD(spoilt, bad_ring) { FAKE_BAD_RING };
FIXTURE_VARIANT_ADD(spoilt, bad_len) { FAKE_BAD_LEN };
FIXTURE_VARIANT_ADD(spoilt, small_ring) { FAKE_SMALL_RING };
FIXTURE_VARIANT_ADD(spoilt, short_answer) { FAKE_SHORT_ANSWER };

FIXTURE_SETUP(spoilt)
{
	ASSERT_EQ(0, fake_daemon_prepare(&self->d));
	ASSERT_EQ(0, fake_daemon_start(&self->d));
}

FIXTURE_TEARDOWN(spoilt)
{
	fake_daemon_cleanup(&self->d);
}

TEST_F(spoilt, attach)
{
	__atomic_store_n(&self->d.spoil, variant->how, __ATOMIC_RELAXED);
	EXPECT_EQ(NULL, machnet_attach());
	EXPECT_EQ(EPROTO, errno);
}

static void engine_puts(struct mn_channel *engine, struct mn_desc d)
{
	mn_ring_put(&engine->rx, &d);
	mn_ring_publish(&engine->rx);
}

#define DESC_LIE(name, type, len, buf)						\
	TEST_F(lib, name)							\
	{									\
		struct mn_desc d = { self->d.next_flow - 1, type, len, buf };	\
		char c;								\
										\
		engine_puts(fake_daemon_hold(&self->d), d);			\
		EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, &c, 1, NULL));	\
		EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, &c, 1, NULL));	\
		EXPECT_ERRNO(EPROTO, machnet_send(self->ch, self->flow, &c, 1));	\
		EXPECT_ERRNO(EPROTO, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));	\
	}
DESC_LIE(lie_buffer, MN_DESC_MSG, 1, MN_SHM_BUFS_MIN)
DESC_LIE(lie_empty, MN_DESC_MSG, 0, 0)
DESC_LIE(lie_too_long, MN_DESC_MSG, MN_MSG_MAX + 1, 0)
DESC_LIE(lie_type, 99, 1, 0)
DESC_LIE(lie_open, MN_DESC_OPEN, sizeof(struct mn_shm_flow), 0)
DESC_LIE(lie_failed, MN_DESC_FAILED, 5, 0)
DESC_LIE(lie_connect, MN_DESC_CONNECT, 5, 0)
DESC_LIE(lie_open_short, MN_DESC_OPEN, 4, 0)
DESC_LIE(lie_reason, MN_DESC_END, 1 << 20, 0)
DESC_LIE(lie_filler, MN_DESC_FILL, 1, 0)
DESC_LIE(lie_filler_of_no_slot, MN_DESC_FILL, 0, 0)
DESC_LIE(lie_filler_too_long, MN_DESC_FILL, 0xffffff, 0)
DESC_LIE(lie_inline_without_slots, MN_DESC_INLINE, 1, 0)

/* A message that would go on at the ring's start is none. */
TEST_F(lib, lie_inline_over_the_end)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	struct mn_ring *rx = &engine->rx;
	char c;

	/* Up to three slots in front of the end, which are taken. */
	while ((rx->self & (rx->size - 1)) != rx->size - 3)
		ASSERT_EQ(0, mn_channel_post_end(engine, 12345, 0));
	mn_channel_flush(engine);
	ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	mn_ring_put(rx, &(struct mn_desc){ self->d.next_flow - 1, MN_DESC_INLINE, 48, 0 });
	rx->self += 3;
	mn_ring_publish(rx);
	EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, self->big, 48, NULL));
}

TEST_F(lib, lie_link)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);

	engine->rx_links[5] = MN_SHM_BUFS_MIN;
	engine_puts(engine, (struct mn_desc){ self->d.next_flow - 1, MN_DESC_MSG, 8192, 5 });
	EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, self->big, 8192, NULL));
}

TEST_F(lib, lie_indices)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	char c;

	engine->rx.ctl->prod += engine->rx.size + 1;
	EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, &c, 1, NULL));
}

TEST_F(lib, lie_about_what_was_sent)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	struct mn_desc d = { 1, MN_DESC_MSG, 1, 17 };

	mn_ring_put(&engine->txc, &d);
	mn_ring_publish(&engine->txc);
	EXPECT_ERRNO(EPROTO, machnet_send(self->ch, self->flow, self->big, LARGE));
}

TEST_F(lib, nonsense_that_a_dead_daemon_left)
{
	struct mn_desc d = { self->d.next_flow - 1, MN_DESC_MSG, 1, MN_SHM_BUFS_MIN };
	struct mn_channel *engine;
	char c;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
		ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
		engine = fake_daemon_hold(&self->d);
		if (i) {
			engine->rx.ctl->prod += engine->rx.size + 1;
			engine->txc.ctl->prod += engine->txc.size + 1;
		} else {
			engine_puts(engine, d);
		}
		fake_daemon_kill(&self->d);
		if (i)
			EXPECT_ERRNO(ENOTCONN,
				     machnet_send(self->ch, self->flow, self->big, LARGE));
		EXPECT_EQ(1, machnet_recv(self->ch, &c, 1, NULL));
		EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, NULL));
		EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
		fake_daemon_resume(&self->d);
		ASSERT_EQ(0, fake_daemon_restart(&self->d));
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &self->flow));
	}
}

/* The next daemon, which offers what is none: there is still none, and after it a better one. */
TEST_F(spoilt, the_next_daemon)
{
	MachnetFlow_t f;
	char c;
	void *ch;

	ch = machnet_attach_ends();
	ASSERT_NE(NULL, ch);
	ASSERT_EQ(0, machnet_connect(ch, NULL, "10.0.0.2", 1, &f));
	fake_daemon_kill(&self->d);
	__atomic_store_n(&self->d.spoil, variant->how, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	EXPECT_ERRNO(ENETDOWN, machnet_connect(ch, NULL, "10.0.0.2", 1, &f));
	EXPECT_ERRNO(ENETRESET, machnet_recv(ch, &c, 1, &f));
	EXPECT_EQ(0, machnet_recv_timeout(ch, &c, 1, &f, 120));
	__atomic_store_n(&self->d.spoil, FAKE_GOOD, __ATOMIC_RELAXED);
	EXPECT_EQ(0, machnet_connect(ch, NULL, "10.0.0.2", 1, &f));
	EXPECT_EQ(0, machnet_send(ch, f, "x", 1));
	EXPECT_EQ(1, machnet_recv_timeout(ch, &c, 1, NULL, 1000));
	machnet_detach(ch);
}

TEST_F(lib, an_end_of_an_unknown_connection_is_nothing)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	char c;

	engine_puts(engine, (struct mn_desc){ 12345, MN_DESC_END, ECONNRESET, MN_SHM_BUF_NONE });
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
}

TEST_HARNESS_MAIN
