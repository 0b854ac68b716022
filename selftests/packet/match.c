// SPDX-License-Identifier: MIT
/* match.c - what came out against what was to come */
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

static bool differ(char *why, const char *what)
{
	snprintf(why, SCRIPT_LINE, "%s", what);
	return false;
}

static bool match_id(struct world *w, const char *text, uint64_t got, const char *what, char *why)
{
	uint64_t id;

	return !*text || (exchange_id(w, text, &id) && id == got) || differ(why, what);
}

static bool match_init(struct world *w, const struct spec *p, const struct mn_wire_init *i,
		       char *why)
{
	const struct {
		const char *name;
		const struct range *want;
		uint64_t got;
	} fields[] = {
		{ "mss", &p->mss, i->mss }, { "window", &p->window, i->window },
		{ "cookie", &p->cookie, i->cookie }, { "instance", &p->instance, i->instance },
		{ "port", &p->port, i->port }, { "first", &p->first, i->port_first },
		{ "count", &p->count, i->port_count }, { "wanted", &p->wanted, i->wanted },
		{ "ts", &p->ts, i->ts },
	};

	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
		if (!range_has(fields[f].want, fields[f].got))
			return differ(why, fields[f].name);
	return match_id(w, p->id, i->id, "id", why);
}

static bool match_reset(struct world *w, const struct spec *p, const struct mn_wire_reset *r,
			char *why)
{
	if (r->code != p->code.lo)
		return differ(why, "code");
	return (range_has(&p->to, r->to) || differ(why, "to")) &&
	       match_id(w, p->id, r->id, "id", why);
}

/* --- frames --- */

struct match {
	struct world *w;
	struct labels *labels;
	const struct outgoing *o;
	char *why;
};

static bool match_ack(struct match *m, const struct frame_spec *fs, const struct mn_frame *f)
{
	struct numbers *want = calloc(1, sizeof(*want)), *got = calloc(1, sizeof(*got));
	bool ok = true;

	if (*fs->acked) {
		numbers_of_frame(f, got);
		ok = numbers_parse(m->w->script, m->labels, fs->acked, fs->but,
				   m->o->path->next - 1, world_has_sent, m->o->path, want) &&
		     (numbers_equal(want, got) || differ(m->why, "ACK's list"));
	}
	free(want);
	free(got);
	return ok && (range_has(&fs->window, f->ack.window) || differ(m->why, "ACK's window")) &&
	       (range_has(&fs->delay, f->ack.delay) || differ(m->why, "ACK's delay")) &&
	       (range_has(&fs->wait, f->ack.wait) || differ(m->why, "ACK's wait"));
}

static bool match_room(struct match *m, const struct frame_spec *fs, const struct sent_frame *s)
{
	const struct mn_frame *f = &s->f;
	bool asked = fs->accepted.given || fs->accepted_all || fs->credit.given || fs->drops.given;

	if (f->type == MN_FRAME_DATA && !(f->flags & MN_FRAME_F_CREDIT))
		return !asked || differ(m->why, "room");
	if (fs->accepted_all ? f->accepted != s->conn->seq :
			       !range_has(&fs->accepted, f->accepted))
		return differ(m->why, "accepted");
	return (range_has(&fs->credit, f->credit) || differ(m->why, "credit")) &&
	       (range_has(&fs->drops, f->drops) || differ(m->why, "drops"));
}

static bool match_stream(struct match *m, const struct frame_spec *fs, const struct mn_frame *f)
{
	uint64_t offset = f->type == MN_FRAME_DATA ? f->offset : 0;

	if (!range_has(&fs->offset, offset))
		return differ(m->why, "offset");
	if (fs->offset.given && !fs->any_len && !range_has(&fs->len, f->len))
		return differ(m->why, "length");
	if (f->type == MN_FRAME_DATA && fs->offset.given && !fs->any_len && !fs->len.given &&
	    f->len)
		return differ(m->why, "length");
	return fs->fin == !!(f->flags & MN_FRAME_F_FIN) || differ(m->why, "fin");
}

static bool match_open(struct match *m, const struct frame_spec *fs, const struct mn_frame *f)
{
	return match_stream(m, fs, f) &&
	       (range_has(&fs->serial, f->value) || differ(m->why, "serial")) &&
	       (range_has(&fs->port, f->port) || differ(m->why, "port")) &&
	       (range_has(&fs->credit, f->credit) || differ(m->why, "credit"));
}

static bool match_move(struct match *m, const struct frame_spec *fs, const struct mn_frame *f)
{
	uint64_t id;

	if (f->code != fs->code.lo)
		return differ(m->why, "step");
	if (*fs->to && (!exchange_id(m->w, fs->to, &id) || id != f->value))
		return differ(m->why, "path");
	return range_has(&fs->mine, f->mine) || differ(m->why, "mine");
}

