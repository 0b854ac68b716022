// SPDX-License-Identifier: MIT
/* world.c - the stack under test in virtual time */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "steer/steer.h"
#include "world.h"

#define START_US	1000000u
#define INSTANCE	7
/* Turns without a step of the clock that are surely too many. */
#define TURNS_MAX	100000u

static void pkt_free(void *ctx, void *handle)
{
	struct world *w = ctx;

	w->handles--;
	free(handle);
}

static bool is_of_accepted(const struct conn *c, const struct mn_stack_event *ev)
{
	return !c->opened_here && c->client == ev->remote_port && c->port == ev->local_port &&
	       !c->ups && mn_addr_equal(&c->way.remote, &ev->tuple.remote);
}

static struct conn *conn_of_event(struct world *w, const struct mn_stack_event *ev)
{
	if (ev->request)
		return ev->request <= w->n_conns ? &w->conns[ev->request - 1] : NULL;
	for (unsigned int i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		if (ev->type == MN_STACK_EVENT_UP ? is_of_accepted(c, ev) : c->id == ev->id)
			return c;
	}
	return NULL;
}

/* The route of each connection is known to the script. */
static void answer(struct world *w)
{
	for (unsigned int i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		if (c->asked)
			mn_stack_connect(w->stack, c->asked, &c->way, false);
		c->asked = 0;
	}
}

static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	struct conn *c;

	if (ev->type == MN_STACK_EVENT_CONNECT)
		conn_of_event(ctx, ev)->asked = ev->id;

	if (ev->type != MN_STACK_EVENT_UP && ev->type != MN_STACK_EVENT_END)
		return;
	c = conn_of_event(ctx, ev);
	if (!c)
		return;
	if (ev->type == MN_STACK_EVENT_UP) {
		c->ups++;
		c->flow = ev->flow;
		c->id = ev->id;
	} else {
		c->ends++;
		c->why = ev->why;
	}
}

static int port_engine(void *ctx, const struct mn_addr *local, uint16_t port)
{
	const struct world *w = ctx;

	(void)local;
	return port == w->engine_port ? w->engine_of_port : -1;
}

static uint64_t random64(void *ctx)
{
	struct world *w = ctx;

	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return w->random ^ w->random >> 29;
}

static const struct mn_stack_ops ops = { pkt_free, on_event, port_engine, random64 };

struct world *world_new(struct script *s, const struct world_config *cfg)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mn_stack_config config = {
		.engine = WORLD_ENGINE, .engines = 8, .instance = INSTANCE,
		.port_first = WORLD_BLOCK, .port_count = WORLD_PORTS, .contact_port = WORLD_BLOCK,
		.rx_ring = cfg->ring, .paths = cfg->spread, .max_conns = cfg->conns,
		.max_paths = cfg->paths, .max_held = cfg->held, .max_records = cfg->records,
		.ops = &ops, .ops_ctx = w,
	};
	struct mn_steer_config steer = {
		.queues = cfg->queues, .port_first = WORLD_BLOCK, .port_count = WORLD_PORTS,
		.max_peers = 8, .seed = 1,
	};

	if (!w)
		return NULL;
	w->queue = WORLD_ENGINE;
	w->script = s;
	w->now_us = START_US;
	w->random = 1;
	mn_list_init(&w->out);
	if (cfg->queues > 1)
		w->steer = config.steer = mn_steer_new(&steer);
	w->stack = mn_stack_create(&config, w->now_us);
	if (!w->stack) {
		mn_steer_free(w->steer);
		free(w);
		return NULL;
	}
	for (int a = 0; a < SIM_APPS; a++) {
		sim_app_init(&w->sim.host[0].apps[a], a);
		mn_stack_add_channel(w->stack, &w->sim.host[0].apps[a].ch);
	}
	return w;
}

void world_free(struct world *w)
{
	while (world_first(w))
		world_drop_first(w);
	mn_stack_destroy(w->stack);
	mn_steer_free(w->steer);
	if (w->handles)
		script_fail(w->script, "%u received packets were not given back", w->handles);
	for (int a = 0; a < SIM_APPS; a++) {
		struct sim_app *app = &w->sim.host[0].apps[a];

		mn_channel_destroy(&app->ch);
		free(app->free);
		free(app->kept);
	}
	for (unsigned int i = 0; i < w->n_conns; i++) {
		free(w->conns[i].ours.lens);
		free(w->conns[i].theirs.lens);
	}
	free(w);
}

struct sim_app *world_app(struct world *w, uint64_t number)
{
	if (number < SIM_APPS && !w->sim.host[0].apps[number].ch.dead)
		return &w->sim.host[0].apps[number];
	script_fail(w->script, "there is no application %lu", number);
	return NULL;
}

bool world_kill_app(struct world *w, struct sim_app *app)
{
	mn_stack_del_channel(w->stack, &app->ch, MN_END_OWNER_DIED);
	mn_channel_destroy(&app->ch);
	world_turn(w);
	return true;
}

