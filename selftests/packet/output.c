// SPDX-License-Identifier: MIT
/* output.c - packets of the stack: to whom they belong, and whether they are sound */
#include <stdlib.h>
#include <string.h>

#include "transport/path.h"
#include "capture.h"
#include "world.h"

/* --- whose it is --- */

static struct path *by_peer_id(struct world *w, uint64_t id)
{
	for (unsigned int i = 0; i < w->n_paths; i++)
		if (w->paths[i].peer_id == id)
			return &w->paths[i];
	return NULL;
}

/* Its INIT: a path that is known by its id, or a new one without a name. */
static struct path *path_of_init(struct world *w, const struct outgoing *o)
{
	struct path *p;

	for (unsigned int i = 0; i < w->n_paths; i++)
		if (w->paths[i].id == o->packet.init.id)
			return &w->paths[i];
	p = world_add_path(w, "");
	if (p) {
		p->id = o->packet.init.id;
		p->way = o->way;
	}
	return p;
}

static struct path *path_of(struct world *w, const struct outgoing *o)
{
	if (o->packet.type == MN_WIRE_INIT)
		return path_of_init(w, o);
	return o->packet.path ? by_peer_id(w, o->packet.path) : NULL;
}

/* The first that has been asked for and has not been seen yet. */
static struct conn *next_opening(struct world *w, const struct mn_frame *f)
{
	for (unsigned int i = 0; i < w->n_conns; i++) {
		struct conn *c = &w->conns[i];

		if (c->opened_here && !c->client && !c->ends && c->port == f->port)
			return c;
	}
	return NULL;
}

static struct conn *conn_of_open(struct world *w, const struct mn_frame *f)
{
	for (unsigned int i = 0; i < w->n_conns; i++)
		if (w->conns[i].opened_here && w->conns[i].client == f->client_port &&
		    w->conns[i].port == f->port)
			return &w->conns[i];
	return next_opening(w, f);
}

static bool names_conn(uint8_t type)
{
	return type == MN_FRAME_DATA || (type >= MN_FRAME_CREDIT && type <= MN_FRAME_MOVE);
}

static struct conn *conn_of(struct world *w, const struct path *p, const struct mn_frame *f)
{
	if (f->type == MN_FRAME_OPEN)
		return conn_of_open(w, f);
	for (unsigned int i = 0; f->type == MN_FRAME_MOVE && i < w->n_conns; i++)
		if (f->code == MN_WIRE_MOVE_HERE && w->conns[i].peer_number == f->conn &&
		    w->conns[i].next_number == f->mine)
			return &w->conns[i];
	for (unsigned int i = 0; names_conn(f->type) && i < w->n_conns; i++)
		if (w->conns[i].peer_number == f->conn && w->conns[i].path == p)
			return &w->conns[i];
	return NULL;
}

/* --- what is learned --- */

static void learn_frame(struct path *p, struct conn *c, const struct mn_frame *f)
{
	uint64_t end = f->offset + f->len + !!(f->flags & MN_FRAME_F_FIN);

	if (f->type == MN_FRAME_OPEN) {
		c->path = p;
		c->client = f->client_port;
		c->number = f->conn;
		c->serial = f->value;
	} else if (f->type == MN_FRAME_ACCEPT) {
		c->number = f->mine;
	} else if (f->type == MN_FRAME_MOVE && f->code == MN_WIRE_MOVE_ASK) {
		c->next_number = f->mine;
	} else if (f->type == MN_FRAME_MOVE && f->code == MN_WIRE_MOVE_HERE) {
		c->number = f->mine;
		c->path = p;
	}
	if ((f->type == MN_FRAME_DATA || f->type == MN_FRAME_OPEN) && c->sent_end < end)
		c->sent_end = end;
}

static void learn_packet(struct path *p, const struct outgoing *o)
{
	const struct mn_packet *pk = &o->packet;

	if (pk->type == MN_WIRE_INIT || pk->type == MN_WIRE_ANSWER)
		p->id = pk->init.id;
	if (pk->type == MN_WIRE_INIT) {
		p->ts = pk->init.ts;
		p->way.remote_port = o->way.remote_port;
	}
	if (pk->type == MN_WIRE_RETRY)
		p->cookie = pk->cookie;
	if (pk->type == MN_WIRE_FRAMES) {
		p->top = pk->number;
		p->least = pk->least;
	}
}

