// SPDX-License-Identifier: MIT
/* hypothesis.c - each pair of a key and a table is refuted by the first wrong prediction */
#include <errno.h>
#include <string.h>

#include "steer/hypothesis.h"

#define DEVICE	0	/* index of the device's key and of its table */

/* The device's key is that of the object; here are the others. */
static const uint8_t keys[MN_HYPOTHESIS_KEYS - 1][MN_TOEPLITZ_KEY_MIN] = {
	/* Of Microsoft's specification, and of Intel's and virtio's drivers. */
	{
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
		0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
		0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
	},
	/* Of the drivers mlx5, mana and netvsc. */
	{
		0x2c, 0xc6, 0x81, 0xd1, 0x5b, 0xdb, 0xf4, 0xf7, 0xfc, 0xa2,
		0x83, 0x19, 0xdb, 0x1a, 0x3e, 0x94, 0x6b, 0x9e, 0x38, 0xd9,
		0x2c, 0x9c, 0x03, 0xd1, 0xad, 0x99, 0x44, 0xa7, 0xd9, 0x56,
		0x3d, 0x59, 0x06, 0x3c, 0x25, 0xf3, 0xfc, 0x1f, 0xdc, 0x2a,
	},
	/* S. Woo, K. Park, "Scalable TCP Session Monitoring with Symmetric RSS", 2012. */
	{
		0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
		0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
		0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
		0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a,
	},
};

/* Entry i of a default table is i mod queues: the size matters unless queues is a power of two. */
static const uint16_t sizes[MN_HYPOTHESIS_TABLES] = { [1] = 128, 64, 256, 512, 16 };

/* Of so many bits of evidence: there are some twenty hypotheses. */
#define TRUST_BITS		16
#define TRUST_BITS_DEFAULT	24
#define TRUST_MIN		8
#define GUESS_MIN		3

void mn_hypotheses_init(struct mn_hypotheses *h, uint8_t queues)
{
	*h = (struct mn_hypotheses){ .queues = queues };
}

void mn_hypotheses_restart(struct mn_hypotheses *h)
{
	memset(h->hits, 0, sizeof(h->hits));
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

int mn_hypotheses_set_device(struct mn_hypotheses *h, const uint8_t *key, size_t key_len,
			     const uint16_t *table, size_t table_len)
{
	if (!key || key_len < MN_TOEPLITZ_KEY_MIN || key_len > MN_STEER_KEY_MAX ||
	    is_zero(key, key_len))
		return -EINVAL;
	if (!table != !table_len || table_len > MN_STEER_TABLE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < table_len; i++)
		if (table[i] >= h->queues)
			return -EINVAL;
	memcpy(h->device_key, key, key_len);
	if (table)
		memcpy(h->table, table, table_len * sizeof(*table));
	h->table_len = table_len;
	h->has_key = true;
	for (uint32_t f = 0; f < MN_HYPOTHESIS_FAMILIES; f++) {
		memset(h->hits[f][DEVICE], 0, sizeof(h->hits[f][DEVICE]));
		for (uint32_t k = 0; k < MN_HYPOTHESIS_KEYS; k++)
			h->hits[f][k][DEVICE] = 0;
	}
	return 0;
}

static bool exists(const struct mn_hypotheses *h, uint32_t key, uint32_t table)
{
	return (key != DEVICE || h->has_key) && (table != DEVICE || h->table_len);
}

static uint8_t queue_of(const struct mn_hypotheses *h, uint32_t table, uint32_t hash)
{
	if (table == DEVICE)
		return h->table[hash % h->table_len];
	return hash % sizes[table] % h->queues;
}

static const uint8_t *key_of(const struct mn_hypotheses *h, uint32_t key)
{
	return key == DEVICE ? h->device_key : keys[key - 1];
}

static bool is_device(uint32_t key, uint32_t table)
{
	return key == DEVICE && table == DEVICE;
}

static enum mn_belief belief_in(const struct mn_hypotheses *h, uint32_t key, uint32_t table,
				uint32_t hits)
{
	uint32_t bits = h->queues > 1 ? 31 - __builtin_clz(h->queues) : 0;
	uint32_t needed = is_device(key, table) ? TRUST_BITS : TRUST_BITS_DEFAULT;

	if (hits == MN_HYPOTHESIS_REFUTED || hits < GUESS_MIN || !exists(h, key, table))
		return MN_BELIEF_NONE;
	if (hits < TRUST_MIN || hits * bits < needed)
		return MN_BELIEF_GUESS;
	return is_device(key, table) ? MN_BELIEF_DEVICE : MN_BELIEF_TRUSTED;
}

bool mn_hypotheses_observe(struct mn_hypotheses *h, const struct mn_steer_tuple *t, uint8_t queue)
{
	uint32_t (*hits)[MN_HYPOTHESIS_TABLES] = h->hits[mn_steer_family(&t->src)];
	bool wrong = false;

	for (uint32_t k = 0; k < MN_HYPOTHESIS_KEYS; k++) {
		uint32_t hash = mn_toeplitz(key_of(h, k), t);

		for (uint32_t i = 0; i < MN_HYPOTHESIS_TABLES; i++) {
			if (!exists(h, k, i) || hits[k][i] == MN_HYPOTHESIS_REFUTED)
				continue;
			if (queue_of(h, i, hash) == queue) {
				hits[k][i]++;
				continue;
			}
			wrong |= belief_in(h, k, i, hits[k][i]) >= MN_BELIEF_TRUSTED;
			hits[k][i] = MN_HYPOTHESIS_REFUTED;
		}
	}
	return wrong;
}

struct mn_hypothesis mn_hypotheses_best(const struct mn_hypotheses *h, uint32_t family)
{
	struct mn_hypothesis best = { .belief = MN_BELIEF_NONE };

	for (uint32_t k = 0; k < MN_HYPOTHESIS_KEYS; k++) {
		for (uint32_t i = 0; i < MN_HYPOTHESIS_TABLES; i++) {
			enum mn_belief belief = belief_in(h, k, i, h->hits[family][k][i]);

			if (belief > best.belief)
				best = (struct mn_hypothesis){ belief, k, i, 0 };
		}
	}
	return best;
}

void mn_hypothesis_between(const struct mn_hypotheses *h, struct mn_hypothesis *which,
			   struct mn_steer_tuple t)
{
	t.src_port = 0;
	t.dst_port = 0;
	which->addresses = mn_toeplitz(key_of(h, which->key), &t);
}

uint8_t mn_hypothesis_predict(const struct mn_hypotheses *h, const struct mn_hypothesis *which,
			      const struct mn_steer_tuple *t)
{
	uint32_t ports = mn_toeplitz_ports(key_of(h, which->key), t);

	return queue_of(h, which->table, which->addresses ^ ports);
}
