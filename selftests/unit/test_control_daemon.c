// SPDX-License-Identifier: MIT
/* The daemon between its applications and fakes of the control plane and the datapath. */
#include "selftests/unit/daemon_test.h"

static struct mn_addr addr(const char *text)
{
	struct mn_addr a;

	if (mn_addr_parse(&a, text))
		abort();
	return a;
}

/* A connection from 10.0.0.1 to 10.0.9.9, or to another MAC's address, that a peer has opened. */
/* With its path, if it is the first one on that. */
static void accept_one(struct mnd_daemon *d, uint64_t id, const char *remote, uint32_t channel)
{
	struct machnet_dp_event path;
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_UP, .accepted = true, .channel = channel, .id = id,
		.engine = id & 0xff, .local = addr("10.0.0.1"),
		.remote = addr(remote),
		.local_port = 80, .remote_port = 40000, .mac = { 2 },
	};

	ev.mac[5] = ev.remote.b[15];
	path = ev;
	path.type = MACHNET_DP_EVENT_PATH_UP;
	path.path = ev.remote.b[15];
	path.mtu = 1500;
	mnd_path_event(d, &path);
	mnd_conn_event(d, &ev);
}

/* Packets reach the peer by the next hop with this last byte. */
static void hear_of(struct mnd_daemon *d, const char *remote, uint8_t mac)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_REACHABLE,
		.local = addr("10.0.0.1"), .remote = addr(remote),
		.mac = { 2, 0, 0, 0, 0, mac },
	};

	mnd_conn_event(d, &ev);
}

static void event_of(struct mnd_daemon *d, int type, uint64_t id, uint32_t reason)
{
	struct machnet_dp_event ev = { .type = type, .id = id, .reason = reason };

	mnd_conn_event(d, &ev);
}

TEST_F(daemon, engines)
{
	int user = dial(&self->d, NOBODY), root = dial(&self->d, 0);

	self->d.info.engines = 4;
	EXPECT_EQ(EPERM, REQUEST(user, .type = MN_APP_ENGINES, .value = 2).error);
	EXPECT_EQ(0, fake.used_engines);
	EXPECT_EQ(0, REQUEST(root, .type = MN_APP_ENGINES, .value = 2).error);
	EXPECT_EQ(2, fake.used_engines);
	EXPECT_EQ(EINVAL, REQUEST(root, .type = MN_APP_ENGINES, .value = 5).error);
	EXPECT_EQ(EINVAL, REQUEST(root, .type = MN_APP_ENGINES, .value = UINT64_MAX).error);
	EXPECT_EQ(2, fake.used_engines);
	EXPECT_EQ(EINVAL, REQUEST(root, .type = MN_APP_ENGINES).error);
	close(user);
	close(root);
}

/* It is on another engine with its channel. */
TEST_F(daemon, connection_moves)
{
	struct machnet_dp_event moved = {
		.type = MACHNET_DP_EVENT_MOVED, .id = 0x501, .engine = 3, .path = 7,
	};

	mnd_conn_event(&self->d, &moved);
	EXPECT_EQ(0, fake.set.n);
	accept_one(&self->d, 0x501, "10.0.9.9", 0);
	mnd_conn_event(&self->d, &moved);
	EXPECT_EQ(1, fake.set.n);
	EXPECT_EQ(0x501, fake.set.last.id);
	EXPECT_EQ(3, fake.set.last.engine);
	EXPECT_EQ(7, fake.set.last.path);
	event_of(&self->d, MACHNET_DP_EVENT_END, 0x501, MACHNET_REASON_CLOSED);
}