/* --- whether it is sound --- */

static bool check_payload(struct world *w, const struct conn *c, const struct mn_frame *f)
{
	uint64_t offset = f->type == MN_FRAME_OPEN ? 0 : f->offset;
	uint8_t *want = malloc(f->len);
	bool same;

	if (!stream_copy(&c->ours, offset, want, f->len)) {
		free(want);
		return script_fail(w->script, "%s sends %lu+%u, but its stream ends at %lu",
				   c->name, offset, f->len, c->ours.end);
	}
	same = !memcmp(want, f->payload, f->len);
	free(want);
	return same || script_fail(w->script, "%s sends wrong bytes in %lu+%u", c->name, offset,
				   f->len);
}

bool world_has_sent(const void *ctx, uint64_t n)
{
	const struct path *p = ctx;

	return n < WORLD_SENT ? p->sent[n / 8] >> n % 8 & 1 :
				 n < p->next && n + 8 >= p->next;
}

static bool check_range(struct world *w, const struct path *p, uint64_t first, uint64_t end)
{
	for (uint64_t n = first; n < end; n++)
		if (!world_has_sent(p, n))
			return script_fail(w->script, "number %lu is acknowledged, and was"
					   " never sent", n);
	return true;
}

static bool check_ack(struct world *w, const struct path *p, const struct mn_frame *f)
{
	uint64_t first = f->ack.largest - f->ack.run;

	if (!check_range(w, p, first, f->ack.largest + 1))
		return false;
	for (uint32_t i = 0; i < f->ack.ranges; i++) {
		struct mn_wire_range r = mn_frame_range(f, i);

		first -= r.missing + r.there;
		if (!check_range(w, p, first, first + r.there))
			return false;
	}
	return true;
}

static bool check_frame(struct world *w, const struct path *p, const struct sent_frame *s)
{
	const struct mn_frame *f = &s->f;

	if (f->type == MN_FRAME_ACK)
		return check_ack(w, p, f);
	if (!names_conn(f->type))
		return true;
	/* Openings that are refused are no connections of the script. */
	if (!s->conn)
		return f->type == MN_FRAME_REFUSE ||
		       (f->type == MN_FRAME_MOVE && f->code == MN_WIRE_MOVE_REFUSED) ||
		       script_fail(w->script, "the stack sends a frame of type %u for %#x, which"
				   " is no connection of the path", f->type, f->conn);
	return !f->len || check_payload(w, s->conn, f);
}

static bool check_number(struct world *w, const struct path *p, const struct mn_packet *pk)
{
	if (pk->number != p->top + 1)
		return script_fail(w->script, "number %lu follows %lu", pk->number, p->top);
	return pk->least >= p->least ||
	       script_fail(w->script, "%lu matters again", pk->least);
}

/* It goes by a tuple that is tried. */
static bool is_check(const struct mn_packet *pk)
{
	static const bool checks[MN_FRAME_TYPES] = {
		[MN_FRAME_CHALLENGE] = true, [MN_FRAME_RESPONSE] = true,
		[MN_FRAME_ADVICE] = true, [MN_FRAME_CANDIDATE] = true,
	};

	return pk->type == MN_WIRE_FRAMES && pk->len && checks[pk->frames[0]];
}

/* The stack may change the port that it sends from. */
static void learn_own_port(struct path *p, struct outgoing *o)
{
	if (o->packet.type != MN_WIRE_FRAMES || is_check(&o->packet) ||
	    o->way.local_port < WORLD_BLOCK || o->way.local_port >= WORLD_BLOCK + WORLD_PORTS)
		return;
	o->moved = o->way.local_port != p->way.local_port;
	p->way.local_port = o->way.local_port;
}

