// SPDX-License-Identifier: MIT
/*
 * test_bad_input.c - requests that must be refused, each with a sentence
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/msg.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define MAX_ATTRS	12

/* A piece of a request. The value lies in host byte order in its first len bytes. */
struct attr {
	int type;
	int len;
	uint64_t value;
};

#define U16(type_, value_)	{ type_, 2, value_ }
#define U32(type_, value_)	{ type_, 4, value_ }
#define U64(type_, value_)	{ type_, 8, value_ }
/* 127.0.0.1, for addresses are in network byte order */
#define V4(type_)		{ type_, 4, 0x0100007f }

struct bad {
	const char *what;
	int cmd;
	struct attr attrs[MAX_ATTRS];
	int error;
	const char *text;
};

#define DEV_MAC		{ MACHNET_A_DEVICE_MAC, 6, 0x010000000002 }
#define DEV_REST	U32(MACHNET_A_DEVICE_RSS_CLASS, 0), { MACHNET_A_DEVICE_DRIVER, 2, 'x' }
#define PORT_KEY	V4(MACHNET_A_PORT_ADDR), U16(MACHNET_A_PORT_NUMBER, 7000)
#define CONN_ADDRS	V4(MACHNET_A_CONNECTION_LOCAL_ADDR), V4(MACHNET_A_CONNECTION_REMOTE_ADDR), \
			U16(MACHNET_A_CONNECTION_LOCAL_PORT, 1), \
			U16(MACHNET_A_CONNECTION_REMOTE_PORT, 2)
#define CONN_HEAD	U64(MACHNET_A_CONNECTION_ID, 1), U32(MACHNET_A_CONNECTION_IFINDEX, 1)
#define CONN_STATE	U32(MACHNET_A_CONNECTION_STATE, 1), U32(MACHNET_A_CONNECTION_ENGINE, 0)

