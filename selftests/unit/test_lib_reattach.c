// SPDX-License-Identifier: MIT
/* libmachnet: the daemon dies, and perhaps another one comes. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib_fixture.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static bool is_flow(const MachnetFlow_t *from, const MachnetFlow_t *flow)
{
	return from->src_ip == flow->dst_ip && from->src_port == flow->dst_port &&
	       from->dst_ip == flow->src_ip && from->dst_port == flow->src_port;
}

static bool echoes(void *ch, MachnetFlow_t flow)
{
	MachnetFlow_t from;
	char c;

	return !machnet_send(ch, flow, "x", 1) &&
	       machnet_recv_timeout(ch, &c, 1, &from, 5000) == 1 && is_flow(&from, &flow);
}

/* From a peer that has connected to us, as if. With the daemon held. */
static void post_from(struct fake_daemon *d, uint16_t port, const void *data, uint32_t len)
{
	struct mn_channel *engine = fake_daemon_hold(d);
	struct mn_rxmsg m = { .len = len, .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
	struct mn_shm_flow info = { .local_port = 7, .remote_port = port };
	struct mn_addr any = mn_addr_from_v4(htonl(0x0a000003));

	memcpy(info.local_addr, any.b, sizeof(info.local_addr));
	memcpy(info.remote_addr, any.b, sizeof(info.remote_addr));
	if (mn_channel_post_open(engine, 1000 + port, &info) ||
	    mn_channel_rx_append(engine, &m, data, len) != len ||
	    mn_channel_rx_post(engine, 1000 + port, &m))
		abort();
	mn_channel_flush(engine);
	fake_daemon_resume(d);
}

TEST_F(lib, the_ends_are_told_after_the_messages)
{
	MachnetFlow_t flows[3], from, f;
	bool told[3] = { false };
	char buf[4];

	flows[0] = self->flow;
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 2, &flows[1]));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 3, &flows[2]));
	ASSERT_EQ(0, machnet_send(self->ch, flows[1], "one", 3));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETDOWN, machnet_connect(self->ch, NULL, "10.0.0.2", 4, &f));
	EXPECT_ERRNO(ENETDOWN, machnet_listen(self->ch, NULL, 4));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, flows[0], "x", 1));
	EXPECT_ERRNO(ENOTCONN, machnet_close(self->ch, flows[0]));
	EXPECT_EQ(3, machnet_pending(self->ch));
	EXPECT_EQ(3, machnet_recv(self->ch, buf, 4, &from));
	EXPECT_TRUE(is_flow(&from, &flows[1]));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));
		EXPECT_EQ(0, machnet_pending(self->ch));
		EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, buf, 4, &from));
		for (int k = 0; k < 3; k++)
			if (is_flow(&from, &flows[k]) && !told[k])
				told[k] = true, k = 3;
	}
	EXPECT_TRUE(told[0] && told[1] && told[2]);
	EXPECT_EQ(0, machnet_recv(self->ch, buf, 4, &from));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 120));
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, -1));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, flows[2], "x", 1));
}

TEST_F(lib, the_next_daemon_serves)
{
	MachnetFlow_t f;
	char c;

	for (int i = 0; i < 5; i++) {
		fake_daemon_kill(&self->d);
		ASSERT_EQ(0, fake_daemon_restart(&self->d));
		/* At once, and although nobody has noticed the end of the first one. */
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 100 + i, &f));
		EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, NULL));
		EXPECT_TRUE(echoes(self->ch, f));
		EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	}
	fake_daemon_kill(&self->d);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	EXPECT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 5));
}

