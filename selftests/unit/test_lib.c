// SPDX-License-Identifier: MIT
/* libmachnet against a daemon that echoes: the interface, and each documented error. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib_fixture.h"

static void refuse(struct fake_daemon *d, int type, int error)
{
	__atomic_store_n(&d->refuse_type, type, __ATOMIC_RELAXED);
	__atomic_store_n(&d->refuse, error, __ATOMIC_RELAXED);
}

TEST(no_daemon)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char name[200];
	struct fake_daemon d;
	int sock;

	ASSERT_EQ(0, fake_daemon_prepare(&d));
	EXPECT_ERRNO(ENOENT, machnet_init());
	EXPECT_EQ(NULL, machnet_attach());
	EXPECT_EQ(ENOENT, errno);

	sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	strcpy(sa.sun_path, d.path);
	ASSERT_EQ(0, bind(sock, (struct sockaddr *)&sa, sizeof(sa)));
	EXPECT_ERRNO(ECONNREFUSED, machnet_init());
	chmod(d.path, 0600);
	chmod(d.dir, 0755);
	if (!geteuid()) {
		ASSERT_EQ(0, seteuid(65534));
		EXPECT_ERRNO(EACCES, machnet_init());
		ASSERT_EQ(0, seteuid(0));
	}
	close(sock);

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	setenv("MACHNET_SOCKET", name, 1);
	EXPECT_ERRNO(ENAMETOOLONG, machnet_init());
	fake_daemon_cleanup(&d);
}

TEST_F(lib, init)
{
	EXPECT_EQ(0, machnet_init());
	EXPECT_EQ(0, machnet_init());
	refuse(&self->d, MN_APP_INFO, EPERM);
	EXPECT_ERRNO(EPERM, machnet_init());
	refuse(&self->d, 0, 0);
	__atomic_store_n(&self->d.version, MN_APP_VERSION + 1, __ATOMIC_RELAXED);
	EXPECT_ERRNO(EPROTO, machnet_init());
}

TEST_F(lib, attach_refused)
{
	refuse(&self->d, MN_APP_ATTACH, ENOSPC);
	EXPECT_EQ(NULL, machnet_attach());
	EXPECT_EQ(ENOSPC, errno);
}

TEST_F(lib, listen)
{
	static const int passed_on[] = { EADDRINUSE, EADDRNOTAVAIL, EDQUOT, EXDEV };

	EXPECT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	EXPECT_ERRNO(EADDRINUSE, machnet_listen(self->ch, "10.0.0.1", 1234));
	EXPECT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 1235));
	EXPECT_EQ(0, machnet_listen(self->ch, "fd00::1", 1235));
	EXPECT_ERRNO(EINVAL, machnet_listen(self->ch, NULL, 0));
	EXPECT_ERRNO(EINVAL, machnet_listen(self->ch, "10.0.0", 1234));
	EXPECT_ERRNO(EINVAL, machnet_listen(NULL, NULL, 1234));
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		refuse(&self->d, MN_APP_LISTEN, passed_on[i]);
		EXPECT_ERRNO(passed_on[i], machnet_listen(self->ch, NULL, 1236));
	}
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETDOWN, machnet_listen(self->ch, NULL, 1234));
	EXPECT_ERRNO(ENETDOWN, machnet_listen(self->ch, NULL, 1234));
}

TEST_F(lib, connect)
{
	static const int passed_on[] = {
		EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT, ENOSPC,
	};
	MachnetFlow_t f;

	EXPECT_EQ(0x0a000001, self->flow.src_ip);
	EXPECT_EQ(0x0a000002, self->flow.dst_ip);
	EXPECT_EQ(31580, self->flow.dst_port);
	EXPECT_NE(0, self->flow.src_port);
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, NULL, NULL, 1, &f));
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, NULL, "0.0.0.0", 1, &f));
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, NULL, "host", 1, &f));
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, "host", "10.0.0.2", 1, &f));
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, NULL, "10.0.0.2", 0, &f));
	EXPECT_ERRNO(EINVAL, machnet_connect(self->ch, NULL, "10.0.0.2", 1, NULL));
	EXPECT_ERRNO(EINVAL, machnet_connect(NULL, NULL, "10.0.0.2", 1, &f));
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		refuse(&self->d, FAKE_CONNECT, passed_on[i]);
		EXPECT_ERRNO(passed_on[i], machnet_connect(self->ch, NULL, "10.0.0.2", 1, &f));
	}
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETDOWN, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &f));
}

struct ended {
	void *ch;
	int error;
	MachnetFlow_t flow;
};

static void *await_end(void *arg)
{
	struct ended *e = arg;
	char c;

	e->error = machnet_recv_timeout(e->ch, &c, 1, &e->flow, 5000) < 0 ? errno : 0;
	return NULL;
}

TEST_F(lib, an_end_that_overtakes_the_answer)
{
	struct ended e = { .ch = self->ch };
	pthread_t thread;
	MachnetFlow_t f;

	__atomic_store_n(&self->d.early_end, true, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, await_end, &e);
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.3", 7, &f));
	pthread_join(thread, NULL);
	EXPECT_EQ(ECONNRESET, e.error);
	EXPECT_EQ(f.src_port, e.flow.dst_port);
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, f, "x", 1));
}

TEST_F(lib, ipv6_connections_have_names)
{
	MachnetFlow_t f, from;
	char c[2];

	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "fd00::2", 7, &f));
	ASSERT_EQ(0, machnet_send(self->ch, f, "v6", 2));
	ASSERT_EQ(2, machnet_recv_timeout(self->ch, c, 2, &from, 1000));
	EXPECT_EQ(f.src_ip, from.dst_ip);
	EXPECT_EQ(f.dst_ip, from.src_ip);
	EXPECT_EQ(f.dst_port, from.src_port);
	/* No other one has the name, whatever its ports are: it is all of the handle. */
	EXPECT_EQ(0xf, f.src_ip >> 28);
	EXPECT_EQ(0xf, f.dst_ip >> 28);
	EXPECT_EQ(self->d.next_flow - 1,
		  (uint64_t)(f.dst_ip & 0x0fffffff) << 28 | (f.src_ip & 0x0fffffff));
}

