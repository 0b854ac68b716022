// SPDX-License-Identifier: MIT
/*
 * test_trace.c - a tracepoint for each change of state, with fields that make sense
 *
 * The events come out of an instance of tracefs of our own, so that nothing
 * else that traces is disturbed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TRACEFS		"/sys/kernel/tracing"
#define EVENTS		TRACEFS "/events/machnet"
#define ID		0x1122334455667788u
#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(trace)
{
	struct nt path;
	struct nt app;
	struct nt orders;
	char dir[128];		/* the instance */
	char *text;		/* what has been traced */
	uint32_t ifindex;
	unsigned long netns;
};

static int write_to(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (!file)
		return -errno;
	return fputs(text, file) == EOF || fclose(file) ? -EIO : 0;
}

FIXTURE_SETUP(trace)
{
	struct stat st;

	if (access(TRACEFS "/instances", W_OK) && mount("trace", TRACEFS, "tracefs", 0, NULL))
		SKIP(return, "needs tracefs");
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->orders));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_EQ(0, stat("/proc/self/ns/net", &st));
	self->netns = st.st_ino;
	snprintf(self->dir, sizeof(self->dir), TRACEFS "/instances/mnt-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	ASSERT_EQ(0, write_to(self->dir, "events/machnet/enable", "1"));
	self->text = calloc(1, 1 << 20);
}

FIXTURE_TEARDOWN(trace)
{
	nt_close(&self->path);
	nt_close(&self->app);
	nt_close(&self->orders);
	free(self->text);
	if (self->dir[0]) {
		write_to(self->dir, "events/machnet/enable", "0");
		rmdir(self->dir);
	}
}

/* All that has been traced up to now. */
static int read_trace(const char *dir, char *text, size_t size)
{
	char path[256];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/trace", dir);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	return 0;
}

/* A line with this event and these words in this order. */
static bool has_line(const char *text, const char *event, const char *words)
{
	const char *line, *end, *at;
	char name[64];

	snprintf(name, sizeof(name), ": %s: ", event);
	for (line = text; (at = strstr(line, name)); line = end) {
		end = strchr(at, '\n');
		if (!end)
			end = at + strlen(at);
		at = strstr(at, words);
		if (at && at < end)
			return true;
	}
	return false;
}

/* Everything that can happen to devices, ports and connections. */
static void live(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self)
{
	struct nl_msg *msg;

	ASSERT_EQ(0, nt_join(&self->orders, MACHNET_MCGRP_DATAPATH));
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	ASSERT_EQ(0, nt_open_port(&self->app, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_claim(&self->path, "127.0.0.1", 7000,
			      nt_u64(&self->app, MACHNET_A_PORT_COOKIE)));
	ASSERT_EQ(0, nt_connect(&self->path, ID, self->ifindex));
	msg = nt_msg(&self->path, MACHNET_CMD_CONNECTION_SET);
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, ID);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_ESTABLISHED);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	ASSERT_EQ(0, nt_conn_op(&self->app, MACHNET_CMD_CONNECTION_KILL, ID));
	ASSERT_EQ(0, nt_end_batch(&self->path, ID, 1, MACHNET_REASON_ADMIN));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_path(&self->path, ID, self->ifindex));
	msg = nt_msg(&self->path, MACHNET_CMD_PATH_SET);
	nt_put_u64(msg, MACHNET_A_PATH_ID, ID);
	nt_put_u32(msg, MACHNET_A_PATH_MTU, 1400);
	ASSERT_EQ(0, nt_do(&self->path, msg));
	ASSERT_EQ(0, nt_path_op(&self->path, MACHNET_CMD_PATH_DEL, ID));
	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
}

