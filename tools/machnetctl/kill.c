// SPDX-License-Identifier: MIT
/*
 * kill.c - the administrator ends connections
 *
 * A datapath is asked and reports the end when it has done so. Questions and
 * reports may get lost: whoever is still there after a while is asked for again,
 * and a connection that is not known any more has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "connection.h"
#include "tick.h"

#define PATIENCE_US	5000000u
#define AGAIN_US	500000u

int ctl_kill_add(struct ctl_kill *k, uint64_t id)
{
	struct ctl_killed *grown;

	if (k->n == k->max) {
		grown = reallocarray(k->list, 2 * k->max + 64, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		k->list = grown;
		k->max = 2 * k->max + 64;
	}
	k->list[k->n++] = (struct ctl_killed){ .id = id };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct ctl_killed *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void ctl_kill_ended(struct ctl_kill *k, uint64_t id, uint32_t reason)
{
	const struct ctl_killed key = { .id = id };
	struct ctl_killed *e = bsearch(&key, k->list, k->n, sizeof(key), compare);

	if (!e || e->ended)
		return;
	e->ended = true;
	e->reason = reason;
	k->left--;
}

static int read_reports(struct ctl_kill *k)
{
	return k->read ? k->read(k->ctx) : 0;
}

static int ask_all(struct ctl_kill *k)
{
	size_t i;
	int ret;

	for (i = 0; i < k->n; i++) {
		if (k->list[i].ended)
			continue;
		ret = k->ask(k->ctx, k->list[i].id);
		/* The report of an end comes before the answer that says so. */
		if (!ret || ret == -ENOENT)
			ret = read_reports(k) ? : ret;
		if (ret == -ENOENT)
			ctl_kill_ended(k, k->list[i].id, MACHNET_REASON_UNSPEC);
		else if (ret)
			return ret;
	}
	return 0;
}

static int wait_for_ends(struct ctl_kill *k, struct ctl_tick *tick)
{
	uint64_t until = ctl_now_us() + PATIENCE_US;
	int ret;

	while (k->left) {
		ret = ctl_tick_wait(tick, k->fd);
		if (ret == CTL_TICK_INPUT)
			ret = read_reports(k);
		else if (ret == CTL_TICK_END || ctl_now_us() >= until)
			ret = -ETIMEDOUT;
		else if (ret == CTL_TICK_DUE)
			ret = ask_all(k);
		if (ret)
			return ret;
	}
	return 0;
}

int ctl_kill_run(struct ctl_kill *k)
{
	struct ctl_tick tick;
	int ret;

	if (!k->n)
		return -ENODATA;
	k->left = k->n;
	qsort(k->list, k->n, sizeof(*k->list), compare);
	ret = ctl_tick_open(&tick, k->again_us);
	if (!ret)
		ret = ask_all(k);
	if (!ret)
		ret = wait_for_ends(k, &tick);
	ctl_tick_close(&tick);
	return ret;
}

static void report_json(struct out *o, const struct ctl_kill *k)
{
	size_t i;

	out_table_begin(o);
	for (i = 0; i < k->n; i++) {
		if (!k->list[i].ended)
			continue;
		out_row_begin(o);
		ctl_print_id(o, "id", "ID", k->list[i].id);
		if (k->list[i].reason)
			ctl_print_reason(o, k->list[i].reason);
		out_row_end(o);
	}
	out_table_end(o);
}

static void report_text(struct out *o, const struct ctl_kill *k)
{
	size_t i, killed = 0, ended = k->n - k->left;

	for (i = 0; i < k->n; i++)
		killed += k->list[i].ended && (k->list[i].reason == MACHNET_REASON_ADMIN ||
					       k->list[i].reason == MACHNET_REASON_UNSPEC);
	if (!ended)
		return;
	fprintf(o->file, "killed %zu connection%s", killed, killed == 1 ? "" : "s");
	if (killed < ended)
		fprintf(o->file, ", %zu had ended before", ended - killed);
	putc('\n', o->file);
}

