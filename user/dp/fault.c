// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "dp/fault.h"

#define MILLION		1000000u
#define GOLDEN		0x9e3779b97f4a7c15u

/* What is drawn for a packet. */
enum draw {
	DRAW_LOSS,
	DRAW_BURST,
	DRAW_REORDER,
	DRAW_PLACES,
	DRAW_DUPLICATE,
	DRAW_COPY,
	DRAW_CORRUPT,
	DRAW_BYTE,
	DRAW_BITS,
	DRAW_TRUNCATE,
	DRAW_LENGTH,
	DRAW_DELAY,
	DRAW_JITTER,
	DRAW_STALL,
	DRAW_TX_FULL,
};

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* The key of the next packet, from which all its draws come. */
static uint64_t next_key(uint64_t *state)
{
	return mix(*state += GOLDEN);
}

static uint64_t draw(uint64_t key, enum draw what)
{
	return mix(key + (what + 1) * GOLDEN);
}

static uint32_t draw_below(uint64_t key, enum draw what, uint32_t n)
{
	return (draw(key, what) >> 32) * n >> 32;
}

static bool hit(uint64_t key, enum draw what, uint32_t ppm)
{
	return ppm && draw_below(key, what, MILLION) < ppm;
}

static bool wanted(const struct machnet_dp_fault *cfg)
{
	return cfg->loss_ppm || cfg->burst_ppm || cfg->reorder_ppm || cfg->duplicate_ppm ||
	       cfg->corrupt_ppm || cfg->truncate_ppm || cfg->delay_ppm || cfg->stall_ppm ||
	       cfg->tx_full_ppm;
}

int dp_fault_init(struct dp_fault *f, const struct machnet_dp_fault *cfg, unsigned int engine)
{
	*f = (struct dp_fault){
		.cfg = *cfg,
		.rx_state = mix(cfg->seed + 2 * engine * GOLDEN),
		.tx_state = mix(cfg->seed + (2 * engine + 1) * GOLDEN),
	};
	if (!wanted(cfg))
		return 0;
	f->queue = calloc(DP_FAULT_HELD, sizeof(*f->queue));
	if (!f->queue)
		return -ENOMEM;
	f->on = true;
	return 0;
}

void dp_fault_fini(struct dp_fault *f)
{
	for (; f->head != f->tail; f->head++)
		rte_pktmbuf_free(f->queue[f->head % DP_FAULT_HELD].m);
	for (uint32_t i = 0; i < f->n_back; i++)
		rte_pktmbuf_free(f->back[i].m);
	f->n_back = 0;
	free(f->queue);
	f->queue = NULL;
	f->on = false;
}

uint32_t dp_fault_held(const struct dp_fault *f)
{
	return __atomic_load_n(&f->tail, __ATOMIC_RELAXED) -
	       __atomic_load_n(&f->head, __ATOMIC_RELAXED) +
	       __atomic_load_n(&f->n_back, __ATOMIC_RELAXED);
}

uint64_t dp_fault_deadline(const struct dp_fault *f)
{
	uint64_t at = UINT64_MAX;

	if (f->stall_end_us)
		return f->stall_end_us;
	if (f->head != f->tail)
		at = f->queue[f->head % DP_FAULT_HELD].at_us;
	/* All wait equally long: the first is the oldest. */
	if (f->n_back)
		at = RTE_MIN(at, f->back[0].at_us);
	return at;
}

/* In order: nobody goes on before those in front of it. */
static void enqueue(struct dp_fault *f, struct rte_mbuf *m, uint32_t wait_us, uint64_t now_us)
{
	uint64_t at_us = now_us + wait_us;

	if (f->head != f->tail)
		at_us = RTE_MAX(at_us, f->queue[(f->tail - 1) % DP_FAULT_HELD].at_us);
	f->queue[f->tail++ % DP_FAULT_HELD] = (struct dp_fault_slot){ .m = m, .at_us = at_us };
}

/* Those that were overtaken by enough others, or have waited long enough for it. */
static void release_back(struct dp_fault *f, uint64_t now_us)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < f->n_back; i++) {
		if (f->back[i].due <= f->passed || f->back[i].at_us <= now_us)
			enqueue(f, f->back[i].m, f->back[i].wait_us, now_us);
		else
			f->back[left++] = f->back[i];
	}
	f->n_back = left;
}

static uint32_t delay_us(struct dp_fault *f, uint64_t key)
{
	const struct machnet_dp_fault *cfg = &f->cfg;

	if (!hit(key, DRAW_DELAY, cfg->delay_ppm))
		return 0;
	f->stats.fault_delayed++;
	return cfg->delay_us - cfg->jitter_us +
	       draw_below(key, DRAW_JITTER, 2 * cfg->jitter_us + 1);
}

