// SPDX-License-Identifier: MIT
/*
 * each.c - a connection for each message: opened, one exchange, closed
 *
 * A window of them is under way at a time. The message is the greeting, which the server returns;
 * the time is that from the request to connect to the answer.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "bench.h"
#include "lib/ends.h"

#define TICK_MS		100

struct use {
	struct bench_flow in;		/* as the answer comes; first */
	void *token;			/* it opens; NULL: it is open, or not in use */
	bool open;
	uint64_t start_ns;
};

struct each {
	const struct bench_options *o;
	void *ch;
	struct use *uses;		/* a window of them */
	uint32_t opening;
	struct bench_flows flows;
	struct bench_meter m;
};

static int start(struct each *e, struct use *u, uint64_t now)
{
	u->start_ns = now;
	u->token = machnet_connect_start(e->ch, e->o->address, e->o->port);
	if (!u->token)
		return bench_fail(errno, "cannot connect to %s port %u", e->o->address, e->o->port);
	e->opening++;
	e->m.r.sent++;
	return 0;
}

static int greet(struct each *e, struct use *u, const MachnetFlow_t *out)
{
	/* No message follows that would have to be a pattern. */
	struct bench_hello hello = { .magic = BENCH_MAGIC, .flags = BENCH_VERIFY };

	u->in.flow = bench_flow_reverse(out);
	u->open = true;
	if (bench_flows_add(&e->flows, &u->in))
		return bench_fail(ENOMEM, "cannot connect");
	return machnet_send(e->ch, *out, &hello, sizeof(hello)) ? bench_fail(errno, "cannot send")
								: 0;
}

/* Those that are open by now send, unused ones are opened. 0 or an exit status. */
static int go_on(struct each *e, uint64_t now)
{
	uint32_t room = bench_meter_room(&e->m, now, e->o->window);
	MachnetFlow_t out;
	int ret = 0;

	for (uint32_t i = 0; i < e->o->window && !ret; i++) {
		struct use *u = &e->uses[i];

		if (u->token) {
			ret = machnet_connect_poll(e->ch, u->token, &out);
			if (ret < 0)
				return bench_fail(errno, "cannot connect to %s port %u",
						  e->o->address, e->o->port);
			if (!ret)
				continue;
			u->token = NULL;
			e->opening--;
			ret = greet(e, u, &out);
		} else if (!u->open && room) {
			room--;
			ret = start(e, u, now);
		}
	}
	return ret;
}

static int close_use(struct each *e, struct use *u, uint64_t now)
{
	bench_meter_answer(&e->m, u->start_ns, now);
	bench_flows_remove(&e->flows, &u->in);
	u->open = false;
	return machnet_close(e->ch, bench_flow_reverse(&u->in.flow)) ?
	       bench_fail(errno, "cannot close") : 0;
}

/* All answers that are there. 0 or an exit status. */
static int take_answers(struct each *e, uint64_t *now)
{
	struct bench_hello back;
	MachnetFlow_t flow;
	struct use *u;
	uint32_t n = 0;
	ssize_t len;

	while ((len = machnet_recv(e->ch, &back, sizeof(back), &flow)) > 0) {
		u = (struct use *)bench_flows_find(&e->flows, &flow);
		if (!u || len != sizeof(back) || back.magic != BENCH_MAGIC)
			return bench_fail(0, "%s port %u is no machnet-bench server", e->o->address,
					  e->o->port);
		*now = bench_now_ns();
		bench_meter_heard(&e->m, *now);
		if (close_use(e, u, *now))
			return 1;
		n++;
	}
	if (len < 0)
		return bench_fail(errno, "the connection has ended");
	if (n)
		return 0;
	*now = bench_now_ns();
	/* The answer to a connect is no message: only without one it is worth sleeping. */
	if (e->opening)
		sched_yield();
	else if (machnet_wait(e->ch, MACHNET_WAIT_RECV, TICK_MS) < 0 && errno != EINTR)
		return bench_fail(errno, "cannot wait");
	return 0;
}

static int run(struct each *e)
{
	uint64_t now;
	int ret = 0;

	bench_meter_start(&e->m, e->o);
	now = e->m.start_ns;
	while (!ret) {
		ret = go_on(e, now);
		if (ret || bench_meter_done(&e->m, now))
			break;
		ret = take_answers(e, &now);
		if (!ret)
			ret = bench_meter_tick(&e->m, now);
	}
	bench_meter_end(&e->m);
	return ret;
}

int bench_each(const struct bench_options *o)
{
	struct each e = { .o = o };
	int ret = 1;

	e.uses = calloc(o->window, sizeof(*e.uses));
	if (!e.uses)
		bench_fail(ENOMEM, "cannot start");
	else if ((e.ch = bench_attach()))
		ret = run(&e);
	if (!ret)
		bench_report(o, &e.m.r);
	/* With tokens that are still under way. */
	machnet_detach(e.ch);
	bench_flows_free(&e.flows, NULL);
	free(e.uses);
	return ret;
}
