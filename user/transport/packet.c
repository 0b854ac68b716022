// SPDX-License-Identifier: MIT
/* packet.c - packets between wire and host form */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "transport/packet.h"

static const uint8_t zero[MN_WIRE_TAG_LEN];

static int parse_init(const uint8_t *body, struct mn_packet *p)
{
	struct mn_wire_init *i = &p->init;
	bool answer = p->type == MN_WIRE_ANSWER;

	memcpy(i, body, sizeof(*i));
	i->id = be64toh(i->id);
	i->instance = be64toh(i->instance);
	i->cookie = be64toh(i->cookie);
	i->ts = be32toh(i->ts);
	i->mss = be16toh(i->mss);
	i->window = be16toh(i->window);
	i->port = be16toh(i->port);
	i->port_first = be16toh(i->port_first);
	i->port_count = be16toh(i->port_count);
	if (memcmp(i->reserved, zero, sizeof(i->reserved)))
		return -EPROTONOSUPPORT;
	if (!i->id || !i->instance || !i->window || !i->mss || !i->port_first || !i->port_count ||
	    (uint32_t)i->port_first + i->port_count > 65536)
		return -EBADMSG;
	if (answer && (i->cookie || i->port || i->wanted))
		return -EBADMSG;
	return answer == (p->path != 0) ? 0 : -EBADMSG;
}

static int parse_retry(const uint8_t *body, struct mn_packet *p)
{
	memcpy(&p->cookie, body, sizeof(p->cookie));
	p->cookie = be64toh(p->cookie);
	return p->cookie && p->path ? 0 : -EBADMSG;
}

static int parse_reset(const uint8_t *body, struct mn_packet *p)
{
	struct mn_wire_reset *r = &p->reset;

	memcpy(r, body, sizeof(*r));
	r->id = be64toh(r->id);
	r->code = be32toh(r->code);
	if (memcmp(r->reserved, zero, sizeof(r->reserved)))
		return -EPROTONOSUPPORT;
	if (r->code == MN_WIRE_CODE_UNKNOWN)
		return r->id && !p->path ? 0 : -EBADMSG;
	if (r->code != MN_WIRE_CODE_BUSY && r->code != MN_WIRE_CODE_CLOSED &&
	    r->code != MN_WIRE_CODE_ABORTED)
		return -EBADMSG;
	return p->path && !r->id ? 0 : -EBADMSG;
}

static int parse_frames(const struct mn_wire_hdr *h, struct mn_packet *p)
{
	uint32_t behind = be32toh(h->behind);

	p->number = be64toh(h->number);
	if (!p->path || !p->number || behind >= p->number || !p->len)
		return -EBADMSG;
	p->least = p->number - behind;
	return 0;
}

static int parse_body(const uint8_t *body, struct mn_packet *p)
{
	static const uint8_t len[] = {
		[MN_WIRE_INIT] = sizeof(struct mn_wire_init),
		[MN_WIRE_ANSWER] = sizeof(struct mn_wire_init),
		[MN_WIRE_RETRY] = sizeof(struct mn_wire_retry),
		[MN_WIRE_RESET] = sizeof(struct mn_wire_reset),
	};

	if (p->len < len[p->type])
		return -EMSGSIZE;
	if (p->len > len[p->type])
		return -EBADMSG;
	if (p->type == MN_WIRE_RETRY)
		return parse_retry(body, p);
	return p->type == MN_WIRE_RESET ? parse_reset(body, p) : parse_init(body, p);
}

int mn_packet_parse(const uint8_t *data, uint32_t len, struct mn_packet *p)
{
	struct mn_wire_hdr h;

	if (len < sizeof(h))
		return -EMSGSIZE;
	memcpy(&h, data, sizeof(h));
	if (h.version != MN_WIRE_VERSION || h.type < MN_WIRE_INIT || h.type > MN_WIRE_RESET ||
	    h.reserved || memcmp(h.tag, zero, sizeof(zero)))
		return -EPROTONOSUPPORT;
	p->type = h.type;
	p->engine = h.engine;
	p->path = be64toh(h.path);
	p->len = len - sizeof(h);
	if (p->type == MN_WIRE_FRAMES) {
		p->frames = data + sizeof(h);
		return parse_frames(&h, p);
	}
	if (h.number || h.behind)
		return -EBADMSG;
	return parse_body(data + sizeof(h), p);
}

static uint32_t write_init(uint8_t *body, const struct mn_wire_init *i)
{
	struct mn_wire_init w = {
		.id = htobe64(i->id),
		.instance = htobe64(i->instance),
		.cookie = htobe64(i->cookie),
		.ts = htobe32(i->ts),
		.mss = htobe16(i->mss),
		.window = htobe16(i->window),
		.port = htobe16(i->port),
		.port_first = htobe16(i->port_first),
		.port_count = htobe16(i->port_count),
		.wanted = i->wanted,
	};

	memcpy(body, &w, sizeof(w));
	return sizeof(w);
}

static uint32_t write_body(uint8_t *body, const struct mn_packet *p)
{
	struct mn_wire_retry retry = { htobe64(p->cookie) };
	struct mn_wire_reset reset = {
		.id = htobe64(p->reset.id),
		.code = htobe32(p->reset.code),
		.to = p->reset.to,
	};

	switch (p->type) {
	case MN_WIRE_RETRY:
		memcpy(body, &retry, sizeof(retry));
		return sizeof(retry);
	case MN_WIRE_RESET:
		memcpy(body, &reset, sizeof(reset));
		return sizeof(reset);
	case MN_WIRE_FRAMES:
		return 0;
	default:
		return write_init(body, &p->init);
	}
}

uint32_t mn_packet_write(uint8_t *buf, const struct mn_packet *p)
{
	uint64_t behind = p->number - p->least;
	struct mn_wire_hdr h = {
		.version = MN_WIRE_VERSION,
		.type = p->type,
		.engine = p->engine,
		.path = htobe64(p->path),
	};

	if (p->type == MN_WIRE_FRAMES) {
		h.number = htobe64(p->number);
		h.behind = htobe32(behind < UINT32_MAX ? behind : UINT32_MAX);
	}
	memcpy(buf, &h, sizeof(h));
	return sizeof(h) + write_body(buf + sizeof(h), p);
}
