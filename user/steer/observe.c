// SPDX-License-Identifier: MIT
/* observe.c - what an arrival says of its tuple, of the hash, and of what was believed */
#include "base/min.h"
#include "steer/block.h"
#include "steer/steer_priv.h"

#define CHURN_STEP	8u
#define CHURN_MAX	(2 * MN_CHURN_HIGH)

/* What was known of the hash is a hypothesis again; labels are used where no newer one is. */
static void nic_changed(struct mn_steer *s)
{
	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++)
		mn_learn_restart(&s->learn[f]);
	mn_hypotheses_restart(&s->hypotheses);
	s->epoch++;
}

static bool is_same_packet(const struct mn_label *l, const struct mn_steer_tuple *t)
{
	return l && l->state == MN_LABEL_ARRIVED && l->arrived_src == t->src_port &&
	       l->arrived_dst == t->dst_port;
}

/* The same tuple was at another queue: no hash does that, the NIC has changed. */
static void contradict(struct mn_steer *s, struct mn_steer_peer *p, const struct mn_label *l)
{
	s->contradictions++;
	if (l->epoch != s->epoch)
		return;
	nic_changed(s);
	p->churn = mn_min_u32(p->churn + CHURN_STEP, CHURN_MAX);
}

static void learn(struct mn_steer *s, struct mn_steer_peer *p, const struct mn_steer_tuple *t,
		  uint8_t queue)
{
	struct mn_learn *l = &s->learn[mn_steer_family(&t->src)];
	enum mn_learn_result r;
	bool wrong;

	r = mn_learn_observe(l, &p->origin, mn_block_ports(t->src_port, t->dst_port), queue);
	wrong = mn_hypotheses_observe(&s->hypotheses, t, queue);
	if (r == MN_LEARN_FAILED)
		s->contradictions++;
	if (r != MN_LEARN_CHANGED && !wrong)
		return;
	s->contradictions++;
	nic_changed(s);
	/* It is the first thing that is known of the NIC as it is now. */
	mn_learn_observe(l, &p->origin, mn_block_ports(t->src_port, t->dst_port), queue);
	mn_hypotheses_observe(&s->hypotheses, t, queue);
}

static void set_label(struct mn_steer *s, struct mn_steer_peer *p, const struct mn_steer_tuple *t,
		      uint16_t asked_src, uint16_t asked_dst, uint8_t queue)
{
	struct mn_label *l = mn_label_get(&s->peers, p, asked_src, asked_dst);

	if (!l)
		return;
	mn_label_set(&s->peers, p, l, MN_LABEL_ARRIVED, queue);
	l->arrived_src = t->src_port;
	l->arrived_dst = t->dst_port;
	l->epoch = s->epoch;
	if (p->arrived[queue] == 1)
		mn_steer_note_gain(s, p);
}

static void observe(struct mn_steer *s, const struct mn_steer_tuple *t, uint16_t asked_src,
		    uint16_t asked_dst, uint8_t queue)
{
	struct mn_steer_peer *p = mn_steer_peer_get(&s->peers, &t->src, &t->dst, s->budget);
	struct mn_label *l = mn_label_find(p, asked_src, asked_dst);
	bool same = is_same_packet(l, t);

	s->observations++;
	if (p->churn)
		p->churn--;
	if (asked_src != t->src_port || asked_dst != t->dst_port)
		p->translated = true;
	if (l && l->state != MN_LABEL_ARRIVED)
		mn_steer_note_passage(p, asked_src, asked_dst);
	if (same && l->queue != queue)
		contradict(s, p, l);
	if (!same || l->epoch != s->epoch || l->queue != queue)
		learn(s, p, t, queue);
	set_label(s, p, t, asked_src, asked_dst, queue);
}

void mn_steer_observe(struct mn_steer *s, const struct mn_steer_tuple *t, uint16_t asked_src,
		      uint16_t asked_dst, uint8_t queue)
{
	if (queue >= s->cfg.queues)
		return;
	mn_lock(&s->lock);
	observe(s, t, asked_src, asked_dst, queue);
	mn_unlock(&s->lock);
}
