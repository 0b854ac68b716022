/* SPDX-License-Identifier: MIT */
/*
 * connection.h - the connections of the module's registry, and those of a daemon
 * that does without it
 */
#ifndef MACHNETCTL_CONNECTION_H
#define MACHNETCTL_CONNECTION_H

#include "channel/app_proto.h"
#include "ctl.h"

/* Which connections are meant. */
struct ctl_choice {
	uint64_t id;		/* this one; 0: those that pass the filter */
	struct ctl_filter filter;
};

/* The names of enum machnet_connection_state, up to NULL. */
extern const char *const ctl_connection_states[];

/* Show and kill through the daemon at ctl->socket. Return the exit status. */
int ctl_local_show(struct ctl *ctl, const struct ctl_choice *choice);
int ctl_local_kill(struct ctl *ctl, const struct ctl_choice *choice);

/* The owner's name and process id, as far as it is there. */
void ctl_local_process(struct out *o, const struct mn_app_connection *c);

/* What a connection waits for. */
enum ctl_waits_for {
	CTL_WAITS_NOTHING,
	CTL_WAITS_PROGRAM,	/* its program does not read what has come */
	CTL_WAITS_PEER,		/* the peer gives no credit: its program does not read */
	CTL_WAITS_NETWORK,	/* the congestion window is full */
};

enum ctl_waits_for ctl_waits_for(const struct mn_app_connection *c);
/* What is unsent, unread, what the peer would take, and what it waits for. */
void ctl_print_waits(struct out *o, const struct mn_app_connection *c);

/* Connections to be killed, and what has become of them. */
struct ctl_kill {
	struct ctl_killed {
		uint64_t id;
		bool ended;
		uint32_t reason;	/* enum machnet_reason; 0: not known */
	} *list;
	size_t n, max, left;
	/* Asks for the end of one. -ENOENT: it has ended. */
	int (*ask)(void *ctx, uint64_t id);
	/* Reads the reports of ends that have come, or NULL. */
	int (*read)(void *ctx);
	void *ctx;
	int fd;			/* readable when there are reports; -1: there are none */
	uint64_t again_us;	/* interval between two questions */
};

int ctl_kill_add(struct ctl_kill *k, uint64_t id);
/* A connection has ended. */
void ctl_kill_ended(struct ctl_kill *k, uint64_t id, uint32_t reason);
/* Asks and waits until all have ended. -ENODATA: there is none. -ETIMEDOUT: some have not. */
int ctl_kill_run(struct ctl_kill *k);
/* Says what has become of them and frees. error: of ctl_kill_run(). Returns the exit status. */
int ctl_kill_report(struct ctl *ctl, struct ctl_kill *k, int error);

/* By the module. */
int ctl_kernel_kill(struct ctl *ctl, struct ctl_genl *g, const struct ctl_choice *choice);

#endif /* MACHNETCTL_CONNECTION_H */
