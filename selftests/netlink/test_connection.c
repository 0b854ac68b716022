// SPDX-License-Identifier: MIT
/*
 * test_connection.c - the connections that a datapath reports
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000
#define ID		0x1122334455667788u

NT_NEEDS_MODULE

FIXTURE(connection)
{
	struct nt path;
	struct nt other;
	struct nt events;
	uint32_t ifindex;
};

FIXTURE_SETUP(connection)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_CONNECTION));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, self->ifindex);
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
}

FIXTURE_TEARDOWN(connection)
{
	nt_close(&self->path);
	nt_close(&self->other);
	nt_close(&self->events);
}

TEST_F(connection, add_get_dump_announce)
{
	const struct nt *seen[] = { &self->other, &self->events };
	unsigned int i;

	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	ASSERT_EQ(1, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, NULL, NULL));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, ID));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_ADD_NTF, TIMEOUT_MS));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(ID, nt_u64(seen[i], MACHNET_A_CONNECTION_ID));
		EXPECT_EQ(self->ifindex, nt_u32(seen[i], MACHNET_A_CONNECTION_IFINDEX));
		EXPECT_TRUE(nt_is_addr(seen[i], MACHNET_A_CONNECTION_LOCAL_ADDR, "10.0.0.1"));
		EXPECT_EQ(1000, nt_u16(seen[i], MACHNET_A_CONNECTION_LOCAL_PORT));
		EXPECT_TRUE(nt_is_addr(seen[i], MACHNET_A_CONNECTION_REMOTE_ADDR, "10.0.0.2"));
		EXPECT_EQ(2000, nt_u16(seen[i], MACHNET_A_CONNECTION_REMOTE_PORT));
		EXPECT_EQ(0, nt_u64(seen[i], MACHNET_A_CONNECTION_REMOTE_ID));
		EXPECT_EQ(MACHNET_CONNECTION_STATE_CONNECTING,
			  nt_u32(seen[i], MACHNET_A_CONNECTION_STATE));
		EXPECT_EQ(3, nt_u32(seen[i], MACHNET_A_CONNECTION_ENGINE));
		EXPECT_EQ((uint32_t)getpid(), nt_u32(seen[i], MACHNET_A_CONNECTION_OWNER_PID));
		EXPECT_STREQ("test_connection",
			     nt_str(seen[i], MACHNET_A_CONNECTION_OWNER_COMM));
		EXPECT_NE(NULL, seen[i]->attrs[MACHNET_A_CONNECTION_AGE_MS]);
		EXPECT_EQ(NULL, seen[i]->attrs[MACHNET_A_CONNECTION_REASON]);
	}
}

static void note_ids(struct nt *nt, void *data)
{
	bool *told = data;

	*told |= nt->attrs[MACHNET_A_CONNECTION_ID] || nt->attrs[MACHNET_A_CONNECTION_REMOTE_ID];
}

/* Whoever knows an id can speak for the peer. */
TEST_F(connection, ids_are_for_administrators)
{
	bool told = false;
	struct nt user;

	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	ASSERT_EQ(1, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, note_ids, &told));
	EXPECT_TRUE(told);
	told = false;
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(1, nt_dump(&user, MACHNET_CMD_CONNECTION_GET, note_ids, &told));
	EXPECT_FALSE(told);
	EXPECT_EQ(1000, nt_u16(&user, MACHNET_A_CONNECTION_LOCAL_PORT));
	EXPECT_NE(0, nt_join(&user, MACHNET_MCGRP_CONNECTION));
	EXPECT_EQ(0, nt_join(&user, MACHNET_MCGRP_PORT));
	nt_close(&user);
}

