// SPDX-License-Identifier: MIT
/* kept.c - what a link has left behind for the program to receive */
#include <stdlib.h>

#include "lib/priv.h"

struct mnc_kept *mnc_kept_new(uint32_t len)
{
	struct mnc_kept *e = malloc(sizeof(*e) + len);

	if (e)
		*e = (struct mnc_kept){ .len = len };
	return e;
}

void mnc_kept_append(struct mnc_channel *ch, struct mnc_kept *e)
{
	*ch->kept_end = e;
	ch->kept_end = &e->next;
}

static void remove_at(struct mnc_channel *ch, struct mnc_kept **p)
{
	struct mnc_kept *e = *p;

	*p = e->next;
	if (ch->kept_end == &e->next)
		ch->kept_end = p;
	free(e);
}

void mnc_kept_drop(struct mnc_channel *ch)
{
	remove_at(ch, &ch->kept);
}

void mnc_kept_forget_end(struct mnc_channel *ch, const MachnetFlow_t *key)
{
	MachnetFlow_t flow = mnc_flow_reverse(key);
	struct mnc_kept **p = &ch->kept;

	while (*p) {
		if ((*p)->error && mnc_flow_key_equal(&(*p)->flow, &flow))
			remove_at(ch, p);
		else
			p = &(*p)->next;
	}
}
