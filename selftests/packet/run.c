// SPDX-License-Identifier: MIT
/* run.c - the lines of a script, in order */
#include <stdlib.h>
#include <string.h>

#include "run.h"

struct world *run_world(struct run *r)
{
	if (!r->world) {
		r->world = world_new(r->script, &r->config);
		if (!r->world)
			script_fail(r->script, "out of memory");
		else
			r->at_us = r->world->now_us;
	}
	return r->world;
}

struct conn *run_conn(struct run *r, struct words *w)
{
	char *name = script_word(r->script, w, "the name of a connection");
	struct conn *c = name ? world_find(r->world, name) : NULL;

	if (name && !c)
		script_fail(r->script, "there is no connection '%s'", name);
	return c;
}

/* --- packets --- */

static bool unexpected(struct run *r)
{
	struct outgoing *o = world_first(r->world);
	char got[SCRIPT_LINE];

	return script_fail(r->script, "before this line an unexpected packet came, %lu us after "
			   "the previous one\n     got: > %s", o->at_us - r->at_us,
			   spec_print(o, got));
}

/* Whether the packet that has come is the one of this line, at its time. */
static bool compare(struct run *r, const struct spec *p, const char *line, const struct range *t)
{
	struct outgoing *o = world_first(r->world);
	uint64_t after_us = o->at_us - r->at_us;
	char got[SCRIPT_LINE], why[SCRIPT_LINE];

	if (!exchange_match(r->world, &r->labels, p, o, why))
		return script_fail(r->script, "another packet came: its %s differs\n"
				   "expected: %s\n     got: +%lu > %s", why, line, after_us,
				   spec_print(o, got));
	if (!range_has(t, after_us))
		return script_fail(r->script, "the packet came %lu us after the previous line\n"
				   "expected: %s\n     got: +%lu > %s", after_us, line, after_us,
				   spec_print(o, got));
	return !r->script->complaint[0];
}

static bool expect(struct run *r, struct words *w, const char *line, const struct range *t)
{
	struct spec *p = &r->spec;
	struct outgoing *o;

	if (!spec_parse(r->script, w, p))
		return false;
	o = world_wait(r->world, t->hi > UINT64_MAX - r->at_us ? UINT64_MAX : r->at_us + t->hi);
	if (!o && !r->script->complaint[0])
		return script_fail(r->script, "no packet came\nexpected: %s", line);
	if (!o || r->script->complaint[0] || !compare(r, p, line, t))
		return false;
	r->at_us = o->at_us;
	world_drop_first(r->world);
	return true;
}

static bool inject(struct run *r, struct words *w)
{
	struct spec *p = &r->spec;
	struct frame_spec *f = &p->frame[0];

	if (!spec_parse(r->script, w, p))
		return false;
	for (uint64_t n = f->times.given ? f->times.lo : 1; n; n--) {
		if (!exchange_inject(r->world, &r->labels, p))
			return false;
		f->offset.lo += f->len.lo;
	}
	return true;
}

bool run_inject(struct run *r, const char *line)
{
	struct words w;

	words_init(&w, line);
	words_next(&w);
	return inject(r, &w);
}

/* --- time --- */

/* +N or +A..B in front of a line; a packet may come a tick later than its time. */
static bool parse_time(struct run *r, const char *word, bool out, struct range *t)
{
	*t = (struct range){ .given = true };
	if (!word)
		return true;
	if (!script_range(r->script, word, t))
		return false;
	if (out && t->lo == t->hi && t->lo)
		t->hi += WORLD_TICK_US;
	return out || t->lo == t->hi ||
	       script_fail(r->script, "only packets may come at a range of times");
}

/* Until the line's time nothing may come that the script has not said. */
static bool pass_time(struct run *r, uint64_t us)
{
	struct world *w = run_world(r);

	if (r->at_us + us > w->now_us)
		world_run(w, r->at_us + us);
	if (r->script->complaint[0])
		return false;
	if (world_first(w))
		return unexpected(r);
	r->at_us += us;
	return true;
}

