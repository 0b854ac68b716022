// SPDX-License-Identifier: MIT
/* exchange.c - packets of a script made and compared */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "transport1/conn.h"
#include "exchange.h"

static bool label_set(struct script *s, struct labels *l, const char *name, uint32_t ts)
{
	unsigned int i = 0;

	if (!*name)
		return true;
	while (i < l->n && strcmp(l->of[i].name, name))
		i++;
	if (i == sizeof(l->of) / sizeof(l->of[0]))
		return script_fail(s, "too many labels");
	strcpy(l->of[i].name, name);
	l->of[i].ts = ts;
	l->n += i == l->n;
	return true;
}

/* A label, "none", or -N: so long ago. */
static bool time_of(struct world *w, const struct labels *l, const char *text, uint32_t *ts)
{
	uint64_t ago;

	if (!strcmp(text, "none")) {
		*ts = 0;
		return true;
	}
	if (text[0] == '-') {
		if (!script_number(w->script, text + 1, &ago))
			return false;
		*ts = w->now_us - ago;
		return true;
	}
	for (unsigned int i = 0; i < l->n; i++) {
		if (!strcmp(l->of[i].name, text)) {
			*ts = l->of[i].ts;
			return true;
		}
	}
	return script_fail(w->script, "no packet was called '%s'", text);
}

/* own:NAME, peer:NAME, or a number. */
static bool id_of(struct world *w, const char *text, uint64_t *id)
{
	const char *name = strchr(text, ':');
	struct conn *c;

	if (!name)
		return script_number(w->script, text, id);
	c = world_find(w, name + 1);
	if (!c || (strncmp(text, "own:", 4) && strncmp(text, "peer:", 5)))
		return script_fail(w->script, "'%s' is no id", text);
	*id = text[0] == 'o' ? c->id : c->peer_id;
	return *id || script_fail(w->script, "the id '%s' is not known yet", text);
}

/* A connection that the script's SYN begins. */
static struct conn *new_peer(struct world *w, const struct spec *p)
{
	struct conn *c = world_add(w, p->conn);

	if (!c)
		return NULL;
	c->path.local_port = p->dport.given ? p->dport.lo : WORLD_PORT;
	c->path.remote_port = p->sport.given ? p->sport.lo : 50000 + w->n_conns;
	if (!*p->from)
		return c;
	if (mn_addr_parse(&c->path.remote, p->from)) {
		script_fail(w->script, "'%s' is no address", p->from);
		return NULL;
	}
	if (!mn_addr_is_v4(&c->path.remote))
		mn_addr_parse(&c->path.local, "2001:db8::1");
	return c;
}

static struct conn *conn_for(struct world *w, const struct spec *p)
{
	struct conn *c = world_find(w, p->conn);

	if (p->type == MN_WIRE_SYN && (!c || !*p->conn))
		return new_peer(w, p);
	if (!c)
		script_fail(w->script, "there is no connection '%s'", p->conn);
	return c;
}

static bool fill_times(struct world *w, struct labels *l, const struct spec *p,
		       const struct conn *c, struct mn_seg *seg)
{
	seg->ts = w->now_us;
	seg->ts_echo = c->echo;
	seg->ack_delay = p->delay.lo;
	if (*p->ts && !time_of(w, l, p->ts, &seg->ts))
		return false;
	if (*p->echo && !time_of(w, l, p->echo, &seg->ts_echo))
		return false;
	return label_set(w->script, l, p->as, seg->ts);
}

/* The header; what the script says stays for the next packet of the peer. */
static bool fill_header(struct world *w, struct labels *l, const struct spec *p, struct conn *c,
			struct mn_seg *seg)
{
	bool stream = p->type == MN_WIRE_DATA || p->type == MN_WIRE_ACK;

