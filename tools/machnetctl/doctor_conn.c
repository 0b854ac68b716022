// SPDX-License-Identifier: MIT
/* doctor_conn.c - connections: are all of them registered, does one wait for a program? */
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "doctor.h"

/* Findings; the rest is only counted. */
#define FINDINGS_MAX	8

static void say_waiting(struct doctor *d, const struct mn_app_connection *c)
{
	char local[MN_ADDR_STRLEN], remote[MN_ADDR_STRLEN], fix[DOCTOR_COMMAND];

	mn_addr_format(&c->local, local);
	mn_addr_format(&c->remote, remote);
	snprintf(fix, sizeof(fix), "machnetctl connection show remote %s remote-port %u", remote,
		 c->remote_port);
	if (ctl_waits_for(c) == CTL_WAITS_PROGRAM)
		doctor_say(d, DOCTOR_WARNING, "waiting", fix,
			   "process %u does not read: %u bytes of %s port %u are unread, and its "
			   "peer waits", c->owner_pid, c->unread_bytes, remote, c->remote_port);
	else
		doctor_say(d, DOCTOR_WARNING, "waiting", fix,
			   "%s port %u takes nothing more from process %u (port %u here), which "
			   "has %llu bytes to send: the program there does not read", remote,
			   c->remote_port, c->owner_pid, c->local_port,
			   (unsigned long long)c->unsent_bytes);
}

static bool is_stuck(const struct mn_app_connection *c)
{
	enum ctl_waits_for what = ctl_waits_for(c);

	return what == CTL_WAITS_PROGRAM || what == CTL_WAITS_PEER;
}

void doctor_check_waiting(struct doctor *d)
{
	struct mn_app_connection *list;
	size_t n, i, stuck = 0;
	struct ctl_daemon daemon;
	int ret;

	if (!d->has_daemon || ctl_daemon_open(&daemon, d->socket))
		return;
	ret = ctl_daemon_connections(&daemon, &list, &n);
	ctl_daemon_close(&daemon);
	if (ret)
		return;
	for (i = 0; i < n; i++)
		if (is_stuck(&list[i]) && stuck++ < FINDINGS_MAX)
			say_waiting(d, &list[i]);
	if (stuck > FINDINGS_MAX)
		doctor_say(d, DOCTOR_WARNING, "waiting", "machnetctl connection",
			   "%zu more connections wait for programs that do not read",
			   stuck - FINDINGS_MAX);
	if (!stuck)
		doctor_say(d, DOCTOR_OK, "waiting", NULL,
			   "no connection waits for a program that does not read");
	free(list);
}

/* An older machnetd does not say it. */
void doctor_check_registry(struct doctor *d)
{
	const char *connections = ctl_fact(&d->facts, "connections");
	const char *registered = ctl_fact(&d->facts, "registered");

	if (!*registered)
		return;
	if (strcmp(connections, registered))
		doctor_say(d, DOCTOR_WARNING, "registry", "journalctl -b -t machnetd",
			   "only %s of %s connections are in the registry: machnetctl does not "
			   "show the others, nor can it end them", registered, connections);
	else
		doctor_say(d, DOCTOR_OK, "registry", NULL, "all of %s connections are in it",
			   connections);
}
