// SPDX-License-Identifier: MIT
/* cookie.c - proof of an address without a memory of it */
#include <string.h>

#include "base/siphash.h"
#include "transport/cookie.h"

/* What a cookie is made of. */
struct claim {
	uint8_t local[16], remote[16];
	uint64_t id;
	uint32_t local_port, remote_port;
};

_Static_assert(sizeof(struct claim) == 48, "no hole in what is hashed");

static void new_key(uint64_t key[2], const struct mn_stack_config *cfg)
{
	key[0] = cfg->ops->random(cfg->ops_ctx);
	key[1] = cfg->ops->random(cfg->ops_ctx);
}

static void change_keys(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us)
{
	uint64_t age_us = now_us - ck->since_us;

	if (ck->since_us && age_us < MN_COOKIE_KEY_US)
		return;
	if (ck->since_us && age_us < 2 * MN_COOKIE_KEY_US) {
		memcpy(ck->key[1], ck->key[0], sizeof(ck->key[1]));
		ck->since_us += MN_COOKIE_KEY_US;
	} else {
		new_key(ck->key[1], cfg);
		ck->since_us = now_us;
	}
	new_key(ck->key[0], cfg);
}

static uint64_t cookie(const uint64_t key[2], const struct mn_tuple *tuple, uint64_t peer_id)
{
	struct claim cl = {
		.id = peer_id,
		.local_port = tuple->local_port,
		.remote_port = tuple->remote_port,
	};
	uint64_t hash;

	memcpy(cl.local, tuple->local.b, sizeof(cl.local));
	memcpy(cl.remote, tuple->remote.b, sizeof(cl.remote));
	hash = mn_siphash(key, &cl, sizeof(cl));
	return hash ? hash : 1;
}

uint64_t mn_cookie_make(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
			const struct mn_tuple *tuple, uint64_t peer_id)
{
	change_keys(ck, cfg, now_us);
	return cookie(ck->key[0], tuple, peer_id);
}

bool mn_cookie_check(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
		     const struct mn_tuple *tuple, uint64_t peer_id, uint64_t given)
{
	change_keys(ck, cfg, now_us);
	return cookie(ck->key[0], tuple, peer_id) == given ||
	       cookie(ck->key[1], tuple, peer_id) == given;
}
