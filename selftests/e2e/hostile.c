// SPDX-License-Identifier: MIT
/*
 * hostile.c - an application that does all that it can do to its engine
 *
 * usage: hostile SECONDS SEED PAUSE_US [ADDRESS PORT]
 *
 * Attaches as everybody does, connects if told where to, and then writes into the memory that
 * it shares with the engine: anything anywhere, entries that make sense and such that do not
 * into the rings, more than there may be; PAUSE_US (may be 0) leaves the processor to others
 * after each. When it is thrown out, or after a while, it comes again.
 * Prints how often, as JSON; how often it was thrown out is for the engine to count.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <machnet.h>
#include <machnet/shm.h>

#define NS_PER_S	1000000000ull
/* It stays so long when nobody minds. */
#define STAY_NS		20000000ull
#define RETRY_NS	1000000
#define FLOOD		256

struct victim {
	uint32_t *words;
	size_t n_words;		/* all but the contents of buffers */
	const uint32_t *closed;	/* what the engine says when it has had enough */
	struct mn_shm_ring_ctl *ring[MN_SHM_RINGS];
	uint32_t slots[MN_SHM_RINGS];
};

static uint64_t rng;

static uint32_t draw(void)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return rng >> 32;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Where the library has mapped the channel. NULL: nowhere. */
static struct mn_shm_header *find_channel(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start = 0, at;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "memfd:machnet-channel") && sscanf(line, "%lx-", &at) == 1)
			start = at;
	if (f)
		fclose(f);
	return (struct mn_shm_header *)start;
}

/* Remembers what is where, before it spoils that. */
static bool look_around(struct victim *v)
{
	struct mn_shm_header *h = find_channel();

	if (!h)
		return false;
	v->words = (uint32_t *)h;
	v->n_words = h->tx_bufs_off / sizeof(uint32_t);
	v->closed = &h->closed;
	for (int i = 0; i < MN_SHM_RINGS; i++) {
		v->ring[i] = (struct mn_shm_ring_ctl *)((uint8_t *)h + h->ring_off[i]);
		v->slots[i] = h->ring_slots[i];
	}
	return true;
}

static bool thrown_out(const struct victim *v)
{
	return __atomic_load_n(v->closed, __ATOMIC_ACQUIRE);
}

/* Anything anywhere, but where the engine says its last word. */
static void scribble(struct victim *v)
{
	uint32_t *at = &v->words[draw() % v->n_words];

	if (at != v->closed)
		__atomic_store_n(at, draw() & 1 ? draw() : draw() & 0xff, __ATOMIC_RELAXED);
}

/* Entries by the hundred; most of them could be true. */
static void flood(struct victim *v)
{
	int which = draw() & 1 ? MN_SHM_RING_TX : MN_SHM_RING_RXC;
	struct mn_shm_ring_ctl *r = v->ring[which];
	struct mn_desc *slots = (struct mn_desc *)(r + 1);
	uint32_t at = __atomic_load_n(&r->prod, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < FLOOD; i++, at++)
		slots[at & (v->slots[which] - 1)] = (struct mn_desc){
			draw() % 4, draw() % 16 ? MN_DESC_MSG : draw() % 8,
			draw() % 16 ? 1 + draw() % MN_SHM_BUF_SIZE : draw(), draw() % 4096,
		};
	__atomic_store_n(&r->prod, at, __ATOMIC_RELEASE);
}

/* An index that lies: ahead of, or behind, all that can be. */
static void lie(struct victim *v)
{
	struct mn_shm_ring_ctl *r = v->ring[draw() % MN_SHM_RINGS];

	__atomic_store_n(draw() & 1 ? &r->prod : &r->cons, draw(), __ATOMIC_RELEASE);
}

static void do_harm(struct victim *v)
{
	switch (draw() % 64) {
	case 0:
		lie(v);
		break;
	case 1 ... 8:
		flood(v);
		break;
	default:
		scribble(v);
	}
}

/* One visit. */
static void visit(void *ch, unsigned int pause_us, const char *address, uint16_t port)
{
	const struct timespec pause = { 0, pause_us * 1000L };
	uint64_t start = now_ns();
	MachnetFlow_t flow = { 0 };
	struct victim v;

	if (!look_around(&v))
		return;
	if (address)
		machnet_connect(ch, NULL, address, port, &flow);
	while (!thrown_out(&v) && now_ns() - start < STAY_NS) {
		do_harm(&v);
		/* Rings the bell of an engine that sleeps. */
		machnet_send(ch, flow, &v, sizeof(v));
		if (pause_us)
			nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	const struct timespec retry = { 0, RETRY_NS };
	unsigned long visits = 0, refused = 0;
	uint64_t end;
	void *ch;

	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: hostile SECONDS SEED PAUSE_US [ADDRESS PORT]\n");
		return 2;
	}
	rng = strtoull(argv[2], NULL, 0);
	end = now_ns() + atof(argv[1]) * NS_PER_S;
	while (now_ns() < end) {
		ch = machnet_attach();
		if (!ch && (errno == ENOENT || errno == ECONNREFUSED))
			break;
		if (ch) {
			visit(ch, atoi(argv[3]), argv[4], argc == 6 ? atoi(argv[5]) : 0);
			machnet_detach(ch);
			visits++;
		} else {
			refused++;
			nanosleep(&retry, NULL);
		}
	}
	printf("{\"visits\": %lu, \"refused\": %lu}\n", visits, refused);
	return 0;
}
