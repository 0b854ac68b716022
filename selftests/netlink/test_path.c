// SPDX-License-Identifier: MIT
/*
 * test_path.c - the paths that a datapath reports
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000
#define ID		0x1122334455667788u

NT_NEEDS_MODULE

FIXTURE(path)
{
	struct nt owner;
	struct nt other;
	struct nt events;
	uint32_t ifindex;
};

FIXTURE_SETUP(path)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->owner));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_PATH));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, self->ifindex);
	ASSERT_EQ(0, nt_register(&self->owner, self->ifindex));
}

FIXTURE_TEARDOWN(path)
{
	nt_close(&self->owner);
	nt_close(&self->other);
	nt_close(&self->events);
}

static int count_paths(struct nt *nt)
{
	return nt_dump(nt, MACHNET_CMD_PATH_GET, NULL, NULL);
}

TEST_F(path, add_get_dump_announce)
{
	const struct nt *seen[] = { &self->other, &self->events };
	unsigned int i;

	ASSERT_EQ(0, nt_path(&self->owner, ID, self->ifindex));
	ASSERT_EQ(1, count_paths(&self->other));
	ASSERT_EQ(0, nt_path_op(&self->other, MACHNET_CMD_PATH_GET, ID));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PATH_ADD_NTF, TIMEOUT_MS));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(ID, nt_u64(seen[i], MACHNET_A_PATH_ID));
		EXPECT_EQ(self->ifindex, nt_u32(seen[i], MACHNET_A_PATH_IFINDEX));
		EXPECT_TRUE(nt_is_addr(seen[i], MACHNET_A_PATH_LOCAL_ADDR, "10.0.0.1"));
		EXPECT_TRUE(nt_is_addr(seen[i], MACHNET_A_PATH_REMOTE_ADDR, "10.0.0.2"));
		EXPECT_EQ(61441, nt_u16(seen[i], MACHNET_A_PATH_TX_LOCAL_PORT));
		EXPECT_EQ(61444, nt_u16(seen[i], MACHNET_A_PATH_RX_REMOTE_PORT));
		EXPECT_EQ(3, nt_u32(seen[i], MACHNET_A_PATH_ENGINE));
		EXPECT_EQ(5, nt_u32(seen[i], MACHNET_A_PATH_REMOTE_ENGINE));
		EXPECT_EQ(MACHNET_PATH_STATE_OPEN, nt_u32(seen[i], MACHNET_A_PATH_STATE));
		EXPECT_NE(NULL, seen[i]->attrs[MACHNET_A_PATH_MAC]);
		EXPECT_NE(NULL, seen[i]->attrs[MACHNET_A_PATH_AGE_MS]);
		EXPECT_EQ(NULL, seen[i]->attrs[MACHNET_A_PATH_REASON]);
	}
}

TEST_F(path, a_refused_set_changes_nothing)
{
	struct nl_msg *msg = nt_msg(&self->owner, MACHNET_CMD_PATH_SET);

	ASSERT_EQ(0, nt_path(&self->owner, ID, self->ifindex));
	nt_put_u64(msg, MACHNET_A_PATH_ID, ID);
	nt_put_u32(msg, MACHNET_A_PATH_MTU, 1400);
	nt_put_u32(msg, MACHNET_A_PATH_ENGINE, 4);
	EXPECT_EQ(-ERANGE, nt_do(&self->owner, msg));
	ASSERT_EQ(0, nt_path_op(&self->owner, MACHNET_CMD_PATH_GET, ID));
	EXPECT_EQ(1500, nt_u32(&self->owner, MACHNET_A_PATH_MTU));
	EXPECT_EQ(3, nt_u32(&self->owner, MACHNET_A_PATH_ENGINE));
}

TEST_F(path, a_connection_names_its_path)
{
	struct nl_msg *msg;
	uint64_t path;

	ASSERT_EQ(0, nt_path(&self->owner, ID, self->ifindex));
	for (path = 0; path < 2; path++) {
		msg = nt_msg(&self->owner, MACHNET_CMD_CONNECTION_ADD);
		nt_put_connection(msg, 1 + path, self->ifindex);
		if (path)
			nt_put_u64(msg, MACHNET_A_CONNECTION_PATH, ID);
		ASSERT_EQ(0, nt_do(&self->owner, msg));
		ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 1 + path));
		EXPECT_EQ(path ? ID : 0, nt_u64(&self->other, MACHNET_A_CONNECTION_PATH));
	}
	for (path = ID; path <= ID + 1; path++) {
		msg = nt_msg(&self->other, MACHNET_CMD_CONNECTION_GET);
		nt_put_u64(msg, MACHNET_A_CONNECTION_PATH, path);
		EXPECT_EQ(path == ID, nt_dump_msg(&self->other, msg, NULL, NULL));
	}
	/* They stay: what becomes of them is for the datapath to say. */
	ASSERT_EQ(0, nt_path_op(&self->owner, MACHNET_CMD_PATH_DEL, ID));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 2));
	msg = nt_msg(&self->owner, MACHNET_CMD_CONNECTION_SET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 2);
	nt_put_u64(msg, MACHNET_A_CONNECTION_PATH, ID + 1);
	ASSERT_EQ(0, nt_do(&self->owner, msg));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 2));
	EXPECT_EQ(ID + 1, nt_u64(&self->other, MACHNET_A_CONNECTION_PATH));
}

