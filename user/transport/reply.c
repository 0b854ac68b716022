// SPDX-License-Identifier: MIT
/* reply.c - answers without a state */
#include "transport/reply.h"

/* Answers to unknown paths: so many at once, and one more per so many microseconds. */
#define TOKENS_MAX	100u
#define TOKEN_US	1000u

void mn_replies_init(struct mn_replies *rs, uint64_t now_us)
{
	rs->head = rs->tail = 0;
	rs->tokens = TOKENS_MAX;
	rs->tokens_us = now_us;
}

static bool take_token(struct mn_replies *rs, uint64_t now_us)
{
	uint64_t fresh = (now_us - rs->tokens_us) / TOKEN_US;

	rs->tokens_us += fresh * TOKEN_US;
	rs->tokens = fresh > TOKENS_MAX - rs->tokens ? TOKENS_MAX : rs->tokens + fresh;
	if (!rs->tokens)
		return false;
	rs->tokens--;
	return true;
}

bool mn_replies_put(struct mn_replies *rs, const struct mn_reply *r, uint64_t now_us)
{
	bool unknown = r->packet.type == MN_WIRE_RESET &&
		       r->packet.reset.code == MN_WIRE_CODE_UNKNOWN;

	if (rs->tail - rs->head == MN_REPLIES_MAX)
		return false;
	if (unknown && !take_token(rs, now_us))
		return false;
	rs->ring[rs->tail++ % MN_REPLIES_MAX] = *r;
	return true;
}

uint32_t mn_replies_output(struct mn_replies *rs, uint8_t *buf, struct mn_tuple *to)
{
	const struct mn_reply *r = &rs->ring[rs->head++ % MN_REPLIES_MAX];

	*to = r->tuple;
	return mn_packet_write(buf, &r->packet);
}
