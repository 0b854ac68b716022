// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/machnet.h>

#include "attr.h"
#include "connection.h"
#include "daemon.h"
#include "screen.h"
#include "tick.h"

#define INTERVAL_US	1000000u
/* The line above the table, its heading, and what the screen keeps free. */
#define LINES_AROUND	3

struct sample {
	struct mn_app_connection *list;	/* by the addresses and ports of both ends */
	size_t n;
	uint64_t at_us;
};

/* A connection and what it has done in a second of the last interval. */
struct rates {
	const struct mn_app_connection *conn;
	double tx_messages, rx_messages, tx_bits, rx_bits, retransmits;
};

struct top {
	struct ctl *ctl;
	struct ctl_daemon daemon;
	struct ctl_screen *screen;	/* NULL: one table after the other */
	struct sample old, new;
};

static int by_ends(const void *a, const void *b)
{
	const struct mn_app_connection *x = a, *y = b;
	int order = memcmp(&x->local, &y->local, sizeof(x->local));

	if (!order)
		order = memcmp(&x->remote, &y->remote, sizeof(x->remote));
	if (!order)
		order = x->local_port - y->local_port;
	return order ? order : x->remote_port - y->remote_port;
}

static int by_rate(const void *a, const void *b)
{
	const struct rates *x = a, *y = b;
	double bits = y->tx_bits + y->rx_bits - x->tx_bits - x->rx_bits;
	double messages = y->tx_messages + y->rx_messages - x->tx_messages - x->rx_messages;

	if (!bits)
		bits = messages;
	return bits ? (bits > 0) - (bits < 0) : by_ends(x->conn, y->conn);
}

static int take_sample(struct top *t)
{
	struct sample *s = &t->new;
	int ret = ctl_daemon_connections(&t->daemon, &s->list, &s->n);

	if (ret)
		return ret;
	s->at_us = ctl_now_us();
	qsort(s->list, s->n, sizeof(*s->list), by_ends);
	return 0;
}

static void next_sample(struct top *t)
{
	free(t->old.list);
	t->old = t->new;
	t->new = (struct sample){ 0 };
}

static void rate(struct rates *r, const struct sample *old, double seconds)
{
	static const struct mn_app_connection nothing;
	const struct mn_app_connection *c = r->conn, *before;

	before = old->n ? bsearch(c, old->list, old->n, sizeof(*c), by_ends) : NULL;
	/* One that is younger is another one between the same ends. */
	if (!before || before->age_us > c->age_us)
		before = &nothing;
	r->tx_messages = (c->tx_messages - before->tx_messages) / seconds;
	r->rx_messages = (c->rx_messages - before->rx_messages) / seconds;
	r->tx_bits = (c->tx_bytes - before->tx_bytes) * 8.0 / seconds;
	r->rx_bits = (c->rx_bytes - before->rx_bytes) * 8.0 / seconds;
	r->retransmits = (c->retransmits - before->retransmits) / seconds;
}

static void print_row(struct out *o, const struct rates *r)
{
	const struct mn_app_connection *c = r->conn;

	out_row_begin(o);
	ctl_print_enum(o, "state", "State", c->state, ctl_connection_states,
		       __MACHNET_CONNECTION_STATE_MAX);
	out_endpoint(o, "local_addr", "local_port", "Local", &c->local, c->local_port);
	out_endpoint(o, "remote_addr", "remote_port", "Remote", &c->remote, c->remote_port);
	ctl_local_process(o, c);
	out_number(o, "engine", "Engine", c->engine);
	out_scaled(o, "tx_messages_per_second", "TX-msg/s", r->tx_messages);
	out_scaled(o, "rx_messages_per_second", "RX-msg/s", r->rx_messages);
	out_scaled(o, "tx_bits_per_second", "TX-bit/s", r->tx_bits);
	out_scaled(o, "rx_bits_per_second", "RX-bit/s", r->rx_bits);
	out_number(o, "srtt_us", "SRTT-us", c->srtt_us);
	out_number(o, "cwnd_bytes", "Cwnd", c->cwnd_bytes);
	out_number(o, "inflight_bytes", "Inflight", c->inflight_bytes);
	ctl_print_waits(o, c);
	out_scaled(o, "retransmits_per_second", "Retr/s", r->retransmits);
	out_row_end(o);
}