/* --- lines --- */

/* What must stand in front of all others: sizes of the stack. */
static bool configure(struct run *r, struct words *w)
{
	struct {
		const char *name;
		uint64_t *value;
	} sizes[] = {
		{ "conns", &r->config.conns }, { "paths", &r->config.paths },
		{ "held", &r->config.held }, { "records", &r->config.records },
		{ "ring", &r->config.ring }, { "spread", &r->config.spread },
		{ "queues", &r->config.queues },
	};
	bool any;

	if (r->world)
		return script_fail(r->script, "'config' must come first");
	do {
		any = false;
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			any |= run_option(r, w, sizes[i].name, sizes[i].value);
	} while (any);
	return script_end(r->script, w);
}

/* discard [but N]: packets that have come until then need not be stated, but the last ones */
static bool discard(struct run *r, struct words *w, uint64_t us)
{
	uint64_t keep = 0, n = 0;

	run_option(r, w, "but", &keep);
	if (r->at_us + us > r->world->now_us)
		world_run(r->world, r->at_us + us);
	r->at_us += us;
	for (struct mn_list *l = r->world->out.next; l != &r->world->out; l = l->next)
		n++;
	for (; n > keep; n--)
		world_drop_first(r->world);
	if (world_first(r->world))
		r->at_us = world_first(r->world)->at_us;
	return script_end(r->script, w);
}

static bool dispatch(struct run *r, struct words *w, const char *word, const char *time,
		     const char *line)
{
	bool out = !strcmp(word, ">"), ok;
	struct range t;

	if (!parse_time(r, time, out, &t))
		return false;
	if (out)
		return run_world(r) && expect(r, w, line, &t);
	/* What is only a look at what has happened may stand between packets. */
	if (!run_world(r))
		return false;
	if (!time && check_run(r, word, w, &ok))
		return ok && script_end(r->script, w);
	if (!strcmp(word, "discard"))
		return discard(r, w, t.lo);
	if (!pass_time(r, t.lo))
		return false;
	if (!strcmp(word, "<"))
		return inject(r, w);
	if (check_run(r, word, w, &ok) || command_run(r, word, w, &ok))
		return ok && script_end(r->script, w);
	return script_fail(r->script, "'%s' is no command", word);
}

bool run_line(struct run *r, const char *line)
{
	struct words w;
	char *word, *time = NULL;

	if (strlen(line) >= SCRIPT_LINE)
		return script_fail(r->script, "the line is too long");
	words_init(&w, line);
	word = words_next(&w);
	if (!word)
		return true;
	if (!strcmp(word, "config"))
		return configure(r, &w);
	if (word[0] == '+') {
		time = word + 1;
		word = script_word(r->script, &w, "a command");
		if (!word)
			return false;
	}
	return dispatch(r, &w, word, time, line + strspn(line, " \t"));
}

bool run_script(struct script *s)
{
	struct run *r = calloc(1, sizeof(*r));
	FILE *in = fopen(s->file, "r");
	char line[SCRIPT_LINE + 2];

	r->script = s;
	r->config = (struct world_config){ .conns = 64, .paths = 16, .held = 512,
					   .records = 4096, .ring = 256, .spread = 1, .queues = 1 };
	while (in && !s->complaint[0] && fgets(line, sizeof(line), in)) {
		s->line++;
		line[strcspn(line, "\n")] = '\0';
		run_line(r, line);
	}
	if (in)
		fclose(in);
	else
		script_fail(s, "cannot be opened");
	if (!r->world)
		script_fail(s, "the script does nothing");
	if (!s->complaint[0] && pass_time(r, 0))
		check_nothing_left(r);
	if (r->world)
		world_free(r->world);
	free(r);
	return !s->complaint[0];
}
