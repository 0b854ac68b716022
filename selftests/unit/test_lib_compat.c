// SPDX-License-Identifier: MIT
/* libmachnet as Microsoft's Machnet behaves: what its programs rely on. */
#define LIB_ATTACH	machnet_attach
#include <unistd.h>

#include "lib_fixture.h"

/* Milliseconds: none of them is waited for in full when all is well. */
#define SOON		5000

static void post_end(struct fake_daemon *d, int error)
{
	struct mn_channel *engine = fake_daemon_hold(d);

	mn_channel_post_end(engine, d->next_flow - 1, error);
	mn_channel_flush(engine);
	fake_daemon_resume(d);
}

TEST_F(lib, the_end_of_a_connection_is_nothing_to_receive)
{
	static const int reasons[] = { ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ECONNABORTED, 0 };
	char c;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
		ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, SOON));
		post_end(&self->d, reasons[i]);
		/* What came before it is. */
		EXPECT_EQ(1, machnet_recv(self->ch, &c, 1, NULL));
		EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 10));
		EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 10));
		EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &self->flow));
	}
}

TEST_F(lib, a_message_that_is_too_long_is_gone)
{
	MachnetIovec_t iov[] = { { self->big, 3 }, { self->big, 3 } };
	MachnetMsgHdr_t m = { .msg_iov = iov, .msg_iovlen = 2 };
	char buf[6];

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "twelve bytes", 12));
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, LARGE));
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "second", 6));
		EXPECT_ERRNO(EMSGSIZE, machnet_recv_timeout(self->ch, buf, 6, NULL, SOON));
		ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, SOON));
		EXPECT_ERRNO(EMSGSIZE, machnet_recvmsg(self->ch, &m));
		EXPECT_EQ(6, machnet_recv_timeout(self->ch, buf, 6, NULL, SOON));
		EXPECT_EQ(0, memcmp(buf, "second", 6));
	}
	EXPECT_EQ(0, machnet_recv(self->ch, buf, 6, NULL));
}

/* The buffers of what was too long go back to the engine: they are not used up. */
TEST_F(lib, any_number_of_them)
{
	char c;

	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, MACHNET_MSG_MAX_LEN));
		EXPECT_ERRNO(EMSGSIZE, machnet_recv_timeout(self->ch, &c, 1, NULL, SOON));
	}
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	EXPECT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, NULL, SOON));
}

/* Until the channel serves with the next daemon. */
static bool reconnect(void *ch, MachnetFlow_t *flow)
{
	int ret = -1;

	for (int i = 0; i < SOON && ret; i++) {
		ret = machnet_connect(ch, NULL, "10.0.0.2", 31580, flow);
		if (ret)
			machnet_wait(ch, MACHNET_WAIT_RECV, 1);
	}
	return !ret;
}

TEST_F(lib, a_daemon_that_restarts_is_not_noticed)
{
	struct mn_channel *engine;
	char c[3];

	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 1234));
	engine = fake_daemon_hold(&self->d);
	ASSERT_EQ(0, mn_channel_rx_inline(engine, self->d.next_flow - 1, "1", 1));
	ASSERT_EQ(0, mn_channel_rx_inline(engine, self->d.next_flow - 1, "too long", 8));
	ASSERT_EQ(0, mn_channel_rx_inline(engine, self->d.next_flow - 1, "2", 1));
	mn_channel_flush(engine);
	fake_daemon_resume(&self->d);
	fake_daemon_kill(&self->d);
	EXPECT_EQ(1, machnet_recv(self->ch, c, 1, NULL));
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_TRUE(reconnect(self->ch, &self->flow));
	EXPECT_EQ(1, self->d.listens);
	/* These were kept from the one that is gone. */
	EXPECT_ERRNO(EMSGSIZE, machnet_recv(self->ch, c, 3, NULL));
	EXPECT_EQ(1, machnet_recv(self->ch, c, 3, NULL));
	EXPECT_EQ('2', c[0]);
	EXPECT_EQ(0, machnet_recv(self->ch, c, 3, NULL));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "3", 1));
	EXPECT_EQ(1, machnet_recv_timeout(self->ch, c, 3, NULL, SOON));
	EXPECT_EQ('3', c[0]);
}

TEST_F(lib, a_listener_that_one_daemon_refuses_is_there_with_the_next)
{
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 1234));
	fake_daemon_kill(&self->d);
	__atomic_store_n(&self->d.refuse_type, MN_APP_LISTEN, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.refuse, EADDRINUSE, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_TRUE(reconnect(self->ch, &self->flow));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_EQ(0, self->d.listens);
	__atomic_store_n(&self->d.refuse, 0, __ATOMIC_RELAXED);
	fake_daemon_kill(&self->d);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_TRUE(reconnect(self->ch, &self->flow));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_EQ(1, self->d.listens);
}

