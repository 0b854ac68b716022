// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "daemon/local_route.h"
#include "daemon/resolve.h"

#define EVENT_BUF	32768
/* Datagrams that one dispatch takes at most. */
#define EVENT_BURST	64

struct mnd_local_watch {
	struct machnet_nl_route_key key;	/* first: what the tree compares */
	bool stale;
	struct machnet_nl_route last;	/* what has been told */
	LIST_ENTRY(mnd_local_watch) all_link;
	TAILQ_ENTRY(mnd_local_watch) stale_link;
};

static int watch_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct machnet_nl_route_key));
}

static struct mnd_local_watch *watch_find(struct mnd_local_routes *t,
					  const struct machnet_nl_route_key *key)
{
	void *node = tfind(key, &t->tree, watch_cmp);

	return node ? *(struct mnd_local_watch **)node : NULL;
}

static struct mnd_local_watch *watch_new(struct mnd_local_routes *t,
					 const struct machnet_nl_route_key *key)
{
	struct mnd_local_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->key = *key;
	if (!tsearch(w, &t->tree, watch_cmp)) {
		free(w);
		return NULL;
	}
	LIST_INSERT_HEAD(&t->all, w, all_link);
	return w;
}

static void watch_free(struct mnd_local_routes *t, struct mnd_local_watch *w)
{
	tdelete(w, &t->tree, watch_cmp);
	LIST_REMOVE(w, all_link);
	if (w->stale)
		TAILQ_REMOVE(&t->stale, w, stale_link);
	free(w);
}

static void mark_stale(struct mnd_local_routes *t, struct mnd_local_watch *w)
{
	if (w->stale)
		return;
	w->stale = true;
	TAILQ_INSERT_TAIL(&t->stale, w, stale_link);
}

static void mark_all_stale(struct mnd_local_routes *t)
{
	struct mnd_local_watch *w;

	LIST_FOREACH(w, &t->all, all_link)
		mark_stale(t, w);
	t->tables_changed = true;
}

static void on_neigh(struct mnd_local_routes *t, const struct nlmsghdr *nlh)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct mnd_local_watch *w;
	const struct nlattr *a;
	struct mn_addr addr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd))
		return;
	/* A bridge tells its forwarding entries in the same way. */
	if (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6)
		return;
	mnl_attr_for_each(a, nlh, sizeof(*nd)) {
		if (mnl_attr_get_type(a) != NDA_DST ||
		    mn_addr_from_bytes(&addr, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)))
			continue;
		LIST_FOREACH(w, &t->all, all_link)
			if (w->last.ifindex == (uint32_t)nd->ndm_ifindex &&
			    mn_addr_equal(&w->last.nexthop, &addr))
				mark_stale(t, w);
	}
}

static void on_event(struct mnd_local_routes *t, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == RTM_NEWNEIGH || nlh->nlmsg_type == RTM_DELNEIGH)
		on_neigh(t, nlh);
	else
		mark_all_stale(t);
}

static int read_events(struct mnd_local_routes *t)
{
	_Alignas(struct nlmsghdr) char buf[EVENT_BUF];
	const struct nlmsghdr *nlh;
	unsigned int burst;
	ssize_t len;
	int left;

	for (burst = 0; burst < EVENT_BURST; burst++) {
		len = recv(mnl_socket_get_fd(t->events.sock), buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			/* Some are lost, any of them may matter. */
			mark_all_stale(t);
			continue;
		}
		if (len < 0)
			return -errno;
		left = len;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			on_event(t, nlh);
	}
	return 0;
}

/*
 * A link that goes down is announced before its routes are gone. Both happen
 * under the kernel's RTNL lock, and so does the answer to this question.
 */
static void wait_for_tables(struct mnd_local_routes *t)
{
	struct mnd_link link;

	if (t->tables_changed)
		mnd_link_get(&t->req, 1, &link);
	t->tables_changed = false;
}

int mnd_local_routes_dispatch(struct mnd_local_routes *t)
{
	struct machnet_nl_route now;
	struct mnd_local_watch *w;
	int ret;

	ret = read_events(t);
	wait_for_tables(t);
	while ((w = TAILQ_FIRST(&t->stale))) {
		TAILQ_REMOVE(&t->stale, w, stale_link);
		w->stale = false;
		mnd_resolve(&t->req, &w->key, false, &now);
		if (!memcmp(&w->last, &now, sizeof(now)))
			continue;
		memcpy(&w->last, &now, sizeof(now));
		/* May end any watch, this one too. */
		t->ev->route(t->ctx, &now);
	}
	return ret;
}

int mnd_local_route_watch(struct mnd_local_routes *t, const struct machnet_nl_route_key *key,
			  struct machnet_nl_route *route)
{
	struct machnet_nl_route now;
	struct mnd_local_watch *w;

	mnd_resolve(&t->req, key, true, &now);
	if (now.state == MACHNET_ROUTE_STATE_UNREACHABLE)
		return -(int)now.error;
	w = watch_find(t, key);
	if (!w)
		w = watch_new(t, key);
	if (!w)
		return -ENOMEM;
	memcpy(&w->last, &now, sizeof(now));
	memcpy(route, &now, sizeof(now));
	return 0;
}

int mnd_local_route_unwatch(struct mnd_local_routes *t, const struct machnet_nl_route_key *key)
{
	struct mnd_local_watch *w = watch_find(t, key);

	if (!w)
		return -ENOENT;
	watch_free(t, w);
	return 0;
}

int mnd_local_route_confirm(struct mnd_local_routes *t, const struct machnet_nl_route_key *key)
{
	const struct mnd_local_watch *w = watch_find(t, key);

	return w ? mnd_neigh_confirm(&t->req, &w->last) : -ENOENT;
}

int mnd_local_routes_open(struct mnd_local_routes *t, const struct mnd_control_events *ev,
			  void *ctx)
{
	static const int groups[] = {
		RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_NEXTHOP,
		RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,
	};
	unsigned int i;
	int ret;

	memset(t, 0, sizeof(*t));
	LIST_INIT(&t->all);
	TAILQ_INIT(&t->stale);
	t->ev = ev;
	t->ctx = ctx;
	ret = mnd_rtnl_open(&t->req, 0);
	if (!ret)
		ret = mnd_rtnl_open(&t->events, 0);
	for (i = 0; !ret && i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(mnl_socket_get_fd(t->events.sock), SOL_NETLINK,
			       NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])))
			ret = -errno;
	if (ret)
		mnd_local_routes_close(t);
	return ret;
}

void mnd_local_routes_close(struct mnd_local_routes *t)
{
	while (!LIST_EMPTY(&t->all))
		watch_free(t, LIST_FIRST(&t->all));
	mnd_rtnl_close(&t->events);
	mnd_rtnl_close(&t->req);
}

int mnd_local_routes_fd(const struct mnd_local_routes *t)
{
	return mnl_socket_get_fd(t->events.sock);
}
