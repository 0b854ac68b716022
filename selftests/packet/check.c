// SPDX-License-Identifier: MIT
/* check.c - what a script states about applications, connections and counters */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static const char *const reasons[] = {
	[MN_END_CLOSED] = "closed", [MN_END_PEER_CLOSED] = "peer_closed",
	[MN_END_REFUSED] = "refused", [MN_END_RESET] = "reset",
	[MN_END_TIMED_OUT] = "timed_out", [MN_END_UNREACHABLE] = "unreachable",
	[MN_END_OWNER_DIED] = "owner_died", [MN_END_ADMIN] = "admin",
};

static const char *const phases[] = {
	[MN_PHASE_CONNECTING] = "connecting", [MN_PHASE_ESTABLISHED] = "established",
	[MN_PHASE_CLOSING] = "closing",
};

static const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "0";
}

static bool check_number(struct run *r, struct words *w, const char *what, uint64_t got)
{
	char *word = script_word(r->script, w, "a number");
	struct range want;

	if (!word || !script_range(r->script, word, &want))
		return false;
	return range_has(&want, got) ||
	       script_fail(r->script, "%s is %lu, not %s", what, got, word);
}

/* up NAME: application and control thread know that it is open */
static bool check_up(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);

	if (!c)
		return false;
	if (c->ups != 1)
		return script_fail(r->script, "the control thread was told %u times that %s is up",
				   c->ups, c->name);
	return !c->app->reads || sim_flow(c->app, c->flow)->open ||
	       script_fail(r->script, "the application does not know that %s is open", c->name);
}

/* down NAME: nobody was told of it yet */
static bool check_down(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);

	return c && (!c->ups || script_fail(r->script, "%s is up", c->name));
}

/* recv NAME LEN... | nothing: what was received since the last time */
static bool check_recv(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	uint64_t messages = 0, bytes = 0;
	struct sim_flow *f;
	char *word;

	if (!c)
		return false;
	for (word = words_next(w); word && strcmp(word, "nothing"); word = words_next(w)) {
		char *times = strchr(word, 'x');
		uint64_t len, n = 1;

		if (times)
			*times++ = '\0';
		if (!script_number(r->script, word, &len) ||
		    (times && !script_number(r->script, times, &n)))
			return false;
		messages += n;
		bytes += n * len;
	}
	f = sim_flow(c->app, c->flow);
	if (f->received - c->messages_seen != messages || f->bytes - c->bytes_seen != bytes)
		return script_fail(r->script, "%s received %lu messages of %lu bytes, not %lu"
				   " of %lu", c->name, f->received - c->messages_seen,
				   f->bytes - c->bytes_seen, messages, bytes);
	c->messages_seen = f->received;
	c->bytes_seen = f->bytes;
	return true;
}

/* end NAME ERRNO: the application was told of the end */
static bool check_end(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	char *word = script_word(r->script, w, "an errno");
	struct sim_flow *f;

	if (!c || !word)
		return false;
	f = sim_flow(c->app, c->flow);
	if (!f->ended)
		return script_fail(r->script, "the application was told of no end of %s", c->name);
	c->app_end_seen = true;
	return !strcmp(word, error_name(f->error)) ||
	       script_fail(r->script, "%s ended with %s, not %s", c->name, error_name(f->error),
			   word);
}

/* gone NAME WHY: the control thread was told of the end */
static bool check_gone(struct run *r, struct words *w)
{
	struct conn *c = run_conn(r, w);
	char *word = script_word(r->script, w, "a reason");

	if (!c || !word)
		return false;
	if (c->ends != 1)
		return script_fail(r->script, "the control thread was told of %u ends of %s",
				   c->ends, c->name);
	c->gone_seen = true;
	return !strcmp(word, reasons[c->why]) ||
	       script_fail(r->script, "%s is gone for '%s', not '%s'", c->name, reasons[c->why],
			   word);
}

/* --- what an operator would see --- */

struct search {
	const struct conn *conn;
	const struct path *path;
	struct mn_conn_info info;
	struct mn_path_info path_info;
};

static void find_info(const struct mn_conn_info *info, void *ctx)
{
	struct search *s = ctx;
	const struct conn *c = s->conn;
	uint32_t client = c->opened_here ? info->local_port : info->remote_port;
	uint32_t port = c->opened_here ? info->remote_port : info->local_port;

	if (c->id ? info->id == c->id : port == c->port &&
	    (c->client ? client == c->client : info->phase == MN_PHASE_CONNECTING))
		s->info = *info;
}

static void find_path(const struct mn_path_info *info, void *ctx)
{
	struct search *s = ctx;

	if (info->id == s->path->id)
		s->path_info = *info;
}

struct field {
	const char *name;
	size_t offset, size;
};

