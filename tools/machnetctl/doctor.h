/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what is wrong with the Machnet of this host, and what mends it
 *
 * A check looks at one thing and says at least one sentence about it. What is
 * not ok comes with the command that mends it, or that shows why it is so.
 */
#ifndef MACHNETCTL_DOCTOR_H
#define MACHNETCTL_DOCTOR_H

#include <net/if.h>

#include "ctl.h"
#include "daemon.h"
#include "netdev.h"

#define DOCTOR_COMMAND	1024

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_NOTE,	/* works, and could be faster */
	DOCTOR_WARNING,	/* works, and will not always */
	DOCTOR_PROBLEM,	/* does not work */
};

struct doctor {
	struct out *out;
	const char *socket;
	bool has_module;
	struct ctl_genl genl;		/* open if has_module */
	bool has_daemon;
	struct ctl_facts facts;		/* empty unless has_daemon */
	int daemon_error;
	bool local;			/* machnetd --control=local */
	char iface[IF_NAMESIZE];	/* the netdev that it serves, or should */
	char best[IF_NAMESIZE];		/* the best one of those that there are */
	bool problem;
	bool has_peer;
	struct mn_addr peer;		/* that is to be asked, if has_peer */
};

void doctor_say(struct doctor *d, enum doctor_status status, const char *check, const char *fix,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* --- what could be done; into text of DOCTOR_COMMAND bytes --- */

/* Which netdev is served, and for which one a machnetd would best be started. */
void doctor_find_iface(struct doctor *d);
/* Starts a machnetd where there is none. */
void doctor_start(const struct doctor *d, char *text);
/* Ends the one that runs, does something (NULL: no), starts it with more options ("": none). */
void doctor_restart(const struct doctor *d, const char *between, const char *options, char *text);

/* --- what the host says --- */

/* The number in a file, or -1. */
long doctor_read_number(const char *path);
/* The first line of a file, "" if it cannot be read. */
void doctor_read_line(const char *path, char *text, size_t size);
/* The base name of what a symbolic link points to, "" if there is none. */
void doctor_read_link(const char *path, char *text, size_t size);
unsigned int doctor_engines(const struct doctor *d);

/* --- the checks --- */
void doctor_check_module(struct doctor *d);
void doctor_check_driver(struct doctor *d);
void doctor_check_memory(struct doctor *d);
void doctor_check_cores(struct doctor *d);
void doctor_check_device(struct doctor *d);
void doctor_check_exception(struct doctor *d);
void doctor_check_rss(struct doctor *d);
void doctor_check_peers(struct doctor *d);
void doctor_check_registry(struct doctor *d);
void doctor_check_answers(struct doctor *d);
void doctor_check_peer(struct doctor *d);
void doctor_check_waiting(struct doctor *d);
void doctor_check_ports(struct doctor *d);
void doctor_check_path_ports(struct doctor *d);

#endif /* MACHNETCTL_DOCTOR_H */
