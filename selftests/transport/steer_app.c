// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "../unit/random.h"
#include "steer_app.h"

#define NO_NUMBER	UINT32_MAX
/* Connections that an engine's application asks for in a turn: none to as many. */
#define BURST		3u
/* Between two looks at what was answered. */
#define LOOK_US		100u

enum what {
	REQUEST = 1,
	ANSWER,
};

/* Request and answer. */
struct message {
	uint32_t number;		/* of the connection */
	uint16_t what;
	uint8_t client, server;		/* engines */
	uint64_t check;			/* of all of them */
};

static uint64_t check_of(const struct message *m)
{
	uint64_t x = (uint64_t)m->number << 32 | m->what << 16 | m->client << 8 | m->server;

	return (x ^ x >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct message message_of(const struct steer_apps *a, uint32_t number, enum what what)
{
	const struct steer_host *h = a->net->host;
	struct message m = {
		.number = number,
		.what = what,
		.client = number % h[0].engines,
		.server = number / h[0].engines % h[1].engines,
	};

	m.check = check_of(&m);
	return m;
}

/* --- what the application does --- */

static bool has_room(struct steer_app *app, uint32_t bytes)
{
	uint32_t slots = mn_ring_need(&app->tx, bytes);

	return mn_ring_free(&app->tx, slots) >= (int64_t)slots;
}

static void send_message(struct steer_app *app, uint64_t flow, const struct message *m)
{
	const struct mn_desc d = { .flow = flow, .type = MN_DESC_INLINE, .len = sizeof(*m) };

	memcpy(mn_ring_put_inline(&app->tx, &d), m, sizeof(*m));
}

static void close_flow(struct steer_app *app, uint64_t flow)
{
	const struct mn_desc d = { .flow = flow, .type = MN_DESC_CLOSE };

	mn_ring_put(&app->tx, &d);
}

static void ask_to_connect(struct steer_apps *a, struct steer_app *app, uint32_t number)
{
	const struct mn_desc d = {
		.flow = number + 1, .type = MN_DESC_CONNECT, .len = sizeof(struct mn_shm_connect),
	};
	const struct steer_host *h = a->net->host;
	struct mn_shm_connect want = {
		.remote_port = STEER_PORT + message_of(a, number, REQUEST).server,
	};

	memcpy(want.local_addr, h[0].addr.b, sizeof(want.local_addr));
	memcpy(want.remote_addr, h[1].addr.b, sizeof(want.remote_addr));
	memcpy(mn_ring_put_inline(&app->tx, &d), &want, sizeof(want));
	a->connects[number].at_us = a->net->now_us;
}

static void connect_some(struct steer_apps *a, int engine)
{
	struct steer_app *app = &a->app[0][engine];
	uint32_t burst = random_below(&a->rng, BURST + 1);

	while (burst-- && app->under_way < a->window &&
	       has_room(app, sizeof(struct mn_shm_connect))) {
		uint32_t number = engine + app->begun * a->net->host[0].engines;

		if (number >= a->n_connects)
			return;
		ask_to_connect(a, app, number);
		app->begun++;
		app->under_way++;
	}
}

/* --- what it receives --- */

static uint32_t *number_of(struct steer_app *app, uint64_t flow)
{
	return &app->numbers[flow & (app->ch.flows - 1)];
}

static void opened(struct steer_apps *a, struct steer_app *app, bool client, uint64_t flow,
		   const uint8_t *data)
{
	uint32_t *number = number_of(app, flow);
	struct mn_shm_flow info;
	struct message m;

	memcpy(&info, data, sizeof(info));
	a->wrong += *number != NO_NUMBER || client != !!info.request ||
		    info.request > a->n_connects;
	a->accepted += !client;
	if (!client || info.request > a->n_connects)
		return;
	*number = info.request - 1;
	a->wrong += a->connects[*number].opened;
	a->connects[*number].opened = true;
	m = message_of(a, *number, REQUEST);
	send_message(app, flow, &m);
}

static void answer(struct steer_apps *a, struct steer_app *app, uint64_t flow,
		   const struct message *request)
{
	uint32_t *number = number_of(app, flow);
	struct message m, expected;

	if (request->number >= a->n_connects) {
		a->wrong++;
		return;
	}
	expected = message_of(a, request->number, REQUEST);
	a->wrong += *number != NO_NUMBER || a->connects[request->number].requested ||
		    memcmp(request, &expected, sizeof(m)) ||
		    app != &a->app[1][expected.server];
	*number = request->number;
	a->connects[*number].requested = true;
	m = message_of(a, *number, ANSWER);
	send_message(app, flow, &m);
}

static void count_time(struct steer_apps *a, const struct steer_connect *c)
{
	uint32_t took_us = a->net->now_us - c->at_us;

	a->took_us[a->answered++] = took_us;
	if (c->at_us >= c->path_us && took_us > a->longest_open_us)
		a->longest_open_us = took_us;
}

static void answered(struct steer_apps *a, struct steer_app *app, uint64_t flow,
		     const struct message *m)
{
	uint32_t *number = number_of(app, flow);
	struct message expected = message_of(a, *number, ANSWER);
	struct steer_connect *c;

	if (*number == NO_NUMBER || memcmp(m, &expected, sizeof(expected)) ||
	    app != &a->app[0][expected.client]) {
		a->wrong++;
		return;
	}
	c = &a->connects[*number];
	*number = NO_NUMBER;
	a->wrong += c->answered || !c->requested;
	c->answered = true;
	count_time(a, c);
	app->under_way--;
	close_flow(app, flow);
}

static void received(struct steer_apps *a, struct steer_app *app, bool client,
		     const struct mn_desc *d, const uint8_t *data)
{
	uint32_t *done = (uint32_t *)app->ch.rx_done;
	struct message m;

	done[d->flow & (app->ch.flows - 1)] += d->len;
	if (d->len != sizeof(m)) {
		a->wrong++;
		return;
	}
	memcpy(&m, data, sizeof(m));
	if (client)
		answered(a, app, d->flow, &m);
	else
		answer(a, app, d->flow, &m);
}

/* The client closes: it gets no such event, unless the connection has ended otherwise. */
static void ended(struct steer_apps *a, struct steer_app *app, bool client,
		  const struct mn_desc *d)
{
	uint32_t *number = number_of(app, d->flow);

	a->broken += client || d->len || *number == NO_NUMBER;
	*number = NO_NUMBER;
}

static void event(struct steer_apps *a, struct steer_app *app, bool client, struct mn_desc *d)
{
	switch (d->type) {
	case MN_DESC_OPEN:
		opened(a, app, client, d->flow, mn_ring_here(&app->rx));
		break;
	case MN_DESC_INLINE:
		received(a, app, client, d, mn_ring_here(&app->rx));
		break;
	case MN_DESC_MSG:
		received(a, app, client, d, app->ch.rx_data + (size_t)d->buf * MN_SHM_BUF_SIZE);
		mn_ring_put(&app->rxc, d);
		break;
	case MN_DESC_END:
		ended(a, app, client, d);
		break;
	case MN_DESC_FAILED:
		a->failed++;
		break;
	case MN_DESC_FILL:
		break;
	default:
		a->wrong++;
	}
}

/* What it reads it can answer, or close. */
static void read_all(struct steer_apps *a, struct steer_app *app, bool client)
{
	struct mn_desc d;

	while (has_room(app, MN_SHM_INLINE_MAX) && mn_ring_avail(&app->rx) > 0) {
		mn_ring_get(&app->rx, &d);
		event(a, app, client, &d);
		app->rx.self += mn_ring_extra(&app->rx, &d);
	}
	mn_ring_release(&app->rx);
	mn_ring_publish(&app->rxc);
}

/* --- the hosts --- */

/* The control thread: both are on one link. */
static void give_routes(struct steer_host *h, struct steer_app *app, struct mn_stack *s)
{
	const struct mn_tuple to = {
		.local = h->addr, .remote = h->net->host[1].addr, .mtu = 1500,
	};

	while (app->n_asked)
		mn_stack_connect(s, app->asked[--app->n_asked], &to, false);
}

static int index_of(const struct steer_host *h)
{
	return h - h->net->host;
}

static void on_turn(struct steer_host *h, int engine)
{
	struct steer_apps *a = h->net->ops_ctx;
	struct steer_app *app = &a->app[index_of(h)][engine];
	struct mn_stack *s = h->stacks[engine];

	mn_stack_flush(s);
	read_all(a, app, !index_of(h));
	if (!index_of(h))
		connect_some(a, engine);
	mn_ring_publish(&app->tx);
	mn_stack_poll_channels(s);
	give_routes(h, app, s);
}

static void path_opened(struct steer_apps *a, struct steer_app *app, uint64_t number)
{
	if (app->n_paths < STEER_APP_PATHS)
		app->paths[app->n_paths++] = (struct steer_app_path){ number, a->net->now_us };
	else
		a->wrong++;
}

/* A connection of host 0 is up on this path. */
static void connected(struct steer_apps *a, const struct steer_app *app, uint64_t number,
		      uint64_t request)
{
	uint32_t i = 0;

	while (i < app->n_paths && app->paths[i].number != number)
		i++;
	if (i == app->n_paths || !request || request > a->n_connects)
		a->wrong++;
	else
		a->connects[request - 1].path_us = app->paths[i].open_us;
}

static void on_event(struct steer_host *h, int engine, const struct mn_stack_event *ev)
{
	struct steer_apps *a = h->net->ops_ctx;
	struct steer_app *app = &a->app[index_of(h)][engine];

	if (ev->type == MN_STACK_EVENT_CONNECT)
		app->asked[app->n_asked++] = ev->id;
	if (ev->type == MN_STACK_EVENT_PATH_UP)
		path_opened(a, app, ev->path);
	if (ev->type == MN_STACK_EVENT_UP && !ev->accepted)
		connected(a, app, ev->path, ev->request);
	a->broken += ev->type == MN_STACK_EVENT_END && ev->why != MN_END_CLOSED &&
		     ev->why != MN_END_PEER_CLOSED;
}

static int engine_of_port(const struct steer_host *h, uint16_t port)
{
	bool listens = index_of(h) == 1 && port >= STEER_PORT && port - STEER_PORT < h->engines;

	return listens ? port - STEER_PORT : -1;
}

static const struct steer_net_ops ops = {
	.event = on_event,
	.port_engine = engine_of_port,
	.turn = on_turn,
};

/* --- set up --- */

static void make_ring(struct steer_app *app, struct mn_ring *r, enum mn_shm_ring which)
{
	mn_ring_init(r, (uint8_t *)app->ch.hdr + app->ch.hdr->ring_off[which],
		     app->ch.hdr->ring_slots[which]);
}

static bool make_app(struct steer_apps *a, int i, int engine, uint32_t max_conns)
{
	struct mn_stack *s = a->net->host[i].stacks[engine];
	struct steer_app *app = &a->app[i][engine];
	bool v4 = mn_addr_is_v4(&a->net->host[i].addr);
	struct mn_addr any = v4 ? mn_addr_from_v4(0) : (struct mn_addr){ 0 };

	if (mn_channel_create(&app->ch, i * STEER_ENGINES + engine, MN_SHM_BUFS_MIN,
			      MN_SHM_BUFS_MIN, max_conns))
		return false;
	make_ring(app, &app->tx, MN_SHM_RING_TX);
	make_ring(app, &app->rx, MN_SHM_RING_RX);
	make_ring(app, &app->rxc, MN_SHM_RING_RXC);
	app->numbers = malloc(app->ch.flows * sizeof(*app->numbers));
	app->asked = malloc(max_conns * sizeof(*app->asked));
	if (!app->numbers || !app->asked)
		return false;
	memset(app->numbers, 0xff, app->ch.flows * sizeof(*app->numbers));
	return !mn_stack_add_channel(s, &app->ch) &&
	       (!i || !mn_stack_listen(s, &app->ch, &any, STEER_PORT + engine));
}

bool steer_apps_init(struct steer_apps *a, struct steer_net *n, uint32_t max_conns)
{
	bool made = true;

	*a = (struct steer_apps){ .net = n, .rng = n->rng };
	n->ops = &ops;
	n->ops_ctx = a;
	for (int i = 0; i < 2; i++)
		for (int e = 0; e < n->host[i].engines; e++)
			made = made && make_app(a, i, e, max_conns);
	return made;
}

void steer_apps_fini(struct steer_apps *a)
{
	for (int i = 0; i < 2; i++) {
		for (int e = 0; e < a->net->host[i].engines; e++) {
			struct steer_app *app = &a->app[i][e];

			if (app->ch.hdr)
				mn_channel_destroy(&app->ch);
			free(app->numbers);
			free(app->asked);
		}
	}
	free(a->connects);
	free(a->took_us);
}

/* --- the run --- */

void steer_apps_begin(struct steer_apps *a, uint32_t connects, uint32_t window)
{
	free(a->connects);
	free(a->took_us);
	a->connects = calloc(connects, sizeof(*a->connects));
	a->took_us = calloc(connects, sizeof(*a->took_us));
	if (!a->connects || !a->took_us)
		abort();
	a->n_connects = connects;
	a->window = window;
	a->longest_open_us = 0;
	a->accepted = a->answered = a->failed = a->broken = a->wrong = 0;
	for (int e = 0; e < a->net->host[0].engines; e++)
		a->app[0][e].begun = a->app[0][e].under_way = 0;
}

bool steer_apps_run(struct steer_apps *a, uint32_t answered, uint64_t for_us)
{
	uint64_t end_us = a->net->now_us + for_us;

	while (a->answered < answered && a->net->now_us < end_us)
		steer_net_run(a->net, LOOK_US, 0);
	return a->answered >= answered;
}

static bool is_empty(const struct steer_apps *a)
{
	struct mn_stack_gauges g;

	for (int i = 0; i < 2; i++) {
		for (int e = 0; e < a->net->host[i].engines; e++) {
			mn_stack_gauges(a->net->host[i].stacks[e], &g);
			if (g.connections)
				return false;
		}
	}
	return true;
}

bool steer_apps_drain(struct steer_apps *a, uint64_t for_us)
{
	uint64_t end_us = a->net->now_us + for_us;

	while (!is_empty(a) && a->net->now_us < end_us)
		steer_net_run(a->net, LOOK_US, 0);
	return is_empty(a);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

uint32_t steer_apps_took_us(struct steer_apps *a, double share)
{
	uint32_t at = share * a->answered;

	if (!a->answered)
		return 0;
	qsort(a->took_us, a->answered, sizeof(*a->took_us), compare);
	return a->took_us[at < a->answered ? at : a->answered - 1];
}