static const struct bad bad[] = {
	/* what the operation needs is not there */
	{ "register: no ifindex", MACHNET_CMD_DEVICE_REGISTER, { { 0 } }, EINVAL,
	  "ifindex is missing" },
	{ "register: no mac", MACHNET_CMD_DEVICE_REGISTER, { U32(MACHNET_A_DEVICE_IFINDEX, 1) },
	  EINVAL, "mac is missing" },
	{ "register: no mtu", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_IFINDEX, 1), DEV_MAC }, EINVAL, "mtu is missing" },
	{ "register: no engines", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_IFINDEX, 1), DEV_MAC, U32(MACHNET_A_DEVICE_MTU, 1500) }, EINVAL,
	  "engines is missing" },
	{ "unregister: no ifindex", MACHNET_CMD_DEVICE_UNREGISTER, { { 0 } }, EINVAL,
	  "ifindex is missing" },
	{ "device get: no ifindex", MACHNET_CMD_DEVICE_GET, { { 0 } }, EINVAL,
	  "ifindex is missing" },
	{ "reserve: no addr", MACHNET_CMD_PORT_RESERVE, { U16(MACHNET_A_PORT_NUMBER, 1) }, EINVAL,
	  "addr is missing" },
	{ "reserve: no number", MACHNET_CMD_PORT_RESERVE, { V4(MACHNET_A_PORT_ADDR) }, EINVAL,
	  "number is missing" },
	{ "claim: no cookie", MACHNET_CMD_PORT_CLAIM, { PORT_KEY }, EINVAL, "cookie is missing" },
	{ "add: no id", MACHNET_CMD_CONNECTION_ADD, { { 0 } }, EINVAL, "id is missing" },
	{ "add: no ifindex", MACHNET_CMD_CONNECTION_ADD, { U64(MACHNET_A_CONNECTION_ID, 1) },
	  EINVAL, "ifindex is missing" },
	{ "add: no local-addr", MACHNET_CMD_CONNECTION_ADD, { CONN_HEAD }, EINVAL,
	  "local-addr is missing" },
	{ "add: no state", MACHNET_CMD_CONNECTION_ADD, { CONN_HEAD, CONN_ADDRS }, EINVAL,
	  "state is missing" },
	{ "add: no engine", MACHNET_CMD_CONNECTION_ADD,
	  { CONN_HEAD, CONN_ADDRS, U32(MACHNET_A_CONNECTION_STATE, 1) }, EINVAL,
	  "engine is missing" },
	{ "set: no id", MACHNET_CMD_CONNECTION_SET, { U32(MACHNET_A_CONNECTION_STATE, 1) }, EINVAL,
	  "id is missing" },
	{ "del: no reason", MACHNET_CMD_CONNECTION_DEL, { U64(MACHNET_A_CONNECTION_ID, 1) },
	  EINVAL, "reason is missing" },
	{ "route get: no dst", MACHNET_CMD_ROUTE_GET, { { 0 } }, EINVAL, "dst is missing" },
	{ "unwatch: no dst", MACHNET_CMD_ROUTE_UNWATCH, { { 0 } }, EINVAL, "dst is missing" },

	/* what the operation does not know, or is read-only */
	{ "reserve: with a cookie", MACHNET_CMD_PORT_RESERVE,
	  { PORT_KEY, U64(MACHNET_A_PORT_COOKIE, 1) }, EINVAL, "Unknown attribute type" },
	{ "reserve: for another user", MACHNET_CMD_PORT_RESERVE,
	  { PORT_KEY, U32(MACHNET_A_PORT_OWNER_UID, 1) }, EINVAL, "Unknown attribute type" },
	{ "register: with a name", MACHNET_CMD_DEVICE_REGISTER,
	  { { MACHNET_A_DEVICE_IFNAME, 2, 'x' } }, EINVAL, "Unsupported attribute" },
	{ "set: other addresses", MACHNET_CMD_CONNECTION_SET,
	  { U64(MACHNET_A_CONNECTION_ID, 1), V4(MACHNET_A_CONNECTION_REMOTE_ADDR) }, EINVAL,
	  "Unsupported attribute" },
	{ "route get: with a state", MACHNET_CMD_ROUTE_GET,
	  { V4(MACHNET_A_ROUTE_DST), U32(MACHNET_A_ROUTE_STATE, 1) }, EINVAL,
	  "Unknown attribute type" },
	{ "an attribute that nobody knows", MACHNET_CMD_PORT_GET, { PORT_KEY, U32(999, 1) }, EINVAL,
	  "Unknown attribute type" },

	/* out of range */
	{ "register: ifindex 0", MACHNET_CMD_DEVICE_REGISTER, { U32(MACHNET_A_DEVICE_IFINDEX, 0) },
	  ERANGE, "integer out of range" },
	{ "register: ifindex -1", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_IFINDEX, 0xffffffff) }, ERANGE, "integer out of range" },
	{ "register: mtu 575", MACHNET_CMD_DEVICE_REGISTER, { U32(MACHNET_A_DEVICE_MTU, 575) },
	  ERANGE, "integer out of range" },
	{ "register: mtu 65536", MACHNET_CMD_DEVICE_REGISTER, { U32(MACHNET_A_DEVICE_MTU, 65536) },
	  ERANGE, "integer out of range" },
	{ "register: no engine", MACHNET_CMD_DEVICE_REGISTER, { U32(MACHNET_A_DEVICE_ENGINES, 0) },
	  ERANGE, "integer out of range" },
	{ "register: 129 engines", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_ENGINES, MACHNET_ENGINES_MAX + 1) }, ERANGE,
	  "integer out of range" },
	{ "register: an RSS class beyond", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_RSS_CLASS, MACHNET_RSS_CLASS_MAX + 1) }, ERANGE,
	  "integer out of range" },
	{ "register: a multicast mac", MACHNET_CMD_DEVICE_REGISTER,
	  { U32(MACHNET_A_DEVICE_IFINDEX, 1), { MACHNET_A_DEVICE_MAC, 6, 0x010000000001 },
	    U32(MACHNET_A_DEVICE_MTU, 1500), U32(MACHNET_A_DEVICE_ENGINES, 1), DEV_REST }, EINVAL,
	  "mac is not a unicast address" },
	{ "release: port 0", MACHNET_CMD_PORT_RELEASE,
	  { V4(MACHNET_A_PORT_ADDR), U16(MACHNET_A_PORT_NUMBER, 0) }, ERANGE,
	  "integer out of range" },
	{ "reserve: a multicast address", MACHNET_CMD_PORT_RESERVE,
	  { { MACHNET_A_PORT_ADDR, 4, 0x010000e0 }, U16(MACHNET_A_PORT_NUMBER, 7000) }, EINVAL,
	  "the address is not a unicast address of global scope" },
	{ "add: id 0", MACHNET_CMD_CONNECTION_ADD, { U64(MACHNET_A_CONNECTION_ID, 0) }, ERANGE,
	  "integer out of range" },
	{ "add: no state at all", MACHNET_CMD_CONNECTION_ADD,
	  { U32(MACHNET_A_CONNECTION_STATE, 0) }, ERANGE, "integer out of range" },
	{ "add: local port 0", MACHNET_CMD_CONNECTION_ADD,
	  { U16(MACHNET_A_CONNECTION_LOCAL_PORT, 0) }, ERANGE, "integer out of range" },
	{ "add: engine 128", MACHNET_CMD_CONNECTION_ADD,
	  { U32(MACHNET_A_CONNECTION_ENGINE, MACHNET_ENGINES_MAX) }, ERANGE,
	  "integer out of range" },
	{ "add: from anywhere", MACHNET_CMD_CONNECTION_ADD,
	  { CONN_HEAD, { MACHNET_A_CONNECTION_LOCAL_ADDR, 4, 0 },
	    V4(MACHNET_A_CONNECTION_REMOTE_ADDR), U16(MACHNET_A_CONNECTION_LOCAL_PORT, 1),
	    U16(MACHNET_A_CONNECTION_REMOTE_PORT, 2), CONN_STATE }, EINVAL,
	  "the address is not a unicast address of global scope" },
	{ "add: two families", MACHNET_CMD_CONNECTION_ADD,
	  { CONN_HEAD, { MACHNET_A_CONNECTION_LOCAL_ADDR, 16, 0xb80d0120 },
	    V4(MACHNET_A_CONNECTION_REMOTE_ADDR), U16(MACHNET_A_CONNECTION_LOCAL_PORT, 1),
	    U16(MACHNET_A_CONNECTION_REMOTE_PORT, 2), CONN_STATE }, EINVAL,
	  "local-addr and remote-addr are of two families" },
	{ "del: a reason beyond", MACHNET_CMD_CONNECTION_DEL,
	  { U64(MACHNET_A_CONNECTION_ID, 1),
	    U32(MACHNET_A_CONNECTION_REASON, MACHNET_REASON_MAX + 1) }, ERANGE,
	  "integer out of range" },
	{ "route get: to everybody", MACHNET_CMD_ROUTE_GET,
	  { { MACHNET_A_ROUTE_DST, 4, 0xffffffff } }, EINVAL,
	  "the address is not a unicast address of global scope" },
	{ "route get: link-local", MACHNET_CMD_ROUTE_GET, { { MACHNET_A_ROUTE_DST, 16, 0x80fe } },
	  EINVAL, "the address is not a unicast address of global scope" },

	/* too short, too long */
	{ "reserve: an address of 5 bytes", MACHNET_CMD_PORT_RESERVE,
	  { { MACHNET_A_PORT_ADDR, 5, 0 }, U16(MACHNET_A_PORT_NUMBER, 1) }, EINVAL,
	  "an address has 4 or 16 bytes" },
	{ "reserve: an address of no bytes", MACHNET_CMD_PORT_RESERVE,
	  { { MACHNET_A_PORT_ADDR, 0, 0 }, U16(MACHNET_A_PORT_NUMBER, 1) }, EINVAL,
	  "an address has 4 or 16 bytes" },
	{ "reserve: a number of 4 bytes", MACHNET_CMD_PORT_RESERVE,
	  { V4(MACHNET_A_PORT_ADDR), U32(MACHNET_A_PORT_NUMBER, 7000) }, EINVAL,
	  "invalid attribute length" },
	{ "claim: a cookie of 4 bytes", MACHNET_CMD_PORT_CLAIM,
	  { PORT_KEY, U32(MACHNET_A_PORT_COOKIE, 1) }, EINVAL, "invalid attribute length" },
	{ "register: a mac of 8 bytes", MACHNET_CMD_DEVICE_REGISTER,
	  { U64(MACHNET_A_DEVICE_MAC, 2) }, ERANGE, "binary attribute size out of range" },
	{ "register: an empty driver", MACHNET_CMD_DEVICE_REGISTER,
	  { { MACHNET_A_DEVICE_DRIVER, 0, 0 } }, ERANGE, "Attribute failed policy validation" },
	{ "route get: a watch with a value", MACHNET_CMD_ROUTE_GET,
	  { V4(MACHNET_A_ROUTE_DST), U32(MACHNET_A_ROUTE_WATCH, 1) }, ERANGE,
	  "Attribute failed policy validation" },
};

