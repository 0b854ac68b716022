// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include <machnet.h>

#include "bench.h"
#include "plan.h"

#define GOLDEN	0x9e3779b97f4a7c15u

/* What is derived from a token. */
enum { OF_CLASS, OF_TOTAL_OUT, OF_TOTAL_BACK, OF_CLOSER, OF_SIZE, OF_BYTES, OF_HELLO };

uint64_t plan_mix(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ (a >> 31)) * GOLDEN + b * 0xd6e8feb86659fd93u + 1;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t derive(const struct plan *p, int what)
{
	return plan_mix(plan_mix(p->seed, p->token), what);
}

/* Many connections with short messages, few with the longest. */
static const struct {
	uint32_t percent;
	uint32_t max_bits;
	uint32_t most;		/* messages in one direction */
} classes[] = { { 60, 10, 600 }, { 25, 16, 60 }, { 10, 20, 8 }, { 100, 23, 2 } };

void plan_make(struct plan *p, uint64_t seed, uint64_t token)
{
	uint32_t roll, i = 0;

	*p = (struct plan){ .seed = seed, .token = token };
	roll = derive(p, OF_CLASS) % 100;
	while (roll >= classes[i].percent)
		roll -= classes[i++].percent;
	p->max_bits = classes[i].max_bits;
	p->total[PLAN_OUT] = 1 + derive(p, OF_TOTAL_OUT) % classes[i].most;
	p->total[PLAN_BACK] = 1 + derive(p, OF_TOTAL_BACK) % classes[i].most;
	p->connector_closes = derive(p, OF_CLOSER) & 1;
	p->at_once = derive(p, OF_CLOSER) & 2;
}

/* As many between 1 and 2 bytes as between 4 and 8 MiB. */
uint32_t plan_size(const struct plan *p, int direction, uint32_t n)
{
	uint64_t r = plan_mix(derive(p, OF_SIZE), (uint64_t)n << 1 | direction);
	double size = exp2(p->max_bits * (double)(r >> 32) / UINT32_MAX);

	return size < MACHNET_MSG_MAX_LEN ? size : MACHNET_MSG_MAX_LEN;
}

static uint64_t bytes_seed(const struct plan *p, int direction)
{
	return plan_mix(derive(p, OF_BYTES), direction);
}

void plan_fill(const struct plan *p, int direction, uint32_t n, void *buf)
{
	bench_pattern(bytes_seed(p, direction), n, buf, plan_size(p, direction, n));
}

size_t plan_check(const struct plan *p, int direction, uint32_t n, const void *buf)
{
	return bench_pattern_check(bytes_seed(p, direction), n, buf, plan_size(p, direction, n));
}

static uint64_t hello_check(const struct plan_hello *h, uint64_t seed)
{
	return plan_mix(plan_mix(plan_mix(seed, h->token), OF_HELLO),
			(uint64_t)h->host << 32 | h->port);
}

void plan_hello_make(struct plan_hello *h, uint64_t seed, uint64_t token, uint32_t host,
		     uint32_t port)
{
	*h = (struct plan_hello){ .token = token, .host = host, .port = port };
	h->check = hello_check(h, seed);
}

bool plan_hello_read(struct plan_hello *h, uint64_t seed, const void *buf, size_t len)
{
	if (len != sizeof(*h))
		return false;
	memcpy(h, buf, sizeof(*h));
	return h->check == hello_check(h, seed);
}
