// SPDX-License-Identifier: MIT
/* libmachnet: waiting, descriptors, threads. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
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

TEST_F(lib, wait_arguments_and_time)
{
	int64_t start;
	char c;

	EXPECT_ERRNO(EINVAL, machnet_wait(self->ch, 0, 0));
	EXPECT_ERRNO(EINVAL, machnet_wait(self->ch, 4, 0));
	EXPECT_ERRNO(EINVAL, machnet_wait(NULL, MACHNET_WAIT_RECV, 0));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 0));
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, 0));
	EXPECT_EQ(MACHNET_WAIT_SEND,
		  machnet_wait(self->ch, MACHNET_WAIT_SEND | MACHNET_WAIT_RECV, -1));
	start = now_ms();
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 50));
	EXPECT_GE(now_ms() - start, 49);
	start = now_ms();
	EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 50));
	EXPECT_GE(now_ms() - start, 49);
	EXPECT_EQ(0, machnet_recv_timeout(self->ch, &c, 1, NULL, 0));
}

TEST_F(lib, an_opened_connection_is_nothing_to_receive)
{
	MachnetFlow_t f;

	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &f));
	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 20));
	EXPECT_EQ(0, machnet_pending(self->ch));
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(lib, a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 20000 };
	char c;

	/* The first signal may come while the thread still yields: it comes again. */
	it.it_interval.tv_usec = 20000;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	EXPECT_ERRNO(EINTR, machnet_wait(self->ch, MACHNET_WAIT_RECV, 10000));
	EXPECT_ERRNO(EINTR, machnet_recv_timeout(self->ch, &c, 1, NULL, 10000));
	it = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &it, NULL);
}

#define WAITERS		4
/* Bounds of a wait that ends when it should: an answer, not a measure. */
#define LONG_MS		20000

struct waiter {
	pthread_t thread;
	void *ch;
	int timeout_ms;
	int error;		/* of its wait; atomic, -1: not back yet */
};

static void *wait_for_signal(void *arg)
{
	struct waiter *w = arg;
	int ret = machnet_wait(w->ch, MACHNET_WAIT_RECV, w->timeout_ms);

	__atomic_store_n(&w->error, ret < 0 ? errno : 0, __ATOMIC_RELEASE);
	return NULL;
}

static bool is_back(struct waiter *w)
{
	return __atomic_load_n(&w->error, __ATOMIC_ACQUIRE) >= 0;
}

/* A signal that comes before the thread sleeps is not seen by its wait: again and again. */
static void interrupt(struct waiter *w)
{
	for (int64_t start = now_ms(); !is_back(w) && now_ms() - start < LONG_MS / 2; usleep(5000))
		pthread_kill(w->thread, SIGUSR1);
}

static int number_back(struct waiter *w)
{
	int n = 0;

	for (int i = 0; i < WAITERS; i++)
		n += is_back(&w[i]);
	return n;
}

/* One at a time, so that each of them is the one in front or one behind it. */
static void interrupt_each(struct __test_metadata *_metadata, void *ch, int timeout_ms, int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct waiter w[WAITERS];

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < WAITERS; i++) {
		w[i] = (struct waiter){ .ch = ch, .timeout_ms = timeout_ms, .error = -1 };
		pthread_create(&w[i].thread, NULL, wait_for_signal, &w[i]);
	}
	for (int i = WAITERS; i--; ) {
		EXPECT_EQ(WAITERS - 1 - i, number_back(w));
		interrupt(&w[i]);
		ASSERT_TRUE(is_back(&w[i]));
		EXPECT_EQ(EINTR, w[i].error);
		pthread_join(w[i].thread, NULL);
	}
}

TEST_F(lib, a_signal_ends_the_wait_of_whichever_thread_has_it)
{
	interrupt_each(_metadata, self->ch, LONG_MS, 0);
	interrupt_each(_metadata, self->ch, LONG_MS, SA_RESTART);
	interrupt_each(_metadata, self->ch, -1, 0);
	interrupt_each(_metadata, self->ch, -1, SA_RESTART);
}

TEST_F(lib, a_sleeper_is_woken)
{
	struct mn_channel *engine = fake_daemon_hold(&self->d);
	char c;

	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	for (int i = 0; i < 20; i++) {
		/* Long enough that the library has gone to sleep. */
		EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 3));
		EXPECT_EQ(MN_SHM_WAKE_RX, engine->hdr->app_sleeps & MN_SHM_WAKE_RX);
		fake_daemon_resume(&self->d);
		ASSERT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, NULL, 2000));
		fake_daemon_hold(&self->d);
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	}
	fake_daemon_resume(&self->d);
}

