// SPDX-License-Identifier: MIT
/* credit.c - claims on receive buffers and shares of them */
#include <stddef.h>

#include <machnet/shm.h>
#include "base/min.h"
#include "transport/credit.h"

/* Buffers of a small message. */
#define SMALL		16u
#define EPOCH_US	1000u

void mn_credit_init(struct mn_credit *cr, uint32_t total)
{
	*cr = (struct mn_credit){ .total = total, .check = 1 };
	mn_list_init(&cr->small);
	mn_list_init(&cr->large);
	mn_list_init(&cr->met);
}

void mn_claim_init(struct mn_claim *cl)
{
	*cl = (struct mn_claim){ 0 };
	mn_list_init(&cl->node);
}

static bool is_small(uint32_t need)
{
	return need <= SMALL;
}

/* Buffers that messages of this size may still take, whatever is free. */
static uint32_t quota(const struct mn_credit *cr, uint32_t need)
{
	uint32_t all = cr->total - cr->total / 16, large = cr->total - cr->total / 8, left;

	left = all > cr->begun ? all - cr->begun : 0;
	if (is_small(need))
		return left;
	return mn_min_u32(left, large > cr->begun_large ? large - cr->begun_large : 0);
}

static void begin(struct mn_credit *cr, const struct mn_claim *cl, int32_t n)
{
	cr->begun += n;
	if (!is_small(cl->need))
		cr->begun_large += n;
}

static void set_aside(struct mn_credit *cr, struct mn_claim *cl, uint32_t n)
{
	cl->held += n;
	cl->granted = cl->held == cl->need;
	cr->claimed += n;
	begin(cr, cl, n);
	if (!cl->granted)
		return;
	cl->checked = 0;
	mn_list_del(&cl->node);
	mn_list_add_tail(&cr->met, &cl->node);
}

bool mn_credit_claim(struct mn_credit *cr, struct mn_claim *cl, uint32_t n, uint32_t free)
{
	struct mn_list *line = is_small(n) ? &cr->small : &cr->large;
	/* Large messages leave something for the small ones. */
	uint32_t leave = is_small(n) ? 0 : cr->total / 8;

	cl->need = n;
	cl->held = 0;
	cl->used = 0;
	cl->granted = false;
	if (mn_list_empty(line) && mn_credit_room(cr, free) >= n + leave && quota(cr, n) >= n)
		set_aside(cr, cl, n);
	else
		mn_list_add_tail(line, &cl->node);
	return cl->granted;
}

static struct mn_claim *first(struct mn_list *line)
{
	return mn_list_empty(line) ? NULL : mn_container(line->next, struct mn_claim, node);
}

/* The first large claim takes what it can get. */
static bool gather(struct mn_credit *cr, struct mn_claim *cl, uint32_t free)
{
	uint32_t room = mn_credit_room(cr, free), leave = cr->total / 8;
	uint32_t spare = room > 2 * leave ? room - leave : room / 2;

	spare = mn_min_u32(spare, quota(cr, cl->need));
	set_aside(cr, cl, mn_min_u32(cl->need - cl->held, spare));
	return cl->granted;
}

struct mn_claim *mn_credit_settle(struct mn_credit *cr, uint32_t free)
{
	struct mn_claim *cl = first(&cr->large);

	if (cl && gather(cr, cl, free))
		return cl;
	cl = first(&cr->small);
	if (!cl || mn_credit_room(cr, free) < cl->need || quota(cr, cl->need) < cl->need)
		return NULL;
	set_aside(cr, cl, cl->need);
	return cl;
}

/* As far as can be seen in this check. A message that is complete waits for the application. */
static bool is_stuck(const struct mn_credit *cr, struct mn_claim *cl)
{
	uint32_t wanted = cl->need / 16 ? cl->need / 16 : 1;
	bool stuck = cl->checked && cl->checked != cr->check && cl->held &&
		     cl->used - cl->used_before < wanted;

	if (cl->checked != cr->check)
		cl->used_before = cl->used;
	cl->checked = cr->check;
	return stuck;
}

struct mn_claim *mn_credit_expired(struct mn_credit *cr, uint64_t now_us)
{
	if ((mn_list_empty(&cr->small) && mn_list_empty(&cr->large)) || now_us < cr->check_us)
		return NULL;
	for (struct mn_list *l = cr->met.next; l != &cr->met; l = l->next)
		if (is_stuck(cr, mn_container(l, struct mn_claim, node)))
			return mn_container(l, struct mn_claim, node);
	cr->check_us = now_us + MN_CREDIT_CLAIM_US;
	if (!++cr->check)
		cr->check = 1;
	return NULL;
}

void mn_credit_use(struct mn_credit *cr, struct mn_claim *cl, uint32_t n)
{
	cl->held -= n;
	cl->used += n;
	cr->claimed -= n;
}

void mn_credit_adopt(struct mn_credit *cr, struct mn_claim *cl)
{
	struct mn_list *line = is_small(cl->need) ? &cr->small : &cr->large;

	cl->checked = 0;
	cr->claimed += cl->held;
	begin(cr, cl, cl->held + cl->used);
	mn_list_add_tail(cl->granted ? &cr->met : line, &cl->node);
}

void mn_credit_end(struct mn_credit *cr, struct mn_claim *cl)
{
	begin(cr, cl, -(int32_t)(cl->held + cl->used));
	mn_list_del(&cl->node);
	cr->claimed -= cl->held;
	cl->held = 0;
	cl->used = 0;
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

uint32_t mn_credit_share(const struct mn_credit *cr, uint32_t free, uint64_t ring,
			 const struct mn_cost *cost, uint32_t least)
{
	uint32_t sharers = mn_sharers_count(&cr->sharers);
	uint32_t room = mn_credit_room(cr, free);
	uint64_t bytes, cost16 = cost->bufs16;

	if (mn_credit_is_low(cr, free) || ring < 2 * MN_SHM_INLINE_MAX)
		return 0;
	bytes = (uint64_t)(room - cr->total / 32) * MN_SHM_BUF_SIZE;
	/* The rest of the ring is for the entries that need no more than a slot. */
	ring = ring / 4 * 3;
	/* Of buffers and ring what is used up first; compared, and shared out, by one division. */
	if (ring * cost16 < bytes * cost->ring16) {
		bytes = ring;
		cost16 = cost->ring16;
	}
	bytes *= 16;
	cost16 *= sharers ? sharers : 1;
	/* Most streams take much less than there is. */
	bytes = bytes >= MN_CREDIT_MAX * cost16 ? MN_CREDIT_MAX : bytes / cost16;
	return bytes < least && room > cr->total / 8 ? least : bytes;
}
