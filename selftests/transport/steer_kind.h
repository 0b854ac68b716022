/* SPDX-License-Identifier: MIT */
/* steer_kind.h - the kinds of NIC behind which two hosts are tested: hashes, keys and tables */
#ifndef STEER_KIND_H
#define STEER_KIND_H

#include "steer_net.h"

struct steer_kind {
	const char *name, *what;
	enum soft_nic_hash hash;
	enum soft_nic_table table;
	uint16_t table_len;	/* 0: the hash mod queues */
	uint8_t key_len;	/* 0: 40 */
	bool equal;		/* one key, or secret, for both hosts */
	bool device;		/* key and table can be read */
	bool lies;		/* the key that is read is not the one that is used */
	bool changes;		/* the host that accepts gets others amid the traffic */
};

extern const struct steer_kind steer_kinds[];
extern const uint32_t steer_n_kinds;

/* Sets the NICs of both. */
void steer_kind_config(const struct steer_kind *k, struct steer_config *cfg);
/* After steer_net_init(): what the devices say of themselves. */
void steer_kind_read(const struct steer_kind *k, struct steer_net *n);
/* If the kind changes: now. */
void steer_kind_change(const struct steer_kind *k, struct steer_net *n);
/* There are tuples for each queue of both hosts, and a queue follows from its tuple. */
bool steer_kind_can_steer(const struct steer_kind *k, struct steer_net *n);

#endif /* STEER_KIND_H */
