// SPDX-License-Identifier: MIT
/* inbox.c - from stream to messages */
#include <endian.h>
#include <string.h>

#include "base/min.h"
#include "transport/inbox.h"

/* At first: messages that are just too long for the ring. */
#define COST16_INITIAL	(16 * MN_SHM_BUF_SIZE / MN_SHM_INLINE_MAX)

void mn_inbox_init(struct mn_inbox *in)
{
	*in = (struct mn_inbox){
		.msg = { .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE },
		.cost = { .bufs16 = COST16_INITIAL, .ring16 = 32 },
	};
	mn_claim_init(&in->claim);
}

/* It grows at once and falls slowly. */
static void learn(uint32_t *cost16, uint32_t taken, uint32_t len)
{
	uint32_t cost = (uint64_t)taken * 16 / (len + MN_MSG_PREFIX);

	if (cost > *cost16)
		*cost16 = cost;
	else
		*cost16 -= (*cost16 - cost + 15) / 16;
}

/* The length is complete: claims the buffers. */
static int begin(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr)
{
	uint32_t len, bufs;

	memcpy(&len, in->frame, sizeof(len));
	len = be32toh(len);
	if (!len || len > MN_MSG_MAX)
		return -EBADMSG;
	in->msg.len = len;
	bufs = (len + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
	learn(&in->cost.bufs16, bufs * MN_SHM_BUF_SIZE, len);
	learn(&in->cost.ring16, sizeof(struct mn_desc), len);
	mn_credit_claim(cr, &in->claim, bufs, ch->rx_free_count);
	return 0;
}

static int take_frame(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr,
		      const uint8_t *data, uint32_t len, uint32_t *taken)
{
	uint32_t n = mn_min_u32(MN_MSG_PREFIX - in->frame_got, len);

	memcpy(in->frame + in->frame_got, data, n);
	in->frame_got += n;
	*taken += n;
	return in->frame_got == MN_MSG_PREFIX ? begin(in, ch, cr) : 0;
}

static int take_body(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr,
		     const uint8_t *data, uint32_t len, uint32_t *taken)
{
	uint32_t n = mn_min_u32(in->msg.len - in->msg.got, len), before = ch->rx_free_count, got;

	got = mn_channel_rx_append(ch, &in->msg, data, n);
	mn_credit_use(cr, &in->claim, before - ch->rx_free_count);
	*taken += got;
	/* The claim was met, so nothing but a broken free list makes it fall short. */
	return got == n ? 0 : -EPROTO;
}

static int deliver(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr, uint64_t flow)
{
	int ret = mn_channel_rx_post(ch, flow, &in->msg);

	if (ret)
		return ret;
	in->frame_got = 0;
	mn_credit_end(cr, &in->claim);
	in->messages++;
	return 0;
}

/*
 * Small messages that lie in data as a whole, one after the other. 0: the next one does not;
 * it is taken from data + *taken on.
 */
static int take_small(struct mn_inbox *in, struct mn_channel *ch, uint64_t flow,
		      const uint8_t *data, uint32_t len, uint32_t *taken)
{
	while (len - *taken > MN_MSG_PREFIX) {
		uint32_t n;
		int ret;

		memcpy(&n, data + *taken, sizeof(n));
		n = be32toh(n);
		if (!n || n > MN_SHM_INLINE_MAX || n > len - *taken - MN_MSG_PREFIX)
			return 0;
		ret = mn_channel_rx_inline(ch, flow, data + *taken + MN_MSG_PREFIX, n);
		if (ret)
			return ret;
		*taken += MN_MSG_PREFIX + n;
		in->messages++;
		learn(&in->cost.ring16, (1 + mn_ring_slots(n)) * sizeof(struct mn_desc), n);
		learn(&in->cost.bufs16, 0, n);
	}
	return 0;
}

int mn_inbox_take(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr, uint64_t flow,
		  const uint8_t *data, uint32_t len, uint32_t *taken)
{
	int ret = 0;

	*taken = 0;
	for (;;) {
		if (!in->frame_got) {
			ret = take_small(in, ch, flow, data, len, taken);
			if (ret)
				return ret;
		}
		if (in->frame_got < MN_MSG_PREFIX) {
			if (*taken == len)
				return 0;
			ret = take_frame(in, ch, cr, data + *taken, len - *taken, taken);
			if (ret || in->frame_got < MN_MSG_PREFIX)
				return ret;
		}
		if (!in->claim.granted)
			return -ENOBUFS;
		if (in->msg.got < in->msg.len) {
			if (*taken == len)
				return 0;
			ret = take_body(in, ch, cr, data + *taken, len - *taken, taken);
			if (ret || in->msg.got < in->msg.len)
				return ret;
		}
		ret = deliver(in, ch, cr, flow);
		if (ret)
			return ret;
	}
}

void mn_inbox_drop(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr)
{
	mn_credit_end(cr, &in->claim);
	mn_channel_rx_drop(ch, &in->msg);
	in->frame_got = 0;
}