/* A packet that is not lost. */
static void pass(struct dp_fault *f, struct rte_mbuf *m, uint64_t key, uint64_t now_us)
{
	uint32_t wait_us = delay_us(f, key);

	f->passed++;
	if (hit(key, DRAW_REORDER, f->cfg.reorder_ppm)) {
		/* The others are the last reorder_places - 1 at most: there is room. */
		release_back(f, now_us);
		f->back[f->n_back++] = (struct dp_fault_slot){
			.m = m,
			.at_us = now_us + DP_FAULT_REORDER_US,
			.due = f->passed + 1 + draw_below(key, DRAW_PLACES, f->cfg.reorder_places),
			.wait_us = wait_us,
		};
		f->stats.fault_reordered++;
	} else {
		enqueue(f, m, wait_us, now_us);
		release_back(f, now_us);
	}
}

static bool is_lost(struct dp_fault *f, uint64_t key)
{
	if (!f->burst_left && hit(key, DRAW_BURST, f->cfg.burst_ppm))
		f->burst_left = f->cfg.burst_packets;
	if (f->burst_left) {
		f->burst_left--;
		f->stats.fault_burst_dropped++;
		return true;
	}
	if (!hit(key, DRAW_LOSS, f->cfg.loss_ppm))
		return false;
	f->stats.fault_dropped++;
	return true;
}

/*
 * Bits of one byte: the Internet checksum, which misses some changes of several words, notices
 * each of them, provided that nobody takes the NIC's word that it was right.
 */
static void corrupt(struct rte_mbuf *m, uint64_t key)
{
	uint32_t at = draw_below(key, DRAW_BYTE, m->data_len);

	*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^= 1 + draw_below(key, DRAW_BITS, 255);
	m->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
}

static void spoil(struct dp_fault *f, struct rte_mbuf *m, uint64_t key)
{
	uint16_t cut;

	if (hit(key, DRAW_CORRUPT, f->cfg.corrupt_ppm) && m->data_len) {
		corrupt(m, key);
		f->stats.fault_corrupted++;
	}
	if (!hit(key, DRAW_TRUNCATE, f->cfg.truncate_ppm))
		return;
	/* Of a packet in several segments the last one alone is cut. */
	cut = 1 + draw_below(key, DRAW_LENGTH, rte_pktmbuf_lastseg(m)->data_len);
	if (!rte_pktmbuf_trim(m, cut))
		f->stats.fault_truncated++;
}

static void arrive(struct dp_fault *f, struct rte_mbuf *m, uint64_t now_us)
{
	uint64_t key = next_key(&f->rx_state);
	struct rte_mbuf *copy = NULL;

	if (hit(key, DRAW_STALL, f->cfg.stall_ppm) && !f->stall_end_us) {
		f->stall_end_us = now_us + f->cfg.stall_us;
		f->stats.fault_stalls++;
	}
	if (is_lost(f, key)) {
		rte_pktmbuf_free(m);
		return;
	}
	if (hit(key, DRAW_DUPLICATE, f->cfg.duplicate_ppm))
		copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	spoil(f, m, key);
	pass(f, m, key, now_us);
	if (!copy)
		return;
	f->stats.fault_duplicated++;
	pass(f, copy, draw(key, DRAW_COPY), now_us);
}

static bool stalled(struct dp_fault *f, uint64_t now_us)
{
	if (now_us >= f->stall_end_us)
		f->stall_end_us = 0;
	return f->stall_end_us;
}

uint16_t dp_fault_rx_room(struct dp_fault *f, uint16_t max, uint64_t now_us)
{
	/* Each packet may become two. */
	uint32_t room = (DP_FAULT_HELD - dp_fault_held(f)) / 2;

	if (stalled(f, now_us))
		return 0;
	return RTE_MIN(room, max);
}

uint16_t dp_fault_rx(struct dp_fault *f, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
		     uint64_t now_us)
{
	uint16_t given = 0;

	for (uint16_t i = 0; i < n; i++)
		arrive(f, pkts[i], now_us);
	if (stalled(f, now_us))
		return 0;
	release_back(f, now_us);
	while (given < max && f->head != f->tail &&
	       f->queue[f->head % DP_FAULT_HELD].at_us <= now_us)
		pkts[given++] = f->queue[f->head++ % DP_FAULT_HELD].m;
	return given;
}

uint16_t dp_fault_tx(struct dp_fault *f, uint16_t n, uint64_t now_us)
{
	if (!f->cfg.tx_full_ppm)
		return n;
	if (now_us < f->tx_full_end_us)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		if (!hit(next_key(&f->tx_state), DRAW_TX_FULL, f->cfg.tx_full_ppm))
			continue;
		f->tx_full_end_us = now_us + f->cfg.tx_full_us;
		f->stats.fault_tx_full++;
		return i;
	}
	return n;
}
