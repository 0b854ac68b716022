// SPDX-License-Identifier: MIT
/* command.c - what applications and the control thread do in a script */
#include <stdlib.h>
#include <string.h>

#include "run.h"

bool run_option(struct run *r, struct words *w, const char *name, uint64_t *value)
{
	struct words ahead = *w;
	char *word;

	/* The rest points into its own text. */
	if (w->rest)
		ahead.rest = ahead.text + (w->rest - w->text);
	word = words_next(&ahead);
	if (!word || strcmp(word, name))
		return false;
	words_next(w);
	word = script_word(r->script, w, name);
	return word && script_number(r->script, word, value);
}

static struct sim_app *app_option(struct run *r, struct words *w)
{
	uint64_t number = 0;

	run_option(r, w, "app", &number);
	return world_app(r->world, number);
}

static bool result(struct run *r, int ret)
{
	world_turn(r->world);
	return !ret || script_fail(r->script, "the stack refuses: %s", strerrorname_np(-ret));
}

static bool parse_addr(struct run *r, const char *text, struct mn_addr *addr)
{
	return !mn_addr_parse(addr, text) || script_fail(r->script, "'%s' is no address", text);
}

/* listen PORT [app N] [on ADDRESS] */
static bool cmd_listen(struct run *r, struct words *w)
{
	char *port = script_word(r->script, w, "a port"), *word;
	struct mn_addr addr = mn_addr_from_v4(0);
	struct sim_app *app;
	uint64_t number;

	if (!port || !script_number(r->script, port, &number))
		return false;
	app = app_option(r, w);
	word = words_next(w);
	if (!app || (word && strcmp(word, "on")))
		return script_fail(r->script, "'%s' is not understood here", word);
	if (word) {
		word = script_word(r->script, w, "an address");
		if (!word || !parse_addr(r, word, &addr))
			return false;
	}
	return result(r, mn_stack_listen(r->world->stack, &app->ch, &addr, number));
}

static bool cmd_unlisten(struct run *r, struct words *w)
{
	char *port = script_word(r->script, w, "a port");
	struct mn_addr addr = mn_addr_from_v4(0);
	uint64_t number;

	if (!port || !script_number(r->script, port, &number))
		return false;
	mn_stack_unlisten(r->world->stack, &addr, number);
	return result(r, 0);
}

static int connect_to(struct run *r, struct conn *c)
{
	c->opened_here = true;
	c->way.remote_port = c->port;
	return sim_open(c->app, &c->way, c - r->world->conns + 1) ? 0 : -ENOSPC;
}

/* connect NAME [app N] [mtu N] [port N] [to ADDRESS] */
static bool cmd_connect(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "a name"), *word;
	uint64_t number;
	struct conn *c;

	c = name && strlen(name) < SCRIPT_NAME ? world_add(r->world, name) : NULL;
	if (!c)
		return false;
	c->app = app_option(r, w);
	if (run_option(r, w, "mtu", &number))
		c->way.mtu = number;
	if (run_option(r, w, "port", &number))
		c->port = number;
	word = words_next(w);
	if (word) {
		char *addr = script_word(r->script, w, "an address");

		if (strcmp(word, "to") || !addr || !parse_addr(r, addr, &c->way.remote))
			return script_fail(r->script, "'%s' is not understood here", word);
		if (!mn_addr_is_v4(&c->way.remote))
			mn_addr_parse(&c->way.local, "2001:db8::1");
	}
	return c->app && result(r, connect_to(r, c));
}

/* connects PREFIX N: N connections at once */
static bool cmd_connects(struct run *r, struct words *w)
{
	char *prefix = script_word(r->script, w, "a name"), name[2 * SCRIPT_NAME];
	char *word = script_word(r->script, w, "a number");
	uint64_t n;

	if (!prefix || !word || !script_number(r->script, word, &n))
		return false;
	for (uint64_t i = 1; i <= n; i++) {
		struct conn *c;
		int ret;

		snprintf(name, sizeof(name), "%.40s%lu", prefix, i);
		c = world_add(r->world, name);
		ret = c ? connect_to(r, c) : 0;
		if (!c || ret)
			return result(r, ret);
	}
	return result(r, 0);
}

