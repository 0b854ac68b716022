// SPDX-License-Identifier: MIT
/*
 * test_netlink_fuzz.c - requests that nobody would send
 *
 * Most begin as requests that make sense, and then something is changed: a
 * length, a type, a nest, an order, the header. The kernel may answer as it
 * likes; it must live, keep its log clean, and serve others as before. MN_SEED
 * brings a run back, MN_SECONDS makes it longer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "kselftest_harness.h"
#include "nltest.h"
#include "nltest_random.h"

#define SECONDS		5
/* On a kernel that is slow with looking for its own faults it takes longer. */
#define MESSAGES	20000
#define DEV_BASE	1001
#define N_DEVS		3
#define N_SOCKETS	4
#define ROOM		65536
/* Sockets that may be lent: their descriptors and ports. */
#define FD_BASE		100
#define N_FDS		16
#define PORT_BASE	8000

NT_NEEDS_MODULE

enum kind { U16, U32, U64, ADDR, MAC, TEXT, FLAG, LIST, ENTRY, END };

struct field {
	unsigned short type;
	enum kind kind;
	unsigned int from, count;	/* of a number that makes sense */
};

#define MOST	14

static const struct field entry[MOST] = {
	{ MACHNET_A_CONNECTION_ID, U64, 1, 64 },
	{ MACHNET_A_CONNECTION_IFINDEX, U32, DEV_BASE, N_DEVS },
	{ MACHNET_A_CONNECTION_LOCAL_ADDR, ADDR, 0, 0 },
	{ MACHNET_A_CONNECTION_LOCAL_PORT, U16, 1, 100 },
	{ MACHNET_A_CONNECTION_REMOTE_ADDR, ADDR, 0, 0 },
	{ MACHNET_A_CONNECTION_REMOTE_PORT, U16, 1, 100 },
	{ MACHNET_A_CONNECTION_STATE, U32, 1, 3 },
	{ MACHNET_A_CONNECTION_ENGINE, U32, 0, 2 },
};

static const struct field end[MOST] = {
	{ MACHNET_A_CONNECTION_ID, U64, 1, 64 },
	{ MACHNET_A_CONNECTION_REASON, U32, 1, MACHNET_REASON_MAX },
};

