// SPDX-License-Identifier: MIT
/* swift.c - delay-based congestion window */
#include "core/swift.h"

#define ONE		256u	/* a packet; also 1.0 */
/* Queueing that is no reason to slow down. */
#define QUEUE_US	50u
/* Swift's fs_range and fs_max_cwnd: what a flow with one packet may add to the target. */
#define FLOW_RANGE_US	100u
#define FLOW_CWND_MAX	100u
/* Swift's beta and max_mdf. */
#define BETA		205u	/* 0.8 */
/* Delay alone shrinks the window no further: below, it is processors that are busy, not queues. */
#define DELAY_FLOOR	8u
#define SHRINK_MAX	128u	/* 0.5 */
#define ROUNDS_TO_RAISE	5u
#define RAISE_MAX	8u
/* Losses in slow start, of 256, that end it. */
#define SLOW_START_LOSS	13u
/* Timeouts in a row after which nothing is believed of the path any more. */
#define TIMEOUTS_TO_RESET	3u

void mn_swift_init(struct mn_swift *sw, uint32_t cwnd_max, uint64_t now_us)
{
	*sw = (struct mn_swift){
		.cwnd = MN_SWIFT_CWND_INITIAL * ONE,
		.cwnd_undo = MN_SWIFT_CWND_INITIAL * ONE,
		.cwnd_max = cwnd_max,
		.slow_start = true,
		.round_end_us = now_us,
		.round_min_us = UINT32_MAX,
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
	return FLOW_RANGE_US * (root_max - root) / 9 / root;
}

uint32_t mn_swift_target_us(const struct mn_swift *sw, const struct mn_rtt *rtt)
{
	uint32_t base = mn_rtt_min_us(rtt);
	uint32_t queue = base / 2 > QUEUE_US ? base / 2 : QUEUE_US;

	return base + queue + flow_scaling_us(sw->cwnd);
}

static void set_cwnd(struct mn_swift *sw, uint64_t cwnd)
{
	if (cwnd > (uint64_t)sw->cwnd_max * ONE)
		cwnd = sw->cwnd_max * ONE;
	sw->cwnd = cwnd < ONE ? ONE : cwnd;
}

static void shrink(struct mn_swift *sw, uint32_t part, uint32_t least)
{
	uint32_t cwnd = (uint64_t)sw->cwnd * (ONE - part) / ONE;

	sw->good_rounds = 0;
	if (cwnd < least * ONE)
		cwnd = sw->cwnd < least * ONE ? sw->cwnd : least * ONE;
	set_cwnd(sw, cwnd);
}

static void grow(struct mn_swift *sw)
{
	uint32_t raise = 1;

	if (!sw->round_limited)
		return;
	if (sw->slow_start) {
		set_cwnd(sw, 2 * (uint64_t)sw->cwnd);
		return;
	}
	if (++sw->good_rounds > ROUNDS_TO_RAISE)
		raise = sw->good_rounds - ROUNDS_TO_RAISE;
	set_cwnd(sw, sw->cwnd + (raise < RAISE_MAX ? raise : RAISE_MAX) * ONE);
}

/* Part of the window to give up for the round's delay. */
static uint32_t excess(const struct mn_swift *sw, uint32_t target_us)
{
	uint64_t over;

	if (sw->round_min_us == UINT32_MAX || sw->round_min_us <= target_us)
		return 0;
	over = (uint64_t)BETA * (sw->round_min_us - target_us) / sw->round_min_us;
	return over < SHRINK_MAX ? over : SHRINK_MAX;
}

static void end_round(struct mn_swift *sw, const struct mn_rtt *rtt)
{
	uint32_t delay_part = excess(sw, mn_swift_target_us(sw, rtt));
	uint32_t loss = sw->round_lost * ONE / (sw->round_lost + sw->round_delivered);
	uint32_t loss_part = 2 * loss < SHRINK_MAX ? 2 * loss : SHRINK_MAX;

	if (delay_part || loss > SLOW_START_LOSS)
		sw->slow_start = false;
	if (delay_part > loss_part)
		shrink(sw, delay_part, DELAY_FLOOR);
	else if (loss_part)
		shrink(sw, loss_part, 1);
	if (!delay_part && loss <= SLOW_START_LOSS)
		grow(sw);
}

void mn_swift_acked(struct mn_swift *sw, const struct mn_rtt *rtt, uint32_t rtt_us,
		    uint32_t delivered, bool limited, uint64_t now_us)
{
	sw->round_delivered += delivered;
	sw->round_limited |= limited;
	if (rtt_us && rtt_us < sw->round_min_us)
		sw->round_min_us = rtt_us;
	if (now_us < sw->round_end_us || !sw->round_delivered)
		return;
	end_round(sw, rtt);
	sw->round_end_us = now_us + mn_rtt_smoothed_us(rtt);
	sw->round_min_us = UINT32_MAX;
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
	if (nth == 1)
		sw->cwnd_undo = sw->cwnd;
	sw->good_rounds = 0;
	if (nth >= TIMEOUTS_TO_RESET) {
		sw->cwnd = ONE;
		sw->slow_start = true;
	} else {
		set_cwnd(sw, sw->cwnd / 2);
	}
}

void mn_swift_undo(struct mn_swift *sw)
{
	if (sw->cwnd < sw->cwnd_undo)
		sw->cwnd = sw->cwnd_undo;
}
