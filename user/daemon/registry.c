// SPDX-License-Identifier: MIT
#include <errno.h>

#include "daemon/registry.h"

/* An add that was refused has no end. */
static void forget_end(struct mnd_registry *r, uint64_t id)
{
	for (unsigned int i = 0; i < r->n_ends; i++) {
		if (r->ends[i].id != id)
			continue;
		r->ends[i] = r->ends[--r->n_ends];
		return;
	}
}

static int add_one(struct mnd_registry *r, struct machnet_nl_connection *conn)
{
	int ret = machnet_nl_connection_add(r->nl, conn);

	if (ret != -ESRCH)
		return ret;
	/* Its application has ended meanwhile: what it has sent is the datapath's to deliver. */
	conn->owner_pid = 0;
	return machnet_nl_connection_add(r->nl, conn);
}

/* One that is refused refuses the whole batch: then each is sent by itself. */
static void flush_adds(struct mnd_registry *r)
{
	unsigned int i, n = r->n_adds;
	int ret;

	r->n_adds = 0;
	if (!n || !machnet_nl_connection_add_batch(r->nl, r->adds, n))
		return;
	for (i = 0; i < n; i++) {
		ret = add_one(r, &r->adds[i]);
		if (!ret)
			continue;
		forget_end(r, r->adds[i].id);
		r->refused(r->ctx, r->adds[i].id, ret);
	}
}

static int flush_ends(struct mnd_registry *r)
{
	unsigned int i, n = r->n_ends;
	int ret, first = 0;

	r->n_ends = 0;
	if (!n || !machnet_nl_connection_del_batch(r->nl, r->ends, n))
		return 0;
	for (i = 0; i < n; i++) {
		ret = machnet_nl_connection_del(r->nl, r->ends[i].id, r->ends[i].reason);
		if (!first)
			first = ret;
	}
	return first;
}

int mnd_registry_flush(struct mnd_registry *r)
{
	flush_adds(r);
	return flush_ends(r);
}

void mnd_registry_add(struct mnd_registry *r, const struct machnet_nl_connection *conn)
{
	if (r->n_adds == MACHNET_BATCH_MAX)
		flush_adds(r);
	r->adds[r->n_adds++] = *conn;
}

int mnd_registry_del(struct mnd_registry *r, uint64_t id, uint32_t reason)
{
	int ret = r->n_ends == MACHNET_BATCH_MAX ? mnd_registry_flush(r) : 0;

	r->ends[r->n_ends++] = (struct machnet_nl_end){ .id = id, .reason = reason };
	return ret;
}