static bool run_lines(struct run *r, char lines[][SCRIPT_LINE], unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!run_line(r, lines[i]))
			return false;
	return true;
}

/* The first one of a peer: its path is opened, too. */
static bool establish_path(struct run *r, const char *name, uint64_t rtt, uint64_t mss,
			   uint64_t window)
{
	char lines[3][SCRIPT_LINE];

	snprintf(lines[0], SCRIPT_LINE, "> INIT");
	snprintf(lines[1], SCRIPT_LINE, "+%lu < ANSWER mss %lu window %lu", rtt, mss, window);
	snprintf(lines[2], SCRIPT_LINE, "> OPEN %s PING", name);
	return run_lines(r, lines, 3);
}

/*
 * established NAME [rtt N] [credit N] [mss N] [window N] [options of connect]: a connection, and
 * its path if there is none; nothing is in flight any more
 */
static bool cmd_established(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "a name"), lines[4][SCRIPT_LINE];
	uint64_t rtt = 10, credit = 1 << 20, mss = 65000, window = 256;
	unsigned int paths = r->world->n_paths;

	if (!name)
		return false;
	run_option(r, w, "rtt", &rtt);
	run_option(r, w, "credit", &credit);
	run_option(r, w, "mss", &mss);
	run_option(r, w, "window", &window);
	snprintf(lines[0], SCRIPT_LINE, "connect %s %s", name, w->rest ? w->rest : "");
	w->rest = NULL;
	if (!run_line(r, lines[0]))
		return false;
	snprintf(lines[0], SCRIPT_LINE, "> OPEN %s PING?", name);
	if (r->world->n_paths > paths ? !establish_path(r, name, rtt, mss, window) :
					!run_line(r, lines[0]))
		return false;
	snprintf(lines[0], SCRIPT_LINE, "+%lu < ACK all ACCEPT %s credit %lu", rtt, name, credit);
	snprintf(lines[1], SCRIPT_LINE, "+100 > ACK all CREDIT %s", name);
	snprintf(lines[2], SCRIPT_LINE, "up %s", name);
	snprintf(lines[3], SCRIPT_LINE, "+%lu < ACK all", rtt);
	return run_lines(r, lines, 4);
}

/* accepted NAME: the peer opens one, and its path if there is none; the same */
static bool cmd_accepted(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "a name"), lines[5][SCRIPT_LINE];

	if (!name)
		return false;
	snprintf(lines[0], SCRIPT_LINE, "< INIT");
	snprintf(lines[1], SCRIPT_LINE, "> ANSWER");
	if (!r->world->n_paths && !run_lines(r, lines, 2))
		return false;
	snprintf(lines[0], SCRIPT_LINE, "+10 < OPEN %s %s", name, w->rest ? w->rest : "");
	w->rest = NULL;
	snprintf(lines[1], SCRIPT_LINE, "> ACCEPT %s", name);
	snprintf(lines[2], SCRIPT_LINE, "up %s", name);
	snprintf(lines[3], SCRIPT_LINE, "+10 < ACK all");
	return run_lines(r, lines, 4);
}

/* LEN or LENxCOUNT, several of them, each given to take(). */
static bool each_length(struct run *r, struct words *w,
			bool (*take)(struct run *r, struct conn *c, uint32_t len), struct conn *c)
{
	char *word = script_word(r->script, w, "a length");

	for (; word; word = words_next(w)) {
		char *times = strchr(word, 'x');
		uint64_t len, n = 1;

		/* 0x... would be a number: lengths are decimal. */
		if (times)
			*times++ = '\0';
		if (!script_number(r->script, word, &len) ||
		    (times && !script_number(r->script, times, &n)))
			return false;
		while (n--)
			if (!take(r, c, len))
				return false;
	}
	return !r->script->complaint[0];
}

