// SPDX-License-Identifier: MIT
/* rtt.c - round trip time estimation */
#include "base/min.h"
#include "transport/rtt.h"

/* More than this is no round trip but a peer that lies or slept. */
#define RTT_MAX_US	60000000u

void mn_rtt_init(struct mn_rtt *r, uint64_t now_us)
{
	*r = (struct mn_rtt){
		.min_us = { UINT32_MAX, UINT32_MAX },
		.window_us = now_us + MN_RTT_WINDOW_US,
		.ack_delay_us = MN_ACK_DELAY_INITIAL_US,
	};
}

static void track_floor(struct mn_rtt *r, uint32_t rtt_us, uint64_t now_us)
{
	if (now_us >= r->window_us) {
		r->min_us[1] = r->min_us[0];
		r->min_us[0] = rtt_us;
		r->window_us = now_us + MN_RTT_WINDOW_US;
	} else if (rtt_us < r->min_us[0]) {
		r->min_us[0] = rtt_us;
	}
}

void mn_rtt_sample(struct mn_rtt *r, uint32_t rtt_us, uint64_t now_us)
{
	int32_t err;

	if (rtt_us > RTT_MAX_US)
		return;
	if (!rtt_us)
		rtt_us = 1;
	track_floor(r, rtt_us, now_us);
	if (!r->srtt8) {
		r->srtt8 = rtt_us * 8;
		r->var4 = rtt_us * 2;
		return;
	}
	err = (int32_t)rtt_us - (int32_t)(r->srtt8 / 8);
	r->srtt8 += err;
	r->var4 += (err < 0 ? -err : err) - r->var4 / 4;
	if (!r->srtt8)
		r->srtt8 = 1;
}

void mn_rtt_delayed(struct mn_rtt *r, uint32_t ack_delay_us)
{
	uint32_t us = mn_min_u32(ack_delay_us, MN_RTO_MIN_US);

	/* It grows at once and falls slowly. */
	if (us < r->ack_delay_us)
		us = r->ack_delay_us - (r->ack_delay_us - us) / 8;
	r->ack_delay_us = us > MN_ACK_DELAY_US ? us : MN_ACK_DELAY_US;
}

void mn_rtt_moved(struct mn_rtt *r, uint64_t now_us)
{
	r->min_us[0] = r->min_us[1] = UINT32_MAX;
	r->window_us = now_us + MN_RTT_WINDOW_US;
}

uint64_t mn_rtt_rto_us(const struct mn_rtt *r, uint32_t backoff)
{
	uint64_t rto = MN_RTO_INITIAL_US;

	if (r->srtt8)
		rto = (uint64_t)r->srtt8 / 8 + r->var4 + MN_ACK_DELAY_US;
	if (rto < MN_RTO_MIN_US)
		rto = MN_RTO_MIN_US;
	rto <<= backoff < 16 ? backoff : 16;
	return rto < MN_RTO_MAX_US ? rto : MN_RTO_MAX_US;
}
