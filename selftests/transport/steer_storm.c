// SPDX-License-Identifier: MIT
#include <string.h>

#include "steer_storm.h"

/* Of the connections of one engine, that are not answered yet. */
#define WINDOW		32u
#define MAX_CONNS	2048u
#define MAX_PATHS	1024u
#define LONGEST_US	20000000u
/* A turn of an engine. */
#define HANDOFF_US	20u
/* And behind a firewall or a NAT, where tuples are refused. */
#define SETTLE_US	50000u
#define SETTLE_LATE_US	300000u
#define ASK_US		500u
/* Afterwards, for each pair of engines. */
#define AFTER		4u

static struct steer_storm_part run(const struct steer_storm_config *cfg, struct steer_apps *a,
				   uint32_t connects, bool may_change)
{
	struct steer_storm_part p = { 0 };
	struct steer_net *n = a->net;

	p.handoffs = steer_net_both(n, rx_misplaced);
	p.packets = steer_net_both(n, rx_packets);
	steer_apps_begin(a, connects, WINDOW);
	if (may_change && steer_apps_run(a, connects / 2, LONGEST_US))
		steer_kind_change(cfg->kind, n);
	steer_apps_run(a, connects, LONGEST_US);
	p.closed = steer_apps_drain(a, LONGEST_US);
	p.handoffs = steer_net_both(n, rx_misplaced) - p.handoffs;
	p.packets = steer_net_both(n, rx_packets) - p.packets;
	p.accepted = a->accepted;
	p.answered = a->answered;
	p.failed = a->failed;
	p.broken = a->broken;
	p.wrong = a->wrong;
	p.half_us = steer_apps_took_us(a, 0.5);
	p.most_us = steer_apps_took_us(a, 0.99);
	p.longest_us = steer_apps_took_us(a, 1);
	p.longest_open_us = a->longest_open_us;
	return p;
}

static uint32_t after(const struct steer_storm_config *cfg)
{
	return AFTER * cfg->engines[0] * cfg->engines[1];
}

static bool is_open(const struct steer_storm_config *cfg)
{
	return cfg->way[0] == SOFT_WAY_OPEN && cfg->way[1] == SOFT_WAY_OPEN;
}

static void run_all(const struct steer_storm_config *cfg, struct steer_apps *a,
		    struct steer_storm *s)
{
	struct steer_net *n = a->net;

	s->storm = run(cfg, a, cfg->connects, true);
	steer_net_run(n, is_open(cfg) ? SETTLE_US : SETTLE_LATE_US, ASK_US);
	s->after = run(cfg, a, after(cfg), false);
	s->paths_ended = n->host[0].ended + n->host[1].ended;
	s->lost = steer_net_both(n, tx_lost);
	/* Firewalls on both sides may leave no tuple that fits. */
	s->can_steer = is_open(cfg) && steer_kind_can_steer(cfg->kind, n);
}

bool steer_storm_run(const struct steer_storm_config *cfg, struct steer_storm *s)
{
	struct steer_config nc = {
		.engines = { cfg->engines[0], cfg->engines[1] },
		.way = { cfg->way[0], cfg->way[1] },
		.v6 = cfg->v6, .loss_ppm = cfg->loss_ppm, .seed = cfg->seed,
		.handoff_us = HANDOFF_US, .max_conns = MAX_CONNS, .max_paths = MAX_PATHS,
	};
	struct steer_apps a;
	struct steer_net n;
	bool made;

	*s = (struct steer_storm){ 0 };
	steer_kind_config(cfg->kind, &nc);
	steer_net_init(&n, &nc);
	steer_kind_read(cfg->kind, &n);
	made = steer_apps_init(&a, &n, MAX_CONNS);
	if (made)
		run_all(cfg, &a, s);
	steer_net_fini(&n);
	steer_apps_fini(&a);
	return made;
}

/* --- what may become of it --- */

static const char *end_fault(const struct steer_storm_part *p, uint32_t connects)
{
	if (p->failed)
		return "a connect has failed";
	if (p->broken)
		return "a connection has ended otherwise than in order";
	if (p->wrong)
		return "an event or a message is not what it must be";
	if (p->accepted != connects)
		return "a connection was not accepted, or more often than once";
	if (p->answered != connects)
		return "a request was not answered";
	return p->closed ? NULL : "a connection does not end";
}

/*
 * In round trips whose packets are handed over both ways: connect and exchange are two, and one
 * more passes while the window of a new path is full. Where the path is not there, an engine that
 * has not the listener names the one that has it, and the path to that is opened.
 */
#define TRIPS		4u
#define OPENING_TRIPS	5u
/* Losses in a row, each after twice the time of the one before. */
#define LOSSES_US(first_us, n)	(((1u << (n)) - 1) * (first_us))

static const char *time_fault(const struct steer_storm_config *cfg, const struct steer_storm *s,
			      const struct steer_storm_part *single)
{
	const struct steer_storm_part *p = &s->storm;
	uint32_t handed_us = single->half_us / 2 + 2 * HANDOFF_US;
	uint32_t most_us = TRIPS * handed_us, longest_us = OPENING_TRIPS * handed_us;
	uint32_t open_us = TRIPS * handed_us;

	/* The first packet to a port that the other host does not admit. */
	if (cfg->way[1] != SOFT_WAY_OPEN)
		longest_us += MN_INIT_RETRY_US;
	if (cfg->loss_ppm) {
		most_us += MN_RTO_INITIAL_US;
		open_us += LOSSES_US(MN_RTO_INITIAL_US, 2);
		longest_us += LOSSES_US(MN_RTO_INITIAL_US, 2) + LOSSES_US(MN_INIT_RETRY_US, 3);
	}
	if (p->half_us > 2 * handed_us)
		return "half of the connects take too long";
	if (p->most_us > most_us)
		return "one of a hundred connects takes too long";
	if (p->longest_open_us > open_us)
		return "a connect on a path that is there takes too long";
	return p->longest_us > longest_us ? "a connect takes too long" : NULL;
}

const char *steer_storm_fault(const struct steer_storm_config *cfg, const struct steer_storm *s,
			      const struct steer_storm *single)
{
	const char *fault = end_fault(&s->storm, cfg->connects);

	if (!fault)
		fault = end_fault(&s->after, after(cfg));
	if (fault)
		return fault;
	if (s->paths_ended)
		return "a path has ended";
	if (s->lost && !cfg->loss_ppm)
		return "a packet is held to be lost that was not";
	if (s->after.handoffs && s->can_steer)
		return "packets are handed over for ever";
	return time_fault(cfg, s, &single->storm);
}