static bool send_one(struct run *r, struct conn *c, uint32_t len)
{
	if (!sim_send(c->app, c->flow, len))
		return script_fail(r->script, "the application has no room for %u bytes", len);
	return stream_append(&c->ours, len);
}

/* send NAME LEN...: all of them before the stack looks */
static bool cmd_send(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	bool ok = c && each_length(r, w, send_one, c);

	world_turn(r->world);
	return ok;
}

static bool expect_one(struct run *r, struct conn *c, uint32_t len)
{
	return stream_append(&c->theirs, len) || script_fail(r->script, "out of memory");
}

/* messages NAME LEN...: what the peer's stream consists of, or goes on with */
static bool cmd_messages(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);

	return c && each_length(r, w, expect_one, c);
}

static bool cmd_close(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);

	return c && result(r, sim_close(c->app, c->flow) ? 0 : -ENOSPC);
}

static bool cmd_abort(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	char *why = script_word(r->script, w, "admin or unreachable");

	if (!c || !why)
		return false;
	if (strcmp(why, "admin") && strcmp(why, "unreachable"))
		return script_fail(r->script, "'%s' is no reason", why);
	return result(r, mn_stack_abort(r->world->stack, c->id,
					why[0] == 'a' ? MN_END_ADMIN : MN_END_UNREACHABLE));
}

/* route PATH [mac N] [mtu N]: the control plane reports another one */
static bool cmd_route(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "the name of a path");
	struct path *p = name ? world_path(r->world, name) : NULL;
	uint64_t mac, mtu;

	if (!p)
		return script_fail(r->script, "there is no path '%s'", name);
	if (run_option(r, w, "mac", &mac))
		p->way.mac[5] = mac;
	if (run_option(r, w, "mtu", &mtu))
		p->way.mtu = mtu;
	return result(r, mn_stack_set_route(r->world->stack, &p->way.local, &p->way.remote,
					    p->way.mac, p->way.mtu));
}

static void find_number(const struct mn_path_info *info, void *ctx)
{
	struct mn_path_info *wanted = ctx;

	if (info->id == wanted->id)
		*wanted = *info;
}

/* move NAME PATH [ERRNO] */
static bool cmd_move(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	char *name = c ? script_word(r->script, w, "the name of a path") : NULL;
	struct path *p = name ? world_path(r->world, name) : NULL;
	struct mn_path_info info = { .id = p ? p->id : 0 };
	char *error = words_next(w);
	uint32_t next = 0;
	int ret;

	if (!p)
		return script_fail(r->script, "there is no such path");
	mn_stack_walk_paths(r->world->stack, &next, UINT32_MAX, find_number, &info);
	ret = mn_stack_move(r->world->stack, c->id, info.number);
	if (error && ret && !strcmp(strerrorname_np(-ret), error))
		return true;
	return result(r, ret) && (!error || script_fail(r->script, "the stack moves it"));
}

/* port PATH N: the stack is to send there from now on, and the script's packets come from there */
static bool cmd_port(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "the name of a path");
	struct path *p = name ? world_path(r->world, name) : NULL;
	char *word = p ? script_word(r->script, w, "a port") : NULL;
	uint64_t port;

	if (!p)
		return script_fail(r->script, "there is no path '%s'", name);
	if (!word || !script_number(r->script, word, &port))
		return false;
	p->way.remote_port = port;
	return true;
}

/* reachable PATH yes | no */
static bool cmd_reachable(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "the name of a path");
	char *word = script_word(r->script, w, "yes or no");
	struct path *p = name ? world_path(r->world, name) : NULL;

	if (!p || !word)
		return script_fail(r->script, "there is no path '%s'", name);
	if (strcmp(word, "yes") && strcmp(word, "no"))
		return script_fail(r->script, "'%s' is neither yes nor no", word);
	return result(r, mn_stack_set_unreachable(r->world->stack, &p->way.local, &p->way.remote,
						  word[0] == 'n'));
}