/* What each operation is usually sent; the commands that are missing are answers. */
static const struct field requests[MACHNET_CMD_MAX + 1][MOST] = {
	[MACHNET_CMD_DEVICE_REGISTER] = {
		{ MACHNET_A_DEVICE_IFINDEX, U32, DEV_BASE, N_DEVS },
		{ MACHNET_A_DEVICE_MAC, MAC, 0, 0 },
		{ MACHNET_A_DEVICE_MTU, U32, 1500, 1 },
		{ MACHNET_A_DEVICE_ENGINES, U32, 1, 4 },
		{ MACHNET_A_DEVICE_RSS_CLASS, U32, 0, 5 },
		{ MACHNET_A_DEVICE_DRIVER, TEXT, 0, 0 },
		{ MACHNET_A_DEVICE_PATH_PORT_FIRST, U16, 64000, 1000 },
		{ MACHNET_A_DEVICE_PATH_PORT_COUNT, U32, 1, 1024 },
	},
	[MACHNET_CMD_DEVICE_UNREGISTER] = { { MACHNET_A_DEVICE_IFINDEX, U32, DEV_BASE, N_DEVS } },
	[MACHNET_CMD_DEVICE_GET] = { { MACHNET_A_DEVICE_IFINDEX, U32, DEV_BASE, N_DEVS } },
	[MACHNET_CMD_PORT_LEND] = { { MACHNET_A_PORT_SOCKET, U32, FD_BASE, N_FDS } },
	[MACHNET_CMD_PORT_RELEASE] = {
		{ MACHNET_A_PORT_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_PORT_NUMBERS, LIST, PORT_BASE, N_FDS },
	},
	[MACHNET_CMD_PORT_CLAIM] = {
		{ MACHNET_A_PORT_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_PORT_NUMBER, U16, PORT_BASE, N_FDS },
		{ MACHNET_A_PORT_COOKIE, U64, 0, 9 },
		{ MACHNET_A_PORT_OWNER_PID, U32, 1, 1000 },
	},
	[MACHNET_CMD_PORT_GET] = {
		{ MACHNET_A_PORT_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_PORT_NUMBER, U16, PORT_BASE, N_FDS },
	},
	[MACHNET_CMD_CONNECTION_ADD] = {
		{ MACHNET_A_CONNECTION_ID, U64, 1, 64 },
		{ MACHNET_A_CONNECTION_IFINDEX, U32, DEV_BASE, N_DEVS },
		{ MACHNET_A_CONNECTION_LOCAL_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_CONNECTION_LOCAL_PORT, U16, 1, 100 },
		{ MACHNET_A_CONNECTION_REMOTE_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_CONNECTION_REMOTE_PORT, U16, 1, 100 },
		{ MACHNET_A_CONNECTION_REMOTE_ID, U64, 0, 9 },
		{ MACHNET_A_CONNECTION_STATE, U32, 1, 3 },
		{ MACHNET_A_CONNECTION_ENGINE, U32, 0, 2 },
		{ MACHNET_A_CONNECTION_REMOTE_ENGINE, U32, 0, 128 },
		{ MACHNET_A_CONNECTION_PATH, U64, 0, 64 },
	},
	[MACHNET_CMD_CONNECTION_SET] = {
		{ MACHNET_A_CONNECTION_ID, U64, 1, 64 },
		{ MACHNET_A_CONNECTION_STATE, U32, 1, 3 },
		{ MACHNET_A_CONNECTION_ENGINE, U32, 0, 2 },
		{ MACHNET_A_CONNECTION_REMOTE_PORT, U16, 1, 100 },
	},
	[MACHNET_CMD_CONNECTION_DEL] = {
		{ MACHNET_A_CONNECTION_ID, U64, 1, 64 },
		{ MACHNET_A_CONNECTION_REASON, U32, 1, MACHNET_REASON_MAX },
	},
	[MACHNET_CMD_CONNECTION_GET] = { { MACHNET_A_CONNECTION_ID, U64, 1, 64 } },
	[MACHNET_CMD_CONNECTION_ADD_BATCH] = { { MACHNET_A_CONNECTION_ENTRY, ENTRY, 0, 0 } },
	[MACHNET_CMD_CONNECTION_DEL_BATCH] = { { MACHNET_A_CONNECTION_END, END, 0, 0 } },
	[MACHNET_CMD_CONNECTION_KILL] = { { MACHNET_A_CONNECTION_ID, U64, 1, 64 } },
	[MACHNET_CMD_PATH_ADD] = {
		{ MACHNET_A_PATH_ID, U64, 1, 64 },
		{ MACHNET_A_PATH_IFINDEX, U32, DEV_BASE, N_DEVS },
		{ MACHNET_A_PATH_LOCAL_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_PATH_REMOTE_ADDR, ADDR, 0, 0 },
		{ MACHNET_A_PATH_TX_LOCAL_PORT, U16, 1, 100 },
		{ MACHNET_A_PATH_TX_REMOTE_PORT, U16, 1, 100 },
		{ MACHNET_A_PATH_RX_LOCAL_PORT, U16, 1, 100 },
		{ MACHNET_A_PATH_RX_REMOTE_PORT, U16, 1, 100 },
		{ MACHNET_A_PATH_ENGINE, U32, 0, 2 },
		{ MACHNET_A_PATH_REMOTE_ENGINE, U32, 0, 128 },
		{ MACHNET_A_PATH_MAC, MAC, 0, 0 },
		{ MACHNET_A_PATH_MTU, U32, 576, 1000 },
		{ MACHNET_A_PATH_STATE, U32, 1, 2 },
	},
	[MACHNET_CMD_PATH_SET] = {
		{ MACHNET_A_PATH_ID, U64, 1, 64 },
		{ MACHNET_A_PATH_ENGINE, U32, 0, 2 },
		{ MACHNET_A_PATH_MAC, MAC, 0, 0 },
		{ MACHNET_A_PATH_MTU, U32, 576, 1000 },
	},
	[MACHNET_CMD_PATH_DEL] = {
		{ MACHNET_A_PATH_ID, U64, 1, 64 },
		{ MACHNET_A_PATH_REASON, U32, 1, MACHNET_REASON_MAX },
	},
	[MACHNET_CMD_PATH_GET] = { { MACHNET_A_PATH_ID, U64, 1, 64 } },
	[MACHNET_CMD_ROUTE_GET] = {
		{ MACHNET_A_ROUTE_DST, ADDR, 0, 0 },
		{ MACHNET_A_ROUTE_WATCH, FLAG, 0, 0 },
	},
	[MACHNET_CMD_ROUTE_UNWATCH] = { { MACHNET_A_ROUTE_DST, ADDR, 0, 0 } },
	[MACHNET_CMD_ROUTE_CONFIRM] = {
		{ MACHNET_A_ROUTE_DST, ADDR, 0, 0 },
		{ MACHNET_A_ROUTE_VRF, U32, DEV_BASE, N_DEVS },
	},
};