TEST_F(daemon, facts)
{
	static const char *const keys[] = {
		"version", "pid", "control", "device", "netdev", "tap", "driver", "mac", "mtu",
		"path_port_first", "path_port_count", "engines", "used_engines", "cores",
		"poll", "memory",
		"rx_wakeup", "rss_class", "rss_ignores_ports", "rss_rank", "rss_rank_full",
		"rss_observations", "rss_contradictions", "rss_candidates", "rss_refused",
		"rss_handoffs", "rss_confined", "rss_moves", "uptime_s", "channels",
		"connections", "registered",
	};
	int fd = dial(&self->d, NOBODY);
	struct mn_app_msg ans = { 0 };
	char value[64];
	unsigned int i;

	memset(self->d.device, 'x', sizeof(self->d.device) - 1);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		ans = REQUEST(fd, .type = MN_APP_FACTS, .index = ans.index);
		ASSERT_EQ(0, ans.error);
		ASSERT_LT(strnlen(ans.name, sizeof(ans.name)), sizeof(ans.name));
		EXPECT_EQ(0, strncmp(ans.name, keys[i], strlen(keys[i]))) TH_LOG("%s", ans.name);
		ASSERT_EQ('=', ans.name[strlen(keys[i])]) TH_LOG("%s", ans.name);
		snprintf(value, sizeof(value), "%s", ans.name + strlen(keys[i]) + 1);
		EXPECT_TRUE(value[0] || !strcmp(keys[i], "driver")) TH_LOG("%s", ans.name);
		if (!strcmp(keys[i], "engines"))
			EXPECT_STREQ("2", value);
		if (!strcmp(keys[i], "pid"))
			EXPECT_EQ(getpid(), atoi(value));
	}
	EXPECT_EQ(ENOENT, REQUEST(fd, .type = MN_APP_FACTS, .index = ans.index).error);
	EXPECT_EQ(ENOENT, REQUEST(fd, .type = MN_APP_FACTS, .index = UINT32_MAX).error);
	close(fd);
}

TEST_F(daemon, channels_of_one_user)
{
	int fds[MND_CHANNELS_PER_USER + 1], root = dial(&self->d, 0);

	for (int i = 0; i < MND_CHANNELS_PER_USER; i++) {
		fds[i] = dial(&self->d, NOBODY);
		/* As if he took his time. */
		memset(self->d.attach_due_us, 0, sizeof(self->d.attach_due_us));
		ASSERT_EQ(0, REQUEST(fds[i], .type = MN_APP_ATTACH).error);
	}
	fds[MND_CHANNELS_PER_USER] = dial(&self->d, NOBODY);
	EXPECT_EQ(EDQUOT, REQUEST(fds[MND_CHANNELS_PER_USER], .type = MN_APP_ATTACH).error);
	/* That of another user is not this one's, and root has none. */
	EXPECT_EQ(0, REQUEST(root, .type = MN_APP_ATTACH).error);
	/* Once one is gone, there is room for one. */
	close(fds[0]);
	run(&self->d);
	EXPECT_EQ(0, REQUEST(fds[MND_CHANNELS_PER_USER], .type = MN_APP_ATTACH).error);
	EXPECT_EQ(MND_CHANNELS_PER_USER + 2, fake.channels);
	for (int i = 1; i <= MND_CHANNELS_PER_USER; i++)
		close(fds[i]);
	close(root);
}

TEST_F(daemon, who_attaches_too_often_waits)
{
	int fds[MND_ATTACH_BURST + 2], last = MND_ATTACH_BURST, other = dial(&self->d, 1);

	for (int i = 0; i < last + 2; i++) {
		fds[i] = dial(&self->d, NOBODY);
		ASSERT_EQ(i < last ? 0 : -1, REQUEST(fds[i], .type = MN_APP_ATTACH).error);
	}
	EXPECT_EQ(0, REQUEST(other, .type = MN_APP_ATTACH).error);
	/* One that does not wait any longer; the other's turn comes. */
	close(fds[last + 1]);
	run(&self->d);
	EXPECT_EQ(1, poll(&(struct pollfd){ self->d.epfd, POLLIN, 0 }, 1, 5000));
	run(&self->d);
	EXPECT_EQ(0, answer(fds[last], NULL).error);
	for (close(other); last >= 0; last--)
		close(fds[last]);
}

TEST_F(daemon, sockets_of_one_user)
{
	int fds[MND_SOCKETS_PER_USER + 1], root;
	char c;

	for (int i = 0; i <= MND_SOCKETS_PER_USER; i++)
		fds[i] = dial(&self->d, NOBODY);
	EXPECT_EQ(0, REQUEST(fds[MND_SOCKETS_PER_USER - 1], .type = MN_APP_INFO).error);
	EXPECT_EQ(0, recv(fds[MND_SOCKETS_PER_USER], &c, 1, MSG_DONTWAIT));
	root = dial(&self->d, 0);
	EXPECT_EQ(0, REQUEST(root, .type = MN_APP_INFO).error);
	for (int i = 0; i <= MND_SOCKETS_PER_USER; i++)
		close(fds[i]);
	close(root);
}