TEST_F(lib, what_was_not_received_outlives_the_next_daemon)
{
	MachnetFlow_t f, from;
	uint32_t got;
	char c;

	for (uint32_t i = 0; i < MACHNET_MSG_MAX_LEN; i++)
		self->big[i] = i * 3 + i / 251;
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, 100000));
	ASSERT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	for (int i = 0; i < 2; i++) {
		fake_daemon_kill(&self->d);
		ASSERT_EQ(0, fake_daemon_restart(&self->d));
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 100 + i, &f));
	}
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(0, machnet_send(self->ch, f, "new", 3));
	EXPECT_EQ(100000, machnet_pending(self->ch));
	EXPECT_ERRNO(EMSGSIZE, machnet_recv(self->ch, &c, 1, NULL));
	memset(self->big + 100000, 0, 100000);
	ASSERT_EQ(100000, machnet_recv(self->ch, self->big + 100000, 100000, &from));
	EXPECT_TRUE(is_flow(&from, &self->flow));
	EXPECT_EQ(0, memcmp(self->big, self->big + 100000, 100000));
	EXPECT_EQ(0, machnet_pending(self->ch));
	EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_TRUE(is_flow(&from, &self->flow));
	EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, &from));
	EXPECT_EQ(100, from.src_port);
	EXPECT_EQ(3, machnet_recv_timeout(self->ch, &got, sizeof(got), &from, 5000));
	EXPECT_TRUE(is_flow(&from, &f));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
}

TEST_F(lib, a_name_is_not_given_again_before_its_end_is_received)
{
	MachnetFlow_t other, f;
	uint32_t ports = 0;
	char c;

	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 2, &other));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	fake_daemon_kill(&self->d);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	/* It starts with the same local port again, and is asked for another one. */
	EXPECT_EQ(self->flow.src_port + 1, f.src_port);
	EXPECT_EQ(1, machnet_recv(self->ch, &c, 1, &other));
	EXPECT_TRUE(is_flow(&other, &self->flow));
	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, &other));
		EXPECT_FALSE(is_flow(&other, &f));
		ports += other.src_port;
	}
	EXPECT_EQ(2 + 31580, ports);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_TRUE(echoes(self->ch, f));
}

/* A second thread, while the test is in a call. */
struct helper {
	pthread_t thread;
	struct fake_daemon *d;
	bool ok;
};

static void *serve_again(void *arg)
{
	struct helper *h = arg;

	fake_daemon_kill(h->d);
	h->ok = !fake_daemon_restart(h->d) && fake_daemon_attached(h->d);
	if (h->ok)
		post_from(h->d, 5, "new", 3);
	return NULL;
}

TEST_F(lib, a_waiting_thread_finds_the_next_daemon)
{
	struct helper h = { .d = &self->d };
	MachnetFlow_t from;
	char buf[3];

	for (int i = 0; i < 3; i++) {
		pthread_create(&h.thread, NULL, serve_again, &h);
		EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, buf, 3, NULL, -1));
		if (i < 2) {
			EXPECT_EQ(3, machnet_recv_timeout(self->ch, buf, 3, &from, -1));
		} else {
			EXPECT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));
			EXPECT_EQ(3, machnet_recv(self->ch, buf, 3, &from));
		}
		EXPECT_EQ(5, from.src_port);
		pthread_join(h.thread, NULL);
		EXPECT_TRUE(h.ok);
	}
}

static void *die(void *arg)
{
	fake_daemon_kill(((struct helper *)arg)->d);
	return NULL;
}

TEST_F(lib, a_thread_that_waits_for_room_is_told)
{
	struct helper h = { .d = &self->d };

	fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, self->flow, "x", 1))
		;
	ASSERT_EQ(EAGAIN, errno);
	pthread_create(&h.thread, NULL, die, &h);
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, -1));
	EXPECT_ERRNO(ENOTCONN, machnet_send(self->ch, self->flow, "x", 1));
	pthread_join(h.thread, NULL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(lib, no_daemon_comes)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	int64_t start;
	char c;

	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
	start = now_ms();
	EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 130));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 30));
	EXPECT_GE(now_ms() - start, 159);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	EXPECT_ERRNO(EINTR, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));
	it = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST_F(lib, a_daemon_that_does_not_answer_yet_is_asked_once)
{
	int64_t start = now_ms();
	char c;

	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
	__atomic_store_n(&self->d.mute, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 60));
	EXPECT_LT(now_ms() - start, 5000);
	EXPECT_EQ(0, __atomic_load_n(&self->d.attaches, __ATOMIC_RELAXED));
	__atomic_store_n(&self->d.mute, false, __ATOMIC_RELAXED);
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &self->flow));
	EXPECT_TRUE(echoes(self->ch, self->flow));
	EXPECT_EQ(1, __atomic_load_n(&self->d.attaches, __ATOMIC_RELAXED));
}

