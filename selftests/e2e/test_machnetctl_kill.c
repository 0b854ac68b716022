// SPDX-License-Identifier: MIT
/* machnetctl chooses, kills, counts, diagnoses. The test plays the datapath. Needs the module. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "ctl_kernel.h"

#define MANY	3000
/* For tests that run many programs, in a VM without KVM on a busy machine. */
#define SECONDS	120

/* --- a datapath that gets requests to kill, in a thread of its own --- */

struct datapath {
	struct nlclient requests;
	struct nlclient *owner;		/* of the connections */
	pthread_t thread;
	int stop;
	uint32_t reason;		/* that it ends connections with; 0: it does not */
	unsigned int deaf;		/* so many requests are not heard */
	unsigned int heard;
	uint64_t ids[MANY];		/* that are to be ended */
	unsigned int n;
};

static int take_request(const struct nlmsghdr *nlh, void *data)
{
	struct machnet_nl_event event;
	struct datapath *dp = data;

	if (machnet_nl_parse_event(nlh, &event) || event.cmd != MACHNET_CMD_CONNECTION_KILL_NTF)
		return 0;
	if (dp->heard++ >= dp->deaf && dp->n < MANY)
		dp->ids[dp->n++] = event.connection.id;
	return 0;
}

static void *serve_requests(void *data)
{
	struct datapath *dp = data;
	struct pollfd p[] = {
		{ .fd = nlclient_fd(&dp->requests), .events = POLLIN },
		{ .fd = dp->stop, .events = POLLIN },
	};

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		nlclient_recv_events(&dp->requests, take_request, dp);
		for (; dp->n; dp->n--)
			if (dp->reason)
				machnet_nl_connection_del(dp->owner, dp->ids[dp->n - 1],
							  dp->reason);
	}
	return NULL;
}

static int datapath_start(struct datapath *dp, struct nlclient *owner, uint32_t reason)
{
	int ret;

	*dp = (struct datapath){ .owner = owner, .reason = reason };
	dp->stop = eventfd(0, EFD_CLOEXEC);
	ret = machnet_nl_open(&dp->requests);
	if (!ret)
		ret = nlclient_join(&dp->requests, MACHNET_MCGRP_DATAPATH);
	return ret ? ret : -pthread_create(&dp->thread, NULL, serve_requests, dp);
}

static void datapath_stop(struct datapath *dp)
{
	eventfd_write(dp->stop, 1);
	pthread_join(dp->thread, NULL);
	nlclient_close(&dp->requests);
	close(dp->stop);
}

/* --- filters --- */

static int add_three(struct nlclient *nl, uint32_t ifindex)
{
	struct machnet_nl_connection c = connection(ifindex, 1);
	int ret = machnet_nl_connection_add(nl, &c);

	c.id = 2;
	c.remote_addr = addr("10.9.0.3");
	c.local_port = 4002;
	c.engine = 0;
	c.state = MACHNET_CONNECTION_STATE_ESTABLISHED;
	if (!ret)
		ret = machnet_nl_connection_add(nl, &c);
	c.id = 3;
	c.local_addr = addr("fd09::1");
	c.remote_addr = addr("fd09::2");
	c.owner_pid = 1;
	return ret ? ret : machnet_nl_connection_add(nl, &c);
}

static const struct {
	const char *filter, *ids;
} connection_filters[] = {
	{ "", "123" },
	{ "dev near", "123" },
	{ "dev far", "" },
	{ "local 10.9.0.1", "12" },
	{ "local fd09::1", "3" },
	{ "local-port 4002", "23" },
	{ "remote 10.9.0.2", "1" },
	{ "remote-port 4001", "123" },
	{ "remote-port 1", "" },
	{ "state connecting", "1" },
	{ "state established", "23" },
	{ "state closing", "" },
	{ "engine 0", "23" },
	{ "engine 1", "1" },
	{ "pid 1", "3" },
	{ "pid 999999", "" },
	{ "user root", "123" },
	{ "user 65534", "" },
	{ "local 10.9.0.1 state established", "2" },
	{ "local fd09::1 engine 1", "" },
};

/* The len characters that stand skip behind each pattern, in the order of the alphabet. */
static const char *pick(const char *json, const char *pattern, int skip, int len, char *picked)
{
	char all[16][8] = { 0 };
	unsigned int n = 0, i;

	for (; n < ARRAY_SIZE(all) && (json = strstr(json, pattern)); n++) {
		json += strlen(pattern) + skip;
		memcpy(all[n], json, len);
	}
	qsort(all, n, sizeof(all[0]), (int (*)(const void *, const void *))strcmp);
	*picked = '\0';
	for (i = 0; i < n; i++)
		strcat(picked, all[i]);
	return picked;
}