TEST_F(daemon, connection_is_killed)
{
	int root = dial(&self->d, 0), user = dial(&self->d, NOBODY);

	accept_one(&self->d, 0x501, "10.0.9.9", 0);
	EXPECT_EQ(EPERM, REQUEST(user, .type = MN_APP_KILL, .value = 0x501).error);
	EXPECT_EQ(ENOENT, REQUEST(root, .type = MN_APP_KILL, .value = 0x502).error);
	EXPECT_EQ(ENOENT, REQUEST(root, .type = MN_APP_KILL, .value = 0).error);
	EXPECT_EQ(0, fake.abort.n);
	EXPECT_EQ(0, REQUEST(root, .type = MN_APP_KILL, .value = 0x501).error);
	EXPECT_EQ(1, fake.abort.n);
	EXPECT_EQ(0x501, fake.abort.id);
	EXPECT_EQ(MACHNET_REASON_ADMIN, fake.abort.reason);
	/* The datapath obeys, and so does the registry. */
	event_of(&self->d, MACHNET_DP_EVENT_END, 0x501, MACHNET_REASON_ADMIN);
	EXPECT_EQ(ENOENT, REQUEST(root, .type = MN_APP_KILL, .value = 0x501).error);
	EXPECT_EQ(0x501, fake.del.id);
	EXPECT_EQ(MACHNET_REASON_ADMIN, fake.del.reason);
	EXPECT_EQ(1, fake.del.flushed);

	/* As the kernel tells it. */
	accept_one(&self->d, 0x700, "10.0.9.9", 0);
	mnd_conn_kill_heard(&self->d, 0x701);
	EXPECT_EQ(1, fake.abort.n);
	mnd_conn_kill_heard(&self->d, 0x700);
	EXPECT_EQ(2, fake.abort.n);
	EXPECT_EQ(0x700, fake.abort.id);
	close(root);
	close(user);
}

static struct mnd_route *route_to(struct mnd_daemon *d, const char *remote)
{
	struct mn_addr from = addr("10.0.0.1"), to = addr(remote);
	struct mnd_route *route;

	return mnd_route_get(d, &to, &from, &route) ? NULL : route;
}

TEST_F(daemon, peers_that_are_heard_of_are_confirmed)
{
	struct mnd_route *routes[2];

	accept_one(&self->d, 1, "10.0.9.9", 0);
	accept_one(&self->d, 2, "10.0.9.9", 0);
	accept_one(&self->d, 3, "10.0.9.8", 0);
	/* Each route when its path is up. */
	EXPECT_EQ(2, fake.confirmed);
	routes[0] = route_to(&self->d, "10.0.9.9");
	routes[1] = route_to(&self->d, "10.0.9.8");
	hear_of(&self->d, "10.0.9.9", 9);
	hear_of(&self->d, "10.0.9.7", 7);
	EXPECT_EQ(2, fake.confirmed);
	for (int i = 0; i < 2; i++)
		routes[i]->confirmed_us -= 2000000;
	hear_of(&self->d, "10.0.9.8", 8);
	hear_of(&self->d, "10.0.9.8", 8);
	EXPECT_EQ(3, fake.confirmed);

	/* The packets took another next hop than the route says now. */
	for (int i = 0; i < 2; i++)
		routes[i]->confirmed_us = 0;
	hear_of(&self->d, "10.0.9.9", 5);
	EXPECT_EQ(3, fake.confirmed);
	for (int i = 0; i < 2; i++)
		routes[i]->last.state = MACHNET_ROUTE_STATE_RESOLVING;
	hear_of(&self->d, "10.0.9.9", 9);
	EXPECT_EQ(3, fake.confirmed);
}

static void connect_one(struct mnd_daemon *d, uint64_t id, const char *local, const char *remote)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_CONNECT,
		.id = id, .engine = 3,
		.local = addr(local), .remote = addr(remote), .remote_port = 80,
	};

	mnd_conn_event(d, &ev);
}