TEST_F(lib, a_daemon_that_refuses_is_not_pestered)
{
	int64_t start;
	char c;

	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
	__atomic_store_n(&self->d.refuse_type, MN_APP_ATTACH, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.refuse, ENOSPC, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	start = now_ms();
	while (!__atomic_load_n(&self->d.refusals, __ATOMIC_RELAXED) && now_ms() - start < 5000)
		ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	for (int i = 0; i < 10000; i++)
		ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_LE(__atomic_load_n(&self->d.refusals, __ATOMIC_RELAXED),
		  1 + (now_ms() - start) / 50 + 1);
	__atomic_store_n(&self->d.refuse, 0, __ATOMIC_RELAXED);
	EXPECT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &self->flow));
}

/* As a program does that has an event loop. */
static ssize_t recv_by_fd(void *ch, int epfd, void *buf, size_t len, MachnetFlow_t *from)
{
	int64_t until = now_ms() + 5000;
	struct epoll_event ev;
	ssize_t n = 0;

	while (!n && now_ms() < until && epoll_wait(epfd, &ev, 1, until - now_ms()) == 1)
		n = machnet_recv(ch, buf, len, from);
	return n;
}

/* Whether the descriptor is silent, but for a tick now and then. */
static bool falls_silent(void *ch, int fd)
{
	bool silent = false;
	char c;

	for (int i = 0; i < 10 && !silent; i++)
		silent = machnet_recv(ch, &c, 1, NULL) == 0 && !readable(fd, 0);
	return silent;
}

static int new_epoll(void *ch, uint32_t events)
{
	struct epoll_event ev = { .events = events };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epfd, EPOLL_CTL_ADD, machnet_fd(ch), &ev);
	return epfd;
}

static void fd_across(struct __test_metadata *_metadata, FIXTURE_DATA(lib) *self, uint32_t events)
{
	int epfd = new_epoll(self->ch, events);
	int fd = machnet_fd(self->ch);
	struct helper h = { .d = &self->d };
	MachnetFlow_t from;
	char buf[3];

	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(falls_silent(self->ch, fd));
		if (i < 2) {
			fake_daemon_kill(&self->d);
			EXPECT_EQ(-1, recv_by_fd(self->ch, epfd, buf, 3, &from));
			EXPECT_EQ(ENETRESET, errno);
			ASSERT_TRUE(falls_silent(self->ch, fd));
			EXPECT_TRUE(readable(fd, 5000));
			EXPECT_EQ(fd, machnet_fd(self->ch));
			pthread_create(&h.thread, NULL, serve_again, &h);
		} else {
			/* Both together. */
			pthread_create(&h.thread, NULL, serve_again, &h);
			EXPECT_EQ(-1, recv_by_fd(self->ch, epfd, buf, 3, &from));
			EXPECT_EQ(ENETRESET, errno);
		}
		EXPECT_EQ(3, recv_by_fd(self->ch, epfd, buf, 3, &from));
		EXPECT_EQ(5, from.src_port);
		pthread_join(h.thread, NULL);
		EXPECT_TRUE(h.ok);
	}
	close(epfd);
}

TEST_F(lib, fd_across_the_restart)
{
	fd_across(_metadata, self, EPOLLIN);
}

TEST_F(lib, fd_edges_across_the_restart)
{
	fd_across(_metadata, self, EPOLLIN | EPOLLET);
}

