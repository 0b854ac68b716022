// SPDX-License-Identifier: MIT
/* learn.c - differences of ports and of queues, and when to believe them */
#include "steer/learn.h"

/* Wrong predictions come true by chance with a probability below 2^-16. */
#define TRUST_BITS	16
#define TRUST_MIN	8
/* With fewer, a table with one queue in most of its entries looks like one with no other. */
#define ALIKE_MIN	16
#define FAILURES_MAX	4
#define REST		256
#define REST_MAX	(UINT32_C(1) << 16)

static uint32_t log2_of(uint32_t n)
{
	return 31 - __builtin_clz(n);
}

static uint32_t at_least(uint32_t n, uint32_t least)
{
	return n > least ? n : least;
}

void mn_learn_init(struct mn_learn *l, uint32_t queues)
{
	uint32_t bits = queues > 1 ? log2_of(queues) : 1;

	*l = (struct mn_learn){ .epoch = 1, .long_rest = REST };
	l->alike_needed = at_least((TRUST_BITS + bits - 1) / bits, ALIKE_MIN);
	if (queues > 1 && !(queues & (queues - 1)))
		l->needed = at_least((TRUST_BITS + bits - 1) / bits, TRUST_MIN);
}

/* Begins with an empty map. */
static void begin(struct mn_learn *l)
{
	l->map = (struct mn_linear){ 0 };
	l->hits = 0;
	l->epoch = at_least(l->epoch + 1, 1);
}

void mn_learn_restart(struct mn_learn *l)
{
	begin(l);
	l->failures = 0;
	l->rest = 0;
	l->alike = 0;
	l->varies = false;
}

static enum mn_learn_result fail(struct mn_learn *l)
{
	if (mn_learn_trusted(l)) {
		mn_learn_restart(l);
		return MN_LEARN_CHANGED;
	}
	begin(l);
	if (++l->failures == FAILURES_MAX) {
		/* A machine may be moved to another NIC: some later map may hold. */
		l->failures = 0;
		l->rest = l->long_rest;
		if (l->long_rest < REST_MAX)
			l->long_rest *= 2;
	}
	return MN_LEARN_FAILED;
}

static void add_to_span(struct mn_linear *full, uint32_t vector)
{
	uint8_t value = 0;
	uint32_t left = mn_linear_reduce(full, vector, &value);

	if (left)
		mn_linear_add(full, left, 0);
}

void mn_learn_ask(struct mn_learn *l, struct mn_block src, struct mn_block dst)
{
	if (src.first == l->asked_src.first && src.count == l->asked_src.count &&
	    dst.first == l->asked_dst.first && dst.count == l->asked_dst.count)
		return;
	l->asked_src = src;
	l->asked_dst = dst;
	mn_block_span(&l->full, src, dst);
}

static enum mn_learn_result compare(struct mn_learn *l, uint32_t vector, uint8_t value)
{
	uint32_t left = mn_linear_reduce(&l->map, vector, &value);

	if (left) {
		mn_linear_add(&l->map, left, value);
		add_to_span(&l->full, vector);
		return MN_LEARN_NEW;
	}
	if (value)
		return fail(l);
	l->hits++;
	if (mn_learn_trusted(l)) {
		l->failures = 0;
		l->long_rest = REST;
	}
	return MN_LEARN_HIT;
}

static void count_alike(struct mn_learn *l, bool alike)
{
	if (alike) {
		l->alike++;
	} else {
		l->alike = 0;
		l->varies = true;
	}
}

enum mn_learn_result mn_learn_observe(struct mn_learn *l, struct mn_peer_origin *o, uint32_t ports,
				      uint8_t queue)
{
	enum mn_learn_result result = MN_LEARN_NEW;

	if (o->epoch == l->epoch && o->ports == ports && o->queue != queue) {
		mn_learn_restart(l);
		result = MN_LEARN_CHANGED;
	} else if (o->epoch == l->epoch && o->ports != ports) {
		count_alike(l, o->queue == queue);
		if (l->rest)
			l->rest--;
		else if (l->needed)
			result = compare(l, o->ports ^ ports, o->queue ^ queue);
	}
	if (o->epoch != l->epoch)
		*o = (struct mn_peer_origin){ ports, l->epoch, queue };
	return result;
}

bool mn_learn_predict(const struct mn_learn *l, const struct mn_peer_origin *o, uint32_t ports,
		      uint8_t *queue)
{
	if (!mn_learn_is_open(l, o))
		return false;
	*queue = o->queue;
	return mn_linear_reduce(&l->map, o->ports ^ ports, queue) == 0;
}

bool mn_learn_wants(const struct mn_learn *l, const struct mn_peer_origin *o, uint32_t ports)
{
	return mn_learn_is_open(l, o) && !mn_linear_spans(&l->map, o->ports ^ ports);
}

bool mn_learn_is_open(const struct mn_learn *l, const struct mn_peer_origin *o)
{
	return l->needed && !l->rest && o->epoch == l->epoch;
}

bool mn_learn_trusted(const struct mn_learn *l)
{
	return l->needed && l->hits >= l->needed;
}

bool mn_learn_ignores_ports(const struct mn_learn *l)
{
	return !l->varies && l->alike >= l->alike_needed;
}

void mn_learn_load(struct mn_learn *l, const struct mn_linear *map)
{
	mn_learn_restart(l);
	l->map = *map;
	for (int i = 0; i < MN_LINEAR_BITS; i++)
		add_to_span(&l->full, map->vector[i]);
}
