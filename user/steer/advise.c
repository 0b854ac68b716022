// SPDX-License-Identifier: MIT
/*
 * advise.c - which tuple to ask a peer for: one that has arrived there, one that is predicted, or
 * one that is worth a try; and when to try no more
 */
#include "base/min.h"
#include "steer/block.h"
#include "steer/steer_priv.h"

/* Refusals in a row until only tuples with a port that is known to be open are tried. */
#define REFUSALS_MAX	3
/* A candidate under way is lost after so many more questions of its peer. */
#define ASKED_QUESTIONS	256
/* Questions of a peer without a candidate, when there is no hope; twice as many each time. */
#define REST		64u
#define REST_MAX	4096u
#define BUDGET_AFTER_REST	4u

/* Where a prediction is a guess, it is not looked for in more pairs of ports. */
#define PAIRS_PER_QUEUE	16u

struct hunt {
	struct mn_steer *s;
	struct mn_steer_peer *p;
	const struct mn_steer_question *q;
	const struct mn_learn *learn;
	struct mn_hypothesis hypothesis;
	bool trusted;		/* predictions are true */
	bool predicts;		/* there are some */
	bool fits;		/* a tuple is predicted for the queue, though it may not be free */
};

/* How good a tuple is, if it was not tried; the best one is taken. */
enum merit {
	MERIT_NONE,
	MERIT_STALE,		/* it was at another queue before the NIC changed */
	MERIT_UNTRIED,
	MERIT_TEACHES,		/* it raises the rank of what is learned */
	MERIT_FITS,		/* it is predicted */
};

static void begin_rest(struct mn_steer_peer *p)
{
	p->rest = p->long_rest ? p->long_rest : REST;
	p->long_rest = mn_min_u32(2 * p->rest, REST_MAX);
}

/* Nothing was to be hoped for; that may have changed. */
static void end_rest(struct mn_steer *s, struct mn_steer_peer *p)
{
	if (p->reach == MN_REACH_HOME) {
		mn_label_forgive(&s->peers, p);
		p->reach = MN_REACH_ANY;
		p->refusals = REFUSALS_MAX - 1;
	}
	p->unreachable = 0;
	if (p->budget < BUDGET_AFTER_REST)
		p->budget = BUDGET_AFTER_REST;
}

static uint64_t bit_of(uint8_t queue)
{
	return UINT64_C(1) << queue;
}

static bool has_hope(const struct hunt *h)
{
	return h->p->budget && h->p->reach != MN_REACH_HOME && !mn_learn_ignores_ports(h->learn);
}

/* At the end of a rest nothing is believed: a try shows whether the NIC is still the same. */
static bool may_try(struct hunt *h)
{
	struct mn_steer_peer *p = h->p;

	if (p->rest) {
		if (--p->rest)
			return false;
		end_rest(h->s, p);
		h->trusted = false;
		h->predicts = false;
		return true;
	}
	if (has_hope(h))
		return true;
	begin_rest(p);
	return false;
}

void mn_steer_note_gain(const struct mn_steer *s, struct mn_steer_peer *p)
{
	p->budget = s->budget;
	p->long_rest = 0;
}

void mn_steer_note_passage(struct mn_steer_peer *p, uint16_t src_port, uint16_t dst_port)
{
	uint8_t reach = MN_REACH_ANY;

	if (src_port == p->home_src && dst_port == p->home_dst)
		return;
	if (src_port == p->home_src)
		reach = MN_REACH_HOME_SRC;
	if (dst_port == p->home_dst)
		reach = MN_REACH_HOME_DST;
	p->open = true;
	p->refusals = 0;
	if (reach < p->reach)
		p->reach = reach;
}

static bool is_home(const struct mn_steer_question *q, uint16_t src, uint16_t dst)
{
	return src == q->home_src && dst == q->home_dst;
}

/* Tuples that were asked for before the last restriction say nothing of it. */
static bool is_meant_by_reach(uint8_t reach, const struct mn_steer_question *q, uint16_t src,
			      uint16_t dst)
{
	/* The home tuple gets through: behind a NAT it is the peer that cannot choose it. */
	if (is_home(q, src, dst))
		return false;
	switch (reach) {
	case MN_REACH_ANY:
		return true;
	case MN_REACH_HOME_DST:
		return dst == q->home_dst;
	case MN_REACH_HOME_SRC:
		return src == q->home_src;
	default:
		return false;
	}
}

void mn_steer_note_refusal(struct mn_steer *s, const struct mn_steer_question *q,
			   uint16_t src_port, uint16_t dst_port)
{
	struct mn_steer_peer *p = mn_steer_peer_find(&s->peers, &q->src, &q->dst);
	struct mn_label *l = p ? mn_label_find(p, src_port, dst_port) : NULL;

	if (!l || l->state == MN_LABEL_REFUSED)
		return;
	s->refused++;
	mn_label_set(&s->peers, p, l, MN_LABEL_REFUSED, 0);
	if (is_meant_by_reach(p->reach, q, src_port, dst_port) && ++p->refusals == REFUSALS_MAX) {
		p->reach++;
		p->refusals = 0;
	}
}

