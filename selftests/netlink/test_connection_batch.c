// SPDX-License-Identifier: MIT
/*
 * test_connection_batch.c - connections that are added and deleted by the
 * hundred: all of a batch or none
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(batch)
{
	struct nt path;
	struct nt other;
	struct nt events;
	uint32_t ifindex;
	uint32_t foreign;	/* a device of the other datapath */
};

FIXTURE_SETUP(batch)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_CONNECTION));
	self->ifindex = nt_dummy("mnt0");
	self->foreign = nt_dummy("mnt1");
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_register(&self->other, self->foreign));
}

FIXTURE_TEARDOWN(batch)
{
	nt_close(&self->path);
	nt_close(&self->other);
	nt_close(&self->events);
}

static int count_connections(struct nt *nt)
{
	return nt_dump(nt, MACHNET_CMD_CONNECTION_GET, NULL, NULL);
}

/* The next event is that of a connection that is added now: nothing was announced before. */
static bool is_silent(struct nt *path, struct nt *events, uint32_t ifindex)
{
	return nt_connect(path, 999999, ifindex) == 0 &&
	       nt_event(events, TIMEOUT_MS) == MACHNET_CMD_CONNECTION_ADD_NTF &&
	       nt_u64(events, MACHNET_A_CONNECTION_ID) == 999999;
}

TEST_F(batch, all_are_added_and_announced)
{
	int i;

	ASSERT_EQ(0, nt_connect_batch(&self->path, 1, 100, self->ifindex));
	EXPECT_EQ(100, count_connections(&self->other));
	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(MACHNET_CMD_CONNECTION_ADD_NTF, nt_event(&self->events, TIMEOUT_MS));
		EXPECT_EQ((uint64_t)i, nt_u64(&self->events, MACHNET_A_CONNECTION_ID));
		EXPECT_EQ((uint32_t)getpid(),
			  nt_u32(&self->events, MACHNET_A_CONNECTION_OWNER_PID));
	}
	EXPECT_EQ(0, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_GET, 100));
	EXPECT_TRUE(nt_is_addr(&self->path, MACHNET_A_CONNECTION_REMOTE_ADDR, "10.0.0.2"));
	EXPECT_EQ(3, nt_u32(&self->path, MACHNET_A_CONNECTION_ENGINE));
}

TEST_F(batch, entries_are_as_different_as_connections)
{
	struct nl_msg *msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_ADD_BATCH);
	uint32_t second = nt_dummy("mnt2");
	struct nlattr *nest;

	ASSERT_EQ(0, nt_register(&self->path, second));
	nt_put_entry(msg, 1, self->ifindex);
	nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_ENTRY);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 2);
	nt_put_u32(msg, MACHNET_A_CONNECTION_IFINDEX, second);
	nt_put_addr(msg, MACHNET_A_CONNECTION_LOCAL_ADDR, "2001:db8::1");
	nt_put_u16(msg, MACHNET_A_CONNECTION_LOCAL_PORT, 7);
	nt_put_addr(msg, MACHNET_A_CONNECTION_REMOTE_ADDR, "2001:db8::2");
	nt_put_u16(msg, MACHNET_A_CONNECTION_REMOTE_PORT, 8);
	nt_put_u64(msg, MACHNET_A_CONNECTION_REMOTE_ID, 42);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_CLOSING);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 1);
	nt_put_u32(msg, MACHNET_A_CONNECTION_REMOTE_ENGINE, 2);
	nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, getppid());
	nt_nest_end(msg, nest);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 2));
	EXPECT_EQ(second, nt_u32(&self->other, MACHNET_A_CONNECTION_IFINDEX));
	EXPECT_TRUE(nt_is_addr(&self->other, MACHNET_A_CONNECTION_LOCAL_ADDR, "2001:db8::1"));
	EXPECT_EQ(8, nt_u16(&self->other, MACHNET_A_CONNECTION_REMOTE_PORT));
	EXPECT_EQ(42, nt_u64(&self->other, MACHNET_A_CONNECTION_REMOTE_ID));
	EXPECT_EQ(MACHNET_CONNECTION_STATE_CLOSING,
		  nt_u32(&self->other, MACHNET_A_CONNECTION_STATE));
	EXPECT_EQ(2, nt_u32(&self->other, MACHNET_A_CONNECTION_REMOTE_ENGINE));
	EXPECT_EQ((uint32_t)getppid(), nt_u32(&self->other, MACHNET_A_CONNECTION_OWNER_PID));
}