	if (p->ack.given || p->ack_all)
		c->ack = p->ack_all ? c->sent_end : p->ack.lo;
	if (p->credit.given)
		c->credit = p->credit.lo;
	seg->type = p->type;
	seg->flags = p->flags;
	seg->id = p->type == MN_WIRE_SYN ? 0 : c->id;
	seg->credit = p->type == MN_WIRE_RST ? 0 : c->credit;
	if (*p->id && !id_of(w, p->id, &seg->id))
		return false;
	if (stream) {
		seg->seq = p->seq.given ? p->seq.lo : c->seq;
		seg->len = p->len.lo;
		seg->ack = c->ack;
		seg->n_sack = p->n_sack;
		memcpy(seg->sack, p->sack, sizeof(seg->sack));
		if (c->seq < seg->seq + seg->len + (seg->flags & MN_WIRE_F_FIN))
			c->seq = seg->seq + seg->len + (seg->flags & MN_WIRE_F_FIN);
	}
	return fill_times(w, l, p, c, seg);
}

static bool fill_body(struct world *w, const struct spec *p, struct conn *c, struct mn_seg *seg)
{
	seg->syn.code = p->code;
	seg->syn.cookie = p->type == MN_WIRE_SYN ? c->cookie : 0;
	if (p->cookie.given)
		seg->syn.cookie = p->cookie.lo;
	if (p->type == MN_WIRE_SYN || p->type == MN_WIRE_SYN_ACK) {
		seg->syn.id = c->peer_id;
		seg->syn.mss = p->mss.given ? p->mss.lo : 65000;
		seg->syn.engine = p->engine.lo;
		c->peer_mss = seg->syn.mss > MN_MTU_MIN - 48 ? seg->syn.mss : MN_MTU_MIN - 48;
	} else if (p->code == MN_WIRE_CODE_UNKNOWN) {
		seg->syn.id = c->peer_id;
		seg->id = *p->id ? seg->id : 0;
	}
	return !*p->body || id_of(w, p->body, &seg->syn.id);
}

static bool hex_bytes(struct script *s, const char *text, uint8_t *out, uint32_t *len)
{
	for (*len = 0; text[0]; text += 2) {
		unsigned int byte;

		if (!text[1] || sscanf(text, "%2x", &byte) != 1)
			return script_fail(s, "'%s' is no row of bytes in hexadecimal", text);
		out[(*len)++] = byte;
	}
	return true;
}

static bool put_payload(struct world *w, const struct spec *p, const struct conn *c,
			const struct mn_seg *seg, uint8_t *buf, uint32_t *len)
{
	uint32_t n;

	if (*p->bytes) {
		if (!hex_bytes(w->script, p->bytes, buf + *len, &n))
			return false;
		*len += n;
		return true;
	}
	if (seg->len && !stream_copy(&c->theirs, seg->seq, buf + *len, seg->len))
		return script_fail(w->script, "the peer's messages end at %lu: see 'messages'",
				   c->theirs.end);
	*len += seg->len;
	return true;
}

/* The fields that break the rules, and the length. */
static void spoil(const struct spec *p, uint8_t *buf, uint32_t *len)
{
	struct mn_wire_hdr *h = (struct mn_wire_hdr *)buf;
	uint16_t reserved = htons(p->reserved.lo);

	if (p->version.given)
		h->version = p->version.lo;
	if (p->rawflags.given)
		h->flags = p->rawflags.lo;
	if (p->ranges.given)
		h->n_sack = p->ranges.lo;
	/* The header's last two bytes. */
	if (p->reserved.given)
		memcpy(buf + sizeof(*h) - sizeof(reserved), &reserved, sizeof(reserved));
	if (p->pad.given) {
		memset(buf + *len, 0, p->pad.lo);
		*len += p->pad.lo;
	}
	if (p->cut.given && p->cut.lo < *len)
		*len = p->cut.lo;
}

static bool path_of(struct world *w, const struct spec *p, const struct conn *c,
		    struct mn_path *path)
{
	*path = c->path;
	if (p->sport.given)
		path->remote_port = p->sport.lo;
	if (p->dport.given)
		path->local_port = p->dport.lo;
	if (*p->from && mn_addr_parse(&path->remote, p->from))
		return script_fail(w->script, "'%s' is no address", p->from);
	return true;
}