/* And to a watched route. */
static void watch(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 0x22 };
	struct nt_route route = { .dst = "10.9.0.2" };
	struct nt events;

	ASSERT_EQ(0, nt_open(&events));
	ASSERT_EQ(0, nt_join(&events, MACHNET_MCGRP_ROUTE));
	ASSERT_EQ(0, nt_addr_add(self->ifindex, "10.9.0.1", 24));
	ASSERT_EQ(0, nt_neigh(self->ifindex, "10.9.0.2", mac, 0x80 /* NUD_PERMANENT */));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_op(&self->path, MACHNET_CMD_ROUTE_CONFIRM, &route));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 mtu 1300"));
	ASSERT_TRUE(nt_wait_event(&events, MACHNET_CMD_ROUTE_NTF, TIMEOUT_MS));
	ASSERT_EQ(0, nt_route_op(&self->path, MACHNET_CMD_ROUTE_UNWATCH, &route));
	nt_close(&events);
}

TEST_F(trace, every_event_fires)
{
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	live(_metadata, self);
	watch(_metadata, self);
	ASSERT_EQ(0, read_trace(self->dir, self->text, 1 << 20));
	dir = opendir(EVENTS);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "machnet_", 8))
			continue;
		EXPECT_TRUE(has_line(self->text, entry->d_name, ""))
			TH_LOG("%s", entry->d_name);
		n++;
	}
	closedir(dir);
	EXPECT_LE(15, n);
}

TEST_F(trace, the_fields_say_what_happened)
{
	char words[128];

	live(_metadata, self);
	watch(_metadata, self);
	ASSERT_EQ(0, read_trace(self->dir, self->text, 1 << 20));
	snprintf(words, sizeof(words), "netns=%lu ifindex=%u engines=4", self->netns,
		 self->ifindex);
	EXPECT_TRUE(has_line(self->text, "machnet_device_add", words));
	EXPECT_TRUE(has_line(self->text, "machnet_device_del", "reason=1"));
	EXPECT_TRUE(has_line(self->text, "machnet_port_lend", "addr=::ffff:127.0.0.1"));
	EXPECT_TRUE(has_line(self->text, "machnet_port_lend", "number=7000"));
	EXPECT_FALSE(has_line(self->text, "machnet_port_claim", "claimer=0"));
	EXPECT_TRUE(has_line(self->text, "machnet_port_release", "reason=1"));
	EXPECT_TRUE(has_line(self->text, "machnet_conn_add", "id=1122334455667788"));
	EXPECT_TRUE(has_line(self->text, "machnet_conn_add",
			     "[::ffff:10.0.0.1]:1000->[::ffff:10.0.0.2]:2000 state=1 engine=3"));
	EXPECT_TRUE(has_line(self->text, "machnet_conn_set", "state=2"));
	EXPECT_TRUE(has_line(self->text, "machnet_conn_kill", "id=1122334455667788"));
	EXPECT_TRUE(has_line(self->text, "machnet_conn_del", "reason=8"));
	EXPECT_TRUE(has_line(self->text, "machnet_path_add",
			     "::ffff:10.0.0.1->::ffff:10.0.0.2 engine=3->5 mac=02:00:00:00:00:02"));
	EXPECT_TRUE(has_line(self->text, "machnet_path_set", "mtu=1400 state=2"));
	EXPECT_TRUE(has_line(self->text, "machnet_path_del", "reason=2"));
	EXPECT_TRUE(has_line(self->text, "machnet_route_watch", "dst=::ffff:10.9.0.2"));
	EXPECT_TRUE(has_line(self->text, "machnet_route_change", "mtu=1300"));
	EXPECT_TRUE(has_line(self->text, "machnet_route_unwatch", "dst=::ffff:10.9.0.2"));
}

TEST_F(trace, a_filter_of_the_kernel_works_on_them)
{
	ASSERT_EQ(0, write_to(self->dir, "events/machnet/machnet_port_lend/filter",
			      "number == 7001"));
	ASSERT_EQ(0, nt_open_port(&self->app, "127.0.0.1", 7000));
	ASSERT_EQ(0, nt_open_port(&self->app, "127.0.0.1", 7001));
	ASSERT_EQ(0, read_trace(self->dir, self->text, 1 << 20));
	EXPECT_FALSE(has_line(self->text, "machnet_port_lend", "number=7000"));
	EXPECT_TRUE(has_line(self->text, "machnet_port_lend", "number=7001"));
}

TEST_HARNESS_MAIN
