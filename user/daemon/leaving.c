// SPDX-License-Identifier: MIT
/* leaving.c - channels whose applications have left */
#include <errno.h>
#include <stdlib.h>

#include "daemon/app_port.h"
#include "daemon/leaving.h"
#include "daemon/log.h"

static struct mnd_leaving *find(struct mnd_daemon *d, uint32_t channel)
{
	struct mnd_leaving *l;

	TAILQ_FOREACH(l, &d->leaving, link)
		if (l->channel == channel)
			return l;
	return NULL;
}

static void leaving_free(struct mnd_leaving *l)
{
	mnd_app_port_release_all(l->d, l->channel, &l->ports);
	TAILQ_REMOVE(&l->d->leaving, l, link);
	free(l);
}

/* Ends the user's oldest ones until the rest is within the bounds. */
static void enforce(struct mnd_daemon *d, uid_t uid)
{
	unsigned int channels = 0;
	uint64_t unsent = 0;
	struct mnd_leaving *l;

	TAILQ_FOREACH(l, &d->leaving, link) {
		if (l->uid != uid || l->ended)
			continue;
		channels++;
		unsent += l->unsent;
	}
	TAILQ_FOREACH(l, &d->leaving, link) {
		if (channels <= MND_LEAVING_CHANNELS && unsent <= MND_LEAVING_BYTES)
			return;
		if (l->uid != uid || l->ended)
			continue;
		channels--;
		unsent -= l->unsent;
		l->ended = true;
		mnd_warn("channel %u of process %d, which has left, is ended before all is sent: "
			 "user %u has left more than %u channels or %llu MiB",
			 l->channel, l->pid, l->uid, MND_LEAVING_CHANNELS,
			 (unsigned long long)MND_LEAVING_BYTES >> 20);
		machnet_dp_channel_del(d->dp, l->channel);
	}
}

void mnd_leaving_add(struct mnd_app *app)
{
	struct mnd_daemon *d = app->d;
	struct mnd_leaving *l = malloc(sizeof(*l));
	struct mnd_app_port *p;

	if (!l) {
		mnd_app_port_release_all(d, app->channel, &app->ports);
		machnet_dp_channel_del(d->dp, app->channel);
		return;
	}
	*l = (struct mnd_leaving){
		.d = d, .pid = app->pid, .uid = app->uid, .channel = app->channel,
	};
	LIST_INIT(&l->ports);
	while ((p = LIST_FIRST(&app->ports))) {
		LIST_REMOVE(p, link);
		LIST_INSERT_HEAD(&l->ports, p, link);
	}
	TAILQ_INSERT_TAIL(&d->leaving, l, link);
	machnet_dp_channel_leave(d->dp, l->channel);
	enforce(d, l->uid);
}

void mnd_leaving_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_leaving *l = find(d, ev->channel);

	if (!l)
		return;
	if (ev->type == MACHNET_DP_EVENT_CHANNEL_FINISHING) {
		l->unsent = ev->unsent;
		enforce(d, l->uid);
	} else if (ev->type == MACHNET_DP_EVENT_CHANNEL_GONE) {
		leaving_free(l);
	}
}

static bool overlaps(const struct mnd_app_port *p, const struct mn_addr *addr, uint16_t port)
{
	return p->port == port && mn_addr_is_v4(&p->addr) == mn_addr_is_v4(addr) &&
	       (mn_addr_is_any(&p->addr) || mn_addr_is_any(addr) ||
		mn_addr_equal(&p->addr, addr));
}

int mnd_leaving_give_port(struct mnd_daemon *d, uid_t uid, const struct mn_addr *addr,
			  uint16_t port)
{
	struct mnd_app_port *p, *next;
	struct mnd_leaving *l;
	int ret = -ENOENT;

	TAILQ_FOREACH(l, &d->leaving, link) {
		if (uid && l->uid != uid)
			continue;
		for (p = LIST_FIRST(&l->ports); p; p = next) {
			next = LIST_NEXT(p, link);
			if (!overlaps(p, addr, port))
				continue;
			mnd_app_port_release(d, l->channel, p);
			ret = 0;
		}
	}
	return ret;
}

void mnd_leaving_free_all(struct mnd_daemon *d)
{
	while (!TAILQ_EMPTY(&d->leaving))
		leaving_free(TAILQ_FIRST(&d->leaving));
}