/* A message under construction. */
struct build {
	struct nt_random *random;
	unsigned char *data;
	unsigned int len;
	bool sane;	/* nothing is to be changed */
};

static bool mutate(struct build *b, unsigned int once_in)
{
	return !b->sane && nt_once_in(b->random, once_in);
}

static void put_value(struct build *b, const struct field *field, unsigned char *value,
		      unsigned int len)
{
	uint64_t number = field->from + (field->count ? nt_random(b->random, field->count) : 0);
	unsigned int i;

	if (mutate(b, 8)) {
		for (i = 0; i < len; i++)
			value[i] = nt_once_in(b->random, 2) ? 0xff : nt_random(b->random, 256);
		return;
	}
	for (i = 0; i < len && i < 8; i++)
		value[i] = number >> 8 * i;
}

/* Its usual length, and a value that makes sense. */
static unsigned int put_usual(struct build *b, const struct field *field, unsigned char *value)
{
	static const char *const addrs[] = { "127.0.0.1", "::1", "10.9.0.2", "2001:db8::1" };
	struct nt_addr addr = nt_addr(addrs[b->sane ? 0 : nt_random(b->random, 4)]);
	unsigned int len;

	switch (field->kind) {
	case ADDR:
		memcpy(value, addr.b, addr.len);
		return addr.len;
	case MAC:
		memcpy(value, "\2\0\0\0\0\1", 6);
		return 6;
	case TEXT:
		memcpy(value, "net_fuzz", 9);
		return 9;
	case FLAG:
		return 0;
	case LIST:
		len = 2 + 2 * nt_random(b->random, 4);
		put_value(b, field, value, len);
		return len;
	default:
		len = field->kind == U16 ? 2 : field->kind == U32 ? 4 : 8;
		put_value(b, field, value, len);
		return len;
	}
}

static void put_attr(struct build *b, const struct field *field, int depth);

static void put_fields(struct build *b, const struct field *fields, int depth)
{
	unsigned int i;

	for (i = 0; i < MOST && fields[i].type; i++) {
		if (mutate(b, 12))
			continue;
		put_attr(b, mutate(b, 12) ? &fields[nt_random(b->random, i + 1)] : &fields[i],
			 depth);
	}
}

static bool has_room(const struct build *b, unsigned int len)
{
	return b->len + len + 64 < ROOM;
}

