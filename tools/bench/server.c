// SPDX-License-Identifier: MIT
/*
 * server.c - returns each message to its sender
 *
 * Receives what has come, up to a batch, and returns it with one call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* How often a waiting server looks whether it is to stop. */
#define TICK_MS		500
#define BATCH_BYTES	65536

struct peer {
	struct bench_flow in;	/* as its messages come; first */
	struct bench_hello hello;
	uint64_t messages;
};

struct server {
	const struct bench_options *o;
	void *ch;
	struct bench_flows peers;
	/* A batch of messages, one behind the other; behind them is room for one of any size. */
	uint8_t *buf;
	size_t used;
	MachnetIovec_t iov[BENCH_BATCH_MAX];
	MachnetMsgHdr_t hdr[BENCH_BATCH_MAX];
	int n;
	uint64_t wrong;
	bool said;		/* something that was not written yet */
	bool done;
};

/* Written after the batch is given back: no client waits for it. */
static void say(struct server *s, const struct peer *p, const char *what)
{
	struct in_addr ip = { htonl(p->in.flow.src_ip) };
	char text[INET_ADDRSTRLEN];

	printf("%s port %u: %s", inet_ntop(AF_INET, &ip, text, sizeof(text)), p->in.flow.src_port,
	       what);
	if (p->messages)
		printf(", %llu messages", (unsigned long long)p->messages);
	puts("");
	s->said = true;
}

/* The first message of a connection says what is to come. NULL: nothing good. */
static struct peer *new_peer(struct server *s, const MachnetFlow_t *flow, const void *msg,
			     size_t len)
{
	struct peer p = { .in.flow = *flow };
	struct peer *kept;

	if (len == sizeof(p.hello))
		memcpy(&p.hello, msg, sizeof(p.hello));
	if (p.hello.magic != BENCH_MAGIC || (s->o->verify && !(p.hello.flags & BENCH_VERIFY))) {
		say(s, &p, p.hello.magic == BENCH_MAGIC ? "turned away, does not verify"
							: "turned away, no client of ours");
		return NULL;
	}
	kept = malloc(sizeof(*kept));
	if (!kept)
		return NULL;
	*kept = p;
	if (bench_flows_add(&s->peers, &kept->in)) {
		free(kept);
		return NULL;
	}
	say(s, kept, p.hello.flags & BENCH_VERIFY ? "connected, verified" : "connected");
	return kept;
}

static void check(struct server *s, const struct peer *p, const void *msg, size_t len)
{
	size_t wrong;

	if (!(p->hello.flags & BENCH_VERIFY))
		return;
	wrong = bench_pattern_check(p->hello.seed, p->messages, msg, len);
	if (wrong == len)
		return;
	s->wrong++;
	bench_fail(0, "message %llu from port %u arrived wrong from byte %zu on",
		   (unsigned long long)p->messages, p->in.flow.src_port, wrong);
}

/* Returns the batch. 0 or an exit status: a peer that is gone is its own affair. */
static int give_back(struct server *s)
{
	int done = 0, sent;

	while (done < s->n && !bench_stop) {
		sent = machnet_sendmmsg(s->ch, s->hdr + done, s->n - done);
		if (sent > 0)
			done += sent;
		else if (errno == ENOTCONN)
			done++;
		else if (errno != EAGAIN)
			return bench_fail(errno, "cannot send");
		else if (machnet_wait(s->ch, MACHNET_WAIT_SEND, TICK_MS) < 0 && errno != EINTR)
			return bench_fail(errno, "cannot wait");
	}
	s->n = 0;
	s->used = 0;
	return 0;
}

static int take_message(struct server *s, const MachnetFlow_t *flow, size_t len)
{
	struct peer *p = (struct peer *)bench_flows_find(&s->peers, flow);
	uint8_t *msg = s->buf + s->used;

	if (p) {
		check(s, p, msg, len);
		p->messages++;
	} else if (!new_peer(s, flow, msg, len)) {
		machnet_close(s->ch, bench_flow_reverse(flow));
		return 0;
	}
	s->iov[s->n] = (MachnetIovec_t){ msg, len };
	s->hdr[s->n] = (MachnetMsgHdr_t){
		.msg_size = len, .flow_info = bench_flow_reverse(flow),
		.msg_iov = &s->iov[s->n], .msg_iovlen = 1,
	};
	s->n++;
	s->used += len;
	return s->n == (int)s->o->batch || s->used >= BATCH_BYTES ? give_back(s) : 0;
}

/* The errors that machnet_recv() has for the end of a connection. */
static bool is_end(int error)
{
	return error == ESHUTDOWN || error == ECONNRESET || error == ETIMEDOUT ||
	       error == EHOSTUNREACH || error == ECONNABORTED || error == ENETRESET;
}

static void take_end(struct server *s, const MachnetFlow_t *flow, int error)
{
	struct peer *p = (struct peer *)bench_flows_find(&s->peers, flow);

	if (!p)
		return;
	say(s, p, error == ESHUTDOWN ? "closed" : strerror(error));
	bench_flows_remove(&s->peers, &p->in);
	free(p);
	s->done |= s->o->once && !s->peers.count;
}

/* Waits only when it has nothing to give back. */
static int take(struct server *s)
{
	MachnetFlow_t flow;
	ssize_t len = machnet_recv_timeout(s->ch, s->buf + s->used, MACHNET_MSG_MAX_LEN, &flow,
					   s->n ? 0 : TICK_MS);
	int error = errno, ret;

	if (len > 0)
		return take_message(s, &flow, len);
	ret = s->n ? give_back(s) : 0;
	if (len < 0 && is_end(error))
		take_end(s, &flow, error);
	else if (len < 0 && error != EINTR)
		ret = bench_fail(error, "cannot receive");
	return ret;
}

static int serve(struct server *s)
{
	int ret = 0;

	while (!ret && !bench_stop && !s->done) {
		ret = take(s);
		if (s->n || !s->said)
			continue;
		fflush(stdout);
		s->said = false;
	}
	return ret;
}

static void free_peer(struct bench_flow *f)
{
	free(f);
}

static void release(struct server *s)
{
	machnet_detach(s->ch);
	bench_flows_free(&s->peers, free_peer);
	free(s->buf);
	free(s);
}

int bench_server(const struct bench_options *o)
{
	struct server *s = calloc(1, sizeof(*s));
	int ret = 1;

	if (s)
		s->buf = malloc(BATCH_BYTES + MACHNET_MSG_MAX_LEN);
	if (!s || !s->buf) {
		free(s);
		return bench_fail(ENOMEM, "cannot start");
	}
	s->o = o;
	s->ch = bench_attach();
	if (s->ch && machnet_listen(s->ch, o->address, o->port)) {
		bench_fail(errno, "cannot listen on port %u", o->port);
	} else if (s->ch) {
		printf("listening on %s port %u\n", o->address ? o->address : "every address,",
		       o->port);
		fflush(stdout);
		ret = serve(s);
	}
	if (s->wrong)
		ret = bench_fail(0, "%llu messages arrived wrong", (unsigned long long)s->wrong);
	release(s);
	return ret;
}
