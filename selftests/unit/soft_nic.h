/* SPDX-License-Identifier: MIT */
/*
 * soft_nic.h - a NIC that spreads packets over queues, in one of the ways that NICs have
 *
 * What it does follows from its configuration and its seed alone.
 */
#ifndef UNIT_SOFT_NIC_H
#define UNIT_SOFT_NIC_H

#include "steer/steer.h"

enum soft_nic_hash {
	SOFT_NIC_TOEPLITZ,	/* a random key */
	SOFT_NIC_SYMMETRIC,	/* Toeplitz: a random pair of bytes, repeated */
	SOFT_NIC_KEY,		/* Toeplitz: the key of the configuration */
	SOFT_NIC_ADDRESSES,	/* Toeplitz of the addresses alone */
	SOFT_NIC_FANOUT,	/* not linear, both directions of a flow alike: af_packet */
	SOFT_NIC_KEYED,		/* not linear, nor symmetric */
	SOFT_NIC_FOLLOWS,	/* as fanout, until a flow is sent on a queue: TAP without RSS */
	SOFT_NIC_SPRAY,		/* any queue, for each packet anew */
	SOFT_NIC_HASHES,
};

enum soft_nic_table {
	SOFT_NIC_REPEAT,	/* entry i is i mod queues */
	SOFT_NIC_RUNS,		/* as many entries in a row for each queue */
	SOFT_NIC_SHUFFLED,	/* as REPEAT, in a random order */
	SOFT_NIC_SKEWED,	/* half of the entries are queue 0 */
	SOFT_NIC_TABLES,
};

struct soft_nic_config {
	enum soft_nic_hash hash;
	enum soft_nic_table table;
	uint16_t table_len;		/* 0: the hash mod queues, without a table */
	uint8_t queues;
	uint8_t key_len;		/* 40 or 52; 0: 40 */
	const uint8_t *key;		/* of SOFT_NIC_KEY */
	uint64_t seed;
};

#define SOFT_NIC_FLOWS	1024	/* that SOFT_NIC_FOLLOWS knows */

struct soft_nic {
	struct soft_nic_config cfg;
	uint8_t key[MN_STEER_KEY_MAX];
	uint16_t table[MN_STEER_TABLE_MAX];
	uint64_t secret[2];
	uint64_t rng;
	/* Of SOFT_NIC_FOLLOWS: the queue on which the flow was sent last, by its hash. */
	uint8_t followed[SOFT_NIC_FLOWS];
};

void soft_nic_init(struct soft_nic *n, const struct soft_nic_config *cfg);

/* The queue of an arriving packet. */
uint8_t soft_nic_queue(struct soft_nic *n, const struct mn_steer_tuple *t);

/* A packet is sent on this queue; the tuple is that of a packet that comes back: src the peer. */
void soft_nic_sent(struct soft_nic *n, const struct mn_steer_tuple *t, uint8_t queue);

/* The machine was moved, or the table was written: another key, or the same with another table. */
void soft_nic_change(struct soft_nic *n, bool key, enum soft_nic_table table, uint64_t seed);

/* The queues that some pair of these ports leads to, as bits: by trying all of them. */
uint64_t soft_nic_reached(struct soft_nic *n, const struct mn_steer_question *q,
			  uint16_t dst_first, uint16_t dst_count);

#endif /* UNIT_SOFT_NIC_H */
