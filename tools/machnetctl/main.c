// SPDX-License-Identifier: MIT
/*
 * main.c - machnetctl: what the Machnet of this host is doing
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "channel/app_proto.h"
#include "ctl.h"
#include "suggest.h"

const char ctl_version[] = MACHNET_VERSION;

const struct ctl_object *const ctl_objects[] = {
	&ctl_device, &ctl_port, &ctl_connection, &ctl_path, &ctl_route, &ctl_monitor, &ctl_stats,
	&ctl_top, &ctl_doctor, NULL,
};

int ctl_refused(const char *hint, const char *fmt, ...)
{
	va_list ap;

	fputs("Error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (hint)
		fprintf(stderr, " (hint: %s)", hint);
	fputs(".\n", stderr);
	return CTL_REFUSED;
}

int ctl_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("machnetctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'machnetctl --help'.\n", stderr);
	return CTL_USAGE;
}

int ctl_unexpected(const char *word)
{
	return ctl_usage("'%s' is not expected here", word);
}

int ctl_no_verb(struct ctl *ctl, int argc, char **argv)
{
	(void)ctl, (void)argc;
	return ctl_unexpected(argv[0]);
}

static int no_verb(const struct ctl_object *object, const char *word)
{
	struct ctl_suggest s = { .word = word };
	const struct ctl_verb *verb;

	for (verb = object->verbs; verb->name; verb++)
		ctl_suggest(&s, verb->name);
	return ctl_usage("'%s' is no verb of '%s'%s", word, object->name, ctl_suggestion(&s));
}

static int no_object(const char *word)
{
	struct ctl_suggest s = { .word = word };
	unsigned int i;

	for (i = 0; ctl_objects[i]; i++) {
		ctl_suggest(&s, ctl_objects[i]->name);
		ctl_suggest(&s, ctl_objects[i]->alias);
	}
	ctl_suggest(&s, "help");
	return ctl_usage("'%s' is no object%s", word, ctl_suggestion(&s));
}

static void print_help(void)
{
	unsigned int i;

	puts("Usage: machnetctl [OPTION]... OBJECT [VERB [ARGUMENT]...]\n"
	     "Shows and changes what the Machnet of this host is doing.\n\n"
	     "Objects:");
	for (i = 0; ctl_objects[i]; i++)
		printf("  %-12s %s\n", ctl_objects[i]->name, ctl_objects[i]->summary);
	puts("  help         this text, or that of the OBJECT that follows\n"
	     "\nOptions:\n"
	     "  -j, --json          print JSON\n"
	     "  -p, --pretty        print JSON over several lines, indented\n"
	     "  -s, --socket PATH   machnetd's socket (default: $" MN_APP_SOCKET_ENV ",\n"
	     "                      else " MN_APP_SOCKET_DEFAULT ")\n"
	     "  -i, --interval SEC  repeat, e.g. every 0.5 seconds (stats, top)\n"
	     "  -c, --count N       end after N intervals (stats, top)\n"
	     "  -a, --all           also what has not changed (stats)\n"
	     "  -b, --batch         print table after table, as into a file (top)\n"
	     "  -h, --help          print this help, or that of the OBJECT\n"
	     "  -V, --version       print the version\n\n"
	     "'dev' stands for 'device', 'conn' for 'connection'.\n"
	     "Exit status: 0 done, 1 refused or failed, 2 wrong command line.");
}

static const struct ctl_object *find_object(const char *name)
{
	unsigned int i;

	for (i = 0; ctl_objects[i]; i++)
		if (!strcmp(ctl_objects[i]->name, name) ||
		    (ctl_objects[i]->alias && !strcmp(ctl_objects[i]->alias, name)))
			return ctl_objects[i];
	return NULL;
}

static int run_verb(struct ctl *ctl, const struct ctl_object *object, int argc, char **argv)
{
	const struct ctl_verb *verb = object->verbs;

	if (!argc)
		return verb->run(ctl, 0, argv);
	for (; verb->name; verb++)
		if (!strcmp(verb->name, argv[0]))
			return verb->run(ctl, argc - 1, argv + 1);
	if (verb->run == ctl_no_verb)
		return no_verb(object, argv[0]);
	return verb->run(ctl, argc, argv);
}

/* The letters of the options that have been given and are not for every object. */
static void given_options(const struct ctl *ctl, char letters[5])
{
	snprintf(letters, 5, "%s%s%s%s", ctl->interval_us ? "i" : "", ctl->count ? "c" : "",
		 ctl->all ? "a" : "", ctl->batch ? "b" : "");
}

