// SPDX-License-Identifier: MIT
/* libmachnet: several threads on one channel while daemons come and go. */
#include <stdio.h>
#include <unistd.h>

#include "lib_fixture.h"

#define THREADS		3
#define RESTARTS	15
#define CONNECTS_MAX	(1 << 20)

/*
 * Per call of machnet_connect(), which has its number in the peer's address: the local port
 * of the connection, and those whose end was told. A call that goes on with the next daemon
 * may leave the end of a connection that it never spoke of. Atomic.
 */
static struct {
	uint16_t port;
	uint16_t told[2];
	uint8_t n_told;
} history[CONNECTS_MAX];
static uint32_t connects;	/* atomic */

struct worker {
	pthread_t thread;
	void *ch;
	uint32_t *next;		/* atomic */
	bool *stop;		/* atomic */
	bool failed;
};

static bool connect_next(struct worker *w, MachnetFlow_t *f)
{
	uint32_t n = __atomic_fetch_add(w->next, 1, __ATOMIC_RELAXED);
	char address[16];

	if (n >= CONNECTS_MAX)
		return w->failed = true, false;
	snprintf(address, sizeof(address), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	if (!machnet_connect(w->ch, NULL, address, 1, f)) {
		__atomic_store_n(&history[n].port, f->src_port, __ATOMIC_RELAXED);
		__atomic_add_fetch(&connects, 1, __ATOMIC_RELAXED);
		return true;
	}
	w->failed |= errno != ENETDOWN;
	return false;
}

static void *connect_and_send(void *arg)
{
	struct worker *w = arg;
	MachnetFlow_t f;

	while (!w->failed && !__atomic_load_n(w->stop, __ATOMIC_RELAXED)) {
		if (!connect_next(w, &f))
			continue;
		while (!__atomic_load_n(w->stop, __ATOMIC_RELAXED)) {
			if (!machnet_send(w->ch, f, "x", 1))
				continue;
			if (errno == ENOTCONN)
				break;
			/* At the end nobody receives, and there may be no room any more. */
			w->failed |= errno != EAGAIN ||
				     machnet_wait(w->ch, MACHNET_WAIT_SEND, 10) < 0;
		}
	}
	return NULL;
}

static void note_end(const MachnetFlow_t *from)
{
	uint32_t n = from->src_ip & 0xffffff;
	uint8_t i = __atomic_fetch_add(&history[n].n_told, 1, __ATOMIC_RELAXED);

	if (i < 2)
		__atomic_store_n(&history[n].told[i], from->dst_port, __ATOMIC_RELAXED);
}

static bool told_once(uint32_t n)
{
	bool first = history[n].told[0] == history[n].port;
	bool second = history[n].told[1] == history[n].port;

	return history[n].port ? history[n].n_told <= 2 && first + second == 1
			       : history[n].n_told <= 2;
}

static void *receive(void *arg)
{
	struct worker *w = arg;
	MachnetFlow_t from;
	ssize_t got;
	char c;

	while (!__atomic_load_n(w->stop, __ATOMIC_RELAXED)) {
		got = machnet_recv_timeout(w->ch, &c, 1, &from, 10);
		if (got < 0 && errno == ENETRESET)
			note_end(&from);
		else
			w->failed |= got < 0;
	}
	return NULL;
}

/* Until THREADS - 1 of the threads have a connection of the daemon at hand. */
static bool busy_again(uint32_t before)
{
	for (int i = 0; i < 50000; i++) {
		if (__atomic_load_n(&connects, __ATOMIC_RELAXED) - before >= THREADS - 1)
			return true;
		usleep(100);
	}
	return false;
}

static void run_workers(struct worker *w, struct fake_daemon *d, bool *stop, bool *ok)
{
	uint32_t before = 0;

	for (int i = 0; i < 2 * THREADS; i++)
		pthread_create(&w[i].thread, NULL, i % 2 ? receive : connect_and_send, &w[i]);
	for (int i = 0; i < RESTARTS && *ok; i++) {
		*ok &= busy_again(before);
		fake_daemon_kill(d);
		before = __atomic_load_n(&connects, __ATOMIC_RELAXED);
		d->first_port += 100;
		*ok &= !fake_daemon_restart(d);
	}
	*ok &= busy_again(before);
	__atomic_store_n(stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2 * THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		*ok &= !w[i].failed;
	}
}

TEST_F(lib, threads_across_restarts)
{
	struct worker w[2 * THREADS], rest;
	bool stop = false, ok = true;
	uint32_t next = 10;

	machnet_fd(self->ch);
	ASSERT_EQ(0, machnet_listen(self->ch, NULL, 1));
	for (int i = 0; i < 2 * THREADS; i++)
		w[i] = (struct worker){ .ch = self->ch, .next = &next, .stop = &stop };
	run_workers(w, &self->d, &stop, &ok);
	ASSERT_TRUE(ok);
	/* What has not been told yet. */
	fake_daemon_kill(&self->d);
	rest = (struct worker){ .ch = self->ch, .stop = &stop };
	stop = false;
	pthread_create(&rest.thread, NULL, receive, &rest);
	while (machnet_wait(self->ch, MACHNET_WAIT_RECV, 200))
		;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(rest.thread, NULL);
	EXPECT_FALSE(rest.failed);
	for (uint32_t i = 10; i < next; i++)
		EXPECT_TRUE(told_once(i));
}

TEST_HARNESS_MAIN
