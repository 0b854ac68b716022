// SPDX-License-Identifier: MIT
/* credit.c - claims on receive buffers and shares of them */
#include <stddef.h>

#include <machnet/shm.h>
#include "core/credit.h"
#include "core/min.h"

/* Buffers of a small message. */
#define SMALL		16u
#define EPOCH_US	1000u

void mn_credit_init(struct mn_credit *cr, uint32_t total)
{
	*cr = (struct mn_credit){ .total = total };
	mn_list_init(&cr->small);
	mn_list_init(&cr->large);
}

void mn_claim_init(struct mn_claim *cl)
{
	*cl = (struct mn_claim){ 0 };
	mn_list_init(&cl->node);
}

static void set_aside(struct mn_credit *cr, struct mn_claim *cl, uint32_t n)
{
	cl->held += n;
	cl->granted = cl->held == cl->need;
	cr->claimed += n;
}

bool mn_credit_claim(struct mn_credit *cr, struct mn_claim *cl, uint32_t n, uint32_t free)
{
	bool small = n <= SMALL;
	struct mn_list *line = small ? &cr->small : &cr->large;
	/* Large messages leave something for the small ones. */
	uint32_t leave = small ? 0 : cr->total / 8;

	cl->need = n;
	cl->held = 0;
	cl->granted = false;
	if (mn_list_empty(line) && mn_credit_room(cr, free) >= n + leave)
		set_aside(cr, cl, n);
	else
		mn_list_add_tail(line, &cl->node);
	return cl->granted;
}

static struct mn_claim *first(struct mn_list *line)
{
	return mn_list_empty(line) ? NULL : mn_container(line->next, struct mn_claim, node);
}

struct mn_claim *mn_credit_settle(struct mn_credit *cr, uint32_t free)
{
	struct mn_claim *cl = first(&cr->large);
	uint32_t room = mn_credit_room(cr, free), leave = cr->total / 8, spare;

	if (cl) {
		spare = room > 2 * leave ? room - leave : room / 2;
		set_aside(cr, cl, mn_min_u32(cl->need - cl->held, spare));
		if (cl->granted) {
			mn_list_del(&cl->node);
			return cl;
		}
	}
	cl = first(&cr->small);
	if (!cl || mn_credit_room(cr, free) < cl->need)
		return NULL;
	mn_list_del(&cl->node);
	set_aside(cr, cl, cl->need);
	return cl;
}

void mn_credit_use(struct mn_credit *cr, struct mn_claim *cl, uint32_t n)
{
	cl->held -= n;
	cr->claimed -= n;
}

void mn_credit_drop(struct mn_credit *cr, struct mn_claim *cl)
{
	mn_list_del(&cl->node);
	cr->claimed -= cl->held;
	cl->held = 0;
	cl->granted = false;
}

void mn_sharers_touch(struct mn_sharers *sh, uint32_t *epoch, uint64_t now_us)
{
	if (now_us >= sh->epoch_end_us) {
		sh->active_before = now_us < sh->epoch_end_us + EPOCH_US ? sh->active : 0;
		sh->active = 0;
		sh->epoch++;
		sh->epoch_end_us = now_us + EPOCH_US;
	}
	if (*epoch != sh->epoch) {
		*epoch = sh->epoch;
		sh->active++;
	}
}

/* Bytes of stream that fit; no more than the largest credit. */
static uint64_t fits(uint64_t bytes, uint32_t cost16)
{
	/* Most streams take much less of one of the two than there is. */
	if (bytes * 16 >= (uint64_t)MN_CREDIT_MAX * cost16)
		return MN_CREDIT_MAX;
	return bytes * 16 / cost16;
}

uint32_t mn_credit_share(const struct mn_credit *cr, uint32_t free, uint64_t ring,
			 const struct mn_cost *cost, uint32_t least)
{
	uint32_t sharers = mn_sharers_count(&cr->sharers);
	uint32_t room = mn_credit_room(cr, free);
	uint64_t bytes, by_ring;

	if (mn_credit_is_low(cr, free) || ring < 2 * MN_SHM_INLINE_MAX)
		return 0;
	if (!sharers)
		sharers = 1;
	bytes = fits((uint64_t)(room - cr->total / 32) * MN_SHM_BUF_SIZE / sharers, cost->bufs16);
	/* The rest of the ring is for the entries that need no more than a slot. */
	by_ring = fits(ring / 4 * 3 / sharers, cost->ring16);
	if (by_ring < bytes)
		bytes = by_ring;
	return bytes < least && room > cr->total / 8 ? least : bytes;
}
