// SPDX-License-Identifier: MIT
/* traffic.c - messages sent as planned, and received as they must be */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "soak.h"

/* Of one connection, before the others have their turn. */
#define SEND_IN_A_ROW	8
#define RECEIVE_IN_A_ROW	64
/* A connection on which nothing moves for so long is stuck. */
#define STUCK_US	45000000

static bool same_flow(const MachnetFlow_t *a, const MachnetFlow_t *b)
{
	return a->src_ip == b->src_ip && a->dst_ip == b->dst_ip && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port;
}

static MachnetFlow_t reverse(const MachnetFlow_t *f)
{
	return (MachnetFlow_t){ f->dst_ip, f->src_ip, f->dst_port, f->src_port };
}

static struct conn *find(struct soak *s, const MachnetFlow_t *flow)
{
	for (unsigned int i = 0; i < s->n_conns; i++)
		if (same_flow(&s->conns[i].flow, flow))
			return &s->conns[i];
	return NULL;
}

static struct conn *add(struct soak *s, const MachnetFlow_t *flow, uint64_t token)
{
	struct conn *c;

	if (s->n_conns == CONNS_MAX)
		soak_fail("more than %u connections", CONNS_MAX);
	c = &s->conns[s->n_conns++];
	*c = (struct conn){ .flow = *flow, .since_us = soak_now_us() };
	c->moved_us = c->since_us;
	plan_make(&c->plan, s->seed, token);
	return c;
}

static void del(struct soak *s, struct conn *c)
{
	*c = s->conns[--s->n_conns];
}

static int out_of(const struct conn *c)
{
	return c->connected ? PLAN_OUT : PLAN_BACK;
}

static int into(const struct conn *c)
{
	return c->connected ? PLAN_BACK : PLAN_OUT;
}

static bool we_close(const struct conn *c)
{
	return c->plan.connector_closes == c->connected;
}

static void set_peer(struct conn *c, uint32_t host, uint16_t port)
{
	struct in_addr in = { htonl(host) };

	c->peer.host = host;
	c->peer.port = port;
	inet_ntop(AF_INET, &in, c->peer.ip, sizeof(c->peer.ip));
}

/* The first message of a connection that a peer has made. */
static bool take_hello(struct soak *s, const MachnetFlow_t *flow, size_t len)
{
	struct plan_hello h;
	struct conn *c;

	if (!plan_hello_read(&h, s->seed, s->buf, len))
		return false;
	c = add(s, flow, h.token);
	set_peer(c, h.host, h.port);
	c->greeted = true;
	return true;
}

static void take_message(struct soak *s, struct conn *c, size_t len)
{
	uint32_t n = c->received, want;
	size_t off;

	if (n == c->plan.total[into(c)])
		soak_fail("connection %lx: message %u of %zu bytes is one too many", c->plan.token,
			  n, len);
	want = plan_size(&c->plan, into(c), n);
	if (len != want)
		soak_fail("connection %lx: message %u has %zu bytes instead of %u", c->plan.token,
			  n, len, want);
	off = plan_check(&c->plan, into(c), n, s->buf);
	if (off != len)
		soak_fail("connection %lx: byte %zu of message %u of %zu bytes is wrong",
			  c->plan.token, off, n, len);
	c->received++;
	c->moved_us = soak_now_us();
	s->counts.received++;
	s->counts.bytes += len;
}

static void on_message(struct soak *s, const MachnetFlow_t *flow, size_t len)
{
	struct conn *c = find(s, flow);

	if (c)
		take_message(s, c, len);
	else if (!take_hello(s, flow, len))
		soak_fail("a message of %zu bytes on no connection of ours: %08x:%u", len,
			  flow->dst_ip, flow->dst_port);
}

/* The peer's program was killed or has left before the plan was fulfilled. */
static bool is_early_end(const struct soak *s, const struct conn *c)
{
	return (we_close(c) || c->received != c->plan.total[into(c)]) &&
	       soak_was_killed(s, &c->peer, c->since_us);
}

static void on_end(struct soak *s, const MachnetFlow_t *flow, int error)
{
	struct conn *c = find(s, flow);

	if (!flow->src_port)
		soak_fail("the listener is lost: %s", strerror(error));
	/* It ended before it said anything. */
	if (!c)
		return;
	if (error == ESHUTDOWN && is_early_end(s, c)) {
		if (c->received < ledger_accepted(c->plan.token, into(c)))
			soak_fail("connection %lx: its peer has left, and %u of %u accepted "
				  "messages have arrived", c->plan.token, c->received,
				  ledger_accepted(c->plan.token, into(c)));
		s->counts.left++;
	} else if (error == ESHUTDOWN) {
		if (we_close(c) || c->received != c->plan.total[into(c)])
			soak_fail("connection %lx: closed in order after %u of %u messages%s",
				  c->plan.token, c->received, c->plan.total[into(c)],
				  we_close(c) ? ", by the wrong side" : "");
		s->counts.in_order++;
	} else {
		if (!soak_was_killed(s, &c->peer, c->since_us))
			soak_fail("connection %lx, %lu ms old: %s, but nobody was killed; sent %u "
				  "of %u, received %u of %u, max bits %u, %s", c->plan.token,
				  (soak_now_us() - c->since_us) / 1000, strerror(error), c->sent,
				  c->plan.total[out_of(c)], c->received, c->plan.total[into(c)],
				  c->plan.max_bits, c->connected ? "connected" : "accepted");
		s->counts.broken++;
	}
	del(s, c);
}