/* The first rows of the table, below a line about all. */
static void print_rates(struct out *o, const struct rates *list, size_t n, size_t rows,
			double seconds)
{
	double tx = 0, rx = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		tx += list[i].tx_bits;
		rx += list[i].rx_bits;
	}
	out_record_begin(o);
	ctl_print_time(o);
	out_real(o, "seconds", "Seconds", seconds);
	out_number(o, "count", "Connections", n);
	out_scaled(o, "tx_bits_per_second", "TX-bit/s", tx);
	out_scaled(o, "rx_bits_per_second", "RX-bit/s", rx);
	out_list_begin(o, "connections");
	for (i = 0; i < n && i < rows; i++)
		print_row(o, &list[i]);
	out_list_end(o);
	out_record_end(o);
}

static int draw(struct ctl_screen *screen, const struct rates *list, size_t n, double seconds)
{
	struct out o;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f)
		return -ENOMEM;
	ctl_screen_measure(screen);
	out_init(&o, f, false, false);
	print_rates(&o, list, n, screen->rows > LINES_AROUND ? screen->rows - LINES_AROUND : 1,
		    seconds);
	ret = out_finish(&o);
	fclose(f);
	if (!ret)
		ret = ctl_screen_draw(screen, text);
	free(text);
	return ret;
}

/* Shows what there is between the old sample and the new one. */
static int show(struct top *t)
{
	double seconds = (t->new.at_us - t->old.at_us) / 1e6;
	struct rates *list = calloc(t->new.n + 1, sizeof(*list));
	size_t i;
	int ret = 0;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < t->new.n; i++) {
		list[i].conn = &t->new.list[i];
		rate(&list[i], &t->old, seconds);
	}
	qsort(list, t->new.n, sizeof(*list), by_rate);
	if (t->screen) {
		ret = draw(t->screen, list, t->new.n, seconds);
	} else {
		print_rates(&t->ctl->out, list, t->new.n, t->new.n, seconds);
		ret = t->ctl->out.error;
	}
	free(list);
	return ret;
}

/* Until the next interval is over. enum ctl_tick_event, or -errno. */
static int wait_for_next(struct top *t, struct ctl_tick *tick)
{
	int ret;

	do {
		ret = ctl_tick_wait(tick, t->screen ? STDIN_FILENO : -1);
		if (ret == CTL_TICK_INPUT && ctl_screen_quits())
			ret = CTL_TICK_END;
	} while (ret == CTL_TICK_INPUT);
	return ret;
}

/* -errno; 0 at the end. */
static int repeat(struct top *t)
{
	struct ctl *ctl = t->ctl;
	struct ctl_tick tick;
	uint32_t i;
	int ret;

	ret = ctl_tick_open(&tick, ctl->interval_us ? ctl->interval_us : INTERVAL_US);
	if (!ret)
		ret = take_sample(t);
	for (i = 0; !ret && (!ctl->count || i < ctl->count); i++) {
		next_sample(t);
		ret = wait_for_next(t, &tick);
		if (!ret)
			ret = take_sample(t);
		if (!ret)
			ret = show(t);
	}
	free(t->old.list);
	free(t->new.list);
	ctl_tick_close(&tick);
	return ret == CTL_TICK_END ? 0 : ret;
}

static int top(struct ctl *ctl, int argc, char **argv)
{
	struct top t = { .ctl = ctl };
	struct ctl_screen screen;
	int ret;

	if (argc)
		return ctl_unexpected(argv[0]);
	ret = ctl_daemon_open(&t.daemon, ctl->socket);
	if (ret)
		return ctl_daemon_refused(ctl->socket, ret);
	if (!ctl->batch && !ctl->out.json && !ctl_screen_open(&screen))
		t.screen = &screen;
	ret = repeat(&t);
	if (t.screen)
		ctl_screen_close(&screen);
	ctl_daemon_close(&t.daemon);
	/* What the output could not take is reported at the end, as always. */
	return ret && !ctl->out.error ? ctl_daemon_refused(ctl->socket, ret) : CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ "show", top },
	{ NULL, top },
};

const struct ctl_object ctl_top = {
	.name = "top",
	.summary = "the busiest connections, live",
	.help = "Usage: machnetctl [-i SECONDS] [-c COUNT] [-b] top\n\n"
		"Shows the connections of machnetd, what they do and what they wait for, once\n"
		"per interval (1 s), the busiest ones first, until 'q' is pressed, it is\n"
		"interrupted or COUNT intervals are over. With -b, or where the output is no\n"
		"terminal, it prints one table after the other; with -j a JSON object on a\n"
		"line per interval.\n",
	.options = "icb",
	.verbs = verbs,
};