/* Small, in buffers, in parts; returns how many were accepted. */
static int send_each(void *ch, MachnetFlow_t flow, uint8_t *big)
{
	MachnetIovec_t iov[] = { { big, 10 }, { big, 20 } };
	MachnetMsgHdr_t m = {
		.msg_size = 30, .flow_info = flow, .msg_iov = iov, .msg_iovlen = 2,
	};

	return !machnet_send(ch, flow, "x", 1) + !machnet_send(ch, flow, big, LARGE) +
	       !machnet_sendmsg(ch, &m) + machnet_sendmmsg(ch, &m, 1);
}

TEST_F(lib, a_message_for_no_connection_is_accepted_and_goes_nowhere)
{
	MachnetFlow_t never = self->flow, f;
	char c;

	never.dst_port++;
	EXPECT_EQ(4, send_each(self->ch, never, self->big));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	post_end(&self->d, ECONNRESET);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_EQ(4, send_each(self->ch, f, self->big));
	EXPECT_EQ(0, machnet_close(self->ch, self->flow));
	EXPECT_EQ(4, send_each(self->ch, self->flow, self->big));
	EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 10));
	fake_daemon_kill(&self->d);
	EXPECT_EQ(4, send_each(self->ch, self->flow, self->big));
}

TEST_F(lib, what_is_no_message_is_refused_all_the_same)
{
	MachnetFlow_t never = self->flow;

	never.dst_port++;
	EXPECT_ERRNO(EINVAL, machnet_send(self->ch, never, "", 0));
	EXPECT_ERRNO(EMSGSIZE, machnet_send(self->ch, never, self->big, MACHNET_MSG_MAX_LEN + 1));
}

/* The ring is all that they need, and it is full by then: nothing goes uncounted. */
TEST_F(lib, messages_for_no_connection_wait_for_the_engine)
{
	MachnetFlow_t never = self->flow;
	int sent = 0;

	never.dst_port++;
	fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, never, self->big, LARGE))
		ASSERT_LT(sent++, 1 << 20);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_SEND, 10));
	fake_daemon_resume(&self->d);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, SOON));
	EXPECT_EQ(0, machnet_send(self->ch, never, self->big, LARGE));
}

TEST_F(lib, flags_are_ignored)
{
	MachnetIovec_t iov = { self->big, 10 };
	MachnetMsgHdr_t m = {
		.msg_size = 10, .flow_info = self->flow, .msg_iov = &iov, .msg_iovlen = 1,
		.flags = MACHNET_MSGBUF_NOTIFY_DELIVERY,
	};

	EXPECT_EQ(0, machnet_sendmsg(self->ch, &m));
	m.flags = UINT16_MAX;
	EXPECT_EQ(1, machnet_sendmmsg(self->ch, &m, 1));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(10, machnet_recv_timeout(self->ch, self->big, 10, NULL, SOON));
}

TEST_F(lib, sendmmsg_returns_how_many_were_taken)
{
	MachnetIovec_t iov = { self->big, 1000 };
	MachnetMsgHdr_t m[1000];
	int sent = 0, n;

	for (int i = 0; i < 1000; i++)
		m[i] = (MachnetMsgHdr_t){
			.msg_size = 1000, .flow_info = self->flow, .msg_iov = &iov, .msg_iovlen = 1,
		};
	fake_daemon_hold(&self->d);
	while ((n = machnet_sendmmsg(self->ch, m, 1000)) > 0)
		sent += n;
	EXPECT_EQ(0, n);
	EXPECT_EQ(EAGAIN, errno);
	fake_daemon_resume(&self->d);
	while (sent--)
		ASSERT_EQ(1000, machnet_recv_timeout(self->ch, self->big, 1000, NULL, SOON));
}

static void refuse(struct fake_daemon *d, int error)
{
	__atomic_store_n(&d->refuse_type, FAKE_CONNECT, __ATOMIC_RELAXED);
	__atomic_store_n(&d->refusals, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&d->refuse, error, __ATOMIC_RELAXED);
}

/* The server is started when its client has been refused some times. */
static void *start_server(void *arg)
{
	struct fake_daemon *d = arg;

	while (__atomic_load_n(&d->refusals, __ATOMIC_RELAXED) < 3)
		usleep(1000);
	__atomic_store_n(&d->refuse, 0, __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(lib, a_connect_waits_for_the_server)
{
	pthread_t thread;
	MachnetFlow_t f;

	refuse(&self->d, ECONNREFUSED);
	pthread_create(&thread, NULL, start_server, &self->d);
	EXPECT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, machnet_send(self->ch, f, "x", 1));
}

TEST_F(lib, but_not_for_ever_and_for_nothing_else)
{
	MachnetFlow_t f;

	refuse(&self->d, ECONNREFUSED);
	EXPECT_ERRNO(ECONNREFUSED, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	EXPECT_LT(5, self->d.refusals);
	refuse(&self->d, ETIMEDOUT);
	EXPECT_ERRNO(ETIMEDOUT, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	EXPECT_EQ(1, self->d.refusals);
}

TEST_HARNESS_MAIN