TEST_F_TIMEOUT(ctl, connection_filters, SECONDS)
{
	unsigned int i;

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	for (i = 0; i < ARRAY_SIZE(connection_filters); i++) {
		EXPECT_RUN(0, "machnetctl -j connection show %s", connection_filters[i].filter);
		EXPECT_STREQ(connection_filters[i].ids,
			     pick(self->out, "\"id\":\"", 15, 1, self->want))
			TH_LOG("%s", connection_filters[i].filter);
	}
	EXPECT_RUN(0, "machnetctl connection show remote 10.9.0.3");
	EXPECT_SAYS("\nestablished  10.9.0.1:4002  10.9.0.3:4001  near");
}

TEST_F_TIMEOUT(ctl, port_filters, SECONDS)
{
	static const struct {
		const char *filter, *numbers;
	} filters[] = {
		{ "addr 10.9.0.1", "40004001" },
		{ "addr ::", "4000" },
		{ "number 4000", "40004000" },
		{ "addr :: number 4000", "4000" },
		{ "pid 999999", "" },
		{ "user root number 4001", "4001" },
		{ "user 65534", "" },
	};
	unsigned int i;

	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4000, NULL));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4001, NULL));
	ASSERT_EQ(0, add_port(&self->nl, "::", 4000, NULL));
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		EXPECT_RUN(0, "machnetctl -j port show %s", filters[i].filter);
		EXPECT_STREQ(filters[i].numbers,
			     pick(self->out, "\"number\":", 0, 4, self->want))
			TH_LOG("%s", filters[i].filter);
	}
	EXPECT_RUN(0, "machnetctl -j port show pid %d | jq length", getpid());
	EXPECT_OUT("3\n");
}

TEST_F(ctl, ids_are_for_root)
{
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, 0x77));
	EXPECT_RUN(0, "setpriv --reuid=65534 --clear-groups machnetctl -j connection | "
		   "jq -c 'map([.state, has(\"id\"), has(\"remote_id\")])'");
	EXPECT_OUT("[[\"connecting\",false,false]]\n");
}

TEST_F(ctl, route_from)
{
	EXPECT_RUN(0, "ip addr add 10.9.0.7/24 dev near &&"
		   "machnetctl -j route get 10.9.0.2 from 10.9.0.7 | jq -c '[.from, .src]'");
	EXPECT_OUT("[\"10.9.0.7\",\"10.9.0.7\"]\n");
	EXPECT_RUN(1, "machnetctl route get 10.9.0.2 from fd09::1");
	EXPECT_SAYS("Error: ");
}

/* --- kill --- */

TEST_F(ctl, kill_by_id)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	ASSERT_EQ(0, datapath_start(dp, &self->nl, MACHNET_REASON_ADMIN));
	EXPECT_RUN(0, "machnetctl connection kill id 2");
	EXPECT_OUT("killed 1 connection\n");
	EXPECT_RUN(0, "machnetctl -j connection kill id 3");
	EXPECT_OUT("[{\"id\":\"0000000000000003\",\"reason\":\"admin\"}]\n");
	EXPECT_RUN(1, "machnetctl connection kill id 3");
	EXPECT_OUT("Error: no connection matches (hint: see machnetctl connection).\n");
	EXPECT_RUN(0, "machnetctl -j connection | jq -c 'map(.id)'");
	EXPECT_OUT("[\"0000000000000001\"]\n");
	datapath_stop(dp);
	free(dp);
}

TEST_F_TIMEOUT(ctl, kill_by_filter, SECONDS)
{
	struct datapath *dp = calloc(1, sizeof(*dp));
	uint64_t id;

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	ASSERT_EQ(0, datapath_start(dp, &self->nl, MACHNET_REASON_ADMIN));
	EXPECT_RUN(1, "machnetctl connection kill remote 10.9.9.9");
	EXPECT_SAYS("no connection matches");
	EXPECT_RUN(0, "machnetctl connection kill remote 10.9.0.3 state established");
	EXPECT_OUT("killed 1 connection\n");
	for (id = 10; id < 10 + MANY; id++)
		ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, id));
	EXPECT_RUN(0, "machnetctl connection kill all");
	snprintf(self->want, sizeof(self->want), "killed %u connections\n", MANY + 2);
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl -j connection");
	EXPECT_OUT("[]\n");
	datapath_stop(dp);
	free(dp);
}

