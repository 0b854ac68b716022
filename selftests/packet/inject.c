// SPDX-License-Identifier: MIT
/* inject.c - packets of a script made and put into the stack */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

#define BUF	(2 * 65536)

bool exchange_id(struct world *w, const char *text, uint64_t *id)
{
	const char *name = strchr(text, ':');
	struct path *p;

	if (!name)
		return script_number(w->script, text, id);
	p = world_path(w, name + 1);
	if (!p || (strncmp(text, "own:", 4) && strncmp(text, "peer:", 5)))
		return script_fail(w->script, "'%s' is no id", text);
	*id = text[0] == 'o' ? p->id : p->peer_id;
	return *id || script_fail(w->script, "the id '%s' is not known yet", text);
}

struct path *exchange_path(struct world *w, const struct spec *p)
{
	struct path *path;

	for (unsigned int i = 0; !*p->path && i < p->n_frames; i++) {
		struct conn *c = *p->frame[i].conn ? world_find(w, p->frame[i].conn) : NULL;

		if (c && c->path)
			return c->path;
	}
	path = world_path(w, p->path);
	if (!path)
		script_fail(w->script, "there is no path '%s'", p->path);
	return path;
}

static bool parse_from(struct world *w, const char *text, struct mn_tuple *way)
{
	if (mn_addr_parse(&way->remote, text))
		return script_fail(w->script, "'%s' is no address", text);
	if (!mn_addr_is_v4(&way->remote))
		mn_addr_parse(&way->local, "2001:db8::1");
	return true;
}

/* A path that the script's INIT begins. */
static struct path *new_path(struct world *w, const struct spec *p)
{
	bool first = !*p->path && !world_path(w, WORLD_FIRST_PATH);
	struct path *path = world_add_path(w, first ? WORLD_FIRST_PATH : p->path);

	if (!path)
		return NULL;
	if (p->dport.given)
		path->way.local_port = p->dport.lo;
	if (p->sport.given)
		path->way.remote_port = p->sport.lo;
	return !*p->from || parse_from(w, p->from, &path->way) ? path : NULL;
}

static uint64_t value_of(const struct range *r, uint64_t otherwise)
{
	return r->given ? r->lo : otherwise;
}

/* --- frames --- */

struct maker {
	struct world *w;
	struct labels *labels;
	struct path *path;
	uint8_t *buf;
	uint32_t len;
};

static bool was_sent(const void *ctx, uint64_t number)
{
	(void)ctx;
	return number > 0;
}

static bool make_ack(struct maker *m, const struct frame_spec *fs)
{
	struct numbers *list = calloc(1, sizeof(*list));
	struct mn_frame f = { .type = MN_FRAME_ACK };
	bool ok = numbers_parse(m->w->script, m->labels, *fs->acked ? fs->acked : "all", fs->but,
				m->path->top, was_sent, NULL, list);

	if (fs->window.given)
		m->path->window = fs->window.lo;
	if (ok) {
		f.ack.largest = list->r[0].last;
		f.ack.run = value_of(&fs->run, list->r[0].last - list->r[0].first);
		f.ack.ranges = value_of(&fs->ranges, list->n - 1);
		f.ack.window = m->path->window;
		f.ack.delay = fs->delay.lo;
		f.ack.wait = fs->wait.lo;
		m->len += mn_frame_write(m->buf + m->len, &f);
	}
	for (unsigned int i = 1; ok && i < list->n; i++)
		m->len += mn_frame_write_range(m->buf + m->len,
					       list->r[i - 1].first - list->r[i].last - 1,
					       list->r[i].last - list->r[i].first + 1);
	free(list);
	return ok;
}

static bool put_hex(struct maker *m, const char *text)
{
	for (; text[0]; text += 2) {
		unsigned int byte;

		if (!text[1] || sscanf(text, "%2x", &byte) != 1)
			return script_fail(m->w->script, "'%s' is no row of bytes in hexadecimal",
					   text);
		m->buf[m->len++] = byte;
	}
	return true;
}

/* An OPEN of a new name begins a connection. */
static struct conn *new_conn(struct maker *m, const struct frame_spec *fs)
{
	struct conn *c = world_add(m->w, fs->conn);

	if (!c)
		return NULL;
	c->path = m->path;
	c->way = m->path->way;
	c->port = value_of(&fs->port, WORLD_PORT);
	c->client = value_of(&fs->client, 40000 + m->w->n_conns);
	c->serial = fs->serial.given ? fs->serial.lo : m->path->next_serial++;
	return c;
}

static void fill_room(struct conn *c, const struct frame_spec *fs, struct mn_frame *f)
{
	if (fs->accepted.given || fs->accepted_all)
		c->accepted = fs->accepted_all ? c->sent_end : fs->accepted.lo;
	c->credit = value_of(&fs->credit, c->credit);
	c->drops = value_of(&fs->drops, c->drops);
	f->accepted = c->accepted;
	f->credit = c->credit;
	f->drops = c->drops;
	if (f->type == MN_FRAME_DATA &&
	    (fs->accepted.given || fs->accepted_all || fs->credit.given || fs->drops.given))
		f->flags |= MN_FRAME_F_CREDIT;
}

