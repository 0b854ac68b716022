// SPDX-License-Identifier: MIT
/* sim_info.c - what can be seen of the stacks, and the answers of their control threads */
#include "sim.h"

static void count_conn(const struct mn_conn_info *info, void *ctx)
{
	(void)info;
	++*(uint64_t *)ctx;
}

uint64_t sim_conns(struct sim *sim, int host)
{
	uint64_t n = 0;

	for (int e = 0; e < sim->host[host].n_engines; e++) {
		uint32_t next = 0;

		mn_stack_walk(sim->host[host].stacks[e], &next, UINT32_MAX, count_conn, &n);
	}
	return n;
}

static void find_info(const struct mn_conn_info *info, void *ctx)
{
	struct mn_conn_info *wanted = ctx;

	if (info->flow == wanted->flow)
		*wanted = *info;
}

bool sim_info(struct sim *sim, int host, uint64_t flow, struct mn_conn_info *info)
{
	*info = (struct mn_conn_info){ .flow = flow };
	for (int e = 0; e < sim->host[host].n_engines; e++) {
		uint32_t next = 0;

		mn_stack_walk(sim->host[host].stacks[e], &next, UINT32_MAX, find_info, info);
	}
	return info->id != 0;
}

static void count_path(const struct mn_path_info *info, void *ctx)
{
	(void)info;
	++*(uint64_t *)ctx;
}

uint64_t sim_paths(struct sim *sim, int host)
{
	uint64_t n = 0;

	for (int e = 0; e < sim->host[host].n_engines; e++) {
		uint32_t next = 0;

		mn_stack_walk_paths(sim->host[host].stacks[e], &next, UINT32_MAX, count_path, &n);
	}
	return n;
}

struct search {
	struct mn_path_info *info;
	uint32_t left;
};

static void take_path(const struct mn_path_info *info, void *ctx)
{
	struct search *s = ctx;

	if (!s->left--)
		*s->info = *info;
}

bool sim_path_info(struct sim *sim, int host, uint32_t n, struct mn_path_info *info)
{
	struct search s = { info, n };
	*info = (struct mn_path_info){ 0 };
	for (int e = 0; e < sim->host[host].n_engines; e++) {
		uint32_t next = 0;

		mn_stack_walk_paths(sim->host[host].stacks[e], &next, UINT32_MAX, take_path, &s);
	}
	return info->id != 0;
}

void sim_answer(struct sim *sim, struct sim_host *h)
{
	for (uint32_t i = 0; !h->deaf && i < h->n_asked; i++) {
		struct mn_tuple to = h->asked[i].tuple;
		int engine = (uint8_t)h->asked[i].id - h->first_engine;

		if (mn_addr_is_any(&to.local))
			to.local = h->addr;
		to.mtu = sim->mtu;
		to.local_host = mn_addr_equal(&to.local, &to.remote);
		mn_stack_connect(h->stacks[engine], h->asked[i].id, &to,
				 mn_addr_is_any(&h->asked[i].tuple.local));
	}
	h->n_asked = h->deaf ? h->n_asked : 0;
}

struct mn_tuple sim_path(const struct sim *sim, int from, uint16_t local_port)
{
	return (struct mn_tuple){
		.local = sim->host[from].addr, .remote = sim->host[from != 1].addr,
		.local_port = local_port, .remote_port = SIM_PORT, .mtu = sim->mtu,
	};
}

bool sim_is_clean(struct sim *sim)
{
	for (int i = 0; i < sim->n_hosts; i++) {
		if (sim->host[i].held)
			return false;
		for (int a = 0; a < SIM_APPS; a++) {
			struct sim_app *app = &sim->host[i].apps[a];

			if (app->ch.dead)
				continue;
			if (app->n_free != app->ch.tx_bufs ||
			    app->ch.rx_free_count + app->n_kept != app->ch.rx_bufs ||
			    app->ch.tx_arena.n_small != MN_TX_ARENA_SMALL ||
			    app->ch.tx_arena.n_large != MN_TX_ARENA_LARGE)
				return false;
		}
	}
	return true;
}
