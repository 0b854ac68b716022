// SPDX-License-Identifier: MIT
/*
 * test_bad_input.c - requests that must be refused, each with a sentence
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/msg.h>

#include "kselftest_harness.h"
#include "bad_input.h"
#include "nltest.h"

NT_NEEDS_MODULE

FIXTURE(bad)
{
	struct nt self;
	struct nt other;
};

FIXTURE_SETUP(bad)
{
	static const uint32_t devs[] = { SELF_DEV, OTHER_DEV, FREE_DEV };
	char name[16];
	unsigned int i;

	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->self));
	ASSERT_EQ(0, nt_open(&self->other));
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "mnt%u", i);
		ASSERT_EQ(0, nt_link_add_at(name, "dummy", devs[i]));
		ASSERT_EQ(0, nt_link_set(name, true));
	}
	ASSERT_EQ(0, nt_register(&self->self, SELF_DEV));
	ASSERT_EQ(0, nt_register(&self->other, OTHER_DEV));
	ASSERT_EQ(0, nt_connect(&self->self, 1, SELF_DEV));
	ASSERT_EQ(0, nt_connect(&self->other, 2, OTHER_DEV));
	ASSERT_EQ(0, nt_path(&self->self, 1, SELF_DEV));
	ASSERT_EQ(0, nt_path(&self->other, 2, OTHER_DEV));
	ASSERT_EQ(0, nt_open_port(&self->self, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_open_port(&self->other, "127.0.0.1", 7001));
	ASSERT_EQ(0, nt_route_get(&self->other, "127.0.0.1", true));
	ASSERT_EQ(FIT_FD, dup2(nt_bind_udp("127.0.0.1", 7003), FIT_FD));
	ASSERT_EQ(FILE_FD, dup2(open("/dev/null", O_RDONLY), FILE_FD));
}

FIXTURE_TEARDOWN(bad)
{
	nt_close(&self->self);
	nt_close(&self->other);
}

static const struct bad *row(unsigned int i)
{
	if (i < n_bad_objects)
		return &bad_objects[i];
	i -= n_bad_objects;
	if (i < n_bad_flows)
		return &bad_flows[i];
	i -= n_bad_flows;
	return i < n_bad_paths ? &bad_paths[i] : NULL;
}

static void put(struct nl_msg *msg, const struct bad_attr *attr)
{
	unsigned char value[4 * MACHNET_PORTS_MAX + 4] = { 0 };

	memcpy(value, &attr->value, sizeof(attr->value));
	nt_put(msg, attr->type, value, attr->len);
}

static struct nl_msg *build(struct nt *nt, const struct bad *b)
{
	struct nl_msg *msg = nt_msg(nt, b->cmd);
	struct nlattr *nests[4];
	int i, depth = 0;

	for (i = 0; i < BAD_ATTRS && b->attrs[i].type; i++) {
		if (b->attrs[i].len == BAD_NEST)
			nests[depth++] = nt_nest_begin(msg, b->attrs[i].type);
		else if (b->attrs[i].len == BAD_NEST_END)
			nt_nest_end(msg, nests[--depth]);
		else
			put(msg, &b->attrs[i]);
	}
	return msg;
}

/* What is wrong about the answer, or 0. */
static int send_row(struct nt *nt, const struct bad *b)
{
	struct nl_msg *msg = build(nt, b);
	int ret;

	ret = b->kind == BAD_DUMP ? nt_dump_msg(nt, msg, NULL, NULL) : nt_do(nt, msg);
	if (ret == -b->error && !strcmp(nt->extack, b->text ? b->text : ""))
		return 0;
	fprintf(stderr, "# command %d, %s: %d '%s' instead of %d '%s'\n", b->cmd, b->what, ret,
		nt->extack, -b->error, b->text ? b->text : "");
	return 1;
}

static void count(struct nt *nt, int *n)
{
	static const int cmds[] = { MACHNET_CMD_DEVICE_GET, MACHNET_CMD_PORT_GET,
				    MACHNET_CMD_CONNECTION_GET, MACHNET_CMD_PATH_GET,
				    MACHNET_CMD_ROUTE_DUMP };
	int i;

	for (i = 0; i < 5; i++)
		n[i] = nt_dump(nt, cmds[i], NULL, NULL);
}