TEST_F(lib, a_sleeping_engine_is_woken)
{
	uint32_t before;
	char c;

	for (int i = 0; i < 10; i++) {
		while (!__atomic_load_n(&self->d.apps[0].ch.hdr->engine_sleeps, __ATOMIC_RELAXED))
			usleep(100);
		before = __atomic_load_n(&self->d.wakeups, __ATOMIC_RELAXED);
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
		ASSERT_EQ(1, machnet_recv_timeout(self->ch, &c, 1, NULL, 1000));
		EXPECT_GT(__atomic_load_n(&self->d.wakeups, __ATOMIC_RELAXED), before);
	}
}

TEST_F(lib, the_daemon_dies_under_a_sleeper)
{
	char c;

	EXPECT_EQ(0, machnet_wait(self->ch, MACHNET_WAIT_RECV, 5));
	fake_daemon_kill(&self->d);
	EXPECT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));
	EXPECT_ERRNO(ENETRESET, machnet_recv_timeout(self->ch, &c, 1, NULL, -1));
	EXPECT_EQ(MACHNET_WAIT_SEND, machnet_wait(self->ch, MACHNET_WAIT_SEND, -1));
}

TEST_F(lib, a_closed_channel)
{
	char c;

	mn_channel_close(fake_daemon_hold(&self->d), EPROTO);
	EXPECT_ERRNO(EPROTO, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_ERRNO(EPROTO, machnet_send(self->ch, self->flow, "x", 1));
	EXPECT_ERRNO(EPROTO, machnet_wait(self->ch, MACHNET_WAIT_RECV, -1));
}

TEST_F(lib, fd_and_a_message_that_is_there_already)
{
	int fd;
	char c;

	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	fd = machnet_fd(self->ch);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(fd, machnet_fd(self->ch));
	EXPECT_TRUE(readable(fd, 0));
	EXPECT_EQ(1, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_FALSE(readable(fd, 0));
	EXPECT_ERRNO(EINVAL, machnet_fd(NULL));
}

TEST_F(lib, fd_follows_the_messages)
{
	int fd = machnet_fd(self->ch);
	char c[2];

	for (int i = 0; i < 200; i++) {
		while (machnet_recv(self->ch, c, 1, NULL) > 0)
			;
		ASSERT_FALSE(readable(fd, i < 5));
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, "xy", 2));
		ASSERT_TRUE(readable(fd, 2000));
		if (i % 2) {
			EXPECT_ERRNO(EMSGSIZE, machnet_recv(self->ch, c, 1, NULL));
			ASSERT_TRUE(readable(fd, 0));
		}
		ASSERT_EQ(2, machnet_recv(self->ch, c, 2, NULL));
	}
}

TEST_F(lib, fd_tells_when_a_refused_send_may_go)
{
	int fd = machnet_fd(self->ch);
	int sent = 0;
	char c;

	ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, self->flow, "x", 1))
		sent++;
	ASSERT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_FALSE(readable(fd, 0));
	fake_daemon_resume(&self->d);
	while (sent) {
		ASSERT_TRUE(readable(fd, 2000));
		while (machnet_recv(self->ch, &c, 1, NULL) > 0)
			sent--;
	}
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
}

/* Small messages, and no answer. */
static void take_all(struct mn_channel *engine)
{
	uint8_t data[MN_SHM_INLINE_MAX];
	struct mn_desc d;

	while (mn_channel_tx_peek(engine, &d) == 1) {
		mn_channel_tx_read(engine, &d, data);
		mn_channel_tx_inline_done(engine, d.flow, MN_SHM_INLINE_COST(d.len));
	}
	mn_channel_tx_release(engine);
	mn_channel_flush(engine);
}

TEST_F(lib, fd_says_room_once_more_when_a_receive_took_the_doorbell)
{
	int fd = machnet_fd(self->ch);
	struct mn_channel *engine;
	char c;

	ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	engine = fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, self->flow, "x", 1))
		;
	/* Room, but nothing to receive: as when the peer does not answer. */
	take_all(engine);
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_TRUE(readable(fd, 0));
	EXPECT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	EXPECT_FALSE(readable(fd, 0));
}