/* Several times around both rings, and past their ends at any distance. */
TEST_F(lib, small_messages_around_the_rings)
{
	uint8_t got[MN_SHM_INLINE_MAX];
	uint32_t slots = 0;

	for (uint32_t n = 0; slots < 5 * self->d.apps[0].ch.rx.size; n++) {
		uint32_t len = 1 + n * 331 % MN_SHM_INLINE_MAX;

		for (uint32_t i = 0; i < len; i++)
			self->big[i] = n * 7 + i;
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, len));
		ASSERT_EQ(len, machnet_recv_timeout(self->ch, got, sizeof(got), NULL, 5000));
		ASSERT_EQ(0, memcmp(self->big, got, len));
		slots += 1 + mn_ring_slots(len);
	}
}

TEST_F(lib, sizes)
{
	static const uint32_t sizes[] = {
		1, 63, MN_SHM_INLINE_MAX, MN_SHM_INLINE_MAX + 1, 4095, 4096, 4097,
		32768, 1 << 20, MACHNET_MSG_MAX_LEN,
	};
	uint8_t *got = malloc(MACHNET_MSG_MAX_LEN);
	MachnetFlow_t from;

	ASSERT_NE(NULL, got);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (uint32_t n = 0; n < sizes[i]; n++)
			self->big[n] = n * 7 + n / 251 + i;
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, sizes[i]));
		ASSERT_EQ(sizes[i],
			  machnet_recv_timeout(self->ch, got, MACHNET_MSG_MAX_LEN, &from, 5000));
		EXPECT_EQ(0, memcmp(self->big, got, sizes[i]));
		EXPECT_EQ(self->flow.dst_ip, from.src_ip);
		EXPECT_EQ(self->flow.dst_port, from.src_port);
		EXPECT_EQ(self->flow.src_ip, from.dst_ip);
		EXPECT_EQ(self->flow.src_port, from.dst_port);
	}
	free(got);
}

