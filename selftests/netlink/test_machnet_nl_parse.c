// SPDX-License-Identifier: MIT
/*
 * test_machnet_nl_parse.c - what the client makes of messages, without a kernel
 */
#include <errno.h>
#include <string.h>

#include <linux/genetlink.h>

#include "kselftest_harness.h"
#include "machnet_nl_parse.h"

FIXTURE(parse)
{
	_Alignas(8) char buf[1024];
	struct nlmsghdr *nlh;
};

FIXTURE_SETUP(parse)
{
	self->nlh = mnl_nlmsg_put_header(self->buf);
	mnl_nlmsg_put_extra_header(self->nlh, sizeof(struct genlmsghdr));
}

FIXTURE_TEARDOWN(parse)
{
}

static void set_cmd(struct nlmsghdr *nlh, uint8_t cmd)
{
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd = cmd;
}

/* A whole port, except for the attribute skip. */
static void put_port(struct nlmsghdr *nlh, int skip)
{
	static const uint8_t addr[4] = { 10, 0, 0, 1 };

	if (skip != MACHNET_A_PORT_ADDR)
		mnl_attr_put(nlh, MACHNET_A_PORT_ADDR, sizeof(addr), addr);
	if (skip != MACHNET_A_PORT_NUMBER)
		mnl_attr_put_u16(nlh, MACHNET_A_PORT_NUMBER, 7000);
	if (skip != MACHNET_A_PORT_OWNER_UID)
		mnl_attr_put_u32(nlh, MACHNET_A_PORT_OWNER_UID, 1000);
	if (skip != MACHNET_A_PORT_OWNER_COMM)
		mnl_attr_put_strz(nlh, MACHNET_A_PORT_OWNER_COMM, "fifteen-letters");
	if (skip != MACHNET_A_PORT_STRAY)
		mnl_attr_put_u64(nlh, MACHNET_A_PORT_STRAY, 3);
}

TEST_F(parse, a_port)
{
	struct machnet_nl_port port;

	put_port(self->nlh, 0);
	ASSERT_EQ(0, machnet_nl_parse_port(self->nlh, &port));
	EXPECT_TRUE(mn_addr_is_v4(&port.addr));
	EXPECT_EQ(7000, port.number);
	EXPECT_EQ(1000, port.owner_uid);
	EXPECT_EQ(0, port.owner_pid);
	EXPECT_EQ(3, port.stray);
	EXPECT_FALSE(port.claimed);
	EXPECT_STREQ("fifteen-letters", port.owner_comm);
	EXPECT_EQ(0, port.owner_cgroup);
	mnl_attr_put_u64(self->nlh, MACHNET_A_PORT_OWNER_CGROUP, 1ull << 40);
	ASSERT_EQ(0, machnet_nl_parse_port(self->nlh, &port));
	EXPECT_EQ(1ull << 40, port.owner_cgroup);
}

TEST_F(parse, what_must_be_there)
{
	static const int needed[] = {
		MACHNET_A_PORT_ADDR, MACHNET_A_PORT_NUMBER, MACHNET_A_PORT_OWNER_UID,
		MACHNET_A_PORT_STRAY,
	};
	uint32_t head = self->nlh->nlmsg_len;
	struct machnet_nl_port port;
	unsigned int i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		self->nlh->nlmsg_len = head;
		put_port(self->nlh, needed[i]);
		EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));
	}
}

TEST_F(parse, attributes_of_a_newer_kernel_are_skipped)
{
	struct machnet_nl_port port;

	mnl_attr_put_u32(self->nlh, 4000, 1);
	put_port(self->nlh, 0);
	mnl_attr_put_u32(self->nlh, MACHNET_A_PORT_REASON, 12345);
	ASSERT_EQ(0, machnet_nl_parse_port(self->nlh, &port));
	EXPECT_EQ(MACHNET_REASON_UNSPEC, port.reason);
}

TEST_F(parse, wrong_lengths)
{
	uint32_t head = self->nlh->nlmsg_len;
	struct machnet_nl_port port;

	put_port(self->nlh, MACHNET_A_PORT_NUMBER);
	mnl_attr_put_u32(self->nlh, MACHNET_A_PORT_NUMBER, 7000);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));

	self->nlh->nlmsg_len = head;
	put_port(self->nlh, MACHNET_A_PORT_ADDR);
	mnl_attr_put(self->nlh, MACHNET_A_PORT_ADDR, 5, "12345");
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));

	self->nlh->nlmsg_len = head;
	put_port(self->nlh, MACHNET_A_PORT_OWNER_COMM);
	mnl_attr_put_strz(self->nlh, MACHNET_A_PORT_OWNER_COMM, "sixteen-letters!");
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));

	self->nlh->nlmsg_len = head;
	put_port(self->nlh, MACHNET_A_PORT_STRAY);
	mnl_attr_put_u32(self->nlh, MACHNET_A_PORT_STRAY, 3);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));
}