TEST_F(batch, as_many_as_fit_and_no_more)
{
	EXPECT_EQ(0, nt_connect_batch(&self->path, 1, MACHNET_BATCH_MAX, self->ifindex));
	EXPECT_EQ(MACHNET_BATCH_MAX, count_connections(&self->other));
	EXPECT_EQ(-E2BIG, nt_connect_batch(&self->path, 1000, MACHNET_BATCH_MAX + 1,
					   self->ifindex));
	EXPECT_STRNE("", self->path.extack);
	EXPECT_EQ(-E2BIG, nt_end_batch(&self->path, 1, MACHNET_BATCH_MAX + 1,
				       MACHNET_REASON_CLOSED));
	EXPECT_STRNE("", self->path.extack);
	EXPECT_EQ(MACHNET_BATCH_MAX, count_connections(&self->other));
	EXPECT_EQ(0, nt_end_batch(&self->path, 1, MACHNET_BATCH_MAX, MACHNET_REASON_CLOSED));
	EXPECT_EQ(0, count_connections(&self->other));
}

/* Something that must not be in a batch. */
struct bad_entry {
	const char *what;
	void (*put)(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign);
	int error;
	const char *text;
};

static void put_taken(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)foreign;
	nt_put_entry(msg, 1, ifindex);
}

static void put_twin(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)foreign;
	nt_put_entry(msg, 11, ifindex);
}

static void put_foreign(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)ifindex;
	nt_put_entry(msg, 2, foreign);
}

static void put_nowhere(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)ifindex;
	(void)foreign;
	nt_put_entry(msg, 2, 9999);
}

/* An entry with one more attribute, which overrides or adds. */
static void put_with_u32(struct nl_msg *msg, uint32_t ifindex, int attr, uint32_t value)
{
	struct nlattr *nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_ENTRY);

	nt_put_connection(msg, 2, ifindex);
	nt_put_u32(msg, attr, value);
	nt_nest_end(msg, nest);
}

static void put_engine(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)foreign;
	put_with_u32(msg, ifindex, MACHNET_A_CONNECTION_ENGINE, 4);
}

static void put_nobody(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)foreign;
	put_with_u32(msg, ifindex, MACHNET_A_CONNECTION_OWNER_PID, 999999);
}

static void put_reason(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	(void)foreign;
	put_with_u32(msg, ifindex, MACHNET_A_CONNECTION_REASON, 1);
}

static void put_half(struct nl_msg *msg, uint32_t ifindex, uint32_t foreign)
{
	struct nlattr *nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_ENTRY);

	(void)foreign;
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 2);
	nt_put_u32(msg, MACHNET_A_CONNECTION_IFINDEX, ifindex);
	nt_nest_end(msg, nest);
}

static const struct bad_entry bad[] = {
	{ "an id that exists", put_taken, EEXIST, "there is a connection of this id" },
	{ "an id twice", put_twin, EEXIST, "there is a connection of this id" },
	{ "a device of another datapath", put_foreign, EPERM,
	  "it belongs to another netlink socket" },
	{ "no device", put_nowhere, ENODEV, "no datapath serves this network device" },
	{ "an engine too many", put_engine, ERANGE, "the device does not have so many engines" },
	{ "nobody's", put_nobody, ESRCH, "there is no process of this owner-pid" },
	{ "what an end has", put_reason, EINVAL, "Unsupported attribute" },
	{ "half an entry", put_half, EINVAL, "local-addr is missing" },
};