static bool match_frame(struct match *m, const struct frame_spec *fs, const struct sent_frame *s)
{
	const struct mn_frame *f = &s->f;

	if (*fs->conn && world_find(m->w, fs->conn) != s->conn)
		return differ(m->why, "connection");
	switch (f->type) {
	case MN_FRAME_ACK:
		return match_ack(m, fs, f);
	case MN_FRAME_DATA:
		return match_stream(m, fs, f) && match_room(m, fs, s);
	case MN_FRAME_CREDIT:
	case MN_FRAME_ACCEPT:
		return match_room(m, fs, s);
	case MN_FRAME_OPEN:
		return match_open(m, fs, f);
	case MN_FRAME_REFUSE:
		return (f->code == fs->code.lo || differ(m->why, "code")) &&
		       (range_has(&fs->engine, f->engine) || differ(m->why, "engine"));
	case MN_FRAME_ABORT:
		return range_has(&fs->code, f->code) || differ(m->why, "code");
	case MN_FRAME_MOVE:
		return match_move(m, fs, f);
	case MN_FRAME_CHALLENGE:
	case MN_FRAME_RESPONSE:
		return range_has(&fs->value, f->value) || differ(m->why, "value");
	case MN_FRAME_CANDIDATE:
	case MN_FRAME_ARRIVAL:
	case MN_FRAME_ADVICE:
		return (range_has(&fs->value, f->value) || differ(m->why, "value")) &&
		       (range_has(&fs->engine, f->engine) || differ(m->why, "engine")) &&
		       (range_has(&fs->src, f->src_port) || differ(m->why, "src")) &&
		       (range_has(&fs->dst, f->dst_port) || differ(m->why, "dst"));
	default:
		return true;
	}
}

static bool is_extra(uint8_t type)
{
	return type == MN_FRAME_ACK || type == MN_FRAME_CREDIT;
}

/* The frames of the line in their order; between them ACK and CREDIT that it does not name. */
static bool match_frames(struct match *m, const struct spec *p)
{
	unsigned int i = 0, at = 0, named = 0;

	while (i < m->o->n_frames) {
		const struct sent_frame *s = &m->o->frames[i];
		const struct frame_spec *fs = at < p->n_frames ? &p->frame[at] : NULL;
		char why[SCRIPT_LINE] = "";
		struct match try = { m->w, m->labels, m->o, why };

		if (fs && fs->type == SPEC_ANY) {
			if (at + 1 < p->n_frames && fs[1].type == s->f.type &&
			    match_frame(&try, &fs[1], s))
				at++;
			else
				i++;
			named++;
		} else if (fs && fs->type == s->f.type && match_frame(&try, fs, s)) {
			at++;
			i++;
			named++;
		} else if (fs && fs->may_miss && fs->type != s->f.type) {
			at++;
		} else if (is_extra(s->f.type) && (!fs || fs->type != s->f.type ||
						   s->f.type == MN_FRAME_CREDIT)) {
			i++;
		} else {
			return differ(m->why, *why ? why : "list of frames");
		}
	}
	while (at < p->n_frames && (p->frame[at].may_miss || p->frame[at].type == SPEC_ANY))
		at++;
	return (at == p->n_frames && named) || differ(m->why, "list of frames");
}

/* --- packets --- */

static bool match_path(struct world *w, const struct spec *p, const struct outgoing *o, char *why)
{
	const char *name = *p->path ? p->path : WORLD_FIRST_PATH;
	struct path *path;

	/* A reset of a path that is not known here names none. */
	if (!o->path)
		return !*p->path || differ(why, "path");
	/* The first packet of a path gives it its name; without one the first path is p. */
	if (!*o->path->name && !world_path(w, name))
		snprintf(o->path->name, sizeof(o->path->name), "%s", name);
	if (p->type == MN_WIRE_INIT && !*p->path)
		return true;
	path = exchange_path(w, p);
	return path == o->path || differ(why, "path");
}

bool exchange_match(struct world *w, struct labels *l, const struct spec *p,
		    const struct outgoing *o, char why[SCRIPT_LINE])
{
	const struct mn_packet *pk = &o->packet;
	struct match m = { w, l, o, why };

	if (pk->type != p->type)
		return differ(why, "type");
	if (!match_path(w, p, o, why))
		return false;
	if (!range_has(&p->sport, o->way.local_port) || !range_has(&p->dport, o->way.remote_port))
		return differ(why, "port of UDP");
	if (o->moved != (p->moved.lo != 0))
		return differ(why, "port of UDP that it comes from");
	if (!range_has(&p->n, pk->number))
		return differ(why, "number");
	if (!range_has(&p->behind, pk->number - pk->least))
		return differ(why, "behind");
	if (!match_id(w, p->to_id, pk->path, "path id", why))
		return false;
	if (pk->type == MN_WIRE_FRAMES && !match_frames(&m, p))
		return false;
	if ((pk->type == MN_WIRE_INIT || pk->type == MN_WIRE_ANSWER) &&
	    !match_init(w, p, &pk->init, why))
		return false;
	if (pk->type == MN_WIRE_RETRY && !range_has(&p->cookie, pk->cookie))
		return differ(why, "cookie");
	if (pk->type == MN_WIRE_RESET && !match_reset(w, p, &pk->reset, why))
		return false;
	return labels_set(w->script, l, p->as, pk->number);
}