#define FIELD(type, name, member)                                                                  \
	{ #name, offsetof(struct type, member), sizeof(((struct type *)0)->member) }

static const struct field conn_fields[] = {
	FIELD(mn_conn_info, credit, credit_bytes), FIELD(mn_conn_info, unsent, unsent_bytes),
	FIELD(mn_conn_info, unaccepted, unaccepted_bytes),
	FIELD(mn_conn_info, unread, unread_bytes), FIELD(mn_conn_info, tx_bytes, tx_bytes),
	FIELD(mn_conn_info, rx_bytes, rx_bytes), FIELD(mn_conn_info, tx_messages, tx_messages),
	FIELD(mn_conn_info, rx_messages, rx_messages), { NULL, 0, 0 },
};

static const struct field path_fields[] = {
	FIELD(mn_path_info, srtt, srtt_us), FIELD(mn_path_info, rto, rto_us),
	FIELD(mn_path_info, cwnd, cwnd_packets), FIELD(mn_path_info, window, window_packets),
	FIELD(mn_path_info, inflight, inflight_packets), FIELD(mn_path_info, mss, mss),
	FIELD(mn_path_info, conns, connections), FIELD(mn_path_info, engine, remote_engine),
	FIELD(mn_path_info, lost, tx_lost), { NULL, 0, 0 },
};

static bool check_field(struct run *r, struct words *w, const struct field *fields,
			const void *info, const char *name)
{
	for (; fields->name; fields++) {
		uint64_t value = 0;

		if (strcmp(fields->name, name))
			continue;
		memcpy(&value, (const char *)info + fields->offset, fields->size);
		return check_number(r, w, name, value);
	}
	return script_fail(r->script, "'%s' is nothing that is known of it", name);
}

/* Words NAME VALUE; state has a name as its value. */
static bool check_fields(struct run *r, struct words *w, const struct field *fields,
			 const void *info, const char *state)
{
	char *name;

	while ((name = words_next(w))) {
		if (strcmp(name, "state")) {
			if (!check_field(r, w, fields, info, name))
				return false;
			continue;
		}
		name = script_word(r->script, w, "a state");
		if (!name)
			return false;
		if (strcmp(name, state))
			return script_fail(r->script, "it is %s, not %s", state, name);
	}
	return true;
}

/* info NAME FIELD VALUE...: of a connection; state is one of phases, or none */
static bool check_info(struct run *r, struct words *w)
{
	struct search s = { .conn = run_conn(r, w) };
	uint32_t next = 0;

	if (!s.conn)
		return false;
	mn_stack_walk(r->world->stack, &next, UINT32_MAX, find_info, &s);
	return check_fields(r, w, conn_fields, &s.info,
			    s.info.phase ? phases[s.info.phase] : "none");
}

/* path NAME FIELD VALUE...: of a path; state: open, opening (at either end), none */
static bool check_path(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "the name of a path");
	struct search s = { .path = name ? world_path(r->world, name) : NULL };
	uint32_t next = 0;

	if (!s.path)
		return script_fail(r->script, "there is no path '%s'", name);
	mn_stack_walk_paths(r->world->stack, &next, UINT32_MAX, find_path, &s);
	return check_fields(r, w, path_fields, &s.path_info,
			    !s.path_info.id ? "none" : s.path_info.open ? "open" : "opening");
}

/* count NAME VALUE...: counters of the stack */
static bool check_count(struct run *r, struct words *w)
{
	static const char *const names[] = {
#define MN_X(name) #name,
		MN_STACK_COUNTERS(MN_X)
#undef MN_X
	};
	const uint64_t *values = (const uint64_t *)mn_stack_stats(r->world->stack);
	char *name = script_word(r->script, w, "a counter");

	for (; name; name = words_next(w)) {
		size_t i = 0;

		while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], name))
			i++;
		if (i == sizeof(names) / sizeof(names[0]))
			return script_fail(r->script, "there is no counter '%s'", name);
		if (!check_number(r, w, name, values[i]))
			return false;
	}
	return !r->script->complaint[0];
}

/* clean: all buffers are back, no packet is held */
static bool check_clean(struct run *r, struct words *w)
{
	(void)w;
	if (r->world->handles)
		return script_fail(r->script, "%u packets are held", r->world->handles);
	for (int a = 0; a < SIM_APPS; a++) {
		struct sim_app *app = &r->world->sim.host[0].apps[a];

		if (!app->ch.dead && (app->n_free != app->ch.tx_bufs ||
				      app->ch.rx_free_count + app->n_kept != app->ch.rx_bufs))
			return script_fail(r->script, "buffers of application %d are not back", a);
	}
	return true;
}

/* quiet: the time of the line has come without a packet */
static bool check_quiet(struct run *r, struct words *w)
{
	(void)w;
	return !world_first(r->world) || script_fail(r->script, "it is not quiet");
}

bool check_run(struct run *r, const char *name, struct words *w, bool *ok)
{
	static const struct {
		const char *name;
		bool (*run)(struct run *r, struct words *w);
	} checks[] = {
		{ "up", check_up }, { "down", check_down }, { "recv", check_recv },
		{ "end", check_end }, { "gone", check_gone }, { "info", check_info },
		{ "path", check_path },
		{ "count", check_count }, { "clean", check_clean }, { "quiet", check_quiet },
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(checks[i].name, name))
			continue;
		*ok = checks[i].run(r, w);
		return true;
	}
	return false;
}

bool check_nothing_left(struct run *r)
{
	for (unsigned int i = 0; i < r->world->n_conns; i++) {
		struct conn *c = &r->world->conns[i];
		struct sim_flow *f;

		if (c->ends && !c->gone_seen)
			return script_fail(r->script, "at the end: %s is gone for '%s': see 'gone'",
					   c->name, reasons[c->why]);
		if (!c->ups || c->app->ch.dead)
			continue;
		f = sim_flow(c->app, c->flow);
		if (f->ended && !c->app_end_seen)
			return script_fail(r->script, "at the end: %s ended with %s: see 'end'",
					   c->name, error_name(f->error));
		if (f->received != c->messages_seen)
			return script_fail(r->script, "at the end: %s received %lu messages more",
					   c->name, f->received - c->messages_seen);
	}
	return true;
}
