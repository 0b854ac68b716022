// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/listing.h"

_Static_assert(sizeof(((struct mnd_daemon *)0)->listing) == MND_LISTS * sizeof(bool),
	       "one for each list");

static void listing_start(struct mnd_daemon *d, enum mnd_list which);

static void fill_connection(struct mn_app_connection *to, const struct machnet_dp_conn *c,
		 const struct mnd_app *owner, bool with_id)
{
	*to = (struct mn_app_connection){
		.id = with_id && c->state != MACHNET_CONNECTION_STATE_CONNECTING ? c->id : 0,
		.path = c->path,
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

static void fill_path(struct mn_app_path *to, const struct machnet_dp_path *p)
{
	*to = (struct mn_app_path){
		.id = p->id,
		.age_us = p->age_us,
		.tx_packets = p->tx_packets,
		.rx_packets = p->rx_packets,
		.tx_lost = p->tx_lost,
		.tx_frames = p->tx_frames,
		.rx_frames = p->rx_frames,
		.local = p->local,
		.remote = p->remote,
		.local_port = p->local_port,
		.remote_port = p->remote_port,
		.engine = p->engine,
		.remote_engine = p->remote_engine,
		.state = p->state,
		.mtu = p->mtu,
		.packet_bytes = p->packet_bytes,
		.connections = p->connections,
		.srtt_us = p->srtt_us,
		.rttvar_us = p->rttvar_us,
		.rto_us = p->rto_us,
		.cwnd_packets = p->cwnd_packets,
		.window_packets = p->window_packets,
		.inflight_packets = p->inflight_packets,
		.steered = p->steered,
		.confined = p->confined,
		.rx_local_port = p->rx_local_port,
		.rx_remote_port = p->rx_remote_port,
		.rx_misplaced = p->rx_misplaced,
	};
	memcpy(to->mac, p->mac, sizeof(to->mac));
}

/* What the engines have said. */
struct snapshot {
	enum mnd_list which;
	union {
		const struct machnet_dp_conn *conns;
		const struct machnet_dp_path *paths;
	};
	size_t n;
};

static void fill_connections(struct mn_app_connection *list, const struct mnd_daemon *d,
			     const struct snapshot *s, bool with_ids)
{
	const struct mnd_app *app, *owners[MACHNET_DP_CHANNEL_IDS] = { 0 };

	LIST_FOREACH(app, &d->apps, link)
		if (app->attached)
			owners[app->channel] = app;
	for (size_t i = 0; i < s->n; i++)
		fill_connection(&list[i], &s->conns[i], owners[s->conns[i].channel], with_ids);
}

static int write_list(const struct mnd_daemon *d, const struct snapshot *s, bool with_ids, int fd)
{
	size_t size = s->which == MND_LIST_PATHS ? sizeof(struct mn_app_path) :
						   sizeof(struct mn_app_connection);
	void *list;

	if (!s->n)
		return 0;
	if (ftruncate(fd, s->n * size))
		return -errno;
	list = mmap(NULL, s->n * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (list == MAP_FAILED)
		return -errno;
	if (s->which == MND_LIST_CONNECTIONS)
		fill_connections(list, d, s, with_ids);
	for (size_t i = 0; s->which == MND_LIST_PATHS && i < s->n; i++)
		fill_path((struct mn_app_path *)list + i, &s->paths[i]);
	munmap(list, s->n * size);
	return 0;
}

/* A list of its own for each asker: who shares a descriptor shares its offset. */
static int make_file(const struct mnd_daemon *d, const struct snapshot *s, bool with_ids)
{
	int fd = memfd_create("machnet-list", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write_list(d, s, with_ids, fd);
	if (!ret && fcntl(fd, F_ADD_SEALS,
			  F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static uint16_t request_of(enum mnd_list which)
{
	return which == MND_LIST_PATHS ? MN_APP_PATHS : MN_APP_CONNECTIONS;
}

static void answer(struct mnd_app *app, enum mnd_list which, int fd, size_t n)
{
	struct mn_app_msg msg = {
		.type = request_of(which),
		.version = MN_APP_VERSION,
		.tag = app->listing_tag[which],
		.error = fd < 0 ? -fd : 0,
		.value = fd < 0 ? 0 : n,
	};

	app->listing[which] = MND_LISTING_NONE;
	mnd_app_send(app, &msg, &fd, fd < 0 ? 0 : 1);
}

/* Whoever asked after it began may miss what was there: the next one is for them. */
static void listing_done(struct mnd_daemon *d, const struct snapshot *s)
{
	struct mnd_app *app;

	LIST_FOREACH(app, &d->apps, link) {
		int fd;

		if (app->listing[s->which] != MND_LISTING_ASKED)
			continue;
		fd = make_file(d, s, app->uid == 0);
		answer(app, s->which, fd, s->n);
		if (fd >= 0)
			close(fd);
	}
	d->listing[s->which] = false;
	listing_start(d, s->which);
}

static void connections_done(void *ctx, const struct machnet_dp_conn *conns, size_t n)
{
	struct snapshot s = { .which = MND_LIST_CONNECTIONS, .conns = conns, .n = n };

	listing_done(ctx, &s);
}

static void paths_done(void *ctx, const struct machnet_dp_path *paths, size_t n)
{
	struct snapshot s = { .which = MND_LIST_PATHS, .paths = paths, .n = n };

	listing_done(ctx, &s);
}

static int ask_engines(struct mnd_daemon *d, enum mnd_list which)
{
	return which == MND_LIST_PATHS ? machnet_dp_snapshot_paths(d->dp, paths_done, d) :
					 machnet_dp_snapshot(d->dp, connections_done, d);
}

static void listing_start(struct mnd_daemon *d, enum mnd_list which)
{
	struct mnd_app *app;
	int ret;

	LIST_FOREACH(app, &d->apps, link) {
		if (app->listing[which] != MND_LISTING_WAITS)
			continue;
		ret = d->listing[which] ? 0 : ask_engines(d, which);
		if (ret) {
			answer(app, which, ret, 0);
			continue;
		}
		d->listing[which] = true;
		app->listing[which] = MND_LISTING_ASKED;
	}
}

void mnd_listing_ask(struct mnd_app *app, enum mnd_list which, uint32_t tag)
{
	struct mnd_daemon *d = app->d;
	struct mn_app_msg busy = {
		.type = request_of(which),
		.version = MN_APP_VERSION,
		.tag = tag,
		.error = EBUSY,
	};

	if (app->listing[which] != MND_LISTING_NONE) {
		mnd_app_answer(app, &busy);
		return;
	}
	app->listing[which] = MND_LISTING_WAITS;
	app->listing_tag[which] = tag;
	if (!d->listing[which])
		listing_start(d, which);
}
