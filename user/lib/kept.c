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

void mnc_kept_drop(struct mnc_channel *ch)
{
	struct mnc_kept *e = ch->kept;

	ch->kept = e->next;
	if (ch->kept_end == &e->next)
		ch->kept_end = &ch->kept;
	free(e);
}

bool mnc_kept_has(const struct mnc_channel *ch, const MachnetFlow_t *key)
{
	MachnetFlow_t flow = mnc_flow_reverse(key);
	const struct mnc_kept *e = ch->kept;

	while (e && !mnc_flow_key_equal(&e->flow, &flow))
		e = e->next;
	return e;
}
