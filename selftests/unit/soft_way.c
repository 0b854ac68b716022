// SPDX-License-Identifier: MIT
/* soft_way.c - the flows that the host has sent, in a row */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "soft_way.h"

void soft_way_init(struct soft_way *w, enum soft_way_kind kind, uint16_t port, uint64_t seed)
{
	*w = (struct soft_way){ .kind = kind, .port = port, .rng = seed ? seed : 1 };
}

void soft_way_fini(struct soft_way *w)
{
	free(w->flows);
	w->flows = NULL;
	w->n_flows = w->room = 0;
}

void soft_way_forget(struct soft_way *w)
{
	w->n_flows = 0;
}

static bool is_nat(const struct soft_way *w)
{
	return w->kind == SOFT_WAY_NAT || w->kind == SOFT_WAY_NAT_STRICT;
}

static bool is_sender(const struct soft_way_flow *f, const struct mn_steer_tuple *t)
{
	return f->out.src_port == t->src_port && mn_addr_equal(&f->out.src, &t->src);
}

static bool is_receiver(const struct soft_way_flow *f, const struct mn_steer_tuple *t)
{
	return f->out.dst_port == t->dst_port && mn_addr_equal(&f->out.dst, &t->dst);
}

static const struct soft_way_flow *find(const struct soft_way *w, const struct mn_steer_tuple *t)
{
	for (uint32_t i = 0; i < w->n_flows; i++)
		if (is_sender(&w->flows[i], t) &&
		    (w->kind == SOFT_WAY_NAT || is_receiver(&w->flows[i], t)))
			return &w->flows[i];
	return NULL;
}

static bool is_taken(const struct soft_way *w, uint16_t port)
{
	for (uint32_t i = 0; i < w->n_flows; i++)
		if (w->flows[i].outside == port)
			return true;
	return false;
}

static const struct soft_way_flow *add(struct soft_way *w, const struct mn_steer_tuple *t)
{
	struct soft_way_flow *f;

	if (w->n_flows == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->flows = realloc(w->flows, w->room * sizeof(*w->flows));
		if (!w->flows)
			abort();
	}
	f = &w->flows[w->n_flows];
	*f = (struct soft_way_flow){ *t, t->src_port };
	while (is_nat(w) && (f->outside == t->src_port || is_taken(w, f->outside)))
		f->outside = 1024 + random_below(&w->rng, 64512);
	w->n_flows++;
	return f;
}

bool soft_way_out(struct soft_way *w, struct mn_steer_tuple *t)
{
	const struct soft_way_flow *f = find(w, t);

	if (w->kind == SOFT_WAY_OPEN)
		return true;
	if (!f && w->kind == SOFT_WAY_ANSWERS)
		return false;
	if (!f)
		f = add(w, t);
	t->src_port = f->outside;
	return true;
}

/* The packet's source is the flow's destination, and its destination the flow's outside. */
static bool answers(const struct soft_way *w, const struct soft_way_flow *f,
		    const struct mn_steer_tuple *t)
{
	if (t->dst_port != f->outside || !mn_addr_equal(&t->dst, &f->out.src))
		return false;
	return w->kind == SOFT_WAY_NAT ||
	       (t->src_port == f->out.dst_port && mn_addr_equal(&t->src, &f->out.dst));
}

/* What may be sent as an answer from now on. */
static void open_answers(struct soft_way *w, const struct mn_steer_tuple *t)
{
	struct mn_steer_tuple answer = { t->dst, t->src, t->dst_port, t->src_port };

	if (!find(w, &answer))
		add(w, &answer);
}

bool soft_way_in(struct soft_way *w, struct mn_steer_tuple *t)
{
	if (w->kind == SOFT_WAY_ANSWERS && t->dst_port == w->port)
		open_answers(w, t);
	if (w->kind == SOFT_WAY_OPEN || (w->kind == SOFT_WAY_ONE_PORT && t->dst_port == w->port))
		return true;
	for (uint32_t i = 0; i < w->n_flows; i++) {
		if (!answers(w, &w->flows[i], t))
			continue;
		t->dst_port = w->flows[i].out.src_port;
		return true;
	}
	return false;
}