/* An attribute with its mistakes; a nest with what is in it. */
static void put_attr(struct build *b, const struct field *field, int depth)
{
	unsigned char *at = b->data + b->len;
	struct nlattr *attr = (struct nlattr *)at;
	unsigned int len;

	if (!has_room(b, 4096) || depth > 6)
		return;
	memset(at, 0, 4096);
	attr->nla_type = field->type;
	b->len += NLA_HDRLEN;
	if (field->kind == ENTRY || field->kind == END) {
		attr->nla_type |= NLA_F_NESTED;
		put_fields(b, field->kind == ENTRY ? entry : end, depth + 1);
		if (mutate(b, 16))
			put_attr(b, field, depth + 1);
		len = b->data + b->len - at - NLA_HDRLEN;
	} else {
		len = put_usual(b, field, at + NLA_HDRLEN);
	}
	if (mutate(b, 12))
		len = nt_random(b->random, nt_once_in(b->random, 8) ? 4000 : len + 4);
	if (mutate(b, 12))
		attr->nla_type = nt_random(b->random, 40);
	if (mutate(b, 20))
		attr->nla_type ^= nt_once_in(b->random, 2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
	attr->nla_len = NLA_HDRLEN + len;
	b->len = at - b->data + NLA_HDRLEN + NLA_ALIGN(len);
	if (mutate(b, 50))
		attr->nla_len = nt_random(b->random, 65536);
}

static void put_header(struct build *b, int family, int cmd)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)b->data;
	struct genlmsghdr *genl = (struct genlmsghdr *)(b->data + NLMSG_HDRLEN);

	memset(b->data, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = cmd;
	genl->cmd = cmd;
	genl->version = MACHNET_GENL_VERSION;
	if (mutate(b, 6))
		nlh->nlmsg_flags |= NLM_F_DUMP;
	if (mutate(b, 30)) {
		/* It may be no request at all, which is acknowledged: such answers do not count. */
		nlh->nlmsg_flags = nt_random(b->random, 65536);
		nlh->nlmsg_seq = MACHNET_CMD_MAX + 1;
	}
	if (mutate(b, 30))
		genl->version = nt_random(b->random, 256);
	if (mutate(b, 60))
		genl->reserved = nt_random(b->random, 65536);
	b->len = NLMSG_HDRLEN + GENL_HDRLEN;
}

/* A request for the command: its length. */
static unsigned int build(struct build *b, int family, int cmd)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)b->data;
	unsigned int i, n;

	b->sane = nt_once_in(b->random, 4);
	put_header(b, family, cmd);
	if (cmd <= MACHNET_CMD_MAX) {
		put_fields(b, requests[cmd], 0);
		n = requests[cmd][0].kind < ENTRY ? 0 : nt_random(b->random, 8);
		if (mutate(b, 8))
			n = nt_random(b->random, 2 * MACHNET_BATCH_MAX);
		for (i = 0; i < n && requests[cmd][0].type; i++)
			put_attr(b, &requests[cmd][0], 0);
	}
	nlh->nlmsg_len = b->len;
	if (mutate(b, 16))
		nlh->nlmsg_len -= nt_random(b->random, b->len - NLMSG_HDRLEN + 1);
	if (mutate(b, 60))
		nlh->nlmsg_len = nt_random(b->random, 2 * b->len);
	return b->len;
}

FIXTURE(fuzz)
{
	struct nt nt[N_SOCKETS];
	unsigned char *data;
	unsigned char *answer;
	unsigned int served[MACHNET_CMD_MAX + 1];
	unsigned int sent;
};

FIXTURE_SETUP(fuzz)
{
	char name[16];
	int i;

	self->data = malloc(ROOM);
	self->answer = malloc(ROOM);
	ASSERT_EQ(0, nt_new_netns());
	for (i = 0; i < N_DEVS; i++) {
		snprintf(name, sizeof(name), "mnt%d", i);
		ASSERT_EQ(0, nt_link_add_at(name, "dummy", DEV_BASE + i));
		ASSERT_EQ(0, nt_link_set(name, true));
	}
	ASSERT_EQ(0, nt_addr_add(DEV_BASE, "10.9.0.1", 24));
	for (i = 0; i < N_FDS; i++)
		ASSERT_EQ(FD_BASE + i, dup2(nt_bind_udp("127.0.0.1", PORT_BASE + i), FD_BASE + i));
}

FIXTURE_TEARDOWN(fuzz)
{
	free(self->data);
	free(self->answer);
}

/* Counts the good answers in a datagram. */
static void count(FIXTURE_DATA(fuzz) *self, int len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)self->answer;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct nlmsgerr *err = NLMSG_DATA(nlh);

		if ((nlh->nlmsg_type != NLMSG_ERROR || !err->error) &&
		    nlh->nlmsg_seq <= MACHNET_CMD_MAX)
			self->served[nlh->nlmsg_seq]++;
	}
}

