// SPDX-License-Identifier: MIT
/* reassembly.c - packets kept by handle until their turn comes */
#include <errno.h>
#include <stdlib.h>

#include "transport1/reassembly.h"

static struct mn_held *held_of(struct mn_list *l)
{
	return mn_container(l, struct mn_held, node);
}

int mn_held_pool_init(struct mn_held_pool *p, uint32_t n)
{
	mn_list_init(&p->free);
	p->all = calloc(n ? n : 1, sizeof(*p->all));
	if (!p->all)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		mn_list_add_tail(&p->free, &p->all[i].node);
	p->n_free = n;
	return 0;
}

void mn_held_pool_fini(struct mn_held_pool *p)
{
	free(p->all);
	p->all = NULL;
}

void mn_reassembly_init(struct mn_reassembly *ra)
{
	mn_list_init(&ra->held);
	ra->count = 0;
	ra->recent = 0;
}

int mn_reassembly_add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t seq,
		      const uint8_t *data, uint32_t len, void *handle)
{
	struct mn_list *at = ra->held.prev;
	struct mn_held *h;

	/* New packets mostly belong at the end. */
	while (at != &ra->held && held_of(at)->seq > seq)
		at = at->prev;
	if (at != &ra->held && held_of(at)->seq + held_of(at)->len >= seq + len)
		return -EEXIST;
	if (ra->count >= p->n_free)
		return -ENOSPC;
	h = held_of(p->free.next);
	mn_list_del(&h->node);
	p->n_free--;
	h->seq = seq;
	h->data = data;
	h->len = len;
	h->handle = handle;
	mn_list_add_before(at->next, &h->node);
	ra->count++;
	ra->recent = seq;
	return 0;
}

struct mn_held *mn_reassembly_first(struct mn_reassembly *ra)
{
	return ra->count ? held_of(ra->held.next) : NULL;
}

void *mn_reassembly_pop(struct mn_reassembly *ra, struct mn_held_pool *p)
{
	struct mn_held *h = mn_reassembly_first(ra);

	mn_list_del(&h->node);
	/* To the front: its memory is warm. */
	mn_list_add_before(p->free.next, &h->node);
	p->n_free++;
	ra->count--;
	return h->handle;
}

/* Puts a range in: in front when it is the recent one. */
static int put_range(const struct mn_reassembly *ra, const struct mn_wire_sack *r,
		     struct mn_wire_sack *out, int n)
{
	if (ra->recent >= r->start && ra->recent < r->end) {
		for (int i = n < MN_WIRE_SACK_MAX ? n : MN_WIRE_SACK_MAX - 1; i > 0; i--)
			out[i] = out[i - 1];
		out[0] = *r;
	} else if (n < MN_WIRE_SACK_MAX) {
		out[n] = *r;
	} else {
		return n;
	}
	return n < MN_WIRE_SACK_MAX ? n + 1 : n;
}

int mn_reassembly_ranges(const struct mn_reassembly *ra, uint64_t next, struct mn_wire_sack *out)
{
	struct mn_list *l = ra->held.next;
	int n = 0;

	while (l != &ra->held) {
		struct mn_wire_sack r = { held_of(l)->seq, held_of(l)->seq + held_of(l)->len };

		for (l = l->next; l != &ra->held && held_of(l)->seq <= r.end; l = l->next)
			if (held_of(l)->seq + held_of(l)->len > r.end)
				r.end = held_of(l)->seq + held_of(l)->len;
		/* What begins at next waits for the application, and is no hole's far side. */
		if (r.start > next)
			n = put_range(ra, &r, out, n);
	}
	return n;
}