/* engine N of PORT: the port's listener is on that engine */
static bool cmd_engine(struct run *r, struct words *w)
{
	char *number = script_word(r->script, w, "an engine");
	uint64_t engine, port;

	if (!number || !script_number(r->script, number, &engine) ||
	    !run_option(r, w, "of", &port))
		return script_fail(r->script, "'engine N of PORT' is meant");
	r->world->engine_of_port = engine;
	r->world->engine_port = port;
	return true;
}

/* app N stop | read | keep | give | die | leave */
static bool cmd_app(struct run *r, struct words *w)
{
	char *number = script_word(r->script, w, "a number"), *what;
	struct sim_app *app;
	uint64_t n;

	if (!number || !script_number(r->script, number, &n))
		return false;
	app = world_app(r->world, n);
	what = script_word(r->script, w, "what it does");
	if (!app || !what)
		return false;
	if (!strcmp(what, "die"))
		return world_kill_app(r->world, app);
	if (!strcmp(what, "leave")) {
		mn_stack_leave_channel(r->world->stack, &app->ch);
		app->reads = false;
		return result(r, 0);
	}
	if (!strcmp(what, "stop") || !strcmp(what, "read"))
		app->reads = what[0] == 'r';
	else if (!strcmp(what, "keep") || !strcmp(what, "give"))
		app->returns = what[0] == 'g';
	else
		return script_fail(r->script, "'%s' is nothing that an application does", what);
	if (app->returns)
		sim_return_kept(app);
	sim_app_read(&r->world->sim, app);
	world_turn(r->world);
	return true;
}

/* The engine was not scheduled for a while: its timers are late, packets wait. */
static bool cmd_away(struct run *r, struct words *w)
{
	char *us = script_word(r->script, w, "a time");
	uint64_t n;

	if (!us || !script_number(r->script, us, &n))
		return false;
	r->world->now_us += n;
	r->at_us = r->world->now_us;
	return true;
}

/* answers PREFIX FIRST LAST: the peer accepts them, and acknowledges all */
static bool cmd_answers(struct run *r, struct words *w)
{
	char *prefix = script_word(r->script, w, "a name"), line[SCRIPT_LINE];
	char *from = script_word(r->script, w, "a number"), *to = words_next(w);
	uint64_t first, last;

	if (!prefix || !from || !script_number(r->script, from, &first) ||
	    !script_number(r->script, to ? to : from, &last))
		return false;
	for (uint64_t i = first; i <= last; i++) {
		snprintf(line, sizeof(line), "< ACK all ACCEPT %.40s%lu", prefix, i);
		if (!run_inject(r, line))
			return false;
	}
	return true;
}

/* ignore acks | heed acks: packets with nothing but ACK and CREDIT need not be stated */
static bool cmd_acks(struct run *r, struct words *w, bool ignore)
{
	char *what = script_word(r->script, w, "acks");

	if (!what || strcmp(what, "acks"))
		return script_fail(r->script, "only 'acks' can be ignored");
	r->world->ignore_acks = ignore;
	return true;
}

static bool cmd_ignore(struct run *r, struct words *w)
{
	return cmd_acks(r, w, true);
}

static bool cmd_heed(struct run *r, struct words *w)
{
	return cmd_acks(r, w, false);
}

bool command_run(struct run *r, const char *name, struct words *w, bool *ok)
{
	static const struct {
		const char *name;
		bool (*run)(struct run *r, struct words *w);
	} commands[] = {
		{ "listen", cmd_listen }, { "unlisten", cmd_unlisten }, { "connect", cmd_connect },
		{ "connects", cmd_connects }, { "established", cmd_established },
		{ "accepted", cmd_accepted }, { "send", cmd_send }, { "messages", cmd_messages },
		{ "close", cmd_close }, { "abort", cmd_abort }, { "route", cmd_route },
		{ "port", cmd_port }, { "move", cmd_move }, { "reachable", cmd_reachable },
		{ "engine", cmd_engine }, { "app", cmd_app },
		{ "away", cmd_away }, { "answers", cmd_answers }, { "ignore", cmd_ignore },
		{ "heed", cmd_heed },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		*ok = commands[i].run(r, w) && !r->script->complaint[0];
		return true;
	}
	return false;
}
