// SPDX-License-Identifier: MIT
/*
 * A whole channel with libmachnet on one side and the engine's code on the other (fake_daemon.c
 * sends every message back), each in threads of its own. Both sides sleep and are woken whenever
 * they have nothing to do.
 */
#include <pthread.h>
#include <unistd.h>

#include "selftests/unit/lib_fixture.h"

#define LEN_MAX		20000
/*
 * Phases in turn: in one all is at rest now and then, and the next message has to wake everybody;
 * in the next one the receiver takes nothing until all rings are full and the sender sleeps.
 */
#define PHASE		2048u
#define BURST		64u
#define PHASES		10u
#define MESSAGES	(PHASE * PHASES)
#define PATIENCE_MS	20000

struct traffic {
	void *ch;
	MachnetFlow_t flow;
	uint32_t received;	/* messages; atomic */
	uint32_t full_phase;	/* the last one in which the sender found no room; atomic */
	bool failed;		/* atomic */
};

/* Both sides compute it. */
static uint32_t len_of(uint32_t n)
{
	uint32_t r = (n + 1) * 2654435761u;

	r ^= r >> 15;
	r *= 2246822519u;
	r ^= r >> 13;
	return 1 + r % (n % 8 ? MN_SHM_INLINE_MAX : LEN_MAX);
}

static uint8_t pattern(uint32_t n, uint32_t i)
{
	return n * 101 + i * 31 + (i >> 8) * 7;
}

static bool is_full_phase(uint32_t n)
{
	return n / PHASE % 2;
}

static void wait_for(const struct traffic *t, const uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_RELAXED) != value &&
	       !__atomic_load_n(&t->failed, __ATOMIC_RELAXED))
		usleep(50);
}

static bool send_one(struct traffic *t, uint32_t n)
{
	uint8_t data[LEN_MAX];
	uint32_t len = len_of(n);

	for (uint32_t i = 0; i < len; i++)
		data[i] = pattern(n, i);
	while (machnet_send(t->ch, t->flow, data, len)) {
		if (errno != EAGAIN)
			return false;
		__atomic_store_n(&t->full_phase, n / PHASE, __ATOMIC_RELAXED);
		if (machnet_wait(t->ch, MACHNET_WAIT_SEND, PATIENCE_MS) != MACHNET_WAIT_SEND)
			return false;
	}
	return true;
}

static void *sender(void *arg)
{
	struct traffic *t = arg;

	for (uint32_t n = 0; n < MESSAGES; n++) {
		if (!is_full_phase(n) && n % BURST == 0)
			wait_for(t, &t->received, n);
		if (!send_one(t, n)) {
			__atomic_store_n(&t->failed, true, __ATOMIC_RELAXED);
			break;
		}
	}
	return NULL;
}

static bool receive_one(struct traffic *t, uint32_t n)
{
	uint8_t data[LEN_MAX];
	uint32_t len = len_of(n);

	if (is_full_phase(n) && n % PHASE == 0)
		wait_for(t, &t->full_phase, n / PHASE);
	if (machnet_recv_timeout(t->ch, data, sizeof(data), NULL, PATIENCE_MS) != len)
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != pattern(n, i))
			return false;
	__atomic_store_n(&t->received, n + 1, __ATOMIC_RELAXED);
	return true;
}

TEST_F(lib, a_sender_a_receiver_and_an_engine)
{
	struct traffic t = { .ch = self->ch, .flow = self->flow };
	pthread_t thread;
	uint32_t n = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, sender, &t));
	while (n < MESSAGES && receive_one(&t, n))
		n++;
	if (n < MESSAGES)
		__atomic_store_n(&t.failed, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(MESSAGES, n);
	EXPECT_EQ(PHASES - 1, t.full_phase);
	EXPECT_FALSE(t.failed);
	/* The engine sleeps only when it is quick; then it was woken by doorbells. */
	EXPECT_LT(PHASES, __atomic_load_n(&self->d.wakeups, __ATOMIC_RELAXED));
}

TEST_HARNESS_MAIN
