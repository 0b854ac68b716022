// SPDX-License-Identifier: MIT
/* sim_load.c - connections of the simulation that always have something to send */
#include "sim_load.h"

/* How often applications look whether they may send more. */
#define STEP_US		20

bool sim_load_open(struct sim *sim, struct sim_load *l, int n, int host, int app)
{
	for (int i = 0; i < n; i++) {
		l[i] = (struct sim_load){ .host = host, .app = app };
		if (!sim_connect_from(sim, host, app, &l[i].flow[0], &l[i].flow[1]))
			return false;
	}
	return true;
}

static void fill(struct sim *sim, const struct sim_load *l)
{
	struct sim_app *app = &sim->host[l->host].apps[l->app];
	struct sim_flow *from = sim_flow(app, l->flow[0]);
	struct sim_flow *to = sim_flow(&sim->host[1].apps[0], l->flow[1]);

	while (from->sent - to->received < l->window && sim_send(app, l->flow[0], l->len))
		;
}

static uint64_t arrived(struct sim *sim, const struct sim_load *l)
{
	return sim_flow(&sim->host[1].apps[0], l->flow[1])->bytes;
}

void sim_load_run(struct sim *sim, struct sim_load *l, int n, uint64_t us)
{
	uint64_t end_us = sim->now_us + us;

	while (sim->now_us < end_us) {
		for (int i = 0; i < n; i++)
			fill(sim, &l[i]);
		sim_run(sim, STEP_US, NULL);
	}
	for (int i = 0; i < n; i++)
		l[i].bytes = arrived(sim, &l[i]) - l[i].before;
}

void sim_load_count(struct sim *sim, struct sim_load *l, int n)
{
	for (int i = 0; i < n; i++)
		l[i].before = arrived(sim, &l[i]);
}

uint64_t sim_load_bytes(const struct sim_load *l, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += l[i].bytes;
	return sum;
}

uint64_t sim_load_fairness(const struct sim_load *l, int n)
{
	uint64_t sum = 0, squares = 0;

	for (int i = 0; i < n; i++) {
		sum += l[i].bytes / 1000;
		squares += (l[i].bytes / 1000) * (l[i].bytes / 1000);
	}
	return squares ? 1000 * sum * sum / (n * squares) : 0;
}