bool exchange_inject(struct world *w, struct labels *l, const struct spec *p)
{
	struct conn *c = conn_for(w, p);
	struct mn_seg seg = { 0 };
	struct mn_path path;
	uint8_t *buf;
	uint32_t len;
	bool ok;

	if (!c || !path_of(w, p, c, &path) || !fill_header(w, l, p, c, &seg) ||
	    !fill_body(w, p, c, &seg))
		return false;
	if (seg.len > 65000 || p->pad.lo > 65000)
		return script_fail(w->script, "the packet is too long");
	buf = calloc(1, 2 * 65536);
	len = mn_packet_write(buf, &seg);
	ok = put_payload(w, p, c, &seg, buf, &len);
	if (ok) {
		spoil(p, buf, &len);
		world_input(w, &path, buf, len);
	}
	free(buf);
	return ok && !w->script->complaint[0];
}

/* --- what came out against what was to come --- */

static bool differ(char *why, const char *what)
{
	snprintf(why, SCRIPT_LINE, "%s", what);
	return false;
}

static bool match_stream(const struct spec *p, const struct outgoing *o, char *why)
{
	const struct mn_seg *seg = &o->seg;
	uint8_t flags = p->probe_too ? seg->flags & ~MN_WIRE_F_PROBE : seg->flags;
	uint64_t ack = p->ack_all ? o->conn->theirs.end : p->ack.lo;

	if (flags != p->flags)
		return differ(why, "flags");
	if (!range_has(&p->seq, seg->seq))
		return differ(why, "seq");
	if (seg->type == MN_WIRE_DATA && !p->any_len && p->seq.given &&
	    !range_has(&p->len, seg->len))
		return differ(why, "length");
	if (p->ack_all ? seg->ack != ack : !range_has(&p->ack, seg->ack))
		return differ(why, "ack");
	if (seg->n_sack != p->n_sack ||
	    memcmp(seg->sack, p->sack, p->n_sack * sizeof(p->sack[0])))
		return differ(why, "sack");
	return true;
}

static bool match_ids(struct world *w, const struct spec *p, const struct mn_seg *seg, char *why)
{
	uint64_t id;

	if (*p->id && (!id_of(w, p->id, &id) || id != seg->id))
		return differ(why, "id");
	if (*p->body && (!id_of(w, p->body, &id) || id != seg->syn.id))
		return differ(why, "body");
	return true;
}

static bool match_times(struct world *w, struct labels *l, const struct spec *p,
			const struct mn_seg *seg, char *why)
{
	uint32_t ts;

	if (*p->echo && (!time_of(w, l, p->echo, &ts) || ts != seg->ts_echo))
		return differ(why, "echo");
	return range_has(&p->delay, seg->ack_delay) || differ(why, "delay");
}

bool exchange_match(struct world *w, struct labels *l, const struct spec *p,
		    const struct outgoing *o, char why[SCRIPT_LINE])
{
	const struct mn_seg *seg = &o->seg;
	struct conn *c = world_find(w, p->conn);

	if (seg->type != p->type)
		return differ(why, "type");
	/* A reset of a connection that is not known here names none. */
	if (seg->type != MN_WIRE_RST || seg->id)
		if (!c || o->conn != c)
			return differ(why, "connection");
	if (seg->type == MN_WIRE_RST && seg->syn.code != p->code)
		return differ(why, "code");
	if ((seg->type == MN_WIRE_DATA || seg->type == MN_WIRE_ACK) && !match_stream(p, o, why))
		return false;
	if (!range_has(&p->credit, seg->credit))
		return differ(why, "credit");
	if (!range_has(&p->mss, seg->syn.mss))
		return differ(why, "mss");
	if (!range_has(&p->cookie, seg->syn.cookie))
		return differ(why, "cookie");
	if (!range_has(&p->engine, seg->syn.engine))
		return differ(why, "engine");
	if (!match_ids(w, p, seg, why) || !match_times(w, l, p, seg, why))
		return false;
	return label_set(w->script, l, p->as, seg->ts);
}
