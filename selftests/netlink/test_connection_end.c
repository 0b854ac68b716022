// SPDX-License-Identifier: MIT
/*
 * test_connection_end.c - what ends connections, and an administrator who asks for it
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000
#define ID		0x1122334455667788u

NT_NEEDS_MODULE

FIXTURE(end)
{
	struct nt path;
	struct nt orders;	/* where the datapath listens */
	struct nt admin;
	struct nt events;
	uint32_t ifindex;
};

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->orders));
	ASSERT_EQ(0, nt_open(&self->admin));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_CONNECTION));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_ADD_NTF, TIMEOUT_MS));
}

FIXTURE_TEARDOWN(end)
{
	nt_close(&self->path);
	nt_close(&self->orders);
	nt_close(&self->admin);
	nt_close(&self->events);
}

static int end(struct nt *nt, uint64_t id, uint32_t reason)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_DEL);

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	nt_put_u32(msg, MACHNET_A_CONNECTION_REASON, reason);
	return nt_do(nt, msg);
}

static uint64_t stat_of(struct nt *nt, int attr)
{
	uint64_t stats[MACHNET_A_STATS_MAX + 1];

	return nt_stats(nt, stats) ? ~0ull : stats[attr];
}

TEST_F(end, a_request_reaches_the_datapath)
{
	int i;

	ASSERT_EQ(0, nt_join(&self->orders, MACHNET_MCGRP_DATAPATH));
	ASSERT_EQ(0, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_KILL, ID));
	ASSERT_EQ(MACHNET_CMD_CONNECTION_KILL_NTF, nt_event(&self->orders, TIMEOUT_MS));
	EXPECT_EQ(ID, nt_u64(&self->orders, MACHNET_A_CONNECTION_ID));
	for (i = 1; i <= MACHNET_A_CONNECTION_MAX; i++)
		EXPECT_TRUE(!self->orders.attrs[i] || i == MACHNET_A_CONNECTION_ID ||
			    i == MACHNET_A_CONNECTION_PAD);
	EXPECT_EQ(1, stat_of(&self->admin, MACHNET_A_STATS_CONNECTIONS_KILLED));
	/* It is a request: the connection lives until its datapath says otherwise. */
	EXPECT_EQ(0, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_GET, ID));
	ASSERT_EQ(0, end(&self->path, ID, MACHNET_REASON_ADMIN));
	ASSERT_EQ(MACHNET_CMD_CONNECTION_DEL_NTF, nt_event(&self->events, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_ADMIN, nt_u32(&self->events, MACHNET_A_CONNECTION_REASON));
}

TEST_F(end, a_datapath_that_does_not_listen)
{
	EXPECT_EQ(-ENOTCONN, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_KILL, ID));
	EXPECT_STRNE("", self->admin.extack);
	EXPECT_EQ(0, stat_of(&self->admin, MACHNET_A_STATS_CONNECTIONS_KILLED));
}

TEST_F(end, a_listener_elsewhere_does_not_count)
{
	int pid = nt_netns_child();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, nt_join(&self->orders, MACHNET_MCGRP_DATAPATH));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 netns %d", pid));
	EXPECT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_DEL_NTF, TIMEOUT_MS));
	/* The device is gone, and with it the connection. */
	EXPECT_EQ(-ENOENT, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_KILL, ID));
	nt_kill(pid);
}

TEST_F(end, what_is_not_there_cannot_be_killed)
{
	ASSERT_EQ(0, nt_join(&self->orders, MACHNET_MCGRP_DATAPATH));
	EXPECT_EQ(-ENOENT, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_KILL, ID + 1));
	EXPECT_STREQ("there is no connection of this id", self->admin.extack);
	ASSERT_EQ(0, end(&self->path, ID, MACHNET_REASON_CLOSED));
	EXPECT_EQ(-ENOENT, nt_conn_op(&self->admin, MACHNET_CMD_CONNECTION_KILL, ID));
	EXPECT_EQ(-1, nt_event(&self->orders, 0));
}

TEST_F(end, killing_and_listening_need_net_admin)
{
	struct nt user;

	ASSERT_EQ(0, nt_join(&self->orders, MACHNET_MCGRP_DATAPATH));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_conn_op(&user, MACHNET_CMD_CONNECTION_KILL, ID));
	EXPECT_NE(0, nt_join(&user, MACHNET_MCGRP_DATAPATH));
	EXPECT_EQ(-1, nt_event(&self->orders, 0));
	nt_close(&user);
}

/* Its owner ends it in all ways that there are: each is told once. */
TEST_F(end, every_reason_of_the_datapath_is_announced_once)
{
	uint32_t reason;

	for (reason = 1; reason <= MACHNET_REASON_MAX; reason++) {
		ASSERT_EQ(0, nt_connect(&self->path, reason, self->ifindex));
		ASSERT_EQ(MACHNET_CMD_CONNECTION_ADD_NTF, nt_event(&self->events, TIMEOUT_MS));
		ASSERT_EQ(0, end(&self->path, reason, reason));
		EXPECT_EQ(-ENOENT, end(&self->path, reason, reason));
		ASSERT_EQ(MACHNET_CMD_CONNECTION_DEL_NTF, nt_event(&self->events, TIMEOUT_MS));
		EXPECT_EQ(reason, nt_u64(&self->events, MACHNET_A_CONNECTION_ID));
		EXPECT_EQ(reason, nt_u32(&self->events, MACHNET_A_CONNECTION_REASON));
	}
	EXPECT_EQ(-1, nt_event(&self->events, 100));
	EXPECT_EQ(MACHNET_REASON_MAX,
		  stat_of(&self->admin, MACHNET_A_STATS_CONNECTIONS_ENDED));
}

/* The kernel ends it, for this reason, and says so once. */
static void expect_end(struct __test_metadata *_metadata, struct nt *events, uint32_t reason)
{
	ASSERT_EQ(MACHNET_CMD_CONNECTION_DEL_NTF, nt_event(events, TIMEOUT_MS));
	EXPECT_EQ(ID, nt_u64(events, MACHNET_A_CONNECTION_ID));
	EXPECT_EQ(reason, nt_u32(events, MACHNET_A_CONNECTION_REASON));
	EXPECT_EQ(-1, nt_event(events, 100));
}

TEST_F(end, the_datapath_dies)
{
	nt_close(&self->path);
	expect_end(_metadata, &self->events, MACHNET_REASON_DATAPATH_DIED);
	EXPECT_EQ(0, stat_of(&self->admin, MACHNET_A_STATS_CONNECTIONS));
}

TEST_F(end, the_device_is_unregistered)
{
	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	expect_end(_metadata, &self->events, MACHNET_REASON_CLOSED);
}

TEST_F(end, the_netdev_goes)
{
	ASSERT_EQ(0, nt_sh("ip link del mnt0"));
	expect_end(_metadata, &self->events, MACHNET_REASON_UNREACHABLE);
}

TEST_HARNESS_MAIN
