// SPDX-License-Identifier: MIT
/* swift.c - delay-based congestion window */
#include "base/min.h"
#include "transport/swift.h"

#define ONE		MN_SWIFT_ONE	/* a packet; also 1.0 */
/* Queueing that is no reason to slow down. */
#define QUEUE_US	50u
/*
 * Swift's fs_range and fs_max_cwnd: what a flow with one packet may add to the target. Smaller
 * windows may add somewhat more, but no queue is to grow beyond what a ring holds.
 */
#define FLOW_RANGE_US	100u
#define FLOW_RANGE_MAX_US	150u
#define FLOW_CWND_MAX	100u
/* Swift's beta and max_mdf. */
#define BETA		205u	/* 0.8 */
#define SHRINK_MAX	128u	/* 0.5 */
/* Growth per round of windows below eight packets, and at least. */
#define STEP_SHARE	8u
#define STEP_MIN	(ONE / 8)
#define ROUNDS_TO_RAISE	5u
#define RAISE_MAX	8u
/* Losses, of 256, that are not by chance. */
#define LOSS_HEAVY	13u
/* Timeouts in a row after which nothing is believed of the path any more. */
#define TIMEOUTS_TO_RESET	3u
/* Packets of one connection that may stand in queues, and those that are on the way meanwhile. */
#define RING		256u
#define PACKETS_PER_US	4u

void mn_swift_init(struct mn_swift *sw, uint32_t cwnd_max, uint64_t now_us)
{
	*sw = (struct mn_swift){
		.cwnd = MN_SWIFT_CWND_INITIAL * ONE,
		.cwnd_undo = MN_SWIFT_CWND_INITIAL * ONE,
		.cwnd_max = cwnd_max,
		.slow_start = true,
		.round_end_us = now_us,
		.round_min_us = UINT32_MAX,
		.round_network_us = UINT32_MAX,
	};
}

static uint32_t isqrt(uint32_t n)
{
	uint32_t r = 0;

	for (uint32_t bit = 1u << 15; bit; bit >>= 1)
		if ((uint64_t)(r | bit) * (r | bit) <= n)
			r |= bit;
	return r;
}

/* FLOW_RANGE_US at a window of 1, falling with 1/sqrt(window) to 0 at FLOW_CWND_MAX. */
static uint32_t flow_scaling_us(uint32_t cwnd)
{
	uint32_t root = isqrt(cwnd * ONE);	/* 256 * sqrt(packets) */
	uint32_t root_max = 2560;		/* of FLOW_CWND_MAX */

	if (cwnd >= FLOW_CWND_MAX * ONE)
		return 0;
	return mn_min_u32(FLOW_RANGE_US * (root_max - root) / 9 / root, FLOW_RANGE_MAX_US);
}

static uint32_t allowance_us(const struct mn_swift *sw, uint32_t base_us)
{
	return (base_us / 2 > QUEUE_US ? base_us / 2 : QUEUE_US) + flow_scaling_us(sw->cwnd);
}

uint32_t mn_swift_target_us(const struct mn_swift *sw, const struct mn_rtt *rtt)
{
	uint32_t base_us = mn_rtt_min_us(rtt);

	return base_us + allowance_us(sw, base_us);
}

uint32_t mn_swift_pace_us(const struct mn_swift *sw, uint32_t srtt_us)
{
	uint64_t us;

	if (sw->cwnd >= ONE)
		return 0;
	us = (uint64_t)srtt_us * ONE / sw->cwnd;
	if (us <= MN_SWIFT_PACE_MAX_US)
		return us;
	return srtt_us > MN_SWIFT_PACE_MAX_US ? srtt_us : MN_SWIFT_PACE_MAX_US;
}

static void shrink(struct mn_swift *sw, uint32_t part, uint32_t least)
{
	uint32_t cwnd;

	/* Below one packet each is a round of its own, and most of them see the same queue. */
	if (sw->cwnd < ONE)
		part /= 2;
	cwnd = (uint64_t)sw->cwnd * (ONE - part) / ONE;
	sw->good_rounds = 0;
	if (cwnd < least)
		cwnd = mn_min_u32(sw->cwnd, least);
	sw->cwnd = cwnd;
}