TEST_F(parse, a_string_without_its_nul)
{
	struct machnet_nl_port port;

	put_port(self->nlh, MACHNET_A_PORT_OWNER_COMM);
	mnl_attr_put(self->nlh, MACHNET_A_PORT_OWNER_COMM, 4, "node");
	ASSERT_EQ(0, machnet_nl_parse_port(self->nlh, &port));
	EXPECT_STREQ("node", port.owner_comm);
}

TEST_F(parse, port_0_is_none)
{
	struct machnet_nl_port port;

	put_port(self->nlh, MACHNET_A_PORT_NUMBER);
	mnl_attr_put_u16(self->nlh, MACHNET_A_PORT_NUMBER, 0);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));
}

TEST_F(parse, a_reachable_route_has_a_mac)
{
	static const uint8_t addr[4] = { 10, 0, 0, 1 }, mac[6] = { 2 };
	struct machnet_nl_route route;

	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_DST, sizeof(addr), addr);
	mnl_attr_put_u32(self->nlh, MACHNET_A_ROUTE_STATE, MACHNET_ROUTE_STATE_REACHABLE);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_route(self->nlh, &route));
	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_MAC, sizeof(mac), mac);
	ASSERT_EQ(0, machnet_nl_parse_route(self->nlh, &route));
	EXPECT_TRUE(route.has_mac);
	/* Nothing was said of them: any, in the family of the destination. */
	EXPECT_TRUE(mn_addr_is_v4(&route.src));
	EXPECT_TRUE(mn_addr_is_any(&route.nexthop));
}

TEST_F(parse, an_unreachable_route_says_why)
{
	static const uint8_t addr[16] = { 0x20, 1 };
	struct machnet_nl_route route;

	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_DST, sizeof(addr), addr);
	mnl_attr_put_u32(self->nlh, MACHNET_A_ROUTE_STATE, MACHNET_ROUTE_STATE_UNREACHABLE);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_route(self->nlh, &route));
	mnl_attr_put_u32(self->nlh, MACHNET_A_ROUTE_ERROR, ENETUNREACH);
	ASSERT_EQ(0, machnet_nl_parse_route(self->nlh, &route));
	EXPECT_EQ(ENETUNREACH, route.error);
	EXPECT_FALSE(mn_addr_is_v4(&route.src));
}

TEST_F(parse, a_route_knows_how_it_was_asked_for)
{
	static const uint8_t dst[4] = { 10, 0, 0, 1 }, from[4] = { 10, 0, 0, 2 };
	static const uint8_t from6[16] = { 0x20 };
	uint32_t head = self->nlh->nlmsg_len, plain;
	struct machnet_nl_route route;
	struct machnet_nl_route_key key;

	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_DST, sizeof(dst), dst);
	mnl_attr_put_u32(self->nlh, MACHNET_A_ROUTE_STATE, MACHNET_ROUTE_STATE_RESOLVING);
	plain = self->nlh->nlmsg_len;
	ASSERT_EQ(0, machnet_nl_parse_route(self->nlh, &route));
	key = machnet_nl_route_key(&route);
	EXPECT_TRUE(mn_addr_is_v4(&key.from) && mn_addr_is_any(&key.from));
	EXPECT_EQ(0, key.vrf);

	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_FROM, sizeof(from), from);
	mnl_attr_put_u32(self->nlh, MACHNET_A_ROUTE_VRF, 7);
	ASSERT_EQ(0, machnet_nl_parse_route(self->nlh, &route));
	key = machnet_nl_route_key(&route);
	EXPECT_EQ(0, memcmp(key.from.b + 12, from, sizeof(from)));
	EXPECT_EQ(7, key.vrf);

	self->nlh->nlmsg_len = plain;
	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_FROM, sizeof(from6), from6);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_route(self->nlh, &route));
	self->nlh->nlmsg_len = plain;
	mnl_attr_put(self->nlh, MACHNET_A_ROUTE_FROM, 0, NULL);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_route(self->nlh, &route));
	self->nlh->nlmsg_len = plain;
	mnl_attr_put_u16(self->nlh, MACHNET_A_ROUTE_VRF, 7);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_route(self->nlh, &route));
	self->nlh->nlmsg_len = head;
}

