// SPDX-License-Identifier: MIT
/* stack_parcel.c - parcels for other engines, and what those of others are for */
#include <stdlib.h>

#include "transport/stack_priv.h"

struct entry {
	struct mn_list node;
	struct mn_parcel parcel;
};

bool mn_stack_parcels_room(struct mn_stack *s, uint32_t n)
{
	while (s->n_free_parcels < n) {
		struct entry *e = malloc(sizeof(*e));

		if (!e)
			return false;
		mn_list_add_tail(&s->free_parcels, &e->node);
		s->n_free_parcels++;
	}
	return true;
}

void mn_stack_parcel(struct mn_stack *s, uint8_t to, struct mn_parcel *p)
{
	struct entry *e;

	/* One that is lost ends a move by its time limit; those of a channel have their memory. */
	if (!mn_stack_parcels_room(s, 1)) {
		s->stats.drop_no_memory++;
		return;
	}
	e = mn_container(s->free_parcels.next, struct entry, node);
	mn_list_del(&e->node);
	s->n_free_parcels--;
	p->from = s->cfg.engine;
	p->to = to;
	e->parcel = *p;
	mn_list_add_tail(&s->parcels, &e->node);
}

static bool take(struct mn_stack *s, struct mn_parcel *out)
{
	struct entry *e;

	if (mn_list_empty(&s->parcels))
		return false;
	e = mn_container(s->parcels.next, struct entry, node);
	*out = e->parcel;
	mn_list_del(&e->node);
	free(e);
	return true;
}

void mn_stack_free_parcels(struct mn_stack *s)
{
	mn_list_splice(&s->free_parcels, &s->parcels);
	while (!mn_list_empty(&s->free_parcels)) {
		struct entry *e = mn_container(s->free_parcels.next, struct entry, node);

		mn_list_del(&e->node);
		free(e);
	}
}

bool mn_stack_parcel_out(struct mn_stack *s, struct mn_parcel *out)
{
	if (take(s, out))
		return true;
	if (!mn_list_empty(&s->reserved))
		mn_stack_check_reserved(s);
	if (!mn_list_empty(&s->leaving))
		mn_stack_check_leaving(s);
	return take(s, out);
}

void mn_stack_parcel_in(struct mn_stack *s, const struct mn_parcel *in)
{
	switch (in->kind) {
	case MN_PARCEL_WANT:
		mn_stack_reserve(s, in);
		break;
	case MN_PARCEL_NUMBER:
		mn_stack_reserved(s, in);
		break;
	case MN_PARCEL_LOST:
		mn_stack_reserved_lost(s, in);
		break;
	case MN_PARCEL_FORGET:
		mn_stack_forget_reserved(s, in);
		break;
	case MN_PARCEL_CHANNEL:
		mn_stack_take_channel(s, in);
		break;
	case MN_PARCEL_LISTENER:
		mn_stack_listen(s, in->channel, &in->listener.addr, in->listener.port);
		break;
	case MN_PARCEL_CONN:
		mn_stack_attach(s, in->channel, &in->conn);
		break;
	case MN_PARCEL_DONE:
		mn_stack_channel_taken(s, in);
		break;
	case MN_PARCEL_TAKEN:
		mn_stack_channel_gone(s, in->channel);
		break;
	case MN_PARCEL_PORT:
		mn_stack_port_free(s, &in->port.local, &in->port.remote, in->port.port,
				   in->port.client);
		break;
	}
	mn_stack_close_corrupt(s);
}
