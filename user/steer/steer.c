// SPDX-License-Identifier: MIT
/* steer.c - the object and what is seen of it */
#include <errno.h>
#include <stdlib.h>

#include "base/min.h"
#include "steer/steer_priv.h"

/*
 * Candidates of a peer that find no further queue. One with the usual share of the tuples is
 * missed with a probability of e^-16, or e^-8 with 64 queues.
 */
#define BUDGET_PER_QUEUE	16u
#define BUDGET_MAX		512u

struct mn_steer *mn_steer_new(const struct mn_steer_config *cfg)
{
	struct mn_steer *s;
	uint64_t seed[2];

	if (!cfg->queues || cfg->queues > MN_STEER_QUEUES || !cfg->max_peers)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->cfg = *cfg;
	s->budget = mn_min_u32(BUDGET_PER_QUEUE * cfg->queues, BUDGET_MAX);
	s->random = cfg->seed ? cfg->seed : 1;
	seed[0] = mn_steer_random(s);
	seed[1] = mn_steer_random(s);
	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++)
		mn_learn_init(&s->learn[f], cfg->queues);
	mn_hypotheses_init(&s->hypotheses, cfg->queues);
	if (mn_steer_peers_init(&s->peers, cfg->max_peers, seed) || mn_lock_init(&s->lock)) {
		mn_steer_peers_fini(&s->peers);
		free(s);
		return NULL;
	}
	return s;
}

void mn_steer_free(struct mn_steer *s)
{
	if (!s)
		return;
	mn_lock_fini(&s->lock);
	mn_steer_peers_fini(&s->peers);
	free(s);
}

int mn_steer_set_device(struct mn_steer *s, const uint8_t *key, size_t key_len,
			const uint16_t *table, size_t table_len)
{
	int err;

	mn_lock(&s->lock);
	err = mn_hypotheses_set_device(&s->hypotheses, key, key_len, table, table_len);
	mn_unlock(&s->lock);
	return err;
}

enum mn_steer_how mn_steer_advise(struct mn_steer *s, const struct mn_steer_question *q,
				  uint16_t *src_port, uint16_t *dst_port)
{
	enum mn_steer_how how;

	mn_lock(&s->lock);
	how = mn_steer_answer(s, q, src_port, dst_port);
	mn_unlock(&s->lock);
	return how;
}

void mn_steer_refused(struct mn_steer *s, const struct mn_steer_question *q, uint16_t src_port,
		      uint16_t dst_port)
{
	mn_lock(&s->lock);
	mn_steer_note_refusal(s, q, src_port, dst_port);
	mn_unlock(&s->lock);
}

/* The tuples of some peer are all refused, and those of none get through. */
static bool is_confined(const struct mn_steer *s)
{
	bool confined = false;

	for (uint32_t i = 0; i < s->peers.fresh; i++) {
		if (s->peers.all[i].open)
			return false;
		confined |= s->peers.all[i].reach == MN_REACH_HOME;
	}
	return confined;
}

static bool ignores_ports(const struct mn_steer *s)
{
	bool ignores = false;

	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++) {
		if (s->learn[f].varies)
			return false;
		ignores |= mn_learn_ignores_ports(&s->learn[f]);
	}
	return ignores;
}

static enum mn_belief best_belief(const struct mn_steer *s)
{
	enum mn_belief best = MN_BELIEF_NONE;

	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++) {
		enum mn_belief belief = mn_hypotheses_best(&s->hypotheses, f).belief;

		if (belief > best)
			best = belief;
		if (mn_learn_trusted(&s->learn[f]) && best < MN_BELIEF_TRUSTED)
			best = MN_BELIEF_TRUSTED;
	}
	return best;
}

static enum mn_steer_class class_of(const struct mn_steer *s)
{
	enum mn_belief belief = best_belief(s);

	if (s->cfg.queues == 1 || ignores_ports(s))
		return MN_STEER_SINGLE;
	if (is_confined(s))
		return MN_STEER_CONFINED;
	if (belief == MN_BELIEF_DEVICE)
		return MN_STEER_COMPUTED;
	if (belief == MN_BELIEF_TRUSTED)
		return MN_STEER_LEARNED;
	return s->peers.labels ? MN_STEER_LABELS : MN_STEER_UNKNOWN;
}

void mn_steer_info(struct mn_steer *s, struct mn_steer_info *info)
{
	const struct mn_learn *l = s->learn;

	mn_lock(&s->lock);
	if (s->learn[1].map.rank > l->map.rank)
		l = &s->learn[1];
	*info = (struct mn_steer_info){
		.class = class_of(s),
		.ignores_ports = ignores_ports(s),
		.rank = l->map.rank,
		.rank_full = l->full.rank,
		.peers = s->peers.fresh,
		.labels = s->peers.labels,
		.observations = s->observations,
		.contradictions = s->contradictions,
		.candidates = s->candidates,
		.refused = s->refused,
	};
	mn_unlock(&s->lock);
}