TEST_F(batch, one_bad_entry_refuses_all)
{
	unsigned int i;
	int id;

	ASSERT_EQ(0, nt_connect(&self->path, 1, self->ifindex));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_ADD_NTF, TIMEOUT_MS));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nl_msg *msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_ADD_BATCH);

		for (id = 11; id < 20; id++)
			nt_put_entry(msg, id, self->ifindex);
		bad[i].put(msg, self->ifindex, self->foreign);
		for (id = 21; id < 30; id++)
			nt_put_entry(msg, id, self->ifindex);
		EXPECT_EQ(-bad[i].error, nt_do(&self->path, msg))
			TH_LOG("%s", bad[i].what);
		EXPECT_STREQ(bad[i].text, self->path.extack)
			TH_LOG("%s", bad[i].what);
		EXPECT_EQ(1, count_connections(&self->other))
			TH_LOG("%s", bad[i].what);
	}
	EXPECT_TRUE(is_silent(&self->path, &self->events, self->ifindex));
	/* Nothing is left of them that would be in the way. */
	EXPECT_EQ(0, nt_connect_batch(&self->path, 11, 20, self->ifindex));
}

TEST_F(batch, each_end_has_its_reason)
{
	struct nl_msg *msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_DEL_BATCH);
	int reason;

	ASSERT_EQ(0, nt_connect_batch(&self->path, 1, MACHNET_REASON_MAX, self->ifindex));
	for (reason = 1; reason <= MACHNET_REASON_MAX; reason++)
		nt_put_end(msg, reason, reason);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	for (reason = 1; reason <= MACHNET_REASON_MAX; reason++) {
		ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_CONNECTION_DEL_NTF,
					  TIMEOUT_MS));
		EXPECT_EQ((uint64_t)reason, nt_u64(&self->events, MACHNET_A_CONNECTION_ID));
		EXPECT_EQ((uint32_t)reason, nt_u32(&self->events, MACHNET_A_CONNECTION_REASON));
	}
	EXPECT_EQ(0, count_connections(&self->other));
	EXPECT_TRUE(is_silent(&self->path, &self->events, self->ifindex));
}

/* Ends 1..9 and, in between, that of the id: what comes of it. */
static int end_with(struct nt *path, uint64_t id)
{
	struct nl_msg *msg = nt_msg(path, MACHNET_CMD_CONNECTION_DEL_BATCH);
	uint64_t i;

	for (i = 1; i < 10; i++) {
		nt_put_end(msg, i, MACHNET_REASON_CLOSED);
		if (i == 5)
			nt_put_end(msg, id, MACHNET_REASON_CLOSED);
	}
	return nt_do(path, msg);
}

TEST_F(batch, one_bad_end_refuses_all)
{
	ASSERT_EQ(0, nt_connect_batch(&self->path, 1, 9, self->ifindex));
	ASSERT_EQ(0, nt_connect(&self->other, 100, self->foreign));
	EXPECT_EQ(-ENOENT, end_with(&self->path, 10));
	EXPECT_STREQ("there is no connection of this id", self->path.extack);
	EXPECT_EQ(-EPERM, end_with(&self->path, 100));
	EXPECT_STREQ("it belongs to another netlink socket", self->path.extack);
	EXPECT_EQ(-EINVAL, end_with(&self->path, 3));
	EXPECT_STREQ("the batch names a connection twice", self->path.extack);
	EXPECT_EQ(10, count_connections(&self->other));
	while (nt_event(&self->events, 0) == MACHNET_CMD_CONNECTION_ADD_NTF)
		;
	EXPECT_TRUE(is_silent(&self->path, &self->events, self->ifindex));
	EXPECT_EQ(0, nt_end_batch(&self->path, 1, 9, MACHNET_REASON_CLOSED));
}

TEST_F(batch, nothing_is_no_batch)
{
	EXPECT_EQ(-EINVAL, nt_do(&self->path, nt_msg(&self->path,
						     MACHNET_CMD_CONNECTION_ADD_BATCH)));
	EXPECT_STREQ("the batch is empty", self->path.extack);
	EXPECT_EQ(-EINVAL, nt_do(&self->path, nt_msg(&self->path,
						     MACHNET_CMD_CONNECTION_DEL_BATCH)));
	EXPECT_STREQ("the batch is empty", self->path.extack);
}

TEST_F(batch, needs_net_admin)
{
	struct nt user;

	ASSERT_EQ(0, nt_connect(&self->path, 1, self->ifindex));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_connect_batch(&user, 2, 3, self->ifindex));
	EXPECT_EQ(-EPERM, nt_end_batch(&user, 1, 1, MACHNET_REASON_CLOSED));
	EXPECT_EQ(1, count_connections(&user));
	nt_close(&user);
}

TEST_HARNESS_MAIN
