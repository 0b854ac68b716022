// SPDX-License-Identifier: MIT
/*
 * test_golden.c - all that is announced of a life, compared with what was approved
 *
 * golden/NOUN.json has a line for each notification, with all its attributes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/neighbour.h>

#include "kselftest_harness.h"
#include "nltest.h"
#include "nltest_json.h"

#define TIMEOUT_MS	10000
#define ENOUGH_MS	200
#define DEV		1001
#define ID		0x1122334455667788u
#define GOLDEN		"selftests/netlink/golden"

NT_NEEDS_MODULE

FIXTURE(golden)
{
	struct nt path;
	struct nt app;
	struct nt events;
	char file[64];
	FILE *out;
};

FIXTURE_SETUP(golden)
{
	static const char *const groups[] = {
		MACHNET_MCGRP_DEVICE, MACHNET_MCGRP_PORT, MACHNET_MCGRP_CONNECTION,
		MACHNET_MCGRP_PATH, MACHNET_MCGRP_ROUTE, MACHNET_MCGRP_DATAPATH,
	};
	unsigned int i;

	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->events));
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		ASSERT_EQ(0, nt_join(&self->events, groups[i]));
	ASSERT_EQ(0, nt_link_add_at("mnt0", "dummy", DEV));
	ASSERT_EQ(0, nt_link_set("mnt0", true));
	snprintf(self->file, sizeof(self->file), "/tmp/golden-%d.json", getpid());
	self->out = fopen(self->file, "w");
	ASSERT_NE(NULL, self->out);
}

FIXTURE_TEARDOWN(golden)
{
	nt_close(&self->path);
	nt_close(&self->app);
	nt_close(&self->events);
	remove(self->file);
}

/* Writes the events up to the last one of this command: false if it does not come. */
static bool write_until(struct nt *events, int last, FILE *out)
{
	int cmd;

	do {
		cmd = nt_event(events, TIMEOUT_MS);
		nt_json(events, cmd, out);
	} while (cmd > 0 && cmd != last);
	return cmd == last;
}

/* Nothing more has been announced, and what was is as approved. */
static bool is_golden(struct nt *events, FILE *out, const char *file, const char *noun)
{
	int cmd;

	while ((cmd = nt_event(events, ENOUGH_MS)) > 0)
		nt_json(events, cmd, out);
	return fclose(out) == 0 && nt_sh("diff -u " GOLDEN "/%s.json %s >&2", noun, file) == 0;
}

TEST_F(golden, device)
{
	ASSERT_EQ(0, nt_register(&self->path, DEV));
	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER, DEV));
	ASSERT_EQ(0, nt_register(&self->path, DEV));
	nt_close(&self->path);
	ASSERT_EQ(0, nt_register(&self->app, DEV));
	ASSERT_EQ(0, nt_link_del(DEV));
	EXPECT_TRUE(is_golden(&self->events, self->out, self->file, "device"));
}

TEST_F(golden, port)
{
	uint64_t cookie;

	ASSERT_EQ(0, nt_open_port(&self->app, "127.0.0.1", 7000));
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	ASSERT_EQ(0, nt_claim(&self->path, "127.0.0.1", 7000, cookie));
	ASSERT_EQ(0, nt_open_port(&self->app, "::1", 7001));
	ASSERT_EQ(-EBADF, nt_lend(&self->path, -1));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_port_op(&self->path, MACHNET_CMD_PORT_RELEASE, "::1", 7001));
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7002));
	nt_close(&self->app);
	EXPECT_TRUE(is_golden(&self->events, self->out, self->file, "port"));
}

static int set(struct nt *nt)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_SET);

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_ESTABLISHED);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 1);
	nt_put_u32(msg, MACHNET_A_CONNECTION_REMOTE_ENGINE, 2);
	nt_put_u64(msg, MACHNET_A_CONNECTION_REMOTE_ID, 42);
	nt_put_u16(msg, MACHNET_A_CONNECTION_LOCAL_PORT, 1001);
	nt_put_u16(msg, MACHNET_A_CONNECTION_REMOTE_PORT, 2001);
	return nt_do(nt, msg);
}