/* A whole path, except for the attribute skip. */
static void put_path(struct nlmsghdr *nlh, int skip)
{
	static const uint8_t addr[4] = { 10, 0, 0, 1 };

	if (skip != MACHNET_A_PATH_ID)
		mnl_attr_put_u64(nlh, MACHNET_A_PATH_ID, 5);
	if (skip != MACHNET_A_PATH_LOCAL_ADDR)
		mnl_attr_put(nlh, MACHNET_A_PATH_LOCAL_ADDR, sizeof(addr), addr);
	if (skip != MACHNET_A_PATH_REMOTE_ADDR)
		mnl_attr_put(nlh, MACHNET_A_PATH_REMOTE_ADDR, sizeof(addr), addr);
	for (int i = MACHNET_A_PATH_TX_LOCAL_PORT; i <= MACHNET_A_PATH_RX_REMOTE_PORT; i++)
		if (i != skip)
			mnl_attr_put_u16(nlh, i, 100 + i);
	if (skip != MACHNET_A_PATH_IFINDEX)
		mnl_attr_put_u32(nlh, MACHNET_A_PATH_IFINDEX, 7);
	if (skip != MACHNET_A_PATH_ENGINE)
		mnl_attr_put_u32(nlh, MACHNET_A_PATH_ENGINE, 1);
	if (skip != MACHNET_A_PATH_REMOTE_ENGINE)
		mnl_attr_put_u32(nlh, MACHNET_A_PATH_REMOTE_ENGINE, 2);
	if (skip != MACHNET_A_PATH_MTU)
		mnl_attr_put_u32(nlh, MACHNET_A_PATH_MTU, 1500);
	if (skip != MACHNET_A_PATH_STATE)
		mnl_attr_put_u32(nlh, MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPEN);
	if (skip != MACHNET_A_PATH_AGE_MS)
		mnl_attr_put_u64(nlh, MACHNET_A_PATH_AGE_MS, 9);
}

TEST_F(parse, a_path)
{
	static const uint8_t mac[6] = { 2, 3, 4 }, addr6[16] = { 0x20 };
	uint32_t head = self->nlh->nlmsg_len;
	struct machnet_nl_path path;
	struct machnet_nl_event event;

	for (int i = 1; i <= MACHNET_A_PATH_AGE_MS; i++) {
		self->nlh->nlmsg_len = head;
		put_path(self->nlh, i);
		EXPECT_EQ(i == MACHNET_A_PATH_MAC ? 0 : -EBADMSG,
			  machnet_nl_parse_path(self->nlh, &path)) TH_LOG("attribute %d", i);
	}
	self->nlh->nlmsg_len = head;
	put_path(self->nlh, 0);
	ASSERT_EQ(0, machnet_nl_parse_path(self->nlh, &path));
	EXPECT_EQ(0, path.mac[0]);
	mnl_attr_put(self->nlh, MACHNET_A_PATH_MAC, sizeof(mac), mac);
	mnl_attr_put_u32(self->nlh, MACHNET_A_PATH_REASON, MACHNET_REASON_RESET);
	set_cmd(self->nlh, MACHNET_CMD_PATH_DEL_NTF);
	ASSERT_EQ(0, machnet_nl_parse_event(self->nlh, &event));
	EXPECT_EQ(5, event.path.id);
	EXPECT_EQ(100 + MACHNET_A_PATH_RX_REMOTE_PORT, event.path.rx_remote_port);
	EXPECT_EQ(2, event.path.remote_engine);
	EXPECT_EQ(4, event.path.mac[2]);
	EXPECT_EQ(MACHNET_REASON_RESET, event.path.reason);
	self->nlh->nlmsg_len = head;
	put_path(self->nlh, MACHNET_A_PATH_LOCAL_ADDR);
	mnl_attr_put(self->nlh, MACHNET_A_PATH_LOCAL_ADDR, sizeof(addr6), addr6);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_path(self->nlh, &path));
}

/* Attribute i has the value 100 + i, but for the one that is left out. */
static void put_stats(struct nlmsghdr *nlh, int skip)
{
	for (int i = 1; i <= MACHNET_A_STATS_MAX; i++)
		if (i != MACHNET_A_STATS_PAD && i != skip)
			mnl_attr_put_u64(nlh, i, 100 + i);
}