static struct mn_block block_of_peer(const struct mn_steer_question *q)
{
	return mn_block_clamp(q->src_first, q->src_count);
}

static struct mn_block block_of_ours(const struct mn_steer *s)
{
	return mn_block_clamp(s->cfg.port_first, s->cfg.port_count);
}

/* One of the labels of the queue, each as likely; of the NIC as it is, or any. */
static bool give_label(struct hunt *h, bool stale, uint16_t *src, uint16_t *dst)
{
	struct mn_block theirs = block_of_peer(h->q), ours = block_of_ours(h->s);
	struct mn_label *found = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->p->n_labels; i++) {
		struct mn_label *l = &h->p->labels[i];

		if (l->state != MN_LABEL_ARRIVED || l->queue != h->q->queue ||
		    (l->epoch != h->s->epoch && !stale))
			continue;
		if (!(mn_block_has(theirs, l->src) && mn_block_has(ours, l->dst)) &&
		    !is_home(h->q, l->src, l->dst))
			continue;
		if (mn_steer_random(h->s) % ++n == 0)
			found = l;
	}
	if (!found)
		return false;
	found->used = ++h->p->clock;
	*src = found->src;
	*dst = found->dst;
	return true;
}

static bool predict(const struct hunt *h, uint16_t src, uint16_t dst, uint8_t *queue)
{
	struct mn_steer_tuple t = { h->q->src, h->q->dst, src, dst };
	bool learned = mn_learn_trusted(h->learn);

	if (h->hypothesis.belief >= MN_BELIEF_TRUSTED ||
	    (h->hypothesis.belief == MN_BELIEF_GUESS && !learned)) {
		*queue = mn_hypothesis_predict(&h->s->hypotheses, &h->hypothesis, &t);
		return true;
	}
	return mn_learn_predict(h->learn, &h->p->origin, mn_block_ports(src, dst), queue);
}

static bool is_under_way(const struct hunt *h, const struct mn_label *l)
{
	return l->state == MN_LABEL_ASKED && h->p->questions - l->stamp <= ASKED_QUESTIONS;
}

/* It has not been tried, or so long ago that it is taken for lost. */
static enum merit merit_of_label(const struct hunt *h, const struct mn_label *l)
{
	if (!l || (l->state == MN_LABEL_ASKED && !is_under_way(h, l)))
		return MERIT_UNTRIED;
	return l->state == MN_LABEL_ARRIVED && l->epoch != h->s->epoch ? MERIT_STALE : MERIT_NONE;
}

static enum merit merit_of(struct hunt *h, uint16_t src, uint16_t dst)
{
	enum merit merit;
	uint8_t queue = 0;
	bool predicted;

	predicted = h->predicts && predict(h, src, dst, &queue);
	if (predicted && queue == h->q->queue)
		h->fits = true;
	else if (predicted && h->trusted)
		return MERIT_NONE;
	merit = merit_of_label(h, mn_label_find(h->p, src, dst));
	if (merit == MERIT_NONE || !h->predicts)
		return merit;
	if (predicted)
		return queue == h->q->queue ? MERIT_FITS : merit;
	if (merit == MERIT_UNTRIED &&
	    mn_learn_wants(h->learn, &h->p->origin, mn_block_ports(src, dst)))
		return MERIT_TEACHES;
	return merit;
}

/* Good enough to look no further, after so many pairs of ports. */
static enum merit enough(const struct hunt *h, uint32_t pairs)
{
	if (!h->trusted && pairs >= PAIRS_PER_QUEUE * h->s->cfg.queues)
		return MERIT_UNTRIED;
	return h->predicts ? MERIT_FITS : MERIT_UNTRIED;
}

static enum merit choose(struct hunt *h, uint16_t *src, uint16_t *dst)
{
	struct mn_block theirs = block_of_peer(h->q), ours = block_of_ours(h->s);
	enum merit best = MERIT_NONE;
	struct mn_block_walk w;
	uint32_t pairs = 0;
	uint16_t x, y;

	if (h->p->reach == MN_REACH_HOME)
		return MERIT_NONE;
	if (h->p->reach == MN_REACH_HOME_DST)
		ours = (struct mn_block){ h->q->home_dst, 1 };
	if (h->p->reach == MN_REACH_HOME_SRC)
		theirs = (struct mn_block){ h->q->home_src, 1 };
	mn_block_walk(&w, theirs, ours, mn_steer_random(h->s));
	while (best < enough(h, pairs++) && mn_block_next(&w, &x, &y)) {
		enum merit m = merit_of(h, x, y);

		if (m <= best)
			continue;
		best = m;
		*src = x;
		*dst = y;
	}
	return best;
}

