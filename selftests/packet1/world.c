// SPDX-License-Identifier: MIT
/* world.c - the stack under test in virtual time */
#include <stdlib.h>
#include <string.h>

#include "transport1/conn.h"
#include "capture.h"
#include "world.h"

#define START_US	1000000u
#define ENGINE		3
/* Turns without a step of the clock that are surely too many. */
#define TURNS_MAX	100000u

static void pkt_free(void *ctx, void *handle)
{
	struct world *w = ctx;

	w->handles--;
	free(handle);
}

static struct conn *conn_of_event(struct world *w, const struct mn_stack_event *ev)
{
	for (unsigned int i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		if (ev->request ? ev->request == i + 1 : c->id == ev->id)
			return c;
	}
	return NULL;
}

static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	struct conn *c = conn_of_event(ctx, ev);

	if (!c)
		return;
	if (ev->type == MN_STACK_EVENT_UP) {
		c->ups++;
		c->flow = ev->flow;
	} else if (ev->type == MN_STACK_EVENT_END) {
		c->ends++;
		c->why = ev->why;
	}
}

static uint64_t random64(void *ctx)
{
	struct world *w = ctx;

	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return w->random ^ w->random >> 29;
}

static const struct mn_stack_ops ops = { pkt_free, on_event, random64 };

struct world *world_new(struct script *s, uint32_t max_conns, uint32_t max_held)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mn_stack_config cfg = {
		.engine = ENGINE, .max_conns = max_conns, .max_held = max_held,
		.ops = &ops, .ops_ctx = w,
	};

	if (!w)
		return NULL;
	w->script = s;
	w->now_us = START_US;
	w->random = 1;
	mn_list_init(&w->out);
	w->stack = mn_stack_create(&cfg, w->now_us);
	if (!w->stack) {
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

struct conn *world_find(struct world *w, const char *name)
{
	for (unsigned int i = 0; i < w->n_conns; i++)
		if (!*name || !strcmp(w->conns[i].name, name))
			return &w->conns[*name ? i : w->n_conns - 1];
	return NULL;
}

struct conn *world_add(struct world *w, const char *name)
{
	struct conn *c = &w->conns[w->n_conns];

	if (*name && world_find(w, name)) {
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
	c->peer_id = w->n_conns * UINT64_C(0x100000000) + 7;
	c->credit = 1 << 20;
	c->path = (struct mn_path){
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0a000002)),
		.mtu = 1500,
	};
	return c;
}

/* --- what comes out --- */

static struct conn *conn_of_output(struct world *w, const struct mn_seg *seg,
				   const struct mn_path *path)
{
	for (unsigned int i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];
		bool ours = seg->type == MN_WIRE_SYN && path->local_port == c->path.local_port &&
			    mn_addr_equal(&path->local, &c->path.local);

		if (ours || (seg->id && seg->id == c->peer_id))
			return c;
	}
	return NULL;
}

static bool check_payload(struct world *w, const struct conn *c, const struct mn_seg *seg)
{
	uint8_t *want = malloc(seg->len);
	bool same;

	if (!stream_copy(&c->ours, seg->seq, want, seg->len)) {
		free(want);
		return script_fail(w->script, "%s sends %lu+%u, but its stream ends at %lu",
				   c->name, seg->seq, seg->len, c->ours.end);
	}
	same = !memcmp(want, seg->payload, seg->len);
	free(want);
	return same || script_fail(w->script, "%s sends wrong bytes in %lu+%u", c->name, seg->seq,
				   seg->len);
}

static bool check_output(struct world *w, const struct outgoing *o)
{
	uint32_t headers = mn_addr_is_v4(&o->path.remote) ? 28 : 48;
	const struct conn *c = o->conn;
	uint32_t mtu;

	if (!c)
		return true;
	mtu = c->path.mtu > MN_MTU_MIN ? c->path.mtu : MN_MTU_MIN;
	if (o->seg.ts != (uint32_t)o->at_us)
		return script_fail(w->script, "%s sends with a wrong timestamp", c->name);
	if (!mn_addr_equal(&o->path.remote, &c->path.remote) ||
	    o->path.remote_port != c->path.remote_port ||
	    !mn_addr_equal(&o->path.local, &c->path.local) ||
	    o->path.local_port != c->path.local_port)
		return script_fail(w->script, "%s sends to or from a wrong address", c->name);
	if (o->len + headers > mtu || (c->peer_mss && o->len > c->peer_mss))
		return script_fail(w->script, "%s sends a packet of %u bytes: too large",
				   c->name, o->len);
	return !o->seg.len || check_payload(w, c, &o->seg);
}

/* What the peer learns of it. */
static void learn(struct conn *c, const struct mn_seg *seg)
{
	uint64_t end = seg->seq + seg->len + (seg->flags & MN_WIRE_F_FIN);

	if (seg->type == MN_WIRE_SYN || seg->type == MN_WIRE_SYN_ACK)
		c->id = seg->syn.id;
	else if (seg->type == MN_WIRE_RETRY)
		c->cookie = seg->syn.cookie;
	else if (seg->type != MN_WIRE_RST && c->sent_end < end)
		c->sent_end = end;
	if (seg->type != MN_WIRE_ACK || seg->flags)
		c->echo = seg->ts;
}

static bool put_out(struct world *w, const uint8_t *data, uint32_t len, const struct mn_path *path)
{
	struct outgoing *o = malloc(sizeof(*o) + len);

	*o = (struct outgoing){ .at_us = w->now_us, .path = *path, .len = len };
	memcpy(o->data, data, len);
	if (mn_packet_parse(o->data, len, &o->seg)) {
		free(o);
		return script_fail(w->script, "the stack sends a packet that cannot be parsed");
	}
	if (w->ignore_acks && o->seg.type == MN_WIRE_ACK && !o->seg.flags) {
		free(o);
		return true;
	}
	capture_write(w->script->capture, w->now_us, path, true, data, len);
	o->conn = conn_of_output(w, &o->seg, path);
	mn_list_add_tail(&w->out, &o->node);
	if (o->conn)
		learn(o->conn, &o->seg);
	return check_output(w, o);
}

/* One round of what an engine does; false when there was nothing to do. */
static bool round_of_engine(struct world *w)
{
	uint8_t buf[65536];
	struct mn_path path;
	bool work = mn_stack_poll_channels(w->stack);
	uint32_t len;

	while ((len = mn_stack_output(w->stack, buf, sizeof(buf), &path))) {
		work = true;
		if (!put_out(w, buf, len, &path))
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
	free(o);
}

void world_input(struct world *w, const struct mn_path *path, const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct mn_pkt pkt = { path, copy, len, copy };

	memcpy(copy, data, len);
	capture_write(w->script->capture, w->now_us, path, false, data, len);
	w->handles++;
	mn_stack_advance(w->stack, w->now_us);
	if (!mn_stack_input(w->stack, &pkt))
		pkt_free(w, copy);
	world_turn(w);
}