bool soak_receive(struct soak *s)
{
	int i;

	for (i = 0; i < RECEIVE_IN_A_ROW; i++) {
		MachnetFlow_t from, flow;
		ssize_t n = machnet_recv(s->channel, s->buf, MACHNET_MSG_MAX_LEN, &from);
		int error = errno;

		if (!n)
			break;
		if (n < 0 && (error == EPROTO || error == EINVAL || error == EMSGSIZE))
			soak_fail("receive: %s", strerror(error));
		flow = reverse(&from);
		if (n > 0)
			on_message(s, &flow, n);
		else
			on_end(s, &flow, error);
	}
	return i > 0;
}

/* 0, or the errno of the refusal. */
static int send_next(struct soak *s, struct conn *c)
{
	struct plan_hello h;
	uint32_t len;

	if (!c->greeted) {
		plan_hello_make(&h, s->seed, c->plan.token, s->self.host, s->self.port);
		if (machnet_send(s->channel, c->flow, &h, sizeof(h)))
			return errno;
		c->greeted = true;
		return 0;
	}
	len = plan_size(&c->plan, out_of(c), c->sent);
	plan_fill(&c->plan, out_of(c), c->sent, s->buf);
	if (machnet_send(s->channel, c->flow, s->buf, len))
		return errno;
	c->sent++;
	ledger_sent(c->plan.token, out_of(c), c->sent);
	c->moved_us = soak_now_us();
	s->counts.sent++;
	return 0;
}

static bool has_more(const struct conn *c)
{
	return !c->greeted || c->sent < c->plan.total[out_of(c)];
}

bool soak_send(struct soak *s)
{
	bool work = false;

	s->no_room = false;
	for (unsigned int i = 0; i < s->n_conns; i++) {
		struct conn *c = &s->conns[(soak_random(s) + i) % s->n_conns];

		for (int k = 0; k < SEND_IN_A_ROW && has_more(c); k++) {
			int error = send_next(s, c);

			if (error && error != EAGAIN && error != ENOTCONN)
				soak_fail("send: %s", strerror(error));
			work |= !error;
			s->no_room |= error == EAGAIN;
			/* ENOTCONN: it has ended, as machnet_recv() is about to tell. */
			if (error)
				break;
		}
	}
	return work;
}

static bool is_complete(const struct conn *c)
{
	return we_close(c) && !c->over && !has_more(c) &&
	       (c->plan.at_once || c->received == c->plan.total[into(c)]);
}

bool soak_close(struct soak *s)
{
	bool work = false;

	for (unsigned int i = 0; i < s->n_conns;) {
		struct conn *c = &s->conns[i];

		if (!is_complete(c)) {
			i++;
			continue;
		}
		work = true;
		if (!machnet_close(s->channel, c->flow)) {
			s->counts.in_order++;
			del(s, c);
		} else if (errno == ENOTCONN) {
			c->over = true;
		} else {
			soak_fail("close: %s", strerror(errno));
		}
	}
	return work;
}

static unsigned int made_by_us(const struct soak *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n_conns; i++)
		n += s->conns[i].connected;
	return n;
}

bool soak_connect(struct soak *s)
{
	const struct place *peer = &s->peers[soak_random(s) % s->n_peers];
	uint64_t began_us = soak_now_us();
	MachnetFlow_t flow;
	struct conn *c;
	int error;

	if (made_by_us(s) >= s->want)
		return false;
	if (machnet_connect(s->channel, NULL, peer->ip, peer->port, &flow)) {
		error = errno;
		if (!soak_was_killed(s, peer, began_us))
			soak_fail("connect to %s:%u: %s, but nobody was killed", peer->ip,
				  peer->port, strerror(error));
		s->counts.refused++;
		return false;
	}
	c = find(s, &flow);
	if (c)
		soak_fail("a connection has the addresses of connection %lx", c->plan.token);
	c = add(s, &flow, soak_random(s));
	ledger_begin(c->plan.token);
	c->peer = *peer;
	c->connected = true;
	return true;
}

void soak_watch(struct soak *s)
{
	uint64_t now_us = soak_now_us();

	for (unsigned int i = 0; i < s->n_conns; i++) {
		const struct conn *c = &s->conns[i];

		if (now_us - c->moved_us > STUCK_US)
			soak_fail("connection %lx is stuck: sent %u of %u, received %u of %u, "
				  "max bits %u, %s, to %s:%u", c->plan.token, c->sent,
				  c->plan.total[out_of(c)], c->received, c->plan.total[into(c)],
				  c->plan.max_bits, c->connected ? "connected" : "accepted",
				  c->peer.ip, c->peer.port);
	}
}