static bool put_payload(struct maker *m, const struct frame_spec *fs, const struct conn *c,
			const struct mn_frame *f)
{
	if (*fs->bytes)
		return put_hex(m, fs->bytes);
	if (f->len > 65000)
		return script_fail(m->w->script, "the packet is too long");
	if (f->len && !stream_copy(&c->theirs, f->offset, m->buf + m->len, f->len))
		return script_fail(m->w->script, "the peer's messages end at %lu: see 'messages'",
				   c->theirs.end);
	m->len += f->len;
	return true;
}

static void fill_stream(struct conn *c, const struct frame_spec *fs, struct mn_frame *f)
{
	f->offset = value_of(&fs->offset, c->seq);
	f->len = *fs->bytes ? strlen(fs->bytes) / 2 : fs->len.lo;
	f->flags |= fs->fin ? MN_FRAME_F_FIN : 0;
	if (c->seq < f->offset + f->len + fs->fin)
		c->seq = f->offset + f->len + fs->fin;
}

static bool fill_move(struct maker *m, const struct frame_spec *fs, struct conn *c,
		      struct mn_frame *f)
{
	bool answers = f->code == MN_WIRE_MOVE_TAKEN || f->code == MN_WIRE_MOVE_REFUSED;

	f->value = value_of(&fs->value, 0);
	f->mine = value_of(&fs->mine, answers ? c->next_number : c->next_peer_number);
	if (*fs->to && !exchange_id(m->w, fs->to, &f->value))
		return false;
	if (f->code == MN_WIRE_MOVE_ASK)
		c->next_peer_number = f->mine;
	if (f->code == MN_WIRE_MOVE_HERE && f->mine == c->next_peer_number) {
		c->peer_number = f->mine;
		c->path = m->path;
	}
	return true;
}

static bool make_conn_frame(struct maker *m, const struct frame_spec *fs)
{
	struct conn *c = world_find(m->w, fs->conn);
	struct mn_frame f = { .type = fs->type };

	if (!c && fs->type == MN_FRAME_OPEN)
		c = new_conn(m, fs);
	if (!c)
		return script_fail(m->w->script, "there is no connection '%s'", fs->conn);
	f.conn = fs->type == MN_FRAME_OPEN ? c->peer_number : c->number;
	f.conn = value_of(&fs->number, f.conn);
	f.code = fs->code.lo;
	if (fs->type == MN_FRAME_ABORT && !fs->code.given)
		f.code = MN_WIRE_CODE_ABORTED;
	f.engine = fs->engine.lo;
	f.mine = value_of(&fs->mine, c->peer_number);
	f.port = value_of(&fs->port, c->port);
	f.client_port = value_of(&fs->client, c->client);
	f.value = value_of(&fs->value, value_of(&fs->serial, c->serial));
	if (fs->type == MN_FRAME_MOVE && !fill_move(m, fs, c, &f))
		return false;
	if (fs->type == MN_FRAME_DATA || fs->type == MN_FRAME_OPEN)
		fill_stream(c, fs, &f);
	if (fs->type == MN_FRAME_OPEN)
		f.credit = c->credit = value_of(&fs->credit, c->credit);
	else
		fill_room(c, fs, &f);
	m->len += mn_frame_write(m->buf + m->len, &f);
	return put_payload(m, fs, c, &f);
}

static bool make_frame(struct maker *m, const struct frame_spec *fs)
{
	struct mn_frame f = { .type = fs->type };

	if (fs->type == SPEC_RAW)
		return put_hex(m, fs->bytes);
	if (fs->type == MN_FRAME_ACK)
		return make_ack(m, fs);
	if (*fs->conn)
		return make_conn_frame(m, fs);
	f.value = value_of(&fs->value, fs->type == MN_FRAME_RESPONSE ? m->path->nonce : 0);
	f.engine = fs->engine.lo;
	f.src_port = value_of(&fs->src, 1);
	f.dst_port = value_of(&fs->dst, 1);
	m->len += mn_frame_write(m->buf + m->len, &f);
	return true;
}

/* --- packets --- */

static bool fill_init(struct maker *m, const struct spec *p, struct mn_packet *pk)
{
	struct path *path = m->path;
	bool answer = p->type == MN_WIRE_ANSWER;
	uint64_t id = path->peer_id;

	path->instance = value_of(&p->instance, path->instance);
	path->window = value_of(&p->window, path->window);
	pk->init = (struct mn_wire_init){
		.instance = path->instance,
		.cookie = value_of(&p->cookie, answer ? 0 : path->cookie),
		.ts = value_of(&p->ts, answer ? path->ts : (uint32_t)m->w->now_us),
		.mss = value_of(&p->mss, 65000),
		.window = path->window,
		.port = value_of(&p->port, answer ? 0 : WORLD_PORT),
		.port_first = value_of(&p->first, WORLD_BLOCK),
		.port_count = value_of(&p->count, WORLD_PORTS),
		.wanted = value_of(&p->wanted, answer ? 0 : MN_WIRE_ENGINE_ANY),
	};
	if (pk->init.mss >= 528)
		path->peer_mss = pk->init.mss;
	else
		path->peer_mss = 528;
	if (!answer)
		pk->path = 0;
	if (*p->id && !exchange_id(m->w, p->id, &id))
		return false;
	pk->init.id = id;
	return true;
}

