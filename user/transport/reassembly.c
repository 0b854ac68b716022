// SPDX-License-Identifier: MIT
/* reassembly.c - pieces kept in their packets until their turn comes */
#include <errno.h>
#include <stdlib.h>

#include "transport/reassembly.h"

static struct mn_held *held_of(struct mn_list *l)
{
	return mn_container(l, struct mn_held, node);
}

int mn_held_pool_init(struct mn_held_pool *p, uint32_t n,
		      void (*pkt_free)(void *ctx, void *handle), void *ctx)
{
	*p = (struct mn_held_pool){ .n_free = n, .pkt_free = pkt_free, .ctx = ctx };
	mn_list_init(&p->free);
	p->all = calloc(n ? n : 1, sizeof(*p->all));
	p->packets = calloc(n ? n : 1, sizeof(*p->packets));
	if (!p->all || !p->packets) {
		mn_held_pool_fini(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		mn_list_add_tail(&p->free, &p->all[i].node);
		p->packets[i].next_free = i + 1;
	}
	return 0;
}

void mn_held_pool_fini(struct mn_held_pool *p)
{
	free(p->all);
	free(p->packets);
	p->all = NULL;
	p->packets = NULL;
}

void mn_reassembly_init(struct mn_reassembly *ra)
{
	*ra = (struct mn_reassembly){ 0 };
}

/* There is one for each free piece: each piece in use keeps one at most. */
static uint32_t keep_packet(struct mn_held_pool *p, void *handle)
{
	uint32_t i = p->free_packet;

	p->free_packet = p->packets[i].next_free;
	p->n_packets++;
	p->packets[i].handle = handle;
	p->packets[i].pieces = 1;
	return i;
}

static void forget_packet(struct mn_held_pool *p, uint32_t kept)
{
	p->packets[kept].next_free = p->free_packet;
	p->free_packet = kept;
	p->n_packets--;
}

bool mn_held_pool_received(struct mn_held_pool *p, uint32_t kept)
{
	if (kept == MN_KEPT_NONE)
		return false;
	if (--p->packets[kept].pieces)
		return true;
	forget_packet(p, kept);
	return false;
}

/* The last piece that does not begin behind the offset; NULL: all do. */
static struct mn_held *piece_before(const struct mn_reassembly *ra, const struct mn_held_pool *p,
				    uint64_t offset)
{
	struct mn_held *h = mn_reassembly_first(ra, p);

	/* New pieces mostly belong at the end. */
	for (uint32_t i = 0; i < ra->count; i++) {
		h = held_of(h->node.prev);
		if (h->offset <= offset)
			return h;
	}
	return NULL;
}

static void put_behind(struct mn_reassembly *ra, struct mn_held_pool *p, struct mn_held *before,
		       struct mn_held *h)
{
	struct mn_held *first = mn_reassembly_first(ra, p);

	mn_list_del(&h->node);
	if (first)
		mn_list_add_before(before ? before->node.next : &first->node, &h->node);
	if (!before)
		ra->first = h - p->all;
	ra->count++;
	p->n_free--;
}

int mn_reassembly_add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t offset,
		      const uint8_t *data, uint32_t len, void *handle, uint32_t *kept)
{
	struct mn_held *before = piece_before(ra, p, offset), *h;

	if (before && before->offset + before->len >= offset + len)
		return -EEXIST;
	if (ra->count >= p->n_free)
		return -ENOSPC;
	if (*kept == MN_KEPT_NONE)
		*kept = keep_packet(p, handle);
	p->packets[*kept].pieces++;
	h = held_of(p->free.next);
	put_behind(ra, p, before, h);
	h->offset = offset;
	h->data = data;
	h->len = len;
	h->kept = *kept;
	return 0;
}

struct mn_held *mn_reassembly_first(const struct mn_reassembly *ra, const struct mn_held_pool *p)
{
	return ra->count ? &p->all[ra->first] : NULL;
}

void mn_reassembly_pop(struct mn_reassembly *ra, struct mn_held_pool *p)
{
	struct mn_held *h = mn_reassembly_first(ra, p);
	struct mn_kept *k = &p->packets[h->kept];

	ra->first = held_of(h->node.next) - p->all;
	mn_list_del(&h->node);
	/* To the front: its memory is warm. */
	mn_list_add_before(p->free.next, &h->node);
	p->n_free++;
	ra->count--;
	if (--k->pieces)
		return;
	forget_packet(p, h->kept);
	p->pkt_free(p->ctx, k->handle);
}