TEST_F(lib, send_errors)
{
	MachnetFlow_t other = self->flow;

	other.src_port++;
	EXPECT_ERRNO(EINVAL, machnet_send(self->ch, self->flow, "", 0));
	EXPECT_ERRNO(EINVAL, machnet_send(self->ch, self->flow, NULL, 1));
	EXPECT_ERRNO(EINVAL, machnet_send(NULL, self->flow, "x", 1));
	EXPECT_ERRNO(EMSGSIZE,
		     machnet_send(self->ch, self->flow, self->big, MACHNET_MSG_MAX_LEN + 1));
	EXPECT_ERRNO(EMSGSIZE, machnet_send(self->ch, self->flow, self->big, SIZE_MAX));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, other, "x", 1));
	fake_daemon_hold(&self->d);
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, self->big, MACHNET_MSG_MAX_LEN));
	EXPECT_ERRNO(EAGAIN, machnet_send(self->ch, self->flow, self->big, LARGE));
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, self->flow, self->big, LARGE));
}

/* Sends until there is no room, lets the daemon go on, and receives all of it. */
static int fill_and_drain(struct __test_metadata *_metadata, struct _test_data_lib *self,
			  uint32_t len)
{
	int sent = 0;

	fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, self->flow, self->big, len))
		sent++;
	EXPECT_EQ(EAGAIN, errno);
	fake_daemon_resume(&self->d);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, 5000));
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, self->big, len));
	for (int i = 0; i <= sent; i++)
		EXPECT_EQ(len, machnet_recv_timeout(self->ch, self->big, len, NULL, 5000));
	return sent;
}

TEST_F(lib, no_room_and_room_again)
{
	int one = fill_and_drain(_metadata, self, LARGE), most;

	/* In buffers, one each: the connection's share; in the ring, each with its descriptor. */
	EXPECT_GT(one, MN_SHM_BUFS_MIN / 16);
	EXPECT_LT(one, MN_SHM_BUFS_MIN / 8);
	/* There, a filler may take the room of one. */
	most = self->d.apps[0].ch.tx.size / 2;
	one = fill_and_drain(_metadata, self, 1);
	EXPECT_LE(most - 1, one);
	EXPECT_GE(most, one);
	most = self->d.apps[0].ch.tx.size / (1 + MN_SHM_INLINE_SLOTS);
	one = fill_and_drain(_metadata, self, MN_SHM_INLINE_MAX);
	EXPECT_LE(most - 1, one);
	EXPECT_GE(most, one);
}

TEST_F(lib, parts)
{
	char a[] = "scat", c[] = "tered", in[3], rest[20];
	MachnetIovec_t out_iov[] = { { a, 4 }, { NULL, 0 }, { c, 5 } };
	MachnetIovec_t in_iov[] = { { in, 3 }, { NULL, 0 }, { rest, sizeof(rest) } };
	MachnetMsgHdr_t out = {
		.msg_size = 9, .flow_info = self->flow, .msg_iov = out_iov, .msg_iovlen = 3,
	};
	MachnetMsgHdr_t got = { .msg_iov = in_iov, .msg_iovlen = 3 };

	EXPECT_EQ(0, machnet_recvmsg(self->ch, &got));
	ASSERT_EQ(0, machnet_sendmsg(self->ch, &out));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	ASSERT_EQ(1, machnet_recvmsg(self->ch, &got));
	EXPECT_EQ(9, got.msg_size);
	EXPECT_EQ(self->flow.dst_ip, got.flow_info.src_ip);
	EXPECT_EQ(0, memcmp(in, "sca", 3));
	EXPECT_EQ(0, memcmp(rest, "ttered", 6));

	out.msg_size = 8;
	EXPECT_ERRNO(EINVAL, machnet_sendmsg(self->ch, &out));
	out.msg_size = 9;
	out.flags = 1;
	EXPECT_EQ(0, machnet_sendmsg(self->ch, &out));
	EXPECT_ERRNO(EINVAL, machnet_sendmsg(self->ch, NULL));
	EXPECT_ERRNO(EINVAL, machnet_recvmsg(self->ch, NULL));
}