/* A request that is not heard is made again. */
TEST_F(ctl, kill_again)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	ASSERT_EQ(0, datapath_start(dp, &self->nl, MACHNET_REASON_ADMIN));
	dp->deaf = 2;
	EXPECT_RUN(0, "machnetctl connection kill all");
	EXPECT_OUT("killed 3 connections\n");
	datapath_stop(dp);
	free(dp);
}

TEST_F(ctl, kill_that_comes_late)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	ASSERT_EQ(0, datapath_start(dp, &self->nl, MACHNET_REASON_PEER_CLOSED));
	EXPECT_RUN(0, "machnetctl connection kill id 1");
	EXPECT_OUT("killed 0 connections, 1 had ended before\n");
	datapath_stop(dp);
	free(dp);
}

TEST_F(ctl, kill_that_nobody_hears)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	EXPECT_RUN(1, "machnetctl connection kill id 1");
	EXPECT_SAYS("Error: ");
	EXPECT_SAYS("(hint: is it running? machnetctl doctor).\n");
	EXPECT_RUN(1, "setpriv --reuid=65534 --clear-groups machnetctl connection kill all");
	EXPECT_OUT("Error: Operation not permitted (hint: run it as root).\n");

	ASSERT_EQ(0, datapath_start(dp, &self->nl, 0));
	EXPECT_RUN(1, "machnetctl connection kill all");
	EXPECT_OUT("Error: the datapath has not ended 3 of 3 connections "
		   "(hint: does it run? machnetctl doctor).\n");
	datapath_stop(dp);
	free(dp);
}

/* --- stats and doctor, with no machnetd --- */

TEST_F(ctl, stats)
{
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_three(&self->nl, self->ifindex));
	EXPECT_RUN(0, "machnetctl -s /nonexistent -j stats 2>/dev/null | jq -c "
		   "'[.\"kernel.devices\", .\"kernel.connections\", .\"kernel.connections_added\","
		   " .\"kernel.connections_ended\", (keys | length)]'");
	EXPECT_OUT("[1,3,3,0,18]\n");
	EXPECT_RUN(0, "machnetctl -s /nonexistent stats");
	EXPECT_SAYS("Note: machnetd is not running, nobody listens at /nonexistent.\n");
	EXPECT_SAYS("\nkernel.connections_added       3\n");
	EXPECT_RUN(0, "machnetctl -s /nonexistent -j -i 0.1 -c 2 -a stats 2>/dev/null | "
		   "jq -c '.counters | map([.name, .value, .per_second + 0]) | .[2]'");
	EXPECT_OUT("[\"kernel.connections\",3,0]\n[\"kernel.connections\",3,0]\n");
}

/* Asks for what the doctor says of one check, as [status, text]. */
#define DIAGNOSE(check) \
	run(self->out, sizeof(self->out), "machnetctl -s /nonexistent -j doctor | " \
	    "jq -r '.[] | select(.check == \"" check "\") | [.status, .text, .fix] | @tsv'")

TEST_F_TIMEOUT(ctl, doctor, SECONDS)
{
	struct mn_addr a = addr("10.9.0.1"), dst = addr("10.9.0.2"), gone = addr("10.9.0.77");
	struct machnet_nl_route_key dst_key = { .dst = dst };
	struct machnet_nl_route_key gone_key = { .dst = gone };
	struct machnet_nl_route route;
	struct machnet_nl_port port;

	EXPECT_RUN(1, "machnetctl -s /nonexistent doctor");
	EXPECT_SAYS("machnetd is not running: nobody listens at /nonexistent");
	EXPECT_SAYS("fix:   machnetd -i near");
	DIAGNOSE("module");
	EXPECT_SAYS("loaded");
	DIAGNOSE("device");
	EXPECT_OUT("");
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	DIAGNOSE("device");
	EXPECT_SAYS("ok\tnear is served by process");

	DIAGNOSE("ports");
	EXPECT_SAYS("ok\t0 lent");
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4000, &port));
	DIAGNOSE("ports");
	EXPECT_SAYS("warning\tport 4000 of 10.9.0.1");
	EXPECT_SAYS("its machnetd is gone\tmachnetd -i near");
	ASSERT_EQ(0, machnet_nl_port_claim(&self->nl, &a, 4000, port.cookie, 0));
	DIAGNOSE("ports");
	EXPECT_SAYS("ok\t1 lent");

	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &dst_key, true, &route));
	DIAGNOSE("peers");
	EXPECT_SAYS("ok\t1 in use");
	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &gone_key, true, &route));
	DIAGNOSE("peers");
	EXPECT_SAYS("10.9.0.77: the next hop");
	EXPECT_SAYS("\tip neigh ");
}

TEST_HARNESS_MAIN
