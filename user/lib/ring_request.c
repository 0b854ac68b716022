// SPDX-License-Identifier: MIT
/* ring_request.c - requests to the engine, on the ring between the messages */
#include <string.h>

#include "lib/priv.h"

static uint32_t slots_for(const struct mnc_link *link, const struct mn_desc *d)
{
	return d->len ? mn_ring_need(&link->tx, d->len) : 1;
}

static int has_slots(struct mnc_channel *ch, void *d)
{
	uint32_t slots;
	int64_t room;
	int ret;

	pthread_mutex_lock(&ch->send_lock);
	slots = slots_for(&ch->link, d);
	room = mn_ring_free(&ch->link.tx, slots);
	ret = room < 0 ? mnc_channel_corrupt(ch) : mnc_channel_look(ch);
	pthread_mutex_unlock(&ch->send_lock);
	return ret ? ret : room >= (int64_t)slots;
}

/* 0, -EAGAIN: there is no room now. With send_lock. */
static int put_request(struct mnc_channel *ch, const struct mn_desc *d, const void *bytes)
{
	struct mn_ring *tx = &ch->link.tx;
	uint32_t slots = slots_for(&ch->link, d);
	int64_t room = mn_ring_free(tx, slots);

	if (room < 0)
		return mnc_channel_corrupt(ch);
	if (room < (int64_t)slots)
		return -EAGAIN;
	if (bytes)
		memcpy(mn_ring_put_inline(tx, d), bytes, d->len);
	else
		mn_ring_put(tx, d);
	mn_ring_publish(tx);
	mnc_wake_engine(ch, MN_SHM_WAKE_ENGINE);
	return 0;
}

int mnc_ring_request(struct mnc_channel *ch, uint32_t epoch, const struct mn_desc *d,
		     const void *bytes)
{
	const struct mnc_wait room = { has_slots, (void *)d, MN_SHM_WAKE_TX };
	int ret;

	for (;;) {
		pthread_mutex_lock(&ch->send_lock);
		ret = ch->epoch == epoch ? mnc_channel_probe(ch) : -ENETDOWN;
		if (!ret)
			ret = put_request(ch, d, bytes);
		pthread_mutex_unlock(&ch->send_lock);
		if (ret != -EAGAIN)
			return ret;
		ret = mnc_wait_until(ch, &room, INT64_MAX);
		if (ret < 0 && (ret != -EINTR || mnc_channel_error(ch)))
			return ret;
	}
}