static void drain(FIXTURE_DATA(fuzz) *self, int fd)
{
	int len;

	while ((len = recv(fd, self->answer, ROOM, MSG_DONTWAIT)) > 0 || (len < 0 &&
									    errno == ENOBUFS))
		count(self, len > 0 ? len : 0);
}

static int fuzz(FIXTURE_DATA(fuzz) *self, uint64_t seed)
{
	int64_t stop = nt_now_ms() + 1000 * nt_seconds(SECONDS);
	struct nt_random random;
	struct build b = { .random = &random, .data = self->data };
	unsigned int len;
	struct nt *nt;
	int i;

	nt_random_init(&random, seed);
	for (i = 0; i < N_SOCKETS; i++) {
		if (nt_open(&self->nt[i]))
			return -ENOENT;
	}
	while (nt_now_ms() < stop || self->sent < MESSAGES) {
		nt = &self->nt[nt_random(&random, N_SOCKETS)];
		len = build(&b, nt->family, nt_random(&random, MACHNET_CMD_MAX + 2));
		send(nt_fd(nt), self->data, len, MSG_DONTWAIT);
		self->sent++;
		drain(self, nt_fd(nt));
		if (!nt_once_in(&random, 500))
			continue;
		nt_close(nt);
		if (nt_open(nt))
			return -ENOENT;
	}
	for (i = 0; i < N_SOCKETS; i++)
		nt_close(&self->nt[i]);
	return 0;
}

/* How many operations have been served at least once. */
static int report(FIXTURE_DATA(fuzz) *self)
{
	unsigned int served = 0;
	int cmd, n = 0;

	for (cmd = 1; cmd <= MACHNET_CMD_MAX; cmd++) {
		served += self->served[cmd];
		n += self->served[cmd] > 0;
	}
	fprintf(stderr, "# %u messages sent, %u answers that were no error, of %d operations\n",
		self->sent, served, n);
	return n;
}

/* The module serves others as before, and these numbers are still 0. */
static void expect_alive(struct __test_metadata *_metadata, const int *zeros)
{
	uint64_t stats[MACHNET_A_STATS_MAX + 1];
	struct nt nt;

	ASSERT_EQ(0, nt_open(&nt));
	ASSERT_EQ(0, nt_stats(&nt, stats));
	for (; *zeros; zeros++) {
		EXPECT_EQ(0, stats[*zeros])
			TH_LOG("number %d", *zeros);
	}
	EXPECT_EQ(0, nt_open_port(&nt, "127.0.0.1", 7000));
	EXPECT_EQ(0, nt_port_op(&nt, MACHNET_CMD_PORT_RELEASE, "127.0.0.1", 7000));
	EXPECT_EQ(0, nt_dump(&nt, MACHNET_CMD_PORT_GET, NULL, NULL));
	EXPECT_EQ(0, nt_dump(&nt, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	nt_close(&nt);
}

TEST_F_TIMEOUT(fuzz, as_root, 3600)
{
	/* Cookies cannot be guessed. */
	static const int never[] = { MACHNET_A_STATS_PORTS_CLAIMED, 0 };

	ASSERT_EQ(0, fuzz(self, nt_seed()));
	/* All may be served at times, but for claims; some need luck. Most are in each run. */
	EXPECT_LE(12, report(self));
	expect_alive(_metadata, never);
}

TEST_F_TIMEOUT(fuzz, as_a_user, 3600)
{
	static const int never[] = {
		MACHNET_A_STATS_PORTS_CLAIMED, MACHNET_A_STATS_CLAIMS_REFUSED,
		MACHNET_A_STATS_DEVICES, MACHNET_A_STATS_CONNECTIONS_ADDED,
		MACHNET_A_STATS_CONNECTIONS_KILLED, MACHNET_A_STATS_CONFIRMATIONS,
		MACHNET_A_STATS_ROUTES, 0,
	};

	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, fuzz(self, nt_seed()));
	EXPECT_LE(4, report(self));
	expect_alive(_metadata, never);
}

TEST_HARNESS_MAIN
