// SPDX-License-Identifier: MIT
/* kept.c - what was taken off the ring and is still to be received */
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

void mnc_kept_settle(struct mnc_channel *ch)
{
	for (struct mnc_kept *e = ch->kept; e; e = e->next)
		e->handle = MN_SHM_FLOW_NONE;
}

bool mnc_kept_has(const struct mnc_channel *ch, const MachnetFlow_t *key)
{
	MachnetFlow_t flow = mnc_flow_reverse(key);
	const struct mnc_kept *e = ch->kept;

	while (e && !mnc_flow_key_equal(&e->flow, &flow))
		e = e->next;
	return e;
}

static void keep_end(struct mnc_channel *ch, struct mnc_kept *e)
{
	e->error = ch->link.head.len ? ch->link.head.len : ESHUTDOWN;
	mnc_flow_ended(ch, e->handle);
	mnc_rx_free(ch);
	mnc_kept_append(ch, e);
}

/* What was kept is not consumed: the peer gets no credit for it. */
static int keep_message(struct mnc_channel *ch, struct mnc_kept *e)
{
	MachnetIovec_t iov = { e->data, e->len };
	struct mnc_sink s = { &iov, 0 };

	if (mnc_rx_copy(ch, &s) || mnc_rx_give_back(ch)) {
		free(e);
		return mnc_rx_spoilt(ch);
	}
	mnc_kept_append(ch, e);
	return 0;
}

static int keep_head(struct mnc_channel *ch)
{
	const struct mn_desc d = ch->link.head;
	bool end = d.type == MN_DESC_END;
	struct mnc_kept *e;
	MachnetFlow_t key;

	/* Another thread has closed it just now. */
	if (mnc_flow_key_hint(ch, &ch->recv_hint, d.flow, &key)) {
		if (!end)
			return mnc_rx_return(ch) ? mnc_rx_spoilt(ch) : 0;
		mnc_rx_free(ch);
		return 0;
	}
	e = mnc_kept_new(end ? 0 : d.len);
	if (!e)
		return -ENOMEM;
	e->flow = mnc_flow_reverse(&key);
	e->handle = d.flow;
	if (!end)
		return keep_message(ch, e);
	keep_end(ch, e);
	return 0;
}

int mnc_kept_fill(struct mnc_channel *ch)
{
	int ret;

	while ((ret = mnc_rx_peek(ch)) > 0) {
		ret = keep_head(ch);
		if (ret)
			return ret;
	}
	mnc_rx_publish(ch);
	return ret;
}
