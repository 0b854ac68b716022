// SPDX-License-Identifier: MIT
/* inbox.c - from stream to messages */
#include <endian.h>
#include <string.h>

#include "core/inbox.h"
#include "core/min.h"

/* At first: messages of 64 bytes, each in a buffer of its own. */
#define COST16_INITIAL	(16 * MN_SHM_BUF_SIZE / 68)

void mn_inbox_init(struct mn_inbox *in)
{
	*in = (struct mn_inbox){
		.msg = { .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE },
		.cost16 = COST16_INITIAL,
	};
	mn_claim_init(&in->claim);
}

static void learn_cost(struct mn_inbox *in, uint32_t bufs)
{
	uint32_t cost = (uint64_t)bufs * MN_SHM_BUF_SIZE * 16 / (in->msg.len + MN_WIRE_FRAME_LEN);

	if (cost > in->cost16)
		in->cost16 = cost;
	else
		in->cost16 -= (in->cost16 - cost) / 16;
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
	learn_cost(in, bufs);
	mn_credit_claim(cr, &in->claim, bufs, ch->rx_free_count);
	return 0;
}

static int take_frame(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr,
		      const uint8_t *data, uint32_t len, uint32_t *taken)
{
	uint32_t n = mn_min_u32(MN_WIRE_FRAME_LEN - in->frame_got, len);

	memcpy(in->frame + in->frame_got, data, n);
	in->frame_got += n;
	*taken += n;
	return in->frame_got == MN_WIRE_FRAME_LEN ? begin(in, ch, cr) : 0;
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

static int deliver(struct mn_inbox *in, struct mn_channel *ch, uint32_t flow)
{
	int ret = mn_channel_rx_post(ch, flow, &in->msg);

	if (ret)
		return ret;
	in->frame_got = 0;
	in->claim.granted = false;
	in->messages++;
	return 0;
}

int mn_inbox_take(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr, uint32_t flow,
		  const uint8_t *data, uint32_t len, uint32_t *taken)
{
	int ret = 0;

	*taken = 0;
	for (;;) {
		if (in->frame_got < MN_WIRE_FRAME_LEN) {
			if (*taken == len)
				return 0;
			ret = take_frame(in, ch, cr, data + *taken, len - *taken, taken);
			if (ret || in->frame_got < MN_WIRE_FRAME_LEN)
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
		ret = deliver(in, ch, flow);
		if (ret)
			return ret;
	}
}

void mn_inbox_drop(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr)
{
	mn_credit_drop(cr, &in->claim);
	mn_channel_rx_drop(ch, &in->msg);
	in->frame_got = 0;
}