static void grow(struct mn_swift *sw)
{
	uint32_t raise = 1, step = mn_min_u32(sw->cwnd / STEP_SHARE, ONE);

	if (!sw->round_limited)
		return;
	if (sw->slow_start) {
		sw->cwnd *= 2;
		return;
	}
	if (++sw->good_rounds > ROUNDS_TO_RAISE)
		raise = mn_min_u32(sw->good_rounds - ROUNDS_TO_RAISE, RAISE_MAX);
	sw->cwnd += raise * (step > STEP_MIN ? step : STEP_MIN);
}

/* No more than the path holds, and a ring. */
static void bound(struct mn_swift *sw, uint32_t base_us)
{
	uint32_t max = sw->cwnd_max;

	if (base_us < max / PACKETS_PER_US)
		max = mn_min_u32(RING + PACKETS_PER_US * base_us, max);
	sw->cwnd = mn_min_u32(sw->cwnd, max * ONE);
}

/* Part of the window to give up for a delay; more than 0 when it is more than the target. */
static uint32_t excess(uint32_t delay_us, uint32_t target_us)
{
	uint64_t over;

	if (delay_us == UINT32_MAX || delay_us <= target_us)
		return 0;
	over = 1 + (uint64_t)BETA * (delay_us - target_us) / delay_us;
	return over < SHRINK_MAX ? over : SHRINK_MAX;
}

static void judge(struct mn_swift *sw, uint32_t base_us)
{
	uint32_t allowed_us = allowance_us(sw, base_us), target_us = base_us + allowed_us;
	uint32_t delay = excess(sw->round_network_us, target_us);
	bool queued = excess(sw->round_network_us, target_us - allowed_us / 2);
	uint32_t loss = sw->round_lost * ONE / (sw->round_lost + sw->round_delivered);
	bool heavy = loss > LOSS_HEAVY && sw->round_lost > 1;

	loss = heavy || queued ? mn_min_u32(2 * loss, SHRINK_MAX) : 0;
	if (heavy || excess(sw->round_min_us, target_us))
		sw->slow_start = false;
	if (loss || delay)
		shrink(sw, loss > delay ? loss : delay, queued ? MN_SWIFT_CWND_MIN : ONE);
	else
		grow(sw);
}

void mn_swift_acked(struct mn_swift *sw, const struct mn_rtt *rtt, struct mn_swift_delay delay,
		    uint32_t delivered, bool limited, uint64_t now_us)
{
	sw->round_delivered += delivered;
	sw->round_limited |= limited;
	if (delay.rtt_us) {
		sw->round_min_us = mn_min_u32(sw->round_min_us, delay.rtt_us);
		sw->round_network_us = mn_min_u32(sw->round_network_us, delay.network_us);
	}
	if (now_us < sw->round_end_us || !sw->round_delivered)
		return;
	judge(sw, mn_rtt_min_us(rtt));
	bound(sw, mn_rtt_min_us(rtt));
	sw->round_end_us = now_us + mn_rtt_smoothed_us(rtt);
	sw->round_min_us = UINT32_MAX;
	sw->round_network_us = UINT32_MAX;
	sw->round_delivered = 0;
	sw->round_lost = 0;
	sw->round_limited = false;
}

void mn_swift_lost(struct mn_swift *sw, uint32_t packets)
{
	sw->round_lost += packets;
}

void mn_swift_timeout(struct mn_swift *sw, uint32_t nth)
{
	uint32_t cwnd = sw->cwnd / 2;

	if (nth == 1)
		sw->cwnd_undo = sw->cwnd;
	sw->good_rounds = 0;
	if (nth >= TIMEOUTS_TO_RESET) {
		cwnd = mn_min_u32(cwnd, ONE);
		sw->slow_start = true;
	}
	sw->cwnd = cwnd > MN_SWIFT_CWND_MIN ? cwnd : MN_SWIFT_CWND_MIN;
}

void mn_swift_undo(struct mn_swift *sw)
{
	if (sw->cwnd < sw->cwnd_undo)
		sw->cwnd = sw->cwnd_undo;
}
