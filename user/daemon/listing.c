// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/listing.h"

static void listing_start(struct mnd_daemon *d);

static void fill(struct mn_app_connection *to, const struct machnet_dp_conn *c,
		 const struct mnd_app *owner, bool with_id)
{
	*to = (struct mn_app_connection){
		.id = with_id && c->state != MACHNET_CONNECTION_STATE_CONNECTING ? c->id : 0,
		.age_us = c->age_us,
		.tx_messages = c->tx_messages,
		.rx_messages = c->rx_messages,
		.tx_bytes = c->tx_bytes,
		.rx_bytes = c->rx_bytes,
		.retransmits = c->retransmits,
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.engine = c->engine,
		.channel = c->channel,
		.owner_pid = owner ? owner->pid : 0,
		.owner_uid = owner ? owner->uid : UINT32_MAX,
		.state = c->state,
		.srtt_us = c->srtt_us,
		.rttvar_us = c->rttvar_us,
		.rto_us = c->rto_us,
		.cwnd_bytes = c->cwnd_bytes,
		.inflight_bytes = c->inflight_bytes,
		.credit_bytes = c->credit_bytes,
		.unsent_bytes = c->unsent_bytes,
		.unread_bytes = c->unread_bytes,
	};
}

static int write_list(const struct mnd_daemon *d, const struct machnet_dp_conn *conns, size_t n,
		      bool with_ids, int fd)
{
	const struct mnd_app *app, *owners[MACHNET_DP_CHANNEL_IDS] = { 0 };
	size_t len = n * sizeof(struct mn_app_connection);
	struct mn_app_connection *list;

	if (!n)
		return 0;
	if (ftruncate(fd, len))
		return -errno;
	list = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (list == MAP_FAILED)
		return -errno;
	LIST_FOREACH(app, &d->apps, link)
		if (app->attached)
			owners[app->channel] = app;
	for (size_t i = 0; i < n; i++)
		fill(&list[i], &conns[i], owners[conns[i].channel], with_ids);
	munmap(list, len);
	return 0;
}

/* A list of its own for each asker: who shares a descriptor shares its offset. */
static int make_file(const struct mnd_daemon *d, const struct machnet_dp_conn *conns, size_t n,
		     bool with_ids)
{
	int fd = memfd_create("machnet-connections", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write_list(d, conns, n, with_ids, fd);
	if (!ret && fcntl(fd, F_ADD_SEALS,
			  F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static void answer(struct mnd_app *app, int fd, size_t n)
{
	struct mn_app_msg msg = {
		.type = MN_APP_CONNECTIONS,
		.version = MN_APP_VERSION,
		.tag = app->listing_tag,
		.error = fd < 0 ? -fd : 0,
		.value = fd < 0 ? 0 : n,
	};

	app->listing = MND_LISTING_NONE;
	mnd_app_send(app, &msg, &fd, fd < 0 ? 0 : 1);
}

/* Whoever asked after it began may miss what was there: the next one is for them. */
static void listing_done(void *ctx, const struct machnet_dp_conn *conns, size_t n)
{
	struct mnd_daemon *d = ctx;
	struct mnd_app *app;

	LIST_FOREACH(app, &d->apps, link) {
		int fd;

		if (app->listing != MND_LISTING_ASKED)
			continue;
		fd = make_file(d, conns, n, app->uid == 0);
		answer(app, fd, n);
		if (fd >= 0)
			close(fd);
	}
	d->listing = false;
	listing_start(d);
}

static void listing_start(struct mnd_daemon *d)
{
	struct mnd_app *app;
	int ret;

	LIST_FOREACH(app, &d->apps, link) {
		if (app->listing != MND_LISTING_WAITS)
			continue;
		ret = d->listing ? 0 : machnet_dp_snapshot(d->dp, listing_done, d);
		if (ret) {
			answer(app, ret, 0);
			continue;
		}
		d->listing = true;
		app->listing = MND_LISTING_ASKED;
	}
}

void mnd_listing_ask(struct mnd_app *app, uint32_t tag)
{
	struct mnd_daemon *d = app->d;
	struct mn_app_msg busy = {
		.type = MN_APP_CONNECTIONS,
		.version = MN_APP_VERSION,
		.tag = tag,
		.error = EBUSY,
	};

	if (app->listing != MND_LISTING_NONE) {
		mnd_app_answer(app, &busy);
		return;
	}
	app->listing = MND_LISTING_WAITS;
	app->listing_tag = tag;
	if (!d->listing)
		listing_start(d);
}