/* --- what the script has named --- */

struct conn *world_find(struct world *w, const char *name)
{
	for (unsigned int i = 0; i < w->n_conns; i++)
		if (!*name || !strcmp(w->conns[i].name, name))
			return &w->conns[*name ? i : w->n_conns - 1];
	return NULL;
}

struct path *world_path(struct world *w, const char *name)
{
	for (unsigned int i = 0; i < w->n_paths; i++)
		if (!*name || !strcmp(w->paths[i].name, name))
			return &w->paths[*name ? i : w->n_paths - 1];
	return NULL;
}

static void default_way(struct mn_tuple *way)
{
	*way = (struct mn_tuple){
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0a000002)),
		.local_port = WORLD_BLOCK,
		.mtu = 1500,
	};
}

struct conn *world_add(struct world *w, const char *name)
{
	struct conn *c = &w->conns[w->n_conns];

	if (world_find(w, name)) {
		script_fail(w->script, "there is a connection %s already", name);
		return NULL;
	}
	if (w->n_conns == WORLD_CONNS) {
		script_fail(w->script, "too many connections");
		return NULL;
	}
	w->n_conns++;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->app = &w->sim.host[0].apps[0];
	c->peer_number = 0x10000 + w->n_conns;
	c->credit = 1 << 20;
	c->port = WORLD_PORT;
	default_way(&c->way);
	return c;
}

struct path *world_add_path(struct world *w, const char *name)
{
	struct path *p = &w->paths[w->n_paths];

	if (*name && world_path(w, name)) {
		script_fail(w->script, "there is a path %s already", name);
		return NULL;
	}
	if (w->n_paths == WORLD_PATHS) {
		script_fail(w->script, "too many paths");
		return NULL;
	}
	w->n_paths++;
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->peer_id = w->n_paths * UINT64_C(0x100000000) + 5;
	p->instance = 99;
	p->engine = 5;
	p->window = 256;
	p->next = p->next_serial = 1;
	default_way(&p->way);
	p->way.remote_port = 50000 + w->n_paths;
	return p;
}

/* --- turns --- */

/* One round of what an engine does; false when there was nothing to do. */
static bool round_of_engine(struct world *w)
{
	uint8_t buf[65536];
	struct mn_tuple way;
	bool work = false;
	uint32_t len;

	/* All that the applications have for it. */
	while (mn_stack_poll_channels(w->stack))
		work = true;
	answer(w);
	while ((len = mn_stack_output(w->stack, buf, sizeof(buf), &way, NULL))) {
		work = true;
		if (!world_put_out(w, buf, len, &way))
			return false;
	}
	mn_stack_flush(w->stack);
	for (int a = 0; a < SIM_APPS; a++) {
		struct sim_app *app = &w->sim.host[0].apps[a];

		if (app->ch.dead)
			continue;
		sim_app_take_back(app);
		sim_app_read(&w->sim, app);
	}
	return work;
}

void world_turn(struct world *w)
{
	uint32_t turns = 0;

	while (turns < TURNS_MAX && round_of_engine(w))
		turns++;
	if (turns == TURNS_MAX)
		script_fail(w->script, "the stack never comes to rest");
	if (w->sim.errors)
		script_fail(w->script, "an application received wrong bytes or a wrong event");
}

/* --- time --- */

/* To the next timer, or to the end of the wait; false when it is over. */
static bool step(struct world *w, uint64_t until_us)
{
	uint64_t at_us = mn_stack_deadline(w->stack);

	if (w->script->complaint[0] || at_us > until_us)
		return false;
	if (at_us > w->now_us)
		w->now_us = at_us;
	mn_stack_advance(w->stack, w->now_us);
	world_turn(w);
	return true;
}

void world_run(struct world *w, uint64_t until_us)
{
	while (step(w, until_us))
		;
	if (w->now_us < until_us)
		w->now_us = until_us;
	mn_stack_advance(w->stack, w->now_us);
}

struct outgoing *world_wait(struct world *w, uint64_t until_us)
{
	while (!world_first(w))
		if (!step(w, until_us))
			break;
	return world_first(w);
}

struct outgoing *world_first(struct world *w)
{
	return mn_list_empty(&w->out) ? NULL : mn_container(w->out.next, struct outgoing, node);
}

void world_drop_first(struct world *w)
{
	struct outgoing *o = world_first(w);

	mn_list_del(&o->node);
	free(o->frames);
	free(o);
}

void world_input(struct world *w, const struct mn_tuple *way, const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct mn_pkt pkt = { way, copy, len, copy, w->queue };

	memcpy(copy, data, len);
	capture_write(w->script->capture, w->now_us, way, false, data, len);
	w->handles++;
	mn_stack_advance(w->stack, w->now_us);
	if (!mn_stack_input(w->stack, &pkt))
		pkt_free(w, copy);
	world_turn(w);
}
