/* SPDX-License-Identifier: MIT */
/* rtt.h - round trip time: smoothed, its variance, its floor; retransmission timeout (RFC 6298) */
#ifndef MN_TRANSPORT_RTT_H
#define MN_TRANSPORT_RTT_H

#include <stdint.h>

/* The receiver waits so long before it acknowledges, and longer when it is busy. */
#define MN_ACK_DELAY_US		100u
#define MN_ACK_DELAY_INITIAL_US	400u	/* assumed before the first sample */
/* Bounds of the retransmission timeout, before and after backoff. */
#define MN_RTO_MIN_US		2000u
#define MN_RTO_MAX_US		1000000u
/* Until there is a measurement. */
#define MN_RTO_INITIAL_US	5000u
/* The floor is the least of the last one to two windows. */
#define MN_RTT_WINDOW_US	5000000u

struct mn_rtt {
	uint32_t srtt8;		/* 8 * smoothed round trip time in us; 0: no measurement yet */
	uint32_t var4;		/* 4 * mean deviation in us */
	uint32_t min_us[2];	/* of the present window and of the one before */
	uint64_t window_us;	/* end of the present window */
	uint32_t ack_delay_us;	/* for how long acknowledgements were held back, of late at most */
};

void mn_rtt_init(struct mn_rtt *r, uint64_t now_us);
/* rtt_us without the time that the peer held the acknowledgement back. */
void mn_rtt_sample(struct mn_rtt *r, uint32_t rtt_us, uint64_t now_us);
/* And that time. */
void mn_rtt_delayed(struct mn_rtt *r, uint32_t ack_delay_us);
/* The path has changed: the floor is measured anew. */
void mn_rtt_moved(struct mn_rtt *r, uint64_t now_us);
/* Timeout after backoff doublings. */
uint64_t mn_rtt_rto_us(const struct mn_rtt *r, uint32_t backoff);

static inline uint32_t mn_rtt_smoothed_us(const struct mn_rtt *r)
{
	return r->srtt8 / 8;
}

static inline uint32_t mn_rtt_min_us(const struct mn_rtt *r)
{
	return r->min_us[0] < r->min_us[1] ? r->min_us[0] : r->min_us[1];
}

#endif /* MN_TRANSPORT_RTT_H */