NT_NEEDS_MODULE

FIXTURE(bad)
{
	struct nt nt;
};

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->nt));
}

FIXTURE_TEARDOWN(bad)
{
	nt_close(&self->nt);
}

static struct nl_msg *build(struct nt *nt, const struct bad *b)
{
	struct nl_msg *msg = nt_msg(nt, b->cmd);
	unsigned char value[64];
	int i;

	for (i = 0; i < MAX_ATTRS && b->attrs[i].type; i++) {
		memset(value, 0, sizeof(value));
		memcpy(value, &b->attrs[i].value, sizeof(b->attrs[i].value));
		nt_put(msg, b->attrs[i].type, value, b->attrs[i].len);
	}
	return msg;
}

TEST_F(bad, every_request_is_refused_with_a_sentence)
{
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ret = nt_do(&self->nt, build(&self->nt, &bad[i]));
		EXPECT_EQ(-bad[i].error, ret)
			TH_LOG("%s", bad[i].what);
		EXPECT_STREQ(bad[i].text, self->nt.extack)
			TH_LOG("%s", bad[i].what);
	}
	EXPECT_EQ(0, nt_dump(&self->nt, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F(bad, a_missing_attribute_is_named)
{
	EXPECT_EQ(-EINVAL, nt_do(&self->nt, nt_msg(&self->nt, MACHNET_CMD_ROUTE_GET)));
	EXPECT_EQ(MACHNET_A_ROUTE_DST, self->nt.missing);
}

TEST_F(bad, a_long_driver_name)
{
	struct nl_msg *msg = nt_msg(&self->nt, MACHNET_CMD_DEVICE_REGISTER);
	char name[MACHNET_DRIVER_LEN + 1];

	memset(name, 'x', sizeof(name));
	nt_put(msg, MACHNET_A_DEVICE_DRIVER, name, sizeof(name));
	EXPECT_EQ(-ERANGE, nt_do(&self->nt, msg));
}

TEST_F(bad, an_ipv4_address_in_ipv6_form)
{
	struct nl_msg *msg = nt_msg(&self->nt, MACHNET_CMD_ROUTE_GET);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, "::ffff:127.0.0.1");
	EXPECT_EQ(-EINVAL, nt_do(&self->nt, msg));
	EXPECT_STREQ("an IPv4 address must be sent as 4 bytes", self->nt.extack);
}

TEST_F(bad, a_dump_with_attributes)
{
	struct nl_msg *msg = nt_msg(&self->nt, MACHNET_CMD_DEVICE_GET);

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	nt_put_u32(msg, MACHNET_A_DEVICE_IFINDEX, 1);
	EXPECT_EQ(-EINVAL, nt_do(&self->nt, msg));
	EXPECT_STREQ("a dump takes no attributes", self->nt.extack);
}

TEST_F(bad, commands_that_are_not_requests)
{
	EXPECT_EQ(-EOPNOTSUPP, nt_do(&self->nt, nt_msg(&self->nt, MACHNET_CMD_PORT_ADD_NTF)));
	EXPECT_EQ(-EOPNOTSUPP, nt_do(&self->nt, nt_msg(&self->nt, MACHNET_CMD_UNSPEC)));
	EXPECT_EQ(-EOPNOTSUPP, nt_do(&self->nt, nt_msg(&self->nt, MACHNET_CMD_MAX + 1)));
	/* The command can be dumped only. */
	EXPECT_EQ(-EOPNOTSUPP, nt_do(&self->nt, nt_msg(&self->nt, MACHNET_CMD_ROUTE_DUMP)));
}

TEST_F(bad, reserved_header_bytes)
{
	struct nl_msg *msg = nt_msg(&self->nt, MACHNET_CMD_ROUTE_GET);

	((struct genlmsghdr *)nlmsg_data(nlmsg_hdr(msg)))->reserved = 1;
	EXPECT_EQ(-EINVAL, nt_do(&self->nt, msg));
}

TEST_HARNESS_MAIN
