/* SPDX-License-Identifier: MIT */
/*
 * hypothesis.h - keys and tables that a NIC may have
 *
 * The key and the table of the device, if it names any, and those that drivers have by default.
 * Each predicts the queue of any tuple, of a new peer's as well. All begin as possible; arrivals
 * refute them or make them trusted, for each address family apart.
 */
#ifndef MN_STEER_HYPOTHESIS_H
#define MN_STEER_HYPOTHESIS_H

#include "steer/toeplitz.h"

#define MN_HYPOTHESIS_KEYS	4u	/* the device's, and those of hypothesis.c */
#define MN_HYPOTHESIS_TABLES	6u	/* the device's, and sizes of default ones */
#define MN_HYPOTHESIS_FAMILIES	2u

struct mn_hypotheses {
	uint8_t device_key[MN_STEER_KEY_MAX];
	uint16_t table[MN_STEER_TABLE_MAX];	/* the device's */
	uint16_t table_len;			/* 0: not known */
	bool has_key;				/* the device's is known */
	uint8_t queues;
	/* Predictions that came true; MN_HYPOTHESIS_REFUTED: one did not. */
	uint32_t hits[MN_HYPOTHESIS_FAMILIES][MN_HYPOTHESIS_KEYS][MN_HYPOTHESIS_TABLES];
};

#define MN_HYPOTHESIS_REFUTED	UINT32_MAX

enum mn_belief {
	MN_BELIEF_NONE,
	MN_BELIEF_GUESS,	/* some predictions came true */
	MN_BELIEF_TRUSTED,	/* enough, of a default key */
	MN_BELIEF_DEVICE,	/* enough, of what the device says itself */
};

void mn_hypotheses_init(struct mn_hypotheses *h, uint8_t queues);
/* All are possible again: the NIC has changed. */
void mn_hypotheses_restart(struct mn_hypotheses *h);
/* 0, -EINVAL. */
int mn_hypotheses_set_device(struct mn_hypotheses *h, const uint8_t *key, size_t key_len,
			     const uint16_t *table, size_t table_len);

/* A tuple that was not observed before. True: it has refuted a trusted one. */
bool mn_hypotheses_observe(struct mn_hypotheses *h, const struct mn_steer_tuple *t, uint8_t queue);

/* A hypothesis of the family, the best one. */
struct mn_hypothesis {
	enum mn_belief belief;
	uint8_t key, table;
	uint32_t addresses;	/* the hash with ports 0 and 0 */
};

struct mn_hypothesis mn_hypotheses_best(const struct mn_hypotheses *h, uint32_t family);
/* For packets between the addresses of this tuple. */
void mn_hypothesis_between(const struct mn_hypotheses *h, struct mn_hypothesis *which,
			   struct mn_steer_tuple t);
/* The queue of one of them. */
uint8_t mn_hypothesis_predict(const struct mn_hypotheses *h, const struct mn_hypothesis *which,
			      const struct mn_steer_tuple *t);

static inline uint32_t mn_steer_family(const struct mn_addr *src)
{
	return !mn_addr_is_v4(src);
}

#endif /* MN_STEER_HYPOTHESIS_H */