static bool fill_reset(struct maker *m, const struct spec *p, struct mn_packet *pk)
{
	bool unknown = p->code.lo == MN_WIRE_CODE_UNKNOWN;
	uint64_t id = unknown ? m->path->peer_id : 0;

	pk->reset = (struct mn_wire_reset){
		.code = p->code.lo,
		.to = value_of(&p->to, unknown ? WORLD_ENGINE : 0),
	};
	if (unknown)
		pk->path = 0;
	if (*p->id && !exchange_id(m->w, p->id, &id))
		return false;
	pk->reset.id = id;
	return true;
}

static bool fill_packet(struct maker *m, const struct spec *p, struct mn_packet *pk)
{
	struct path *path = m->path;

	path->engine = value_of(&p->engine, path->engine);
	*pk = (struct mn_packet){ .type = p->type, .engine = path->engine, .path = path->id };
	if (p->type == MN_WIRE_FRAMES) {
		pk->number = value_of(&p->n, path->next);
		pk->least = pk->number - value_of(&p->behind, pk->number - 1);
		if (pk->number >= path->next)
			path->next = pk->number + 1;
		if (pk->number < WORLD_SENT)
			path->sent[pk->number / 8] |= 1 << pk->number % 8;
	} else if (p->type == MN_WIRE_RETRY) {
		pk->cookie = p->cookie.lo;
	} else if (p->type == MN_WIRE_RESET) {
		if (!fill_reset(m, p, pk))
			return false;
	} else if (!fill_init(m, p, pk)) {
		return false;
	}
	return !*p->to_id || exchange_id(m->w, p->to_id, &pk->path);
}

/* The fields that break the rules, and the length. */
static void spoil(struct maker *m, const struct spec *p)
{
	struct mn_wire_hdr *h = (struct mn_wire_hdr *)m->buf;

	if (p->version.given)
		h->version = p->version.lo;
	if (p->reserved.given)
		h->reserved = p->reserved.lo;
	if (p->tag.given)
		h->tag[MN_WIRE_TAG_LEN - 1] = p->tag.lo;
	if (p->pad.given) {
		memset(m->buf + m->len, 0, p->pad.lo);
		m->len += p->pad.lo;
	}
	if (p->cut.given && p->cut.lo < m->len)
		m->len = p->cut.lo;
}

static bool way_of(struct world *w, const struct spec *p, const struct path *path,
		   struct mn_tuple *way)
{
	*way = path->way;
	if (p->sport.given)
		way->remote_port = p->sport.lo;
	if (p->dport.given)
		way->local_port = p->dport.lo;
	return !*p->from || parse_from(w, p->from, way);
}

static struct path *path_for(struct world *w, const struct spec *p)
{
	if (p->type == MN_WIRE_INIT && (!*p->path || !world_path(w, p->path)))
		return new_path(w, p);
	return exchange_path(w, p);
}

/* An ANSWER from another port, an INIT to another one: the stack uses it from now on. */
static void learn_port(const struct spec *p, struct path *path, const struct mn_tuple *way)
{
	if (p->type == MN_WIRE_ANSWER || p->type == MN_WIRE_RETRY)
		path->way.remote_port = way->remote_port;
	if (p->type == MN_WIRE_INIT)
		path->way.local_port = way->local_port;
}

bool exchange_inject(struct world *w, struct labels *l, const struct spec *p)
{
	struct maker m = { .w = w, .labels = l, .path = path_for(w, p) };
	struct mn_packet pk;
	struct mn_tuple way;
	bool ok;

	if (!m.path || !way_of(w, p, m.path, &way) || !fill_packet(&m, p, &pk))
		return false;
	if (p->pad.lo > 65000)
		return script_fail(w->script, "the packet is too long");
	m.buf = calloc(1, BUF);
	m.len = mn_packet_write(m.buf, &pk);
	ok = true;
	for (unsigned int i = 0; ok && i < p->n_frames; i++)
		ok = make_frame(&m, &p->frame[i]);
	if (ok) {
		spoil(&m, p);
		learn_port(p, m.path, &way);
		ok = labels_set(w->script, l, p->as, pk.number);
		w->queue = value_of(&p->queue, WORLD_ENGINE);
		world_input(w, &way, m.buf, m.len);
	}
	free(m.buf);
	return ok && !w->script->complaint[0];
}
