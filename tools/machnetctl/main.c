// SPDX-License-Identifier: MIT
/*
 * main.c - machnetctl: what the Machnet of this host is doing
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/app_proto.h"
#include "ctl.h"

const struct ctl_object *const ctl_objects[] = {
	&ctl_device, &ctl_port, &ctl_connection, &ctl_route, &ctl_monitor, &ctl_stats, NULL,
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
	return ctl_usage("'%s' is no verb of this object", argv[0]);
}

static void print_help(void)
{
	unsigned int i;

	puts("Usage: machnetctl [OPTION]... OBJECT [VERB [ARGUMENT]...]\n"
	     "Shows and changes what the Machnet of this host is doing.\n\n"
	     "Objects:");
	for (i = 0; ctl_objects[i]; i++)
		printf("  %-12s %s\n", ctl_objects[i]->name, ctl_objects[i]->summary);
	puts("\nOptions:\n"
	     "  -j, --json          print JSON\n"
	     "  -p, --pretty        print JSON over several lines, indented\n"
	     "  -s, --socket PATH   machnetd's socket (default: $" MN_APP_SOCKET_ENV ",\n"
	     "                      else " MN_APP_SOCKET_DEFAULT ")\n"
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
	return verb->run(ctl, argc, argv);
}

static int run_object(struct ctl *ctl, int argc, char **argv, bool help)
{
	const struct ctl_object *object;

	object = find_object(argv[0]);
	if (!object)
		return ctl_usage("'%s' is no object", argv[0]);
	if (help || (argc > 1 && !strcmp(argv[1], "help"))) {
		fputs(object->help, stdout);
		return CTL_OK;
	}
	return run_verb(ctl, object, argc - 1, argv + 1);
}

static int run(struct ctl *ctl, int argc, char **argv, bool help)
{
	int status, error;

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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	bool json = false, pretty = false, help = false;
	struct ctl ctl = { .socket = getenv(MN_APP_SOCKET_ENV) };
	int c;

	if (!ctl.socket || !*ctl.socket)
		ctl.socket = MN_APP_SOCKET_DEFAULT;
	while ((c = getopt_long(argc, argv, "jps:hV", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'p':
			json = pretty = true;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			puts("machnetctl " MACHNET_VERSION);
			return CTL_OK;
		default:
			fputs("Try 'machnetctl --help'.\n", stderr);
			return CTL_USAGE;
		}
	}
	out_init(&ctl.out, stdout, json, pretty);
	return run(&ctl, argc - optind, argv + optind, help);
}