TEST_F(lib, an_edge_for_a_message_and_the_end_together)
{
	int epfd = new_epoll(self->ch, EPOLLIN | EPOLLET);
	MachnetFlow_t from;
	char c;

	ASSERT_TRUE(falls_silent(self->ch, machnet_fd(self->ch)));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_TRUE(readable(machnet_fd(self->ch), 5000));
	fake_daemon_kill(&self->d);
	EXPECT_EQ(1, recv_by_fd(self->ch, epfd, &c, 1, &from));
	/* The rule is to go on until nothing is left. */
	EXPECT_ERRNO(ENETRESET, machnet_recv(self->ch, &c, 1, &from));
	close(epfd);
}

TEST_F(lib, fd_that_is_asked_for_when_no_daemon_is_there)
{
	struct helper h = { .d = &self->d };
	MachnetFlow_t from;
	char buf[3];
	int epfd;

	fake_daemon_kill(&self->d);
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, buf, 1, NULL, 1000));
	epfd = new_epoll(self->ch, EPOLLIN);
	pthread_create(&h.thread, NULL, serve_again, &h);
	EXPECT_EQ(3, recv_by_fd(self->ch, epfd, buf, 3, &from));
	pthread_join(h.thread, NULL);
	close(epfd);
}

TEST_F(lib, fd_speaks_again_when_another_call_found_the_daemon)
{
	int epfd = new_epoll(self->ch, EPOLLIN | EPOLLET);
	MachnetFlow_t from;
	char buf[3];

	fake_daemon_kill(&self->d);
	EXPECT_EQ(-1, recv_by_fd(self->ch, epfd, buf, 3, &from));
	ASSERT_TRUE(falls_silent(self->ch, machnet_fd(self->ch)));
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &self->flow));
	post_from(&self->d, 5, "new", 3);
	EXPECT_EQ(3, recv_by_fd(self->ch, epfd, buf, 3, &from));
	close(epfd);
}

/* What the daemon at hand was asked to listen on has come. */
static bool listens_on(const struct fake_daemon *d, uint16_t port)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < __atomic_load_n(&d->listens, __ATOMIC_ACQUIRE); i++)
		n += d->listen[i].local_port == port && d->listen[i].cookie == 0;
	return n == (port == 1234 ? 2 : 1);
}

TEST_F(lib, listeners_are_there_again)
{
	MachnetFlow_t f;
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1234));
	ASSERT_EQ(0, machnet_listen(self->ch, "fd00::1", 99));
	for (int i = 0; i < 2; i++) {
		fake_daemon_kill(&self->d);
		ASSERT_EQ(0, fake_daemon_restart(&self->d));
		EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
		ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &f));
		EXPECT_EQ(3, self->d.listens);
		EXPECT_TRUE(listens_on(&self->d, 1234));
		EXPECT_TRUE(listens_on(&self->d, 99));
	}
}

TEST_F(lib, a_lost_listener_is_told)
{
	MachnetFlow_t f, from;
	char c;

	ASSERT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 1234));
	fake_daemon_kill(&self->d);
	__atomic_store_n(&self->d.refuse_type, MN_APP_LISTEN, __ATOMIC_RELAXED);
	__atomic_store_n(&self->d.refuse, EADDRINUSE, __ATOMIC_RELAXED);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
	EXPECT_ERRNO(EADDRINUSE, machnet_recv_timeout(self->ch, &c, 1, &from, 1000));
	EXPECT_EQ(0x0a000001, from.dst_ip);
	EXPECT_EQ(1234, from.dst_port);
	EXPECT_EQ(0, from.src_port);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, &from));
	__atomic_store_n(&self->d.refuse, 0, __ATOMIC_RELAXED);
	/* It is lost for ever, and may be asked for. */
	fake_daemon_kill(&self->d);
	ASSERT_EQ(0, fake_daemon_restart(&self->d));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 1, &f));
	EXPECT_EQ(0, self->d.listens);
	EXPECT_EQ(0, machnet_listen(self->ch, "10.0.0.1", 1234));
	EXPECT_EQ(1, self->d.listens);
}

TEST_HARNESS_MAIN
