// SPDX-License-Identifier: MIT
/* server.c - returns each message to its sender */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* How often a waiting server looks whether it is to stop. */
#define TICK_MS		500

struct peer {
	MachnetFlow_t flow;	/* as its messages come */
	struct bench_hello hello;
	uint64_t messages;
};

struct server {
	const struct bench_options *o;
	void *ch;
	uint8_t *buf;
	struct peer *peers;
	uint32_t n_peers, last;	/* last: where the previous message came from */
	uint64_t wrong;
	bool done;
};

static bool flow_equal(const MachnetFlow_t *a, const MachnetFlow_t *b)
{
	return a->src_ip == b->src_ip && a->dst_ip == b->dst_ip && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port;
}

static MachnetFlow_t back(const MachnetFlow_t *f)
{
	return (MachnetFlow_t){ f->dst_ip, f->src_ip, f->dst_port, f->src_port };
}

static struct peer *find_peer(struct server *s, const MachnetFlow_t *flow)
{
	if (s->last < s->n_peers && flow_equal(&s->peers[s->last].flow, flow))
		return &s->peers[s->last];
	for (s->last = 0; s->last < s->n_peers; s->last++)
		if (flow_equal(&s->peers[s->last].flow, flow))
			return &s->peers[s->last];
	return NULL;
}

static void say(const struct peer *p, const char *what)
{
	struct in_addr ip = { htonl(p->flow.src_ip) };
	char text[INET_ADDRSTRLEN];

	printf("%s port %u: %s", inet_ntop(AF_INET, &ip, text, sizeof(text)), p->flow.src_port,
	       what);
	if (p->messages)
		printf(", %llu messages", (unsigned long long)p->messages);
	puts("");
	fflush(stdout);
}

static void drop_peer(struct server *s, struct peer *p)
{
	*p = s->peers[--s->n_peers];
	s->done |= s->o->once && !s->n_peers;
}

/* The first message of a connection says what is to come. NULL: nothing good. */
static struct peer *new_peer(struct server *s, const MachnetFlow_t *flow, size_t len)
{
	struct peer p = { .flow = *flow };
	struct peer *grown;

	if (len == sizeof(p.hello))
		memcpy(&p.hello, s->buf, sizeof(p.hello));
	if (p.hello.magic != BENCH_MAGIC || (s->o->verify && !(p.hello.flags & BENCH_VERIFY))) {
		say(&p, p.hello.magic == BENCH_MAGIC ? "turned away, does not verify"
						     : "turned away, no client of ours");
		return NULL;
	}
	grown = realloc(s->peers, (s->n_peers + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	s->peers = grown;
	grown[s->n_peers] = p;
	say(&p, p.hello.flags & BENCH_VERIFY ? "connected, verified" : "connected");
	return &grown[s->n_peers++];
}

static void check(struct server *s, const struct peer *p, size_t len)
{
	size_t wrong;

	if (!(p->hello.flags & BENCH_VERIFY))
		return;
	wrong = bench_pattern_check(p->hello.seed, p->messages, s->buf, len);
	if (wrong == len)
		return;
	s->wrong++;
	bench_fail(0, "message %llu from port %u arrived wrong from byte %zu on",
		   (unsigned long long)p->messages, p->flow.src_port, wrong);
}

/* 0 or an exit status: a peer that is gone is its own affair. */
static int give_back(struct server *s, const MachnetFlow_t *flow, size_t len)
{
	while (machnet_send(s->ch, back(flow), s->buf, len)) {
		if (errno == ENOTCONN || bench_stop)
			return 0;
		if (errno != EAGAIN)
			return bench_fail(errno, "cannot send");
		if (machnet_wait(s->ch, MACHNET_WAIT_SEND, TICK_MS) < 0 && errno != EINTR)
			return bench_fail(errno, "cannot wait");
	}
	return 0;
}

static int take_message(struct server *s, const MachnetFlow_t *flow, size_t len)
{
	struct peer *p = find_peer(s, flow);

	if (p) {
		check(s, p, len);
		p->messages++;
	} else if (!new_peer(s, flow, len)) {
		machnet_close(s->ch, back(flow));
		return 0;
	}
	return give_back(s, flow, len);
}

/* The errors that machnet_recv() has for the end of a connection. */
static bool is_end(int error)
{
	return error == ESHUTDOWN || error == ECONNRESET || error == ETIMEDOUT ||
	       error == EHOSTUNREACH || error == ECONNABORTED || error == ENETRESET;
}

static int take_end(struct server *s, const MachnetFlow_t *flow, int error)
{
	struct peer *p = find_peer(s, flow);

	if (!p)
		return 0;
	say(p, error == ESHUTDOWN ? "closed" : strerror(error));
	drop_peer(s, p);
	return 0;
}

static int serve(struct server *s)
{
	MachnetFlow_t flow;
	ssize_t n;
	int ret = 0;

	while (!ret && !bench_stop && !s->done) {
		n = machnet_recv_timeout(s->ch, s->buf, MACHNET_MSG_MAX_LEN, &flow, TICK_MS);
		if (n > 0)
			ret = take_message(s, &flow, n);
		else if (n < 0 && is_end(errno))
			ret = take_end(s, &flow, errno);
		else if (n < 0 && errno != EINTR)
			ret = bench_fail(errno, "cannot receive");
	}
	return ret;
}

int bench_server(const struct bench_options *o)
{
	struct server s = { .o = o };
	int ret = 1;

	s.buf = malloc(MACHNET_MSG_MAX_LEN);
	if (!s.buf)
		return bench_fail(ENOMEM, "cannot start");
	s.ch = bench_attach();
	if (s.ch && machnet_listen(s.ch, o->address, o->port)) {
		bench_fail(errno, "cannot listen on port %u", o->port);
	} else if (s.ch) {
		printf("listening on %s port %u\n", o->address ? o->address : "every address,",
		       o->port);
		fflush(stdout);
		ret = serve(&s);
	}
	machnet_detach(s.ch);
	if (s.wrong)
		ret = bench_fail(0, "%llu messages arrived wrong", (unsigned long long)s.wrong);
	free(s.peers);
	free(s.buf);
	return ret;
}
