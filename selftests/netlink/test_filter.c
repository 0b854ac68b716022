// SPDX-License-Identifier: MIT
/*
 * test_filter.c - dumps of those objects that agree with what the request names
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define N_CONNECTIONS	64

NT_NEEDS_MODULE

FIXTURE(filter)
{
	struct nt path;
	struct nt reader;
	uint32_t ifindex[2];
	int pid;
};

/* Connection i: each bit of i decides one of its properties. */
struct property {
	const char *name;
	int attr;
	const char *addr[2];	/* of an address, or */
	uint32_t value[2];	/* of a number of this many bytes */
	int size;
};

static struct property properties[] = {
	{ "ifindex", MACHNET_A_CONNECTION_IFINDEX, { NULL }, { 0, 0 }, 4 },
	{ "local-addr", MACHNET_A_CONNECTION_LOCAL_ADDR, { "10.0.0.1", "10.0.0.2" }, { 0 }, 0 },
	{ "local-port", MACHNET_A_CONNECTION_LOCAL_PORT, { NULL }, { 1000, 65535 }, 2 },
	{ "remote-addr", MACHNET_A_CONNECTION_REMOTE_ADDR, { "10.9.0.1", "10.9.0.2" }, { 0 }, 0 },
	{ "remote-port", MACHNET_A_CONNECTION_REMOTE_PORT, { NULL }, { 2000, 2001 }, 2 },
	{ "state", MACHNET_A_CONNECTION_STATE, { NULL },
	  { MACHNET_CONNECTION_STATE_CONNECTING, MACHNET_CONNECTION_STATE_ESTABLISHED }, 4 },
};

#define N_PROPERTIES	((int)(sizeof(properties) / sizeof(properties[0])))

static void put(struct nl_msg *msg, const struct property *p, int which)
{
	if (p->addr[0])
		nt_put_addr(msg, p->attr, p->addr[which]);
	else if (p->size == 2)
		nt_put_u16(msg, p->attr, p->value[which]);
	else
		nt_put_u32(msg, p->attr, p->value[which]);
}

static int add(struct nt *nt, int i, uint32_t engine, int pid)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_ADD);
	int p;

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, i + 1);
	for (p = 0; p < N_PROPERTIES; p++)
		put(msg, &properties[p], i >> p & 1);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, engine);
	if (pid)
		nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, pid);
	return nt_do(nt, msg);
}

FIXTURE_SETUP(filter)
{
	int i;

	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->reader));
	self->pid = nt_netns_child();
	ASSERT_LT(0, self->pid);
	self->ifindex[0] = nt_dummy("mnt0");
	self->ifindex[1] = nt_dummy("mnt1");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, nt_register(&self->path, self->ifindex[i]));
		properties[0].value[i] = self->ifindex[i];
	}
	/* Every third belongs to somebody else, every fourth to engine 2. */
	for (i = 0; i < N_CONNECTIONS; i++)
		ASSERT_EQ(0, add(&self->path, i, i % 4 ? 1 : 2, i % 3 ? 0 : self->pid));
}

FIXTURE_TEARDOWN(filter)
{
	nt_close(&self->path);
	nt_close(&self->reader);
	nt_kill(self->pid);
}

/* Notes which connections are told, and how often. */
static void note(struct nt *nt, void *data)
{
	unsigned char *seen = data;
	uint64_t id = nt_u64(nt, MACHNET_A_CONNECTION_ID);

	if (id && id <= N_CONNECTIONS)
		seen[id - 1]++;
}

TEST_F(filter, each_property_alone)
{
	int p, which, i, wrong;

	for (p = 0; p < N_PROPERTIES; p++) {
		for (which = 0; which < 2; which++) {
			struct nl_msg *msg = nt_msg(&self->reader, MACHNET_CMD_CONNECTION_GET);
			unsigned char seen[N_CONNECTIONS] = { 0 };

			put(msg, &properties[p], which);
			EXPECT_EQ(N_CONNECTIONS / 2, nt_dump_msg(&self->reader, msg, note, seen))
				TH_LOG("%s", properties[p].name);
			for (i = wrong = 0; i < N_CONNECTIONS; i++)
				wrong += seen[i] != ((i >> p & 1) == which);
			EXPECT_EQ(0, wrong)
				TH_LOG("%s", properties[p].name);
		}
	}
}

TEST_F(filter, all_combinations)
{
	int want, i;

	for (want = 0; want < N_CONNECTIONS; want++) {
		struct nl_msg *msg = nt_msg(&self->reader, MACHNET_CMD_CONNECTION_GET);
		unsigned char seen[N_CONNECTIONS] = { 0 };

		for (i = 0; i < N_PROPERTIES; i++)
			put(msg, &properties[i], want >> i & 1);
		EXPECT_EQ(1, nt_dump_msg(&self->reader, msg, note, seen));
		EXPECT_EQ(1, seen[want]);
	}
}

static int dump_u32(struct nt *nt, int cmd, int attr, uint32_t value)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_u32(msg, attr, value);
	return nt_dump_msg(nt, msg, NULL, NULL);
}

static int dump_connections(struct nt *nt, int attr, uint32_t value)
{
	return dump_u32(nt, MACHNET_CMD_CONNECTION_GET, attr, value);
}

