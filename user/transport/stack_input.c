// SPDX-License-Identifier: MIT
/* stack_input.c - received packets to their paths; packets of none */
#include <errno.h>

#include "transport/stack_priv.h"

static void count_drop(struct mn_stack_stats *st, int why)
{
	if (why == -EMSGSIZE)
		st->drop_short++;
	else if (why == -EPROTONOSUPPORT)
		st->drop_version++;
	else
		st->drop_malformed++;
}

void mn_stack_reply(struct mn_stack *s, const struct mn_reply *r)
{
	if (!mn_replies_put(&s->replies, r, s->now_us))
		s->stats.drop_reply_limit++;
	else if (r->packet.type == MN_WIRE_RETRY)
		s->stats.cookies_sent++;
	else
		s->stats.resets_sent++;
}

static void receive_unknown(struct mn_stack *s, const struct mn_packet *pk,
			    const struct mn_pkt *pkt)
{
	struct mn_reply r = {
		.tuple = *pkt->tuple,
		.packet = {
			.type = MN_WIRE_RESET,
			.engine = s->cfg.engine,
			.reset = { .id = pk->path, .code = MN_WIRE_CODE_UNKNOWN, .to = pk->engine },
		},
	};

	s->stats.drop_unknown_path++;
	/* No answer is larger than what it answers. */
	if (pk->type != MN_WIRE_RETRY &&
	    pkt->len >= MN_PACKET_HDR + sizeof(struct mn_wire_reset))
		mn_stack_reply(s, &r);
}

/* The path that the peer calls by its own id; an id of ours comes in the header. */
static struct mn_path *path_of_reset(struct mn_stack *s, const struct mn_packet *pk)
{
	uint32_t slot;

	if (pk->path)
		return mn_path_by_id(s, pk->path);
	slot = mn_hash_get(&s->by_remote, pk->reset.id);
	return slot == MN_HASH_NONE ? NULL : &s->paths[slot];
}

static bool is_from_peer(struct mn_stack *s, const struct mn_path *p, const struct mn_pkt *pkt)
{
	/* Its id is a secret of both ends. The peer may use other ports, but one address. */
	if (mn_addr_equal(&p->peer->route.remote, &pkt->tuple->remote) &&
	    mn_addr_equal(&p->peer->route.local, &pkt->tuple->local))
		return true;
	s->stats.drop_wrong_peer++;
	return false;
}

static void receive_reset(struct mn_stack *s, const struct mn_packet *pk, const struct mn_pkt *pkt)
{
	struct mn_path *p = path_of_reset(s, pk);

	if (!p) {
		s->stats.drop_unknown_path++;
		return;
	}
	if (!is_from_peer(s, p, pkt))
		return;
	s->stats.resets_received++;
	if (pk->reset.code == MN_WIRE_CODE_CLOSED || pk->reset.code == MN_WIRE_CODE_UNKNOWN)
		mn_path_reopen(p, pk->reset.code == MN_WIRE_CODE_UNKNOWN);
	else
		mn_path_end(p, pk->reset.code == MN_WIRE_CODE_BUSY ? MN_END_REFUSED : MN_END_RESET,
			    MN_WIRE_CODE_NONE);
}

static void receive_on_path(struct mn_stack *s, const struct mn_packet *pk,
			    const struct mn_pkt *pkt, uint32_t *kept)
{
	struct mn_path *p = mn_path_by_id(s, pk->path);

	if (!p)
		receive_unknown(s, pk, pkt);
	else if (!is_from_peer(s, p, pkt))
		return;
	else if (pk->type == MN_WIRE_FRAMES)
		mn_path_receive_frames(p, pk, pkt, kept);
	else if (pk->type == MN_WIRE_ANSWER)
		mn_path_receive_answer(p, pk, pkt);
	else
		mn_path_receive_retry(p, pk, pkt);
}

bool mn_stack_input(struct mn_stack *s, const struct mn_pkt *pkt)
{
	uint32_t kept = MN_KEPT_NONE;
	struct mn_packet pk;
	int ret;

	s->stats.rx_packets++;
	s->stats.rx_bytes += pkt->len;
	ret = mn_packet_parse(pkt->data, pkt->len, &pk);
	if (ret) {
		count_drop(&s->stats, ret);
		return false;
	}
	if (pk.type == MN_WIRE_INIT)
		mn_path_receive_init(s, &pk, pkt);
	else if (pk.type == MN_WIRE_RESET)
		receive_reset(s, &pk, pkt);
	else
		receive_on_path(s, &pk, pkt, &kept);
	mn_stack_close_corrupt(s);
	return mn_held_pool_received(&s->held, kept);
}