TEST_F(connection, the_application_is_the_owner)
{
	int pid = nt_netns_child();
	struct nl_msg *msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_ADD);

	ASSERT_LT(0, pid);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_IFINDEX, self->ifindex);
	nt_put_addr(msg, MACHNET_A_CONNECTION_LOCAL_ADDR, "2001:db8::1");
	nt_put_u16(msg, MACHNET_A_CONNECTION_LOCAL_PORT, 1);
	nt_put_addr(msg, MACHNET_A_CONNECTION_REMOTE_ADDR, "2001:db8::2");
	nt_put_u16(msg, MACHNET_A_CONNECTION_REMOTE_PORT, 65535);
	nt_put_u64(msg, MACHNET_A_CONNECTION_REMOTE_ID, ~0ull);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_ESTABLISHED);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 0);
	nt_put_u32(msg, MACHNET_A_CONNECTION_REMOTE_ENGINE, MACHNET_ENGINES_MAX - 1);
	nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, pid);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, ID));
	EXPECT_EQ((uint32_t)pid, nt_u32(&self->other, MACHNET_A_CONNECTION_OWNER_PID));
	EXPECT_TRUE(nt_is_addr(&self->other, MACHNET_A_CONNECTION_REMOTE_ADDR, "2001:db8::2"));
	EXPECT_EQ(~0ull, nt_u64(&self->other, MACHNET_A_CONNECTION_REMOTE_ID));
	nt_kill(pid);
}

TEST_F(connection, set_changes_what_it_names)
{
	struct nl_msg *msg;

	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_SET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_ESTABLISHED);
	nt_put_u64(msg, MACHNET_A_CONNECTION_REMOTE_ID, 42);
	nt_put_u16(msg, MACHNET_A_CONNECTION_LOCAL_PORT, 1001);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_SET_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_CONNECTION_STATE_ESTABLISHED,
		  nt_u32(&self->events, MACHNET_A_CONNECTION_STATE));
	EXPECT_EQ(42, nt_u64(&self->events, MACHNET_A_CONNECTION_REMOTE_ID));
	EXPECT_EQ(1001, nt_u16(&self->events, MACHNET_A_CONNECTION_LOCAL_PORT));
	EXPECT_EQ(2000, nt_u16(&self->events, MACHNET_A_CONNECTION_REMOTE_PORT));
	EXPECT_EQ(3, nt_u32(&self->events, MACHNET_A_CONNECTION_ENGINE));
}

TEST_F(connection, a_refused_set_changes_nothing)
{
	struct nl_msg *msg;

	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_SET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_CLOSING);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 4);
	EXPECT_EQ(-ERANGE, nt_do(&self->path, msg));
	EXPECT_STREQ("the device does not have so many engines", self->path.extack);
	EXPECT_EQ(-EINVAL, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_SET, ID));
	EXPECT_STREQ("the request changes nothing", self->path.extack);
	ASSERT_EQ(0, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_GET, ID));
	EXPECT_EQ(MACHNET_CONNECTION_STATE_CONNECTING,
		  nt_u32(&self->path, MACHNET_A_CONNECTION_STATE));
}

TEST_F(connection, del_tells_the_reason)
{
	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	ASSERT_EQ(0, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_DEL, ID));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_PEER_CLOSED, nt_u32(&self->events, MACHNET_A_CONNECTION_REASON));
	EXPECT_EQ(-ENOENT, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_GET, ID));
	EXPECT_STREQ("there is no connection of this id", self->path.extack);
	EXPECT_EQ(-ENOENT, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_DEL, ID));
}

TEST_F(connection, ids_are_unique)
{
	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	EXPECT_EQ(-EEXIST, nt_connect(&self->path, ID, self->ifindex));
	EXPECT_STREQ("there is a connection of this id", self->path.extack);
}

TEST_F(connection, only_the_datapath_touches_its_connections)
{
	struct nl_msg *msg;

	EXPECT_EQ(-EPERM, nt_connect(&self->other, ID, self->ifindex));
	EXPECT_STREQ("it belongs to another netlink socket", self->other.extack);
	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	EXPECT_EQ(-EPERM, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_DEL, ID));
	msg = nt_msg(&self->other, MACHNET_CMD_CONNECTION_SET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 1);
	EXPECT_EQ(-EPERM, nt_do(&self->other, msg));
	EXPECT_EQ(-ENODEV, nt_connect(&self->path, ID + 1, 9999));
	EXPECT_STREQ("no datapath serves this network device", self->path.extack);
}

