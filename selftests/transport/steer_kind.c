// SPDX-License-Identifier: MIT
#include "steer_kind.h"

/* Of Microsoft's specification of RSS; many drivers set it. */
static const uint8_t default_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

const struct steer_kind steer_kinds[] = {
	{ .name = "toeplitz", .hash = SOFT_NIC_TOEPLITZ, .table_len = 128,
	  .what = "a random key for each host, entry i of the table is queue i mod n" },
	{ .name = "toeplitz-52", .hash = SOFT_NIC_TOEPLITZ, .table_len = 512, .key_len = 52,
	  .what = "the same, 52 bytes of key and 512 entries" },
	{ .name = "toeplitz-equal", .hash = SOFT_NIC_TOEPLITZ, .table_len = 128, .equal = true,
	  .what = "one key for both hosts" },
	{ .name = "default-key", .hash = SOFT_NIC_KEY, .table_len = 128, .equal = true,
	  .what = "Microsoft's key" },
	{ .name = "symmetric", .hash = SOFT_NIC_SYMMETRIC, .table_len = 128, .equal = true,
	  .what = "Toeplitz, one symmetric key" },
	{ .name = "modulo", .hash = SOFT_NIC_TOEPLITZ,
	  .what = "Toeplitz, no table: the hash mod queues" },
	{ .name = "odd-table", .hash = SOFT_NIC_TOEPLITZ, .table_len = 100,
	  .what = "Toeplitz, 100 entries" },
	{ .name = "runs", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_RUNS, .table_len = 128,
	  .what = "Toeplitz, equal runs of entries for each queue" },
	{ .name = "shuffled", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_SHUFFLED,
	  .table_len = 128, .what = "Toeplitz, entries in a random order" },
	{ .name = "skewed", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_SKEWED, .table_len = 128,
	  .what = "Toeplitz, half of the entries are queue 0" },
	{ .name = "device", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_SHUFFLED,
	  .table_len = 128, .device = true, .what = "key and table are read" },
	{ .name = "wrong-device", .hash = SOFT_NIC_TOEPLITZ, .table_len = 128, .device = true,
	  .lies = true, .what = "the key that is read is another one" },
	{ .name = "fanout", .hash = SOFT_NIC_FANOUT, .table_len = 128,
	  .what = "not linear, symmetric, a secret for each host" },
	{ .name = "fanout-equal", .hash = SOFT_NIC_FANOUT, .equal = true,
	  .what = "one secret: af_packet between namespaces" },
	{ .name = "keyed", .hash = SOFT_NIC_KEYED, .table_len = 128,
	  .what = "not linear, not symmetric" },
	{ .name = "addresses", .hash = SOFT_NIC_ADDRESSES, .table_len = 128,
	  .what = "Toeplitz of the addresses alone: ports do not matter" },
	{ .name = "follows", .hash = SOFT_NIC_FOLLOWS,
	  .what = "the queue on which the flow was sent last: TAP" },
	{ .name = "spray", .hash = SOFT_NIC_SPRAY,
	  .what = "any queue, for each packet anew" },
	{ .name = "changes", .hash = SOFT_NIC_KEYED, .table_len = 128, .changes = true,
	  .what = "keyed; another key and table amid the storm" },
	{ .name = "toeplitz-changes", .hash = SOFT_NIC_TOEPLITZ, .table_len = 128,
	  .changes = true, .what = "toeplitz; another key and table amid the storm" },
};

const uint32_t steer_n_kinds = sizeof(steer_kinds) / sizeof(*steer_kinds);

void steer_kind_config(const struct steer_kind *k, struct steer_config *cfg)
{
	for (int i = 0; i < 2; i++)
		cfg->nic[i] = (struct soft_nic_config){
			.hash = k->hash, .table = k->table, .table_len = k->table_len,
			.key_len = k->key_len, .key = default_key,
			.seed = k->equal ? cfg->seed : 2 * cfg->seed + i,
		};
}

void steer_kind_read(const struct steer_kind *k, struct steer_net *n)
{
	for (int i = 0; i < 2 && k->device; i++) {
		struct steer_host *h = &n->host[i];
		const uint8_t *key = k->lies ? default_key : h->nic.key;

		if (h->steer)
			mn_steer_set_device(h->steer, key, 40, h->nic.table,
					    h->nic.cfg.table_len);
	}
}

void steer_kind_change(const struct steer_kind *k, struct steer_net *n)
{
	if (k->changes)
		soft_nic_change(&n->host[1].nic, true, SOFT_NIC_SHUFFLED, n->rng);
}

bool steer_kind_can_steer(const struct steer_kind *k, struct steer_net *n)
{
	return k->hash != SOFT_NIC_SPRAY && k->hash != SOFT_NIC_FOLLOWS &&
	       steer_net_can_steer(n, 0) && steer_net_can_steer(n, 1);
}