TEST_F(golden, connection)
{
	ASSERT_EQ(0, nt_register(&self->path, DEV));
	ASSERT_EQ(0, nt_connect(&self->path, ID, DEV));
	ASSERT_EQ(0, set(&self->path));
	ASSERT_EQ(0, nt_conn_op(&self->app, MACHNET_CMD_CONNECTION_KILL, ID));
	ASSERT_EQ(0, nt_end_batch(&self->path, ID, 1, MACHNET_REASON_ADMIN));
	ASSERT_EQ(0, nt_connect_batch(&self->path, 1, 2, DEV));
	ASSERT_EQ(0, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_DEL, 1));
	ASSERT_EQ(-EEXIST, nt_connect_batch(&self->path, 1, 2, DEV));
	nt_close(&self->path);
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, self->out));
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_CONNECTION_DEL_NTF, self->out));
	EXPECT_TRUE(is_golden(&self->events, self->out, self->file, "connection"));
}

static int set_path(struct nt *nt, const unsigned char *mac)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PATH_SET);

	nt_put_u64(msg, MACHNET_A_PATH_ID, ID);
	nt_put_u16(msg, MACHNET_A_PATH_TX_LOCAL_PORT, 61450);
	nt_put_u32(msg, MACHNET_A_PATH_ENGINE, 1);
	nt_put(msg, MACHNET_A_PATH_MAC, mac, 6);
	nt_put_u32(msg, MACHNET_A_PATH_MTU, 1400);
	nt_put_u32(msg, MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPENING);
	return nt_do(nt, msg);
}

TEST_F(golden, path)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 3 }, none[6];

	ASSERT_EQ(0, nt_register(&self->path, DEV));
	ASSERT_EQ(0, nt_path(&self->path, ID, DEV));
	ASSERT_EQ(0, set_path(&self->path, mac));
	ASSERT_EQ(0, set_path(&self->path, none));
	ASSERT_EQ(0, nt_path_op(&self->path, MACHNET_CMD_PATH_DEL, ID));
	ASSERT_EQ(0, nt_path(&self->path, 1, DEV));
	ASSERT_EQ(-EEXIST, nt_path(&self->path, 1, DEV));
	nt_close(&self->path);
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, self->out));
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_PATH_DEL_NTF, self->out));
	EXPECT_TRUE(is_golden(&self->events, self->out, self->file, "path"));
}

/* Its neighbours are permanent: nothing depends on how fast somebody answers. */
TEST_F(golden, route)
{
	static const unsigned char first[6] = { 2, 0, 0, 0, 0, 1 };
	static const unsigned char second[6] = { 2, 0, 0, 0, 0, 2 };
	struct nt_route route = { .dst = "10.9.0.2", .from = "10.9.0.1", .vrf = DEV,
				  .watch = true };

	ASSERT_EQ(0, nt_addr_add(DEV, "10.9.0.1", 24));
	ASSERT_EQ(0, nt_neigh(DEV, "10.9.0.2", first, NUD_PERMANENT));
	ASSERT_EQ(0, nt_route_op(&self->path, MACHNET_CMD_ROUTE_GET, &route));
	ASSERT_EQ(0, nt_neigh(DEV, "10.9.0.2", second, NUD_PERMANENT));
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_ROUTE_NTF, self->out));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 mtu 1300"));
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_ROUTE_NTF, self->out));
	ASSERT_EQ(0, nt_sh("ip addr del 10.9.0.1/24 dev mnt0"));
	ASSERT_TRUE(write_until(&self->events, MACHNET_CMD_ROUTE_NTF, self->out));
	EXPECT_TRUE(is_golden(&self->events, self->out, self->file, "route"));
}

TEST_HARNESS_MAIN