TEST_F(connection, needs_net_admin)
{
	struct nt user;

	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_connect(&user, ID + 1, self->ifindex));
	EXPECT_EQ(-EPERM, nt_conn_op(&user, MACHNET_CMD_CONNECTION_DEL, ID));
	EXPECT_EQ(0, nt_conn_op(&user, MACHNET_CMD_CONNECTION_GET, ID));
	nt_close(&user);
}

/* All of them end with this reason, each announced once; the ids are 1..n. */
static void expect_all_end(struct __test_metadata *_metadata, struct nt *events, int n,
			   uint32_t reason)
{
	int i, sum = 0;

	for (i = 0; i < n; i++) {
		ASSERT_TRUE(nt_wait_event(events, MACHNET_CMD_CONNECTION_DEL_NTF, TIMEOUT_MS));
		EXPECT_EQ(reason, nt_u32(events, MACHNET_A_CONNECTION_REASON));
		sum += nt_u64(events, MACHNET_A_CONNECTION_ID);
	}
	EXPECT_EQ(n * (n + 1) / 2, sum);
}

static int connect_many(struct nt *nt, int n, uint32_t ifindex)
{
	int i, ret;

	for (i = 1; i <= n; i++) {
		ret = nt_connect(nt, i, ifindex);
		if (ret)
			return ret;
	}
	return 0;
}

TEST_F(connection, they_die_with_their_datapath)
{
	ASSERT_EQ(0, connect_many(&self->path, 100, self->ifindex));
	nt_close(&self->path);
	expect_all_end(_metadata, &self->events, 100, MACHNET_REASON_DATAPATH_DIED);
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, NULL, NULL));
}

TEST_F(connection, they_end_when_the_device_is_unregistered)
{
	ASSERT_EQ(0, connect_many(&self->path, 3, self->ifindex));
	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	expect_all_end(_metadata, &self->events, 3, MACHNET_REASON_CLOSED);
}

TEST_F(connection, they_end_when_the_netdev_goes)
{
	ASSERT_EQ(0, connect_many(&self->path, 3, self->ifindex));
	ASSERT_EQ(0, nt_sh("ip link del mnt0"));
	expect_all_end(_metadata, &self->events, 3, MACHNET_REASON_UNREACHABLE);
}

static void count_ids(struct nt *nt, void *data)
{
	unsigned char *seen = data;

	seen[nt_u64(nt, MACHNET_A_CONNECTION_ID)]++;
}

/* Takes connections away behind and before the dump's place. */
static void disturb(struct nt *nt, void *data)
{
	struct nt *path = data;
	static int calls;

	(void)nt;
	if (++calls == 10 && (nt_conn_op(path, MACHNET_CMD_CONNECTION_DEL, 1) ||
			      nt_conn_op(path, MACHNET_CMD_CONNECTION_DEL, 4000)))
		calls = -1000000;
}

TEST_F_TIMEOUT(connection, a_dump_of_many_is_complete_under_change, 120)
{
	static unsigned char seen[4001];
	int i, n, wrong = 0;

	ASSERT_EQ(0, connect_many(&self->path, 4000, self->ifindex));
	ASSERT_EQ(4000, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, count_ids, seen));
	for (i = 1; i <= 4000; i++)
		wrong += seen[i] != 1;
	EXPECT_EQ(0, wrong);
	n = nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, disturb, &self->path);
	/* What was deleted meanwhile may be told or not; nothing else may be missing. */
	EXPECT_LT(3997, n);
	EXPECT_GT(4001, n);
	EXPECT_EQ(3998, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, NULL, NULL));
}

TEST_HARNESS_MAIN