TEST_F(lib, several_at_once)
{
	MachnetIovec_t iov = { self->big, 100 };
	MachnetMsgHdr_t m[5];

	for (int i = 0; i < 5; i++)
		m[i] = (MachnetMsgHdr_t){
			.msg_size = 100, .flow_info = self->flow, .msg_iov = &iov, .msg_iovlen = 1,
		};
	EXPECT_EQ(5, machnet_sendmmsg(self->ch, m, 5));
	EXPECT_EQ(0, machnet_sendmmsg(self->ch, m, 0));
	errno = 0;
	EXPECT_EQ(0, machnet_sendmmsg(self->ch, m, -1));
	EXPECT_EQ(EINVAL, errno);
	m[3].msg_size = 99;
	EXPECT_EQ(3, machnet_sendmmsg(self->ch, m, 5));
	errno = 0;
	EXPECT_EQ(0, machnet_sendmmsg(self->ch, m + 3, 1));
	EXPECT_EQ(EINVAL, errno);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(100, machnet_recv_timeout(self->ch, self->big, 100, NULL, 1000));
	EXPECT_EQ(0, machnet_recv(self->ch, self->big, 100, NULL));
}

TEST_F(lib, a_short_buffer_loses_nothing)
{
	char buf[6];

	EXPECT_EQ(0, machnet_pending(self->ch));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "twelve bytes", 12));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "second", 6));
	EXPECT_ERRNO(EMSGSIZE, machnet_recv_timeout(self->ch, buf, 6, NULL, 1000));
	EXPECT_ERRNO(EMSGSIZE, machnet_recv(self->ch, NULL, 0, NULL));
	EXPECT_EQ(12, machnet_pending(self->ch));
	EXPECT_EQ(12, machnet_recv(self->ch, self->big, 12, NULL));
	EXPECT_EQ(0, memcmp(self->big, "twelve bytes", 12));
	EXPECT_EQ(6, machnet_recv_timeout(self->ch, buf, 6, NULL, 1000));
	EXPECT_EQ(0, memcmp(buf, "second", 6));
	EXPECT_ERRNO(EINVAL, machnet_recv(self->ch, NULL, 1, NULL));
	EXPECT_ERRNO(EINVAL, machnet_recv(NULL, buf, 1, NULL));
}

TEST_F(lib, the_end_is_told_once)
{
	static const int reasons[] = { ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ECONNABORTED, 0 };
	struct mn_channel *engine;
	MachnetFlow_t from;
	char c;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		engine = fake_daemon_hold(&self->d);
		ASSERT_EQ(0, mn_channel_post_end(engine, self->d.next_flow - 1, reasons[i]));
		mn_channel_flush(engine);
		fake_daemon_resume(&self->d);
		EXPECT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
		EXPECT_EQ(0, machnet_pending(self->ch));
		EXPECT_ERRNO(reasons[i] ? reasons[i] : ESHUTDOWN,
			     machnet_recv(self->ch, &c, 1, &from));
		EXPECT_EQ(self->flow.dst_ip, from.src_ip);
		EXPECT_EQ(self->flow.src_port, from.dst_port);
		EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, &from));
		EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, self->flow, "x", 1));
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &self->flow));
	}
}