TEST_F(daemon, routes_are_asked_for_by_source)
{
	struct mn_addr any = addr("0.0.0.0"), named = addr("10.0.0.2"), own = addr("10.0.0.1");
	struct mn_addr remote = addr("10.0.9.9");

	connect_one(&self->d, 5, "0.0.0.0", "10.0.9.9");
	EXPECT_TRUE(mn_addr_equal(&remote, &fake.watched.dst));
	EXPECT_TRUE(mn_addr_equal(&any, &fake.watched.from));
	EXPECT_EQ(FAKE_NETDEV, fake.watched.vrf);
	EXPECT_EQ(5, fake.connect.id);
	EXPECT_EQ(3, fake.connect.engine);
	EXPECT_TRUE(fake.connect.by_default);
	EXPECT_TRUE(mn_addr_equal(&own, &fake.connect.local));
	connect_one(&self->d, 6, "10.0.0.2", "10.0.9.9");
	EXPECT_TRUE(mn_addr_equal(&named, &fake.watched.from));
	EXPECT_EQ(6, fake.connect.id);
	EXPECT_FALSE(fake.connect.by_default);
	EXPECT_TRUE(mn_addr_equal(&named, &fake.connect.local));
	/* An accepted connection answers from where it was called. */
	accept_one(&self->d, 1, "10.0.9.9", 0);
	EXPECT_TRUE(mn_addr_equal(&own, &fake.watched.from));
	EXPECT_EQ(0, fake.refuse.n);
}

TEST_F(daemon, a_connect_from_an_address_of_others_is_refused)
{
	connect_one(&self->d, 5, "10.0.1.1", "10.0.9.9");
	EXPECT_EQ(1, fake.refuse.n);
	EXPECT_EQ(3, fake.refuse.engine);
	EXPECT_EQ(5, fake.refuse.id);
	EXPECT_EQ(EADDRNOTAVAIL, fake.refuse.error);
	EXPECT_EQ(0, fake.connect.id);
	EXPECT_TRUE(LIST_EMPTY(&self->d.conns));
}

TEST_F(daemon, a_route_that_changes_while_it_connects_is_followed)
{
	struct mn_addr remote = addr("10.0.9.9");
	struct machnet_nl_route_key key;
	struct machnet_nl_route route;

	connect_one(&self->d, 5, "0.0.0.0", "10.0.9.9");
	key = fake.watched;
	fake_route_watch(NULL, &key, &route);
	route.mac[0] = 6;
	route.mtu = 1280;
	mnd_route_changed(&self->d, &route);
	EXPECT_TRUE(mn_addr_equal(&remote, &fake.path.remote));
	EXPECT_EQ(6, fake.path.mac[0]);
	EXPECT_EQ(1280, fake.path.mtu);
}

/* Nothing ends by it, but the datapath knows what to say if the peer stays silent. */
TEST_F(daemon, a_route_that_is_lost)
{
	struct machnet_nl_route route;
	struct machnet_nl_route_key key;

	accept_one(&self->d, 5, "10.0.9.9", 0);
	key = fake.watched;
	fake_route_watch(NULL, &key, &route);
	EXPECT_EQ(0, fake.unreachable.n);
	route.state = MACHNET_ROUTE_STATE_RESOLVING;
	mnd_route_changed(&self->d, &route);
	EXPECT_EQ(0, fake.unreachable.n);
	route.state = MACHNET_ROUTE_STATE_UNREACHABLE;
	mnd_route_changed(&self->d, &route);
	mnd_route_changed(&self->d, &route);
	EXPECT_EQ(1, fake.unreachable.n);
	EXPECT_TRUE(mn_addr_equal(&route.dst, &fake.unreachable.remote));
	EXPECT_TRUE(fake.unreachable.is);
	EXPECT_EQ(0, fake.abort.n);
	fake_route_watch(NULL, &key, &route);
	mnd_route_changed(&self->d, &route);
	EXPECT_EQ(2, fake.unreachable.n);
	EXPECT_FALSE(fake.unreachable.is);
}

TEST_F(daemon, a_route_that_is_lost_while_it_connects)
{
	struct machnet_dp_event end = {
		.type = MACHNET_DP_EVENT_END, .id = 5, .reason = MACHNET_REASON_UNREACHABLE,
	};
	struct machnet_nl_route_key key;
	struct machnet_nl_route route;

	connect_one(&self->d, 5, "0.0.0.0", "10.0.9.9");
	key = fake.watched;
	fake_route_watch(NULL, &key, &route);
	route.state = MACHNET_ROUTE_STATE_UNREACHABLE;
	mnd_route_changed(&self->d, &route);
	EXPECT_EQ(1, fake.unreachable.n);
	EXPECT_TRUE(fake.unreachable.is);
	mnd_conn_event(&self->d, &end);
	EXPECT_TRUE(LIST_EMPTY(&self->d.conns));
	EXPECT_EQ(0, fake.del.n);
}