TEST_F_TIMEOUT(bad, every_request_is_refused_with_its_sentence, 120)
{
	int before[5], after[5], wrong = 0;
	const struct bad *b;
	unsigned int i;

	count(&self->other, before);
	for (i = 0; (b = row(i)); i++) {
		if (b->kind != BAD_CAPABILITY)
			wrong += send_row(&self->self, b);
	}
	EXPECT_EQ(0, wrong);
	count(&self->other, after);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

TEST_F_TIMEOUT(bad, a_user_is_refused_what_needs_a_capability, 120)
{
	const struct bad *b;
	unsigned int i;
	int wrong = 0;
	struct nt user;

	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	for (i = 0; (b = row(i)); i++) {
		if (b->kind == BAD_CAPABILITY)
			wrong += send_row(&user, b);
	}
	EXPECT_EQ(0, wrong);
	nt_close(&user);
}

#define ALL	((1 << BAD_KINDS) - 1)
#define BIT(kind_)	(1 << BAD_##kind_)

/* The kinds of mistakes that one can make with the operation. */
static int mistakes(int cmd)
{
	switch (cmd) {
	case MACHNET_CMD_DEVICE_GET:
	case MACHNET_CMD_PORT_GET:
	case MACHNET_CMD_CONNECTION_GET:
	case MACHNET_CMD_PATH_GET:
		return ALL & ~(BIT(OWNER) | BIT(CAPABILITY));
	case MACHNET_CMD_PORT_RELEASE:
	case MACHNET_CMD_CONNECTION_KILL:
	case MACHNET_CMD_ROUTE_GET:
		/* Administrators may. */
		return ALL & ~(BIT(OWNER) | BIT(DUMP));
	case MACHNET_CMD_PORT_LEND:
		/* It needs no privilege, and what is lent belongs to nobody before. */
		return ALL & ~(BIT(OWNER) | BIT(CAPABILITY) | BIT(DUMP));
	case MACHNET_CMD_ROUTE_DUMP:
		return BIT(UNKNOWN) | BIT(DUMP);
	case MACHNET_CMD_STATS_GET:
		return BIT(UNKNOWN) | BIT(FOREIGN) | BIT(DUMP);
	case MACHNET_CMD_DEVICE_ADD_NTF:
	case MACHNET_CMD_DEVICE_DEL_NTF:
	case MACHNET_CMD_PORT_ADD_NTF:
	case MACHNET_CMD_PORT_DEL_NTF:
	case MACHNET_CMD_CONNECTION_ADD_NTF:
	case MACHNET_CMD_CONNECTION_SET_NTF:
	case MACHNET_CMD_CONNECTION_DEL_NTF:
	case MACHNET_CMD_CONNECTION_KILL_NTF:
	case MACHNET_CMD_PATH_ADD_NTF:
	case MACHNET_CMD_PATH_SET_NTF:
	case MACHNET_CMD_PATH_DEL_NTF:
	case MACHNET_CMD_ROUTE_NTF:
		return 0;
	default:
		return ALL & ~BIT(DUMP);
	}
}

TEST(every_operation_has_a_row_for_every_mistake)
{
	int rows[MACHNET_CMD_MAX + 1] = { 0 }, cmd;
	const struct bad *b;
	unsigned int i;

	for (i = 0; (b = row(i)); i++)
		rows[b->cmd] |= 1 << b->kind;
	for (cmd = 1; cmd <= MACHNET_CMD_MAX; cmd++) {
		EXPECT_EQ(0, mistakes(cmd) & ~rows[cmd])
			TH_LOG("command %d", cmd);
	}
}

TEST_F(bad, a_missing_attribute_is_named)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_CONNECTION_ADD_BATCH);
	struct nlattr *nest;

	EXPECT_EQ(-EINVAL, nt_do(&self->self, nt_msg(&self->self, MACHNET_CMD_ROUTE_GET)));
	EXPECT_EQ(MACHNET_A_ROUTE_DST, self->self.missing);
	nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_ENTRY);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, 9);
	nt_nest_end(msg, nest);
	EXPECT_EQ(-EINVAL, nt_do(&self->self, msg));
	EXPECT_EQ(MACHNET_A_CONNECTION_IFINDEX, self->self.missing);
}

TEST_F(bad, a_long_driver_name)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_DEVICE_REGISTER);
	char name[MACHNET_DRIVER_LEN + 1];

	memset(name, 'x', sizeof(name));
	nt_put(msg, MACHNET_A_DEVICE_DRIVER, name, sizeof(name));
	EXPECT_EQ(-ERANGE, nt_do(&self->self, msg));
}

TEST_F(bad, an_ipv4_address_in_ipv6_form)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_ROUTE_GET);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, "::ffff:127.0.0.1");
	EXPECT_EQ(-EINVAL, nt_do(&self->self, msg));
	EXPECT_STREQ("an IPv4 address must be sent as 4 bytes", self->self.extack);
}

/* Its first attribute: kernels differ in the sentence about it. */
TEST_F(bad, a_dump_of_routes_by_destination)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_ROUTE_DUMP);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, "127.0.0.1");
	EXPECT_EQ(-EINVAL, nt_dump_msg(&self->self, msg, NULL, NULL));
	EXPECT_STRNE("", self->self.extack);
}

TEST_F(bad, attributes_that_do_not_end_where_the_message_does)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_DEVICE_GET);

	nt_put_u32(msg, MACHNET_A_DEVICE_IFINDEX, SELF_DEV);
	nlmsg_hdr(msg)->nlmsg_len += 3;
	EXPECT_EQ(-EINVAL, nt_do(&self->self, msg));
	EXPECT_STREQ("bytes leftover after parsing attributes", self->self.extack);
	msg = nt_msg(&self->self, MACHNET_CMD_DEVICE_GET);
	nt_put_u32(msg, MACHNET_A_DEVICE_IFINDEX, SELF_DEV);
	nlmsg_hdr(msg)->nlmsg_len -= 2;
	EXPECT_EQ(-EINVAL, nt_do(&self->self, msg));
	EXPECT_STREQ("bytes leftover after parsing attributes", self->self.extack);
}

TEST_F(bad, commands_that_are_not_requests)
{
	int cmd;

	for (cmd = 0; cmd <= MACHNET_CMD_MAX + 1; cmd++) {
		if (!cmd || cmd > MACHNET_CMD_MAX || !mistakes(cmd))
			EXPECT_EQ(-EOPNOTSUPP, nt_do(&self->self, nt_msg(&self->self, cmd)));
	}
}

TEST_F(bad, reserved_header_bytes)
{
	struct nl_msg *msg = nt_msg(&self->self, MACHNET_CMD_ROUTE_GET);

	((struct genlmsghdr *)nlmsg_data(nlmsg_hdr(msg)))->reserved = 1;
	EXPECT_EQ(-EINVAL, nt_do(&self->self, msg));
}

TEST_HARNESS_MAIN