TEST_F(path, filters)
{
	static const struct {
		int attr;
		uint32_t value;
		int n;
	} rows[] = {
		{ MACHNET_A_PATH_ENGINE, 3, 4 }, { MACHNET_A_PATH_ENGINE, 2, 0 },
		{ MACHNET_A_PATH_REMOTE_ENGINE, 5, 4 }, { MACHNET_A_PATH_REMOTE_ENGINE, 3, 0 },
		{ MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPEN, 4 },
		{ MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPENING, 0 },
		{ MACHNET_A_PATH_IFINDEX, 9999, 0 },
	};
	struct nl_msg *msg;
	unsigned int i;

	for (i = 1; i <= 4; i++)
		ASSERT_EQ(0, nt_path_to(&self->owner, i, self->ifindex,
					i == 4 ? "10.0.0.9" : "10.0.0.2"));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		msg = nt_msg(&self->other, MACHNET_CMD_PATH_GET);
		nt_put_u32(msg, rows[i].attr, rows[i].value);
		EXPECT_EQ(rows[i].n, nt_dump_msg(&self->other, msg, NULL, NULL))
			TH_LOG("row %u", i);
	}
	msg = nt_msg(&self->other, MACHNET_CMD_PATH_GET);
	nt_put_addr(msg, MACHNET_A_PATH_LOCAL_ADDR, "10.0.0.1");
	nt_put_addr(msg, MACHNET_A_PATH_REMOTE_ADDR, "10.0.0.9");
	EXPECT_EQ(1, nt_dump_msg(&self->other, msg, NULL, NULL));
	EXPECT_EQ(4, nt_u64(&self->other, MACHNET_A_PATH_ID));
}

/* Who the peers are is no secret, as routes are none; to change a path is for its owner. */
TEST_F(path, anybody_may_look)
{
	struct nt user;

	ASSERT_EQ(0, nt_path(&self->owner, ID, self->ifindex));
	EXPECT_EQ(-EPERM, nt_path(&self->other, ID + 1, self->ifindex));
	EXPECT_EQ(-EPERM, nt_path_op(&self->other, MACHNET_CMD_PATH_DEL, ID));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(1, count_paths(&user));
	EXPECT_EQ(ID, nt_u64(&user, MACHNET_A_PATH_ID));
	EXPECT_EQ(0, nt_join(&user, MACHNET_MCGRP_PATH));
	EXPECT_EQ(-EPERM, nt_path(&user, ID + 1, self->ifindex));
	nt_close(&user);
}

/* The paths go after the connections on them, each with this reason. */
static void expect_all_end(struct __test_metadata *_metadata, FIXTURE_DATA(path) *self, int n,
			   uint32_t reason)
{
	int i, conns = 0;

	for (i = 0; i < n;) {
		int cmd = nt_event(&self->events, TIMEOUT_MS);

		ASSERT_LT(0, cmd);
		if (cmd == MACHNET_CMD_CONNECTION_DEL_NTF) {
			EXPECT_EQ(0, i);
			conns++;
		} else if (cmd == MACHNET_CMD_PATH_DEL_NTF) {
			EXPECT_EQ(reason, nt_u32(&self->events, MACHNET_A_PATH_REASON));
			i++;
		}
	}
	EXPECT_EQ(3, conns);
	EXPECT_EQ(0, count_paths(&self->other));
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_CONNECTION_GET, NULL, NULL));
}

static int add_many(FIXTURE_DATA(path) *self, int n)
{
	int i, ret = nt_join(&self->events, MACHNET_MCGRP_CONNECTION);

	for (i = 1; !ret && i <= n; i++)
		ret = nt_path(&self->owner, i, self->ifindex);
	return ret ? ret : nt_connect_batch(&self->owner, 1, 3, self->ifindex);
}

TEST_F(path, they_die_with_their_datapath)
{
	ASSERT_EQ(0, add_many(self, 200));
	nt_close(&self->owner);
	expect_all_end(_metadata, self, 200, MACHNET_REASON_DATAPATH_DIED);
}

TEST_F(path, they_end_when_the_device_is_unregistered)
{
	ASSERT_EQ(0, add_many(self, 3));
	ASSERT_EQ(0, nt_device_op(&self->owner, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	expect_all_end(_metadata, self, 3, MACHNET_REASON_CLOSED);
}

TEST_F(path, they_end_when_the_netdev_goes)
{
	ASSERT_EQ(0, add_many(self, 3));
	ASSERT_EQ(0, nt_link_del(self->ifindex));
	expect_all_end(_metadata, self, 3, MACHNET_REASON_UNREACHABLE);
}

TEST_F(path, namespaces_have_their_own)
{
	struct nt elsewhere;

	ASSERT_EQ(0, nt_path(&self->owner, ID, self->ifindex));
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&elsewhere));
	EXPECT_EQ(0, count_paths(&elsewhere));
	EXPECT_EQ(-ENOENT, nt_path_op(&elsewhere, MACHNET_CMD_PATH_GET, ID));
	nt_close(&elsewhere);
}

TEST_F(path, needs_net_admin_of_the_namespace)
{
	struct nt there;
	uint32_t ifindex;

	ASSERT_EQ(0, nt_new_userns());
	ASSERT_EQ(0, nt_open(&there));
	ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, ifindex);
	EXPECT_EQ(0, nt_register(&there, ifindex));
	EXPECT_EQ(0, nt_path(&there, ID, ifindex));
	EXPECT_EQ(1, count_paths(&there));
	nt_close(&there);
}

TEST_HARNESS_MAIN