TEST_F(lib, fd_edges_tell_of_room_while_nothing_is_received)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int fd = machnet_fd(self->ch);
	struct mn_channel *engine;
	char c;

	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev));
	ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_TRUE(readable(fd, 2000));
	engine = fake_daemon_hold(&self->d);
	while (!machnet_send(self->ch, self->flow, "x", 1))
		;
	epoll_wait(epfd, &ev, 1, 0);
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
	take_all(engine);
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	close(epfd);
}

TEST_F(lib, fd_and_the_end_of_the_daemon)
{
	int fd = machnet_fd(self->ch);
	int64_t start = now_ms();
	ssize_t ret;
	char c;

	ASSERT_EQ(0, machnet_recv(self->ch, &c, 1, NULL));
	ASSERT_FALSE(readable(fd, 0));
	fake_daemon_kill(&self->d);
	do {
		ASSERT_TRUE(readable(fd, 1000));
		ret = machnet_recv(self->ch, &c, 1, NULL);
	} while (!ret && now_ms() - start < 5000);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(ENETRESET, errno);
}

#define THREADS		4
#define PER_THREAD	5000

struct worker {
	pthread_t thread;
	void *ch;
	MachnetFlow_t flow;
	uint32_t *seen;		/* per message number, atomic */
	uint32_t *received;	/* by all, atomic */
	uint32_t first;
	bool failed;
};

static void *send_all(void *arg)
{
	struct worker *w = arg;
	uint32_t len = sizeof(uint32_t) * 30;
	uint32_t msg[30] = { 0 };

	for (uint32_t i = 0; i < PER_THREAD && !w->failed; i++) {
		msg[0] = w->first + i;
		while (machnet_send(w->ch, w->flow, msg, len)) {
			w->failed |= errno != EAGAIN;
			if (w->failed || machnet_wait(w->ch, MACHNET_WAIT_SEND, 10000) <= 0)
				break;
		}
	}
	return NULL;
}

static void *receive_all(void *arg)
{
	struct worker *w = arg;
	uint32_t msg[30];
	ssize_t got;

	while (__atomic_load_n(w->received, __ATOMIC_RELAXED) < THREADS * PER_THREAD) {
		got = machnet_recv_timeout(w->ch, msg, sizeof(msg), NULL, 200);
		if (got < 0 ||
		    (got > 0 && (got != sizeof(msg) || msg[0] >= THREADS * PER_THREAD))) {
			w->failed = true;
			break;
		}
		if (!got)
			continue;
		__atomic_add_fetch(&w->seen[msg[0]], 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(w->received, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Several senders and receivers on one channel; with used_fd a doorbell has three takers. */
static bool crowd(void *ch, const MachnetFlow_t *flow, bool used_fd)
{
	static uint32_t seen[THREADS * PER_THREAD];
	struct worker w[2 * THREADS];
	uint32_t received = 0;
	bool ok = true;

	memset(seen, 0, sizeof(seen));
	if (used_fd)
		machnet_fd(ch);
	for (int i = 0; i < 2 * THREADS; i++) {
		w[i] = (struct worker){
			.ch = ch, .flow = *flow, .seen = seen, .received = &received,
			.first = i / 2 * PER_THREAD,
		};
		pthread_create(&w[i].thread, NULL, i % 2 ? receive_all : send_all, &w[i]);
	}
	for (int i = 0; i < 2 * THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		ok &= !w[i].failed;
	}
	for (int i = 0; i < THREADS * PER_THREAD; i++)
		ok &= seen[i] == 1;
	return ok;
}

TEST_F(lib, threads)
{
	EXPECT_TRUE(crowd(self->ch, &self->flow, false));
	EXPECT_TRUE(crowd(self->ch, &self->flow, true));
}

static void *connect_many(void *arg)
{
	struct worker *w = arg;
	MachnetFlow_t f;

	for (int i = 0; i < 200; i++)
		w->failed |= machnet_connect(w->ch, NULL, "10.0.0.9", 1000, &f) != 0;
	return NULL;
}

TEST_F(lib, requests_of_several_threads)
{
	struct worker w[THREADS];

	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .ch = self->ch };
		pthread_create(&w[i].thread, NULL, connect_many, &w[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		EXPECT_FALSE(w[i].failed);
	}
}

TEST_HARNESS_MAIN