static int run_object(struct ctl *ctl, int argc, char **argv, bool help)
{
	const struct ctl_object *object;
	const char *allowed;
	char given[5];

	object = find_object(argv[0]);
	if (!object)
		return no_object(argv[0]);
	allowed = object->options ? object->options : "";
	given_options(ctl, given);
	if (given[strspn(given, allowed)])
		return ctl_usage("-%c is not for '%s'", given[strspn(given, allowed)],
				 object->name);
	if (help || (argc > 1 && !strcmp(argv[1], "help"))) {
		fputs(object->help, stdout);
		return CTL_OK;
	}
	return run_verb(ctl, object, argc - 1, argv + 1);
}

static int run(struct ctl *ctl, int argc, char **argv, bool help)
{
	int status, error;

	/* "help OBJECT" as "OBJECT help". */
	if (argc && !strcmp(argv[0], "help")) {
		help = true;
		argc--;
		argv++;
	}
	if (argc) {
		status = run_object(ctl, argc, argv, help);
	} else if (help) {
		print_help();
		status = CTL_OK;
	} else {
		status = ctl_usage("an object is missing");
	}
	error = out_finish(&ctl->out);
	if (error && !status)
		status = ctl_refused(NULL, "cannot print: %s", strerror(-error));
	return status;
}

static int parse_interval(const char *text, uint64_t *us)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (end == text || *end || !(seconds >= 0.01 && seconds <= 86400))
		return ctl_usage("'%s' is no interval in seconds (0.01 to 86400)", text);
	*us = seconds * 1e6;
	return CTL_OK;
}

static int parse_count(const char *text, uint32_t *count)
{
	if (ctl_to_number(text, UINT32_MAX, count) || !*count)
		return ctl_usage("'%s' is no number of intervals (1 or more)", text);
	return CTL_OK;
}

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "socket", required_argument, NULL, 's' },
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'c' },
	{ "all", no_argument, NULL, 'a' },
	{ "batch", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

struct mode {
	bool json, pretty, help, version;
};

/* CTL_OK, or CTL_USAGE after having reported. */
static int take_option(struct ctl *ctl, struct mode *mode, int option)
{
	switch (option) {
	case 'p':
		mode->pretty = true;
		/* fall through */
	case 'j':
		mode->json = true;
		return CTL_OK;
	case 's':
		ctl->socket = optarg;
		return CTL_OK;
	case 'i':
		return parse_interval(optarg, &ctl->interval_us);
	case 'c':
		return parse_count(optarg, &ctl->count);
	case 'a':
		ctl->all = true;
		return CTL_OK;
	case 'b':
		ctl->batch = true;
		return CTL_OK;
	case 'h':
		mode->help = true;
		return CTL_OK;
	case 'V':
		mode->version = true;
		return CTL_OK;
	}
	fputs("Try 'machnetctl --help'.\n", stderr);
	return CTL_USAGE;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .socket = getenv(MN_APP_SOCKET_ENV) };
	struct mode mode = { 0 };
	int c;

	if (!ctl.socket || !*ctl.socket)
		ctl.socket = MN_APP_SOCKET_DEFAULT;
	while ((c = getopt_long(argc, argv, "jps:i:c:abhV", options, NULL)) != -1)
		if (take_option(&ctl, &mode, c))
			return CTL_USAGE;
	if (mode.version) {
		printf("machnetctl %s\n", ctl_version);
		return CTL_OK;
	}
	out_init(&ctl.out, stdout, mode.json, mode.pretty);
	return run(&ctl, argc - optind, argv + optind, mode.help);
}