/* The daemon is done with it and gives its port away; the program has not received all of it. */
TEST_F(lib, a_name_is_not_given_again_before_its_end_is_received)
{
	MachnetFlow_t old = self->flow, f, from;
	struct mn_channel *engine;
	char c;

	ASSERT_EQ(0, machnet_send(self->ch, old, "x", 1));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	engine = fake_daemon_hold(&self->d);
	ASSERT_EQ(0, mn_channel_post_end(engine, self->d.next_flow - 1, 0));
	mn_channel_flush(engine);
	self->d.next_flow += FAKE_PORTS - 1;
	fake_daemon_resume(&self->d);
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	EXPECT_EQ(old.src_port + 1, f.src_port);
	EXPECT_EQ(1, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(old.src_port, from.dst_port);
	EXPECT_ERRNO(ESHUTDOWN, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(old.src_port, from.dst_port);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, old, "x", 1));
	ASSERT_EQ(0, machnet_send(self->ch, f, "y", 1));
	EXPECT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, &from, 1000));
	EXPECT_EQ(f.src_port, from.dst_port);
	/* Now it is free. */
	__atomic_store_n(&self->d.next_flow, self->d.next_flow + FAKE_PORTS - 2, __ATOMIC_RELAXED);
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	EXPECT_EQ(old.src_port, f.src_port);
}

TEST_F(lib, close)
{
	MachnetFlow_t from;
	char c;

	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	EXPECT_EQ(0, machnet_close(self->ch, self->flow));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_ERRNO(ENOTCONN, machnet_close(self->ch, self->flow));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, self->flow, "x", 1));
	EXPECT_ERRNO(EINVAL, machnet_close(NULL, self->flow));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &self->flow));
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENOTCONN, machnet_close(self->ch, self->flow));
}

TEST_F(lib, a_connection_closed_before_it_was_heard_of)
{
	MachnetFlow_t f;
	char c;

	for (int i = 0; i < 2; i++) {
		/* Its OPEN is on the ring and has not been looked at. */
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.7", 7, &f));
		ASSERT_EQ(0, machnet_close(self->ch, f));
		EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, f, "x", 1));
		EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
		EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, f, "x", 1));
	}
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	EXPECT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
}

TEST_F(lib, what_came_before_the_daemon_died_is_delivered)
{
	struct timespec start, now;
	char buf[5];
	ssize_t ret;

	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "alive", 5));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	fake_daemon_kill(&self->d);
	EXPECT_EQ(5, machnet_recv(self->ch, buf, 5, NULL));
	/* Polling alone finds out, too. */
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ret = machnet_recv(self->ch, buf, 5, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!ret && now.tv_sec - start.tv_sec < 5);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(ENETRESET, errno);
}

TEST_F(lib, many_connections)
{
	MachnetFlow_t flows[300], from;
	uint32_t got, seen = 0;

	for (uint32_t i = 0; i < 300; i++)
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1 + i, &flows[i]));
	for (uint32_t i = 0; i < 300; i++)
		ASSERT_EQ(0, machnet_send(self->ch, flows[i], &i, sizeof(i)));
	while (seen < 300) {
		ASSERT_EQ(sizeof(got),
			  machnet_recv_timeout(self->ch, &got, sizeof(got), &from, 1000));
		ASSERT_EQ(seen, got);
		EXPECT_EQ(flows[got].dst_port, from.src_port);
		seen++;
	}
	for (uint32_t i = 0; i < 300; i += 2)
		ASSERT_EQ(0, machnet_close(self->ch, flows[i]));
	for (uint32_t i = 0; i < 300; i++)
		EXPECT_EQ(i % 2 ? 0 : -1, machnet_send(self->ch, flows[i], &i, sizeof(i)));
}

TEST(detach_of_nothing)
{
	machnet_detach(NULL);
	EXPECT_EQ(0, machnet_pending(NULL));
}

TEST_HARNESS_MAIN
