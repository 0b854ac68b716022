// SPDX-License-Identifier: MIT
/* packet.c - strict parser and the one writer of packets */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "transport1/packet.h"

static bool has_syn_body(uint8_t type)
{
	return type == MN_WIRE_SYN || type == MN_WIRE_SYN_ACK || type == MN_WIRE_RST ||
	       type == MN_WIRE_RETRY;
}

static void read_hdr(const struct mn_wire_hdr *h, struct mn_seg *seg)
{
	seg->type = h->type;
	seg->flags = h->flags;
	seg->n_sack = h->n_sack;
	seg->credit = ntohl(h->credit);
	seg->id = be64toh(h->id);
	seg->seq = be64toh(h->seq);
	seg->ack = be64toh(h->ack);
	seg->ts = ntohl(h->ts);
	seg->ts_echo = ntohl(h->ts_echo);
	seg->ack_delay = ntohl(h->ack_delay);
	seg->wait = ntohs(h->wait);
}

/* What the body may say depends on the type. */
static bool syn_is_possible(const struct mn_seg *seg)
{
	const struct mn_wire_syn *b = &seg->syn;

	switch (seg->type) {
	case MN_WIRE_SYN:
		return !seg->id && b->id && !b->code;
	case MN_WIRE_SYN_ACK:
		return seg->id && b->id && !b->code && !b->cookie;
	case MN_WIRE_RETRY:
		return seg->id && b->cookie && !b->id && !b->mss && !b->engine && !b->code;
	default:
		return b->code && !b->cookie;
	}
}

/* SYN, SYN_ACK, RST, RETRY: a body and nothing else. */
static int read_syn(const uint8_t *data, uint32_t len, struct mn_seg *seg)
{
	struct mn_wire_syn b;

	if (len < sizeof(b))
		return -EMSGSIZE;
	memcpy(&b, data, sizeof(b));
	if (len > sizeof(b) || seg->flags || seg->n_sack)
		return -EBADMSG;
	seg->syn.id = be64toh(b.id);
	seg->syn.mss = ntohs(b.mss);
	seg->syn.engine = ntohs(b.engine);
	seg->syn.code = ntohl(b.code);
	seg->syn.cookie = be64toh(b.cookie);
	seg->len = 0;
	return syn_is_possible(seg) ? 0 : -EBADMSG;
}

/* DATA, ACK: ranges, then payload that DATA must and ACK must not have. */
static int read_data(const uint8_t *data, uint32_t len, struct mn_seg *seg)
{
	uint32_t ranges = seg->n_sack * sizeof(struct mn_wire_sack);

	if (seg->n_sack > MN_WIRE_SACK_MAX)
		return -EBADMSG;
	if (len < ranges)
		return -EMSGSIZE;
	for (int i = 0; i < seg->n_sack; i++) {
		struct mn_wire_sack s;

		memcpy(&s, data + i * sizeof(s), sizeof(s));
		seg->sack[i].start = be64toh(s.start);
		seg->sack[i].end = be64toh(s.end);
		if (seg->sack[i].start >= seg->sack[i].end || seg->sack[i].start <= seg->ack)
			return -EBADMSG;
	}
	seg->payload = data + ranges;
	seg->len = len - ranges;
	if ((seg->type == MN_WIRE_DATA) != (seg->len != 0))
		return -EBADMSG;
	/* The number behind a FIN must exist, too. */
	return seg->seq + seg->len + 1 > seg->seq ? 0 : -EBADMSG;
}

int mn_packet_parse(const uint8_t *data, uint32_t len, struct mn_seg *seg)
{
	struct mn_wire_hdr h;

	if (len < sizeof(h))
		return -EMSGSIZE;
	memcpy(&h, data, sizeof(h));
	if (h.version != MN_WIRE_VERSION || (h.flags & ~MN_WIRE_F_MASK) || h.reserved ||
	    h.type < MN_WIRE_SYN || h.type > MN_WIRE_RETRY)
		return -EPROTONOSUPPORT;
	read_hdr(&h, seg);
	if (has_syn_body(h.type))
		return read_syn(data + sizeof(h), len - sizeof(h), seg);
	return read_data(data + sizeof(h), len - sizeof(h), seg);
}

uint32_t mn_packet_write(uint8_t *buf, const struct mn_seg *seg)
{
	struct mn_wire_hdr h = {
		.version = MN_WIRE_VERSION,
		.type = seg->type,
		.flags = seg->flags,
		.n_sack = seg->n_sack,
		.credit = htonl(seg->credit),
		.id = htobe64(seg->id),
		.seq = htobe64(seg->seq),
		.ack = htobe64(seg->ack),
		.ts = htonl(seg->ts),
		.ts_echo = htonl(seg->ts_echo),
		.ack_delay = htonl(seg->ack_delay),
		.wait = htons(seg->wait),
	};

	memcpy(buf, &h, sizeof(h));
	if (has_syn_body(seg->type)) {
		struct mn_wire_syn b = {
			.id = htobe64(seg->syn.id),
			.mss = htons(seg->syn.mss),
			.engine = htons(seg->syn.engine),
			.code = htonl(seg->syn.code),
			.cookie = htobe64(seg->syn.cookie),
		};

		memcpy(buf + sizeof(h), &b, sizeof(b));
		return MN_PACKET_SYN;
	}
	for (int i = 0; i < seg->n_sack; i++) {
		struct mn_wire_sack s = {
			.start = htobe64(seg->sack[i].start),
			.end = htobe64(seg->sack[i].end),
		};

		memcpy(buf + sizeof(h) + i * sizeof(s), &s, sizeof(s));
	}
	return MN_PACKET_HDR(seg->n_sack);
}