/* A route that is asked for, to a next hop that is being asked or has not answered. */
static void route_says(struct mnd_daemon *d, uint32_t state)
{
	struct machnet_nl_route route;

	fake_route_watch(NULL, &fake.watched, &route);
	route.state = state;
	route.error = EHOSTUNREACH;
	mnd_route_changed(d, &route);
}

static void probed(struct mnd_daemon *d, uint64_t request, int error)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_PROBED, .id = request, .error = error,
	};

	mnd_probe_event(d, &ev);
}

TEST_F(daemon, peers_are_asked)
{
	struct mn_app_msg ask_for = { .type = MN_APP_PROBE, .tag = 5, .remote = addr("10.0.9.9") };
	int user = dial(&self->d, NOBODY);
	struct mn_app_msg ans;

	ask(user, ask_for);
	run(&self->d);
	EXPECT_EQ(-1, answer(user, NULL).error);
	EXPECT_TRUE(mn_addr_equal(&ask_for.remote, &fake.probe.remote));
	EXPECT_EQ(9, fake.probe.mac[5]);
	EXPECT_NE(0, fake.probe.id);
	EXPECT_EQ(EBUSY, REQUEST(user, .type = MN_APP_PROBE, .remote = ask_for.remote).error);
	/* The end of a connect by the same route leaves that to the probe. */
	connect_one(&self->d, 1 << 16, "0.0.0.0", "10.0.9.9");
	event_of(&self->d, MACHNET_DP_EVENT_END, 1 << 16, MACHNET_REASON_CLOSED);
	probed(&self->d, fake.probe.id + 1, 0);
	EXPECT_EQ(-1, answer(user, NULL).error);
	probed(&self->d, fake.probe.id, ETIMEDOUT);
	ans = answer(user, NULL);
	EXPECT_EQ(ETIMEDOUT, ans.error);
	EXPECT_EQ(5, ans.tag);
	EXPECT_TRUE(mn_addr_equal(&ask_for.remote, &ans.remote));
	EXPECT_EQ(NULL, self->d.routes);
	EXPECT_EQ(EINVAL, REQUEST(user, .type = MN_APP_PROBE).error);

	/* That of an application that has left is forgotten, once the datapath has done with it. */
	ask(user, ask_for);
	run(&self->d);
	close(user);
	run(&self->d);
	probed(&self->d, fake.probe.id, 0);
	EXPECT_EQ(NULL, self->d.routes);
	EXPECT_TRUE(LIST_EMPTY(&self->d.probes));
}

TEST_F(daemon, peers_without_a_next_hop_are_not_asked)
{
	struct mn_app_msg ask_for = { .type = MN_APP_PROBE, .remote = addr("10.0.9.9") };
	int user = dial(&self->d, NOBODY);

	fake.resolving = true;
	ask(user, ask_for);
	run(&self->d);
	EXPECT_EQ(0, fake.probe.id);
	EXPECT_EQ(-1, answer(user, NULL).error);
	fake.resolving = false;
	route_says(&self->d, MACHNET_ROUTE_STATE_UNREACHABLE);
	EXPECT_EQ(EHOSTUNREACH, answer(user, NULL).error);
	EXPECT_EQ(NULL, self->d.routes);

	fake.resolving = true;
	ask(user, ask_for);
	run(&self->d);
	fake.resolving = false;
	route_says(&self->d, MACHNET_ROUTE_STATE_REACHABLE);
	EXPECT_NE(0, fake.probe.id);
	probed(&self->d, fake.probe.id, 0);
	EXPECT_EQ(0, answer(user, NULL).error);

	/* Nothing will end it but the end of the application. */
	fake.resolving = true;
	ask(user, ask_for);
	run(&self->d);
	close(user);
	run(&self->d);
	EXPECT_TRUE(LIST_EMPTY(&self->d.probes));
	EXPECT_EQ(NULL, self->d.routes);
}

TEST_HARNESS_MAIN