static bool goes_right(const struct path *p, const struct outgoing *o)
{
	return mn_addr_equal(&o->way.remote, &p->way.remote) &&
	       mn_addr_equal(&o->way.local, &p->way.local) &&
	       !memcmp(o->way.mac, p->way.mac, sizeof(o->way.mac)) &&
	       (is_check(&o->packet) || (o->way.remote_port == p->way.remote_port &&
					 o->way.local_port == p->way.local_port));
}

static bool check_packet(struct world *w, const struct path *p, const struct outgoing *o)
{
	uint32_t headers = mn_addr_is_v4(&o->way.remote) ? 28 : 48;
	uint32_t mtu = p->way.mtu > MN_MTU_MIN ? p->way.mtu : MN_MTU_MIN;

	if (o->packet.engine != WORLD_ENGINE)
		return script_fail(w->script, "the packet is of engine %u", o->packet.engine);
	/* Those go to where the packet came from that they answer. */
	if (o->packet.type == MN_WIRE_RETRY || o->packet.type == MN_WIRE_RESET)
		return true;
	if (!goes_right(p, o))
		return script_fail(w->script, "a packet goes to or from a wrong address");
	if (o->len + headers > mtu || (p->peer_mss && o->len > p->peer_mss))
		return script_fail(w->script, "a packet of %u bytes is too large", o->len);
	return o->packet.type != MN_WIRE_FRAMES || check_number(w, p, &o->packet);
}

/* Frames of a packet, of which there may be no more. */
static bool take_frames(struct world *w, struct outgoing *o)
{
	const uint8_t *at = o->packet.frames, *end = at + o->packet.len;
	struct sent_frame s = { 0 };
	int ret;

	o->frames = calloc(WORLD_FRAMES, sizeof(*o->frames));
	while ((ret = mn_frame_next(&at, end, &s.f)) > 0) {
		if (o->n_frames == WORLD_FRAMES)
			return script_fail(w->script, "too many frames in a packet");
		s.conn = conn_of(w, o->path, &s.f);
		if (s.conn)
			learn_frame(o->path, s.conn, &s.f);
		if (s.f.type == MN_FRAME_CHALLENGE)
			o->path->nonce = s.f.value;
		o->frames[o->n_frames++] = s;
		if (!check_frame(w, o->path, &s))
			return false;
		s = (struct sent_frame){ 0 };
	}
	return !ret || script_fail(w->script, "the stack sends a frame that cannot be parsed");
}

static bool is_lazy(const struct outgoing *o)
{
	if (o->packet.type != MN_WIRE_FRAMES)
		return false;
	for (unsigned int i = 0; i < o->n_frames; i++)
		if (o->frames[i].f.type != MN_FRAME_ACK && o->frames[i].f.type != MN_FRAME_CREDIT)
			return false;
	return true;
}

static bool take(struct world *w, struct outgoing *o)
{
	if (mn_packet_parse(o->data, o->len, &o->packet))
		return script_fail(w->script, "the stack sends a packet that cannot be parsed");
	o->path = path_of(w, o);
	if (!o->path)
		return o->packet.type == MN_WIRE_RESET ||
		       script_fail(w->script, "the stack sends a packet on an unknown path");
	if (o->packet.type == MN_WIRE_INIT)
		o->path->way.remote_port = o->way.remote_port;
	learn_own_port(o->path, o);
	if (!check_packet(w, o->path, o))
		return false;
	learn_packet(o->path, o);
	return o->packet.type != MN_WIRE_FRAMES || take_frames(w, o);
}

bool world_put_out(struct world *w, const uint8_t *data, uint32_t len, const struct mn_tuple *way)
{
	struct outgoing *o = malloc(sizeof(*o) + len);
	bool ok;

	*o = (struct outgoing){ .at_us = w->now_us, .way = *way, .len = len };
	memcpy(o->data, data, len);
	capture_write(w->script->capture, w->now_us, way, true, data, len);
	ok = take(w, o);
	mn_list_add_tail(&w->out, &o->node);
	if (ok && w->ignore_acks && is_lazy(o)) {
		mn_list_del(&o->node);
		free(o->frames);
		free(o);
	}
	return ok;
}
