// SPDX-License-Identifier: MIT
/* sim_info.c - what operators see of the simulation's stacks */
#include "sim.h"

static void count_conn(const struct mn_conn_info *info, void *ctx)
{
	(void)info;
	++*(uint64_t *)ctx;
}

uint64_t sim_conns(struct sim *sim, int host)
{
	uint64_t n = 0;
	uint32_t next = 0;

	mn_stack_walk(sim->host[host].stack, &next, UINT32_MAX, count_conn, &n);
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
	uint32_t next = 0;

	*info = (struct mn_conn_info){ .flow = flow };
	mn_stack_walk(sim->host[host].stack, &next, UINT32_MAX, find_info, info);
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
	uint32_t next = 0;

	mn_stack_walk_paths(sim->host[host].stack, &next, UINT32_MAX, count_path, &n);
	return n;
}

static void take_path(const struct mn_path_info *info, void *ctx)
{
	struct mn_path_info *wanted = ctx;

	if (!wanted->id)
		*wanted = *info;
}

bool sim_path_info(struct sim *sim, int host, struct mn_path_info *info)
{
	uint32_t next = 0;

	*info = (struct mn_path_info){ 0 };
	mn_stack_walk_paths(sim->host[host].stack, &next, UINT32_MAX, take_path, info);
	return info->id != 0;
}
