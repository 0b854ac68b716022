// SPDX-License-Identifier: MIT
/* What the daemon makes of the datapath's events in the registry. */
#include "kselftest_harness.h"
#include "selftests/unit/fake_dp.h"

FIXTURE(registry)
{
	struct mnd_daemon d;
};

FIXTURE_SETUP(registry)
{
	memset(&fake, 0, sizeof(fake));
	memset(&self->d, 0, sizeof(self->d));
	self->d.ops = &mnd_control_kernel_ops;
	self->d.ifindex = FAKE_NETDEV;
	self->d.info.mtu = 1500;
	self->d.info.engines = 2;
}

FIXTURE_TEARDOWN(registry)
{
	mnd_conn_free_all(&self->d);
}

static void event_of(struct mnd_daemon *d, int type, uint64_t id, uint32_t reason)
{
	struct machnet_dp_event ev = {
		.type = type, .accepted = type == MACHNET_DP_EVENT_UP, .id = id, .reason = reason,
		.local_port = 80, .remote_port = 40000, .mac = { 2 },
	};

	mn_addr_parse(&ev.local, "10.0.0.1");
	mn_addr_parse(&ev.remote, "10.0.9.9");
	mnd_conn_event(d, &ev);
}

/* Of many that the registry refuses none has an end in it, and the others do. */
TEST_F(registry, refuses_some)
{
	for (uint64_t id = 1; id <= 4; id++)
		event_of(&self->d, MACHNET_DP_EVENT_UP, id << 16, 0);
	EXPECT_EQ(4, fake.add.n);
	mnd_conn_refused(&self->d, 1 << 16, -ENOMEM);
	mnd_conn_refused(&self->d, 3 << 16, -ENOMEM);
	mnd_conn_refused(&self->d, 3 << 16, -ENOMEM);
	mnd_conn_refused(&self->d, 99 << 16, -ENOMEM);
	EXPECT_EQ(2, self->d.refused);
	for (uint64_t id = 1; id <= 4; id++) {
		event_of(&self->d, MACHNET_DP_EVENT_END, id << 16, MACHNET_REASON_CLOSED);
		EXPECT_EQ(id / 2, fake.del.n);
	}
	EXPECT_EQ(4 << 16, fake.del.id);
	EXPECT_EQ(0, self->d.refused);
}

static struct machnet_dp_event path_event(int type)
{
	struct machnet_dp_event ev = {
		.type = type, .path = 5, .engine = 1, .remote_engine = 3, .local_port = 61441,
		.remote_port = 61442, .rx_local_port = 61443, .rx_remote_port = 61444,
		.mac = { 2, 0, 0, 0, 0, 9 }, .mtu = 1400,
		.reason = MACHNET_REASON_TIMED_OUT,
	};

	mn_addr_parse(&ev.local, "10.0.0.1");
	mn_addr_parse(&ev.remote, "10.0.9.9");
	return ev;
}

TEST_F(registry, follows_paths)
{
	struct machnet_dp_event ev = path_event(MACHNET_DP_EVENT_PATH_UP);
	const struct machnet_nl_path *last = &fake.paths.last;

	mnd_path_event(&self->d, &ev);
	EXPECT_EQ(1, fake.paths.added);
	EXPECT_EQ(5, last->id);
	EXPECT_EQ(FAKE_NETDEV, last->ifindex);
	EXPECT_EQ(1, last->engine);
	EXPECT_EQ(3, last->remote_engine);
	EXPECT_EQ(61441, last->tx_local_port);
	EXPECT_EQ(61443, last->rx_local_port);
	EXPECT_EQ(61444, last->rx_remote_port);
	EXPECT_EQ(9, last->mac[5]);
	EXPECT_EQ(1400, last->mtu);
	EXPECT_EQ(MACHNET_PATH_STATE_OPEN, last->state);
	EXPECT_TRUE(mn_addr_equal(&ev.remote, &last->remote_addr));
	ev = path_event(MACHNET_DP_EVENT_PATH_MOVED);
	ev.mac[5] = 10;
	mnd_path_event(&self->d, &ev);
	EXPECT_EQ(1, fake.paths.set);
	EXPECT_EQ(10, last->mac[5]);
	ev = path_event(MACHNET_DP_EVENT_PATH_END);
	mnd_path_event(&self->d, &ev);
	EXPECT_EQ(1, fake.paths.deleted);
	EXPECT_EQ(5, last->id);
	EXPECT_EQ(MACHNET_REASON_TIMED_OUT, last->reason);
	/* Within the host there is no next hop, and the MTU may not be known. */
	ev = path_event(MACHNET_DP_EVENT_PATH_UP);
	ev.local_host = true;
	ev.mtu = 0;
	mnd_path_event(&self->d, &ev);
	EXPECT_EQ(0, last->mac[5]);
	EXPECT_EQ(1500, last->mtu);
	/* Other events are none of paths. */
	ev.type = MACHNET_DP_EVENT_REACHABLE;
	mnd_path_event(&self->d, &ev);
	EXPECT_EQ(2 + 1 + 1, fake.paths.added + fake.paths.set + fake.paths.deleted);
}

/* That is reported once, until one is taken again. */
TEST_F(registry, refuses_paths)
{
	struct machnet_dp_event up = path_event(MACHNET_DP_EVENT_PATH_UP);
	struct machnet_dp_event end = path_event(MACHNET_DP_EVENT_PATH_END);

	fake.paths.error = -ENOMEM;
	mnd_path_event(&self->d, &up);
	EXPECT_TRUE(self->d.path_refused);
	fake.paths.error = -ENOENT;
	mnd_path_event(&self->d, &end);
	EXPECT_TRUE(self->d.path_refused);
	fake.paths.error = 0;
	mnd_path_event(&self->d, &up);
	EXPECT_FALSE(self->d.path_refused);
}

TEST_HARNESS_MAIN
