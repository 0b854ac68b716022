// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "doctor.h"

void doctor_say(struct doctor *d, enum doctor_status status, const char *check, const char *fix,
		const char *fmt, ...)
{
	static const char *const names[] = { "ok", "note", "warning", "problem" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_row_begin(d->out);
	out_string(d->out, "check", "Check", check);
	out_string(d->out, "status", "Status", names[status]);
	out_string(d->out, "text", "Finding", text);
	if (fix && d->out->json)
		out_string(d->out, "fix", "Fix", fix);
	out_row_end(d->out);
	/* As text on a line of its own. */
	if (fix && !d->out->json) {
		out_row_begin(d->out);
		out_string(d->out, "check", "Check", "");
		out_string(d->out, "status", "Status", "  fix:");
		out_string(d->out, "text", "Finding", fix);
		out_row_end(d->out);
	}
	d->problem |= status == DOCTOR_PROBLEM;
}

static int ask_daemon(struct doctor *d)
{
	struct ctl_daemon daemon;
	int ret = ctl_daemon_open(&daemon, d->socket);

	if (ret)
		return ret;
	ret = ctl_daemon_facts(&daemon, &d->facts);
	ctl_daemon_close(&daemon);
	return ret;
}

static void check_daemon(struct doctor *d)
{
	const char *version = ctl_fact(&d->facts, "version");
	char fix[DOCTOR_COMMAND];

	if (!d->has_daemon && (d->daemon_error == -ENOENT || d->daemon_error == -ECONNREFUSED)) {
		doctor_start(d, fix);
		doctor_say(d, DOCTOR_PROBLEM, "daemon", fix,
			   "machnetd is not running: nobody listens at %s", d->socket);
	} else if (!d->has_daemon) {
		doctor_say(d, DOCTOR_PROBLEM, "daemon", d->daemon_error == -EACCES ?
			   "sudo machnetctl doctor" : "journalctl -b -t machnetd",
			   "machnetd at %s does not answer as it should: %s", d->socket,
			   strerror(-d->daemon_error));
	} else if (strcmp(version, ctl_version)) {
		doctor_restart(d, NULL, "", fix);
		doctor_say(d, DOCTOR_WARNING, "daemon", fix,
			   "machnetd is of version %s, machnetctl of version %s", version,
			   ctl_version);
	} else {
		doctor_say(d, DOCTOR_OK, "daemon", NULL,
			   "machnetd runs as process %s since %s s, control %s, with %s channels "
			   "and %s connections", ctl_fact(&d->facts, "pid"),
			   ctl_fact(&d->facts, "uptime_s"), ctl_fact(&d->facts, "control"),
			   ctl_fact(&d->facts, "channels"), ctl_fact(&d->facts, "connections"));
	}
}

static int doctor(struct ctl *ctl, int argc, char **argv)
{
	static void (*const checks[])(struct doctor *d) = {
		doctor_check_module, check_daemon, doctor_check_device, doctor_check_driver,
		doctor_check_memory, doctor_check_cores, doctor_check_exception,
		doctor_check_rss, doctor_check_registry, doctor_check_peers, doctor_check_waiting,
		doctor_check_ports, doctor_check_path_ports, doctor_check_answers,
		doctor_check_peer,
	};
	struct doctor d = { .out = &ctl->out, .socket = ctl->socket };
	unsigned int i;

	if (argc > 1)
		return ctl_unexpected(argv[1]);
	if (argc && ctl_parse_addr(argv[0], &d.peer))
		return CTL_USAGE;
	d.has_peer = argc;
	/* Where it is only not loaded, this loads it. */
	d.has_module = !ctl_genl_open(&d.genl);
	d.daemon_error = ask_daemon(&d);
	d.has_daemon = !d.daemon_error;
	if (!d.has_daemon)
		d.facts.n = 0;
	d.local = !strcmp(ctl_fact(&d.facts, "control"), "local");
	doctor_find_iface(&d);
	out_table_begin(&ctl->out);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&d);
	out_table_end(&ctl->out);
	if (d.has_module)
		ctl_genl_close(&d.genl);
	return d.problem ? CTL_REFUSED : CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ NULL, doctor },
};

const struct ctl_object ctl_doctor = {
	.name = "doctor",
	.summary = "what is wrong, and the commands that mend it",
	.help = "Usage: machnetctl doctor [PEER]\n\n"
		"Looks at the module, machnetd, its device, driver, memory and cores, at the\n"
		"exception path, the class of RSS, the registry of connections, peers, programs\n"
		"that do not read, ports, and path ports (a firewall's rule for them; may the\n"
		"kernel give them to others?). With the address of a PEER it asks that host, too,\n"
		"at the UDP port where hosts are contacted first.\n"
		"Each finding is ok, a note (it could be faster), a warning (it will not always\n"
		"work) or a problem (it does not work), with the command that mends it or shows\n"
		"why.\n"
		"Exit status: 1 if there is a problem. Needs no privilege.\n",
	.verbs = verbs,
};
