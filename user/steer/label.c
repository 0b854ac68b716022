// SPDX-License-Identifier: MIT
/* label.c - peers by their addresses, and the labels of each */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/label.h"

int mn_steer_peers_init(struct mn_steer_peers *ps, uint32_t max, const uint64_t seed[2])
{
	*ps = (struct mn_steer_peers){ .max = max };
	mn_list_init(&ps->lru);
	/* Pages that are never touched cost nothing: most peers may never be. */
	ps->all = calloc(max, sizeof(*ps->all));
	return !ps->all || mn_hash_init(&ps->by_address, max, seed) ? -ENOMEM : 0;
}

void mn_steer_peers_fini(struct mn_steer_peers *ps)
{
	for (uint32_t i = 0; i < ps->fresh; i++)
		free(ps->all[i].labels);
	free(ps->all);
	mn_hash_fini(&ps->by_address);
}

static uint64_t key_of(const struct mn_steer_peers *ps, const struct mn_addr *src,
		       const struct mn_addr *dst)
{
	const uint64_t *seed = ps->by_address.seed;
	uint64_t s[2], d[2];

	memcpy(s, src->b, sizeof(s));
	memcpy(d, dst->b, sizeof(d));
	return mn_hash_mix(mn_hash_mix(mn_hash_mix(s[0], s[1], seed), d[0], seed), d[1], seed);
}

struct mn_steer_peer *mn_steer_peer_find(struct mn_steer_peers *ps, const struct mn_addr *src,
					 const struct mn_addr *dst)
{
	uint32_t slot = mn_hash_get(&ps->by_address, key_of(ps, src, dst));
	struct mn_steer_peer *p;

	if (slot == MN_HASH_NONE)
		return NULL;
	p = &ps->all[slot];
	mn_list_del(&p->lru);
	mn_list_add_tail(&ps->lru, &p->lru);
	return p;
}

/* An entry that was never used, or that of the peer unused for longest. */
static struct mn_steer_peer *take(struct mn_steer_peers *ps)
{
	struct mn_steer_peer *p;

	if (ps->fresh < ps->max) {
		p = &ps->all[ps->fresh++];
		mn_list_init(&p->lru);
		return p;
	}
	p = mn_container(ps->lru.next, struct mn_steer_peer, lru);
	mn_hash_del(&ps->by_address, p->key);
	mn_list_del(&p->lru);
	for (uint32_t q = 0; q < MN_STEER_QUEUES; q++)
		ps->labels -= p->arrived[q];
	free(p->labels);
	return p;
}

struct mn_steer_peer *mn_steer_peer_get(struct mn_steer_peers *ps, const struct mn_addr *src,
					const struct mn_addr *dst, uint32_t budget)
{
	struct mn_steer_peer *p = mn_steer_peer_find(ps, src, dst);

	if (p)
		return p;
	p = take(ps);
	*p = (struct mn_steer_peer){
		.src = *src, .dst = *dst, .key = key_of(ps, src, dst), .budget = budget,
	};
	mn_list_init(&p->lru);
	mn_list_add_tail(&ps->lru, &p->lru);
	mn_hash_put(&ps->by_address, p->key, p - ps->all);
	return p;
}

struct mn_label *mn_label_find(const struct mn_steer_peer *p, uint16_t src, uint16_t dst)
{
	for (uint32_t i = 0; i < p->n_labels; i++)
		if (p->labels[i].src == src && p->labels[i].dst == dst)
			return &p->labels[i];
	return NULL;
}

static bool is_only_one(const struct mn_steer_peer *p, const struct mn_label *l)
{
	return l->state == MN_LABEL_ARRIVED && p->arrived[l->queue] == 1;
}

/* There are more labels than queues, so that one of them is not the only one of its queue. */
static struct mn_label *oldest(const struct mn_steer_peer *p)
{
	struct mn_label *found = NULL;

	for (uint32_t i = 0; i < p->n_labels; i++) {
		struct mn_label *l = &p->labels[i];

		if (!is_only_one(p, l) && (!found || l->used < found->used))
			found = l;
	}
	return found;
}

static bool grow(struct mn_steer_peer *p)
{
	uint32_t room = p->room ? 2 * p->room : 16;
	struct mn_label *more;

	if (p->room == MN_LABELS_MAX)
		return false;
	more = realloc(p->labels, room * sizeof(*more));
	if (!more)
		return false;
	p->labels = more;
	p->room = room;
	return true;
}

struct mn_label *mn_label_get(struct mn_steer_peers *ps, struct mn_steer_peer *p, uint16_t src,
			      uint16_t dst)
{
	struct mn_label *l = mn_label_find(p, src, dst);

	if (l)
		return l;
	if (p->n_labels < p->room || grow(p)) {
		l = &p->labels[p->n_labels++];
	} else {
		l = oldest(p);
		if (!l)
			return NULL;
		mn_label_set(ps, p, l, MN_LABEL_ASKED, 0);
	}
	*l = (struct mn_label){ .src = src, .dst = dst, .state = MN_LABEL_ASKED };
	return l;
}

void mn_label_set(struct mn_steer_peers *ps, struct mn_steer_peer *p, struct mn_label *l,
		  enum mn_label_state state, uint8_t queue)
{
	if (l->state == MN_LABEL_ARRIVED) {
		p->arrived[l->queue]--;
		ps->labels--;
	}
	l->state = state;
	l->queue = queue;
	l->used = ++p->clock;
	if (state == MN_LABEL_ARRIVED) {
		p->arrived[queue]++;
		ps->labels++;
	}
}

void mn_label_forgive(struct mn_steer_peers *ps, struct mn_steer_peer *p)
{
	uint32_t i = 0;

	while (i < p->n_labels) {
		struct mn_label *l = &p->labels[i];

		if (l->state == MN_LABEL_REFUSED) {
			mn_label_set(ps, p, l, MN_LABEL_ASKED, 0);
			*l = p->labels[--p->n_labels];
		} else {
			i++;
		}
	}
}
