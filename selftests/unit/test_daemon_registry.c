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

TEST_HARNESS_MAIN