TEST_F(parse, statistics)
{
	uint32_t head = self->nlh->nlmsg_len;
	struct machnet_nl_stats stats;

	put_stats(self->nlh, 0);
	ASSERT_EQ(0, machnet_nl_parse_stats(self->nlh, &stats));
	EXPECT_EQ(100 + MACHNET_A_STATS_DEVICES, stats.devices);
	EXPECT_EQ(100 + MACHNET_A_STATS_STRAY_PACKETS, stats.stray_packets);
	EXPECT_EQ(100 + MACHNET_A_STATS_EVENTS_LOST, stats.events_lost);
	EXPECT_EQ(100 + MACHNET_A_STATS_PATHS_ENDED, stats.paths_ended);
	for (int i = 1; i <= MACHNET_A_STATS_MAX; i++) {
		if (i == MACHNET_A_STATS_PAD)
			continue;
		self->nlh->nlmsg_len = head;
		put_stats(self->nlh, i);
		EXPECT_EQ(-EBADMSG, machnet_nl_parse_stats(self->nlh, &stats));
		mnl_attr_put_u32(self->nlh, i, 1);
		EXPECT_EQ(-EBADMSG, machnet_nl_parse_stats(self->nlh, &stats));
	}
}

TEST_F(parse, a_request_to_end_a_connection)
{
	uint32_t head = self->nlh->nlmsg_len;
	struct machnet_nl_event event;

	set_cmd(self->nlh, MACHNET_CMD_CONNECTION_KILL_NTF);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_event(self->nlh, &event));
	mnl_attr_put_u64(self->nlh, MACHNET_A_CONNECTION_ID, 0);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_event(self->nlh, &event));
	self->nlh->nlmsg_len = head;
	mnl_attr_put_u32(self->nlh, MACHNET_A_CONNECTION_ID, 5);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_event(self->nlh, &event));
	self->nlh->nlmsg_len = head;
	mnl_attr_put_u64(self->nlh, MACHNET_A_CONNECTION_ID, 5);
	/* What it does not need, it does not look at. */
	mnl_attr_put_u64(self->nlh, MACHNET_A_CONNECTION_ENGINE, 1);
	ASSERT_EQ(0, machnet_nl_parse_event(self->nlh, &event));
	EXPECT_EQ(MACHNET_CMD_CONNECTION_KILL_NTF, event.cmd);
	EXPECT_EQ(5, event.connection.id);
	EXPECT_EQ(0, event.connection.engine);
}

TEST_F(parse, events)
{
	struct machnet_nl_event event;

	set_cmd(self->nlh, MACHNET_CMD_PORT_DEL_NTF);
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_event(self->nlh, &event));
	put_port(self->nlh, 0);
	mnl_attr_put_u32(self->nlh, MACHNET_A_PORT_REASON, MACHNET_REASON_ADMIN);
	ASSERT_EQ(0, machnet_nl_parse_event(self->nlh, &event));
	EXPECT_EQ(MACHNET_CMD_PORT_DEL_NTF, event.cmd);
	EXPECT_EQ(MACHNET_REASON_ADMIN, event.port.reason);
	set_cmd(self->nlh, MACHNET_CMD_PORT_LEND);
	EXPECT_EQ(-ENOMSG, machnet_nl_parse_event(self->nlh, &event));
	set_cmd(self->nlh, MACHNET_CMD_MAX + 1);
	EXPECT_EQ(-ENOMSG, machnet_nl_parse_event(self->nlh, &event));
}

TEST_F(parse, a_message_without_a_header)
{
	struct machnet_nl_event event;
	struct machnet_nl_port port;

	self->nlh->nlmsg_len = NLMSG_HDRLEN + 3;
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_event(self->nlh, &event));
	EXPECT_EQ(-EBADMSG, machnet_nl_parse_port(self->nlh, &port));
}

/* Cut at each byte, a message is complete, malformed or refused, and read no further. */
TEST_F(parse, cut_messages)
{
	struct machnet_nl_event event;
	uint32_t full, len;

	put_port(self->nlh, 0);
	set_cmd(self->nlh, MACHNET_CMD_PORT_ADD_NTF);
	full = self->nlh->nlmsg_len;
	for (len = NLMSG_HDRLEN; len < full; len++) {
		char *copy = malloc(len);

		memcpy(copy, self->nlh, len);
		((struct nlmsghdr *)copy)->nlmsg_len = len;
		EXPECT_EQ(-EBADMSG, machnet_nl_parse_event((struct nlmsghdr *)copy, &event));
		free(copy);
	}
}

TEST_HARNESS_MAIN