int ctl_kill_report(struct ctl *ctl, struct ctl_kill *k, int error)
{
	int status = error ? CTL_REFUSED : CTL_OK;

	if (ctl->out.json)
		report_json(&ctl->out, k);
	else
		report_text(&ctl->out, k);
	if (error == -ENODATA)
		status = ctl_refused("see machnetctl connection", "no connection matches");
	else if (error == -ETIMEDOUT)
		status = ctl_refused("does it run? machnetctl doctor",
				     "the datapath has not ended %zu of %zu connections", k->left,
				     k->n);
	free(k->list);
	return status;
}

/* --- by the module --- */

struct kernel_kill {
	struct ctl_kill kill;
	struct ctl_genl *ask;
	struct ctl_genl events;
};

static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *id = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN,
					    MACHNET_A_CONNECTION_ID);
	struct kernel_kill *k = data;

	return id && nla_len(id) == sizeof(uint64_t) ? ctl_kill_add(&k->kill, nla_get_u64(id)) :
	       -EBADMSG;
}

static int on_event(const struct nlmsghdr *nlh, void *data)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)nlh;
	struct nlattr *id = nlmsg_find_attr(msg, GENL_HDRLEN, MACHNET_A_CONNECTION_ID);
	struct nlattr *why = nlmsg_find_attr(msg, GENL_HDRLEN, MACHNET_A_CONNECTION_REASON);
	struct kernel_kill *k = data;

	if (genlmsg_hdr(msg)->cmd != MACHNET_CMD_CONNECTION_DEL_NTF)
		return 0;
	if (!id || !why || nla_len(id) != sizeof(uint64_t) || nla_len(why) != sizeof(uint32_t))
		return -EBADMSG;
	ctl_kill_ended(&k->kill, nla_get_u64(id), nla_get_u32(why));
	return 0;
}

static struct nl_msg *begin(struct ctl_genl *g, uint8_t cmd, uint64_t id)
{
	struct nl_msg *msg = ctl_genl_begin(g, cmd);

	if (msg)
		nla_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	return msg;
}

static int kernel_ask(void *ctx, uint64_t id)
{
	struct kernel_kill *k = ctx;

	return ctl_genl_request(k->ask, begin(k->ask, MACHNET_CMD_CONNECTION_KILL, id), NULL,
				NULL);
}

static int kernel_read(void *ctx)
{
	struct kernel_kill *k = ctx;
	int ret = ctl_genl_read_events(&k->events);

	return ret == -ENOBUFS ? 0 : ret;
}

static int choose(struct kernel_kill *k, const struct ctl_choice *choice)
{
	if (!choice->id)
		return ctl_genl_dump(k->ask, MACHNET_CMD_CONNECTION_GET, &choice->filter,
				     on_connection, k);
	return ctl_genl_request(k->ask, begin(k->ask, MACHNET_CMD_CONNECTION_GET, choice->id),
				on_connection, k);
}

int ctl_kernel_kill(struct ctl *ctl, struct ctl_genl *g, const struct ctl_choice *choice)
{
	static const char *const group = MACHNET_MCGRP_CONNECTION;
	struct kernel_kill k = {
		.kill = { .ask = kernel_ask, .read = kernel_read, .again_us = AGAIN_US },
		.ask = g,
	};
	int ret, status;

	k.kill.ctx = &k;
	status = ctl_open(&k.events);
	if (status)
		return status;
	ret = ctl_genl_listen(&k.events, &group, 1, on_event, &k);
	if (!ret)
		ret = choose(&k, choice);
	if (ret == -ENOENT)
		ret = 0;
	k.kill.fd = nl_socket_get_fd(k.events.sock);
	if (!ret)
		ret = ctl_kill_run(&k.kill);
	ctl_genl_close(&k.events);
	status = ctl_kill_report(ctl, &k.kill, ret);
	if (ret && ret != -ENODATA && ret != -ETIMEDOUT)
		status = ctl_done(g, ret);
	return status;
}
