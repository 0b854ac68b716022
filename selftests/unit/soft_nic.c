// SPDX-License-Identifier: MIT
/* soft_nic.c - a Toeplitz hash of its own, so that it checks the one of the code under test */
#include <string.h>

#include "base/siphash.h"
#include "random.h"
#include "soft_nic.h"

#define NOT_FOLLOWED	0xff

static void make_key(struct soft_nic *n)
{
	uint8_t pair[2] = { random_next(&n->rng) >> 32, random_next(&n->rng) >> 32 };
	uint32_t len = n->cfg.key_len ? n->cfg.key_len : 40;

	n->secret[0] = random_next(&n->rng);
	n->secret[1] = random_next(&n->rng);
	for (uint32_t i = 0; i < len; i++) {
		n->key[i] = random_next(&n->rng) >> 32;
		if (n->cfg.hash == SOFT_NIC_SYMMETRIC)
			n->key[i] = pair[i % 2] | (i % 2);	/* not zero */
	}
	if (n->cfg.hash == SOFT_NIC_KEY)
		memcpy(n->key, n->cfg.key, len);
}

static void shuffle(struct soft_nic *n)
{
	for (uint32_t i = n->cfg.table_len - 1; i; i--) {
		uint32_t j = random_below(&n->rng, i + 1);
		uint16_t entry = n->table[i];

		n->table[i] = n->table[j];
		n->table[j] = entry;
	}
}

static void make_table(struct soft_nic *n)
{
	uint32_t len = n->cfg.table_len, queues = n->cfg.queues;

	for (uint32_t i = 0; i < len; i++) {
		n->table[i] = i % queues;
		if (n->cfg.table == SOFT_NIC_RUNS)
			n->table[i] = i * queues / len;
		if (n->cfg.table == SOFT_NIC_SKEWED && i >= len / 2)
			n->table[i] = 0;
	}
	if (len && (n->cfg.table == SOFT_NIC_SHUFFLED || n->cfg.table == SOFT_NIC_SKEWED))
		shuffle(n);
}

void soft_nic_init(struct soft_nic *n, const struct soft_nic_config *cfg)
{
	*n = (struct soft_nic){ .cfg = *cfg, .rng = cfg->seed ? cfg->seed : 1 };
	for (int i = 0; i < 4; i++)
		random_next(&n->rng);
	memset(n->followed, NOT_FOLLOWED, sizeof(n->followed));
	make_key(n);
	make_table(n);
}

void soft_nic_change(struct soft_nic *n, bool key, enum soft_nic_table table, uint64_t seed)
{
	n->rng ^= seed ? seed : 1;
	n->cfg.table = table;
	if (key)
		make_key(n);
	make_table(n);
}

/* The definition: for each bit of the input that is set, the 32 bits of the key from there on. */
static uint32_t toeplitz(const uint8_t *key, const uint8_t *input, uint32_t len)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < 8 * len; i++) {
		const uint8_t *k = key + i / 8;
		uint64_t window = (uint64_t)k[0] << 32 | (uint64_t)k[1] << 24 | k[2] << 16 |
				  k[3] << 8 | k[4];

		if (input[i / 8] & 0x80 >> i % 8)
			hash ^= window >> (8 - i % 8);
	}
	return hash;
}

static uint32_t toeplitz_of(const struct soft_nic *n, const struct mn_steer_tuple *t)
{
	bool v4 = mn_addr_is_v4(&t->src);
	uint32_t len = v4 ? 4 : 16;
	uint8_t input[36] = { 0 };

	memcpy(input, t->src.b + 16 - len, len);
	memcpy(input + len, t->dst.b + 16 - len, len);
	input[2 * len] = t->src_port >> 8;
	input[2 * len + 1] = t->src_port;
	input[2 * len + 2] = t->dst_port >> 8;
	input[2 * len + 3] = t->dst_port;
	return toeplitz(n->key, input, 2 * len + (n->cfg.hash == SOFT_NIC_ADDRESSES ? 0 : 4));
}

/* Both directions alike: the ends in the order of their bytes. */
static uint32_t fanout_of(const struct soft_nic *n, const struct mn_steer_tuple *t, bool symmetric)
{
	uint8_t ends[2][18];

	memcpy(ends[0], t->src.b, 16);
	memcpy(ends[0] + 16, &t->src_port, 2);
	memcpy(ends[1], t->dst.b, 16);
	memcpy(ends[1] + 16, &t->dst_port, 2);
	if (symmetric && memcmp(ends[0], ends[1], sizeof(ends[0])) > 0) {
		uint8_t end[18];

		memcpy(end, ends[0], sizeof(end));
		memcpy(ends[0], ends[1], sizeof(end));
		memcpy(ends[1], end, sizeof(end));
	}
	return mn_siphash(n->secret, ends, sizeof(ends));
}

static uint32_t hash_of(struct soft_nic *n, const struct mn_steer_tuple *t)
{
	switch (n->cfg.hash) {
	case SOFT_NIC_FANOUT:
	case SOFT_NIC_FOLLOWS:
		return fanout_of(n, t, true);
	case SOFT_NIC_KEYED:
		return fanout_of(n, t, false);
	case SOFT_NIC_SPRAY:
		return random_next(&n->rng) >> 32;
	default:
		return toeplitz_of(n, t);
	}
}

uint8_t soft_nic_queue(struct soft_nic *n, const struct mn_steer_tuple *t)
{
	uint32_t hash = hash_of(n, t);
	uint8_t followed = n->followed[hash % SOFT_NIC_FLOWS];

	if (n->cfg.hash == SOFT_NIC_FOLLOWS && followed != NOT_FOLLOWED)
		return followed;
	/* The entry comes from other bits than the flow. */
	if (n->cfg.hash == SOFT_NIC_FOLLOWS)
		hash >>= 10;
	return n->cfg.table_len ? n->table[hash % n->cfg.table_len] : hash % n->cfg.queues;
}

void soft_nic_sent(struct soft_nic *n, const struct mn_steer_tuple *t, uint8_t queue)
{
	if (n->cfg.hash == SOFT_NIC_FOLLOWS)
		n->followed[hash_of(n, t) % SOFT_NIC_FLOWS] = queue;
}

uint64_t soft_nic_reached(struct soft_nic *n, const struct mn_steer_question *q,
			  uint16_t dst_first, uint16_t dst_count)
{
	struct mn_steer_tuple t = { .src = q->src, .dst = q->dst };
	uint64_t reached = 0;

	for (uint32_t s = 0; s < q->src_count; s++) {
		for (uint32_t d = 0; d < dst_count; d++) {
			t.src_port = q->src_first + s;
			t.dst_port = dst_first + d;
			reached |= UINT64_C(1) << soft_nic_queue(n, &t);
		}
	}
	return reached;
}
