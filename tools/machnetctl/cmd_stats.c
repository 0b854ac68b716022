// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "counters.h"
#include "ctl.h"
#include "daemon.h"
#include "tick.h"

static bool module_missing(const struct ctl_counters *c)
{
	return c->kernel_error == -ENOENT;
}

static bool daemon_missing(const struct ctl_counters *c)
{
	return c->daemon_error == -ENOENT || c->daemon_error == -ECONNREFUSED;
}

/* Reports the side that gave no answer; the other one's is enough if nobody is there. */
static int report(const struct ctl *ctl, const struct ctl_counters *c)
{
	int status = CTL_OK;

	if (c->daemon_error && !daemon_missing(c))
		status = ctl_daemon_refused(ctl->socket, c->daemon_error);
	if (c->kernel_error && !module_missing(c))
		status = ctl_refused(NULL, "the machnet module: %s", *c->sentence ? c->sentence :
				     strerror(-c->kernel_error));
	if (status)
		return status;
	if (module_missing(c) && daemon_missing(c))
		return ctl_daemon_refused(ctl->socket, c->daemon_error);
	if (daemon_missing(c))
		fprintf(stderr, "Note: machnetd is not running, nobody listens at %s.\n",
			ctl->socket);
	else if (module_missing(c) && !c->local)
		fputs("Note: the machnet module is not loaded.\n", stderr);
	return CTL_OK;
}

static void print_all(struct out *o, const struct ctl_counters *c)
{
	size_t i;

	out_counters_begin(o);
	for (i = 0; i < c->n; i++)
		out_counter(o, c->list[i].name, c->list[i].value);
	out_counters_end(o);
}

static void print_interval(struct ctl *ctl, const struct ctl_counters *old,
			   const struct ctl_counters *new)
{
	double seconds = (new->at_us - old->at_us) / 1e6;
	struct out *o = &ctl->out;
	const struct ctl_counter *c, *before;
	size_t i;

	out_record_begin(o);
	ctl_print_time(o);
	out_real(o, "seconds", "Seconds", seconds);
	out_list_begin(o, "counters");
	for (i = 0; i < new->n; i++) {
		c = &new->list[i];
		before = ctl_counters_find(old, c->name, i);
		if (!before || (before->value == c->value && !ctl->all))
			continue;
		out_row_begin(o);
		out_string(o, "name", "Counter", c->name);
		out_number(o, "value", "Value", c->value);
		/* What is a number of now may fall. */
		out_real(o, "per_second", "Per-second",
			 (int64_t)(c->value - before->value) / seconds);
		out_row_end(o);
	}
	out_list_end(o);
	out_record_end(o);
}

/* c[0] has been read. -errno; 0 at the end. */
static int repeat(struct ctl *ctl, struct ctl_counters c[2])
{
	struct ctl_tick tick;
	uint32_t i;
	int ret;

	ret = ctl_tick_open(&tick, ctl->interval_us);
	for (i = 0; !ret && (!ctl->count || i < ctl->count); i++) {
		ret = ctl_tick_wait(&tick, -1);
		if (ret)
			break;
		ret = ctl_counters_read(&c[~i & 1], ctl->socket);
		if (!ret) {
			print_interval(ctl, &c[i & 1], &c[~i & 1]);
			ret = ctl->out.error;
		}
	}
	ctl_tick_close(&tick);
	return ret == CTL_TICK_END ? 0 : ret;
}

static int stats(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_counters c[2] = { 0 };
	int ret, status;

	if (argc)
		return ctl_unexpected(argv[0]);
	if (!ctl->interval_us && (ctl->count || ctl->all))
		return ctl_usage("-c and -a are for repeating: -i SECONDS is missing");
	ret = ctl_counters_read(&c[0], ctl->socket);
	status = ret ? CTL_OK : report(ctl, &c[0]);
	if (!ret && !status && ctl->interval_us)
		ret = repeat(ctl, c);
	else if (!ret && c[0].n)
		print_all(&ctl->out, &c[0]);
	if (ret && !ctl->out.error)
		status = ctl_refused(NULL, "%s", strerror(-ret));
	ctl_counters_free(&c[0]);
	ctl_counters_free(&c[1]);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "show", stats },
	{ NULL, stats },
};

const struct ctl_object ctl_stats = {
	.name = "stats",
	.summary = "all counters of the module and of machnetd",
	.help = "Usage: machnetctl [-i SECONDS [-c COUNT] [-a]] stats\n\n"
		"Prints all counters: the module's, whose names begin with 'kernel.', and\n"
		"machnetd's. They are never reset. With -i once per interval those that have\n"
		"changed in it, or with -a all of them, and by how much per second, until it\n"
		"is interrupted or COUNT intervals are over.\n",
	.options = "ica",
	.verbs = verbs,
};