static void mark_asked(struct hunt *h, uint16_t src, uint16_t dst)
{
	struct mn_label *l = mn_label_get(&h->s->peers, h->p, src, dst);

	if (!l)
		return;
	mn_label_set(&h->s->peers, h->p, l, MN_LABEL_ASKED, 0);
	l->stamp = h->p->questions;
}

/*
 * Each queue without a label takes one more candidate at least, whichever finds it. As many at a
 * time are never too many, more may be: engines that ask at once ask for the same queues.
 */
static bool must_wait(const struct hunt *h)
{
	uint32_t unknown = 0, under_way = 0;

	if (!h->s->cfg.patient)
		return false;
	for (uint32_t queue = 0; queue < h->s->cfg.queues; queue++)
		unknown += !h->p->arrived[queue];
	for (uint32_t i = 0; i < h->p->n_labels; i++)
		under_way += is_under_way(h, &h->p->labels[i]);
	return under_way && under_way >= unknown;
}

static enum mn_steer_how give_candidate(struct hunt *h, uint16_t src, uint16_t dst)
{
	mark_asked(h, src, dst);
	h->s->candidates++;
	if (h->p->budget)
		h->p->budget--;
	return MN_STEER_CANDIDATE;
}

/* A tuple that is predicted, or else one that may be tried. */
static enum mn_steer_how look_for(struct hunt *h, uint16_t *src, uint16_t *dst)
{
	bool tries = may_try(h);
	enum merit best;
	uint16_t x, y;

	if (h->trusted ? h->p->unreachable & bit_of(h->q->queue) : !tries)
		return MN_STEER_NONE;
	best = choose(h, &x, &y);
	while (best == MERIT_NONE && h->p->reach > MN_REACH_ANY && h->p->reach < MN_REACH_HOME) {
		h->p->reach++;
		best = choose(h, &x, &y);
	}
	if (best == MERIT_NONE && h->trusted && !h->fits && h->p->reach == MN_REACH_ANY)
		h->p->unreachable |= bit_of(h->q->queue);
	if (best == MERIT_NONE || (best != MERIT_FITS && !tries))
		return MN_STEER_NONE;
	if ((best != MERIT_FITS || !h->trusted) && must_wait(h))
		return MN_STEER_WAIT;
	*src = x;
	*dst = y;
	if (best != MERIT_FITS || !h->trusted)
		return give_candidate(h, x, y);
	mark_asked(h, x, y);
	return MN_STEER_PREDICTED;
}

static void believe(struct hunt *h)
{
	const struct mn_hypotheses *all = &h->s->hypotheses;
	struct mn_steer_tuple t = { .src = h->q->src, .dst = h->q->dst };
	bool learned = mn_learn_trusted(h->learn);

	/* Whatever changes ports makes others of them than were asked for. */
	if (h->p->translated)
		return;
	h->hypothesis = mn_hypotheses_best(all, mn_steer_family(&h->q->src));
	mn_hypothesis_between(all, &h->hypothesis, t);
	h->trusted = learned || h->hypothesis.belief >= MN_BELIEF_TRUSTED;
	h->predicts = h->trusted || h->hypothesis.belief == MN_BELIEF_GUESS ||
		      mn_learn_is_open(h->learn, &h->p->origin);
}

/* What was found out about the NIC as it was before is forgotten. */
static void note_question(struct hunt *h)
{
	struct mn_steer_peer *p = h->p;

	p->home_src = h->q->home_src;
	p->home_dst = h->q->home_dst;
	p->questions++;
	if (p->epoch != h->s->epoch) {
		p->epoch = h->s->epoch;
		p->unreachable = 0;
		p->budget = h->s->budget;
	}
	if (p->churn)
		p->churn--;
}

enum mn_steer_how mn_steer_answer(struct mn_steer *s, const struct mn_steer_question *q,
				  uint16_t *src_port, uint16_t *dst_port)
{
	struct mn_learn *learn = &s->learn[mn_steer_family(&q->src)];
	struct hunt h = { .s = s, .q = q, .learn = learn };
	enum mn_steer_how how;

	*src_port = q->home_src;
	*dst_port = q->home_dst;
	if (q->queue >= s->cfg.queues)
		return MN_STEER_NONE;
	if (s->cfg.queues == 1)
		return MN_STEER_PREDICTED;
	h.p = mn_steer_peer_get(&s->peers, &q->src, &q->dst, s->budget);
	note_question(&h);
	if (mn_steer_peer_churns(h.p))
		return MN_STEER_NONE;
	mn_learn_ask(learn, block_of_peer(q), block_of_ours(s));
	if (give_label(&h, false, src_port, dst_port))
		return MN_STEER_LABELLED;
	believe(&h);
	if (!h.trusted && give_label(&h, true, src_port, dst_port))
		return MN_STEER_LABELLED;
	how = look_for(&h, src_port, dst_port);
	if (how == MN_STEER_NONE && give_label(&h, true, src_port, dst_port))
		return MN_STEER_LABELLED;
	return how;
}