TEST_F(filter, owner_and_engine)
{
	struct nt *reader = &self->reader;
	struct nl_msg *msg;

	EXPECT_EQ(16, dump_connections(reader, MACHNET_A_CONNECTION_ENGINE, 2));
	EXPECT_EQ(48, dump_connections(reader, MACHNET_A_CONNECTION_ENGINE, 1));
	EXPECT_EQ(22, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_PID, self->pid));
	EXPECT_EQ(42, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_PID, getpid()));
	EXPECT_EQ(64, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_UID, 0));
	msg = nt_msg(reader, MACHNET_CMD_CONNECTION_GET);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 2);
	nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, self->pid);
	EXPECT_EQ(6, nt_dump_msg(reader, msg, NULL, NULL));
}

TEST_F(filter, nothing_agrees)
{
	struct nt *reader = &self->reader;
	struct nl_msg *msg;

	EXPECT_EQ(0, dump_connections(reader, MACHNET_A_CONNECTION_ENGINE, 3));
	EXPECT_EQ(0, dump_connections(reader, MACHNET_A_CONNECTION_IFINDEX, 9999));
	EXPECT_EQ(0, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_UID, 12345));
	EXPECT_EQ(0, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_UID, ~0u));
	EXPECT_EQ(0, dump_connections(reader, MACHNET_A_CONNECTION_OWNER_PID, 999999));
	msg = nt_msg(reader, MACHNET_CMD_CONNECTION_GET);
	nt_put_addr(msg, MACHNET_A_CONNECTION_LOCAL_ADDR, "2001:db8::1");
	EXPECT_EQ(0, nt_dump_msg(reader, msg, NULL, NULL));
	msg = nt_msg(reader, MACHNET_CMD_CONNECTION_GET);
	nt_put_addr(msg, MACHNET_A_CONNECTION_LOCAL_ADDR, "10.9.0.1");
	EXPECT_EQ(0, nt_dump_msg(reader, msg, NULL, NULL));
}

TEST_F(filter, what_is_no_filter_is_refused)
{
	struct nl_msg *msg = nt_msg(&self->reader, MACHNET_CMD_CONNECTION_GET);

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 1);
	EXPECT_EQ(-EINVAL, nt_dump_msg(&self->reader, msg, NULL, NULL));
	EXPECT_STREQ("an id names one connection, which is no dump", self->reader.extack);
	EXPECT_EQ(-EINVAL, dump_connections(&self->reader, MACHNET_A_CONNECTION_REMOTE_ENGINE, 0));
	EXPECT_EQ(-EINVAL, dump_connections(&self->reader, MACHNET_A_CONNECTION_REASON, 1));
	EXPECT_EQ(-ERANGE, dump_connections(&self->reader, MACHNET_A_CONNECTION_STATE, 0));
	/* And the other way round. */
	msg = nt_msg(&self->reader, MACHNET_CMD_CONNECTION_GET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 1);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 1);
	EXPECT_EQ(-EINVAL, nt_do(&self->reader, msg));
	EXPECT_STREQ("a request for one object takes its key alone", self->reader.extack);
}

/* A user filters as well as an administrator, and learns no ids by it. */
TEST_F(filter, a_user_sees_the_same_without_ids)
{
	unsigned char seen[N_CONNECTIONS] = { 0 };
	struct nl_msg *msg;
	struct nt user;

	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	msg = nt_msg(&user, MACHNET_CMD_CONNECTION_GET);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 2);
	EXPECT_EQ(16, nt_dump_msg(&user, msg, note, seen));
	EXPECT_EQ(NULL, memchr(seen, 1, sizeof(seen)));
	nt_close(&user);
}

static int dump_ports(struct nt *nt, const char *addr, uint16_t number)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_GET);

	if (addr)
		nt_put_addr(msg, MACHNET_A_PORT_ADDR, addr);
	if (number)
		nt_put_u16(msg, MACHNET_A_PORT_NUMBER, number);
	return nt_dump_msg(nt, msg, NULL, NULL);
}

static int lend_as_nobody(void *arg)
{
	struct nt *reader = arg, user;

	if (nt_drop_root() || nt_open(&user) || nt_open_port(&user, "0.0.0.0", 7003))
		return 1;
	/* The reader's socket is root's, but who asks is the process. */
	if (dump_u32(reader, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_UID, 65534) != 1)
		return 2;
	if (nt_u16(reader, MACHNET_A_PORT_NUMBER) != 7003)
		return 3;
	if (dump_u32(reader, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_PID, getpid()) != 1)
		return 4;
	return dump_u32(reader, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_UID, 0) == 4 ? 0 : 5;
}

TEST_F(filter, ports)
{
	struct nt *path = &self->path, *reader = &self->reader;

	ASSERT_EQ(0, nt_open_port(path, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_open_port(path, "127.0.0.1", 7001));
	ASSERT_EQ(0, nt_open_port(path, "127.0.0.2", 7000));
	ASSERT_EQ(0, nt_open_port(path, "::1", 7000));
	EXPECT_EQ(4, dump_ports(reader, NULL, 0));
	EXPECT_EQ(3, dump_ports(reader, NULL, 7000));
	EXPECT_EQ(2, dump_ports(reader, "127.0.0.1", 0));
	EXPECT_EQ(1, dump_ports(reader, "127.0.0.1", 7000));
	EXPECT_EQ(1, dump_ports(reader, "::1", 0));
	EXPECT_EQ(0, dump_ports(reader, "::1", 7001));
	/* Any is an address like others here: what is bound to it, not everything. */
	EXPECT_EQ(0, dump_ports(reader, "0.0.0.0", 0));
	EXPECT_EQ(0, nt_in_child(lend_as_nobody, reader));
	EXPECT_EQ(-EINVAL, dump_u32(reader, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_SOCKET, 1));
	EXPECT_EQ(-EINVAL, dump_u32(reader, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_CGROUP,
				    1));
}

TEST_HARNESS_MAIN
