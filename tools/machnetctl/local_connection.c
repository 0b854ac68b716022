// SPDX-License-Identifier: MIT
/* local_connection.c - the connections of a daemon that does without the module */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/machnet.h>

#include "attr.h"
#include "connection.h"
#include "daemon.h"

#define AGAIN_US	100000u

/* "" if it is gone. */
static void find_comm(const struct mn_app_connection *c, char comm[16 + 1])
{
	char path[32];
	FILE *f;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", c->owner_pid);
	f = c->owner_pid ? fopen(path, "re") : NULL;
	if (!f)
		return;
	if (!fgets(comm, 16 + 1, f))
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	fclose(f);
}

void ctl_local_process(struct out *o, const struct mn_app_connection *c)
{
	char comm[16 + 1];

	find_comm(c, comm);
	if (*comm)
		out_string(o, "owner_comm", "Process", comm);
	else
		out_nothing(o, "Process");
	if (c->owner_pid)
		out_number(o, "owner_pid", "PID", c->owner_pid);
	else
		out_nothing(o, "PID");
}

static bool value_matches(const struct mn_app_connection *c, uint32_t ifindex,
			  const struct ctl_filter_value *v)
{
	switch (v->word->attr) {
	case MACHNET_A_CONNECTION_IFINDEX:
		return v->number == ifindex;
	case MACHNET_A_CONNECTION_LOCAL_ADDR:
		return mn_addr_equal(&v->addr, &c->local);
	case MACHNET_A_CONNECTION_LOCAL_PORT:
		return v->number == c->local_port;
	case MACHNET_A_CONNECTION_REMOTE_ADDR:
		return mn_addr_equal(&v->addr, &c->remote);
	case MACHNET_A_CONNECTION_REMOTE_PORT:
		return v->number == c->remote_port;
	case MACHNET_A_CONNECTION_STATE:
		return v->number == c->state;
	case MACHNET_A_CONNECTION_ENGINE:
		return v->number == c->engine;
	case MACHNET_A_CONNECTION_OWNER_PID:
		return v->number == c->owner_pid;
	case MACHNET_A_CONNECTION_OWNER_UID:
		return v->number == c->owner_uid;
	case MACHNET_A_CONNECTION_PATH:
		return v->id == c->path;
	}
	return false;
}

static bool is_chosen(const struct mn_app_connection *c, uint32_t ifindex,
		      const struct ctl_choice *choice)
{
	unsigned int i;

	if (choice->id)
		return c->id == choice->id;
	for (i = 0; i < choice->filter.n; i++)
		if (!value_matches(c, ifindex, &choice->filter.values[i]))
			return false;
	return true;
}

/* Leaves only those that are chosen. */
static size_t select_chosen(struct mn_app_connection *list, size_t n, uint32_t ifindex,
			    const struct ctl_choice *choice)
{
	size_t i, left = 0;

	for (i = 0; i < n; i++)
		if (is_chosen(&list[i], ifindex, choice))
			list[left++] = list[i];
	return left;
}

static void print_owner(struct out *o, const struct mn_app_connection *c)
{
	ctl_local_process(o, c);
	if (c->owner_uid != UINT32_MAX)
		out_number(o, "owner_uid", "UID", c->owner_uid);
	else
		out_nothing(o, "UID");
}

static void print_connection(struct out *o, const struct mn_app_connection *c, uint32_t ifindex)
{
	ctl_print_enum(o, "state", "State", c->state, ctl_connection_states,
		       __MACHNET_CONNECTION_STATE_MAX);
	out_endpoint(o, "local_addr", "local_port", "Local", &c->local, c->local_port);
	out_endpoint(o, "remote_addr", "remote_port", "Remote", &c->remote, c->remote_port);
	ctl_print_ifindex(o, ifindex);
	out_number(o, "engine", "Engine", c->engine);
	print_owner(o, c);
	ctl_print_age(o, c->age_us / 1000);
	ctl_print_waits(o, c);
	ctl_print_id(o, "path", "Path", c->path);
	ctl_print_id(o, "id", "ID", c->id);
}

/* Asks for the connections that are chosen. CTL_OK and d open, or the exit status. */
static int ask(struct ctl *ctl, const struct ctl_choice *choice, struct ctl_daemon *d,
	       uint32_t *ifindex, struct mn_app_connection **list, size_t *n)
{
	int ret;

	if (ctl_daemon_open_local(ctl, d, ifindex))
		return CTL_REFUSED;
	ret = ctl_daemon_connections(d, list, n);
	if (ret) {
		ctl_daemon_close(d);
		return ctl_daemon_refused(ctl->socket, ret);
	}
	*n = select_chosen(*list, *n, *ifindex, choice);
	return CTL_OK;
}

int ctl_local_show(struct ctl *ctl, const struct ctl_choice *choice)
{
	struct mn_app_connection *list;
	struct ctl_daemon d;
	uint32_t ifindex;
	size_t n, i;

	if (ask(ctl, choice, &d, &ifindex, &list, &n))
		return CTL_REFUSED;
	ctl_daemon_close(&d);
	out_table_begin(&ctl->out);
	for (i = 0; i < n; i++) {
		out_row_begin(&ctl->out);
		print_connection(&ctl->out, &list[i], ifindex);
		out_row_end(&ctl->out);
	}
	out_table_end(&ctl->out);
	free(list);
	if (choice->id && !n)
		return ctl_refused(NULL, "there is no connection of this id");
	return CTL_OK;
}

static int kill_one(void *ctx, uint64_t id)
{
	return ctl_daemon_kill(ctx, id);
}

/* -EPERM: machnetd tells the ids to root alone. */
static int collect(struct ctl_kill *k, const struct mn_app_connection *list, size_t n)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		if (list[i].id)
			ret = ctl_kill_add(k, list[i].id);
		else if (geteuid())
			ret = -EPERM;
	}
	return ret;
}

int ctl_local_kill(struct ctl *ctl, const struct ctl_choice *choice)
{
	struct ctl_kill kill = { .ask = kill_one, .fd = -1, .again_us = AGAIN_US };
	struct mn_app_connection *list;
	struct ctl_daemon d;
	uint32_t ifindex;
	int ret, status;
	size_t n;

	if (ask(ctl, choice, &d, &ifindex, &list, &n))
		return CTL_REFUSED;
	kill.ctx = &d;
	ret = collect(&kill, list, n);
	if (!ret)
		ret = ctl_kill_run(&kill);
	free(list);
	ctl_daemon_close(&d);
	status = ctl_kill_report(ctl, &kill, ret);
	if (ret && ret != -ENODATA && ret != -ETIMEDOUT)
		status = ctl_daemon_refused(ctl->socket, ret);
	return status;
}
