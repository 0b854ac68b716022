// SPDX-License-Identifier: MIT
/* flows.c - finds a connection by its flow, in the same time however many there are */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

#define BUCKETS_MIN	64

static bool equal(const MachnetFlow_t *a, const MachnetFlow_t *b)
{
	return a->src_ip == b->src_ip && a->dst_ip == b->dst_ip && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port;
}

static struct bench_flow **bucket_of(struct bench_flow **bucket, uint32_t buckets,
				     const MachnetFlow_t *f)
{
	uint64_t x = ((uint64_t)f->src_port << 16 | f->dst_port) ^ (uint64_t)f->src_ip << 32;

	/* What is left out, our own address, hardly differs between connections. */
	x *= 0x9e3779b97f4a7c15u;
	return &bucket[(x >> 32) & (buckets - 1)];
}

MachnetFlow_t bench_flow_reverse(const MachnetFlow_t *f)
{
	return (MachnetFlow_t){ f->dst_ip, f->src_ip, f->dst_port, f->src_port };
}

struct bench_flow *bench_flows_find(struct bench_flows *t, const MachnetFlow_t *flow)
{
	struct bench_flow *f = t->last;

	if (f && equal(&f->flow, flow))
		return f;
	f = t->buckets ? *bucket_of(t->bucket, t->buckets, flow) : NULL;
	while (f && !equal(&f->flow, flow))
		f = f->next;
	if (f)
		t->last = f;
	return f;
}

static int grow(struct bench_flows *t)
{
	uint32_t buckets = t->buckets ? 2 * t->buckets : BUCKETS_MIN;
	struct bench_flow **bucket = calloc(buckets, sizeof(*bucket));
	struct bench_flow *f, *next, **at;

	if (!bucket)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->buckets; i++)
		for (f = t->bucket[i]; f; f = next) {
			next = f->next;
			at = bucket_of(bucket, buckets, &f->flow);
			f->next = *at;
			*at = f;
		}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = buckets;
	return 0;
}

int bench_flows_add(struct bench_flows *t, struct bench_flow *f)
{
	struct bench_flow **at;

	if (t->count >= t->buckets && grow(t))
		return -ENOMEM;
	at = bucket_of(t->bucket, t->buckets, &f->flow);
	f->next = *at;
	*at = f;
	t->count++;
	return 0;
}

void bench_flows_remove(struct bench_flows *t, struct bench_flow *f)
{
	struct bench_flow **at = bucket_of(t->bucket, t->buckets, &f->flow);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	t->count--;
	if (t->last == f)
		t->last = NULL;
}

void bench_flows_free(struct bench_flows *t, void (*free_flow)(struct bench_flow *))
{
	struct bench_flow *f, *next;

	for (uint32_t i = 0; free_flow && i < t->buckets; i++)
		for (f = t->bucket[i]; f; f = next) {
			next = f->next;
			free_flow(f);
		}
	free(t->bucket);
	*t = (struct bench_flows){ 0 };
}
