// SPDX-License-Identifier: MIT
/* machnetctl shows what there is, and what happens. Needs the module. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "ctl_kernel.h"

#define MANY	5000
/* A number that nobody knows before. */
#define SED_CGROUP	"sed -E 's/\"owner_cgroup\":[0-9]+,//; s/(age_ms\":)[0-9]+/\\1AGE/'"

TEST_F(ctl, nothing_there)
{
	EXPECT_RUN(0, "machnetctl -j device && machnetctl -j port && machnetctl -j connection &&"
		   "machnetctl -j route");
	EXPECT_OUT("[]\n[]\n[]\n[]\n");
	EXPECT_RUN(0, "machnetctl device && machnetctl port && machnetctl conn &&"
		   "machnetctl route");
	EXPECT_OUT("");
}

TEST_F(ctl, device)
{
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	EXPECT_RUN(0, "machnetctl -j device");
	snprintf(self->want, sizeof(self->want),
		 "[{\"ifindex\":%u,\"ifname\":\"near\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1500,"
		 "\"engines\":2,\"rss_class\":\"computed\",\"driver\":\"net_test\","
		 "\"path_port_first\":61440,\"path_port_count\":64,\"pid\":%d}]\n",
		 self->ifindex, getpid());
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl -j dev show dev near");
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl device");
	EXPECT_EQ(0, strncmp(self->out, "Dev ", 4));
	EXPECT_RUN(0, "machnetctl device | tr -s ' '");
	EXPECT_SAYS("\nnear 02:00:00:00:00:01 1500 2 computed - - - - net_test 61440-61503 ");
	EXPECT_RUN(1, "machnetctl device show dev far");
	EXPECT_OUT("Error: no datapath serves this network device "
		   "(hint: start one: machnetd -i IFACE).\n");
}

/* A datapath's block is shown as one; a port beside it, or that is served, is not of the block. */
TEST_F(ctl, path_ports)
{
	struct mn_addr a = addr("10.9.0.1");
	struct machnet_nl_port port;

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 61439, NULL));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 61440, NULL));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 61503, &port));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 61504, NULL));
	EXPECT_RUN(0, "machnetctl -j port | jq -c 'map(.number) | sort'");
	EXPECT_OUT("[61439,61504]\n");
	EXPECT_RUN(0, "setpriv --reuid=65534 --clear-groups machnetctl -j port |"
		   "jq -c 'map(.number) | sort'");
	EXPECT_OUT("[61439,61504]\n");
	EXPECT_RUN(0, "machnetctl -j port show user root | jq length");
	EXPECT_OUT("4\n");
	EXPECT_RUN(0, "machnetctl -j port show number 61440 | jq length");
	EXPECT_OUT("1\n");
	ASSERT_EQ(0, machnet_nl_port_claim(&self->nl, &a, 61503, port.cookie, 0));
	EXPECT_RUN(0, "machnetctl -j port | jq -c 'map(.number) | sort'");
	EXPECT_OUT("[61439,61503,61504]\n");
}

TEST_F(ctl, port)
{
	struct mn_addr a = addr("10.9.0.1"), any6 = addr("::");
	struct machnet_nl_port p4, p6;

	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4000, &p4));
	EXPECT_RUN(0, "machnetctl -j port | " SED_CGROUP);
	snprintf(self->want, sizeof(self->want),
		 "[{\"addr\":\"10.9.0.1\",\"number\":4000,\"claimed\":false,"
		 "\"owner_comm\":\"te\\\"st\",\"owner_pid\":%d,\"owner_uid\":0,\"stray\":0}]\n",
		 getpid());
	EXPECT_OUT(self->want);
	ASSERT_EQ(0, machnet_nl_port_claim(&self->nl, &a, 4000, p4.cookie, 0));
	ASSERT_EQ(0, add_port(&self->nl, "::", 4000, &p6));
	EXPECT_RUN(0, "machnetctl port | sort");
	EXPECT_SAYS("10.9.0.1:4000  yes      te\"st");
	EXPECT_SAYS("\n[::]:4000      no       te\"st");

	EXPECT_RUN(1, "setpriv --reuid=65534 --clear-groups machnetctl "
		   "port release addr :: number 4000");
	EXPECT_SAYS("(hint: run it as root).\n");
	EXPECT_RUN(0, "machnetctl port release addr :: number 4000");
	EXPECT_OUT("");
	EXPECT_RUN(1, "machnetctl port release addr :: number 4000");
	EXPECT_OUT("Error: the port is not reserved.\n");
	EXPECT_EQ(-ENOENT, machnet_nl_port_get(&self->nl, &any6, 4000, &p6));
}

TEST_F(ctl, connection)
{
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, 0x0123456789abcdef));
	EXPECT_RUN(0, "machnetctl -j connection | " SED_CGROUP);
	snprintf(self->want, sizeof(self->want),
		 "[{\"state\":\"connecting\",\"local_addr\":\"10.9.0.1\",\"local_port\":4000,"
		 "\"remote_addr\":\"10.9.0.2\",\"remote_port\":4001,\"ifindex\":%u,"
		 "\"ifname\":\"near\",\"engine\":1,\"remote_engine\":3,\"owner_comm\":\"te\\\"st\","
		 "\"owner_pid\":%d,\"owner_uid\":0,\"age_ms\":AGE,\"id\":\"0123456789abcdef\","
		 "\"remote_id\":\"fedcba9876543210\"}]\n", self->ifindex, getpid());
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl conn show id 0123456789abcdef");
	EXPECT_SAYS("\nconnecting  10.9.0.1:4000  10.9.0.2:4001  near");
	EXPECT_RUN(1, "machnetctl conn show id 1");
	EXPECT_OUT("Error: there is no connection of this id.\n");
}

TEST_F(ctl, path)
{
	struct machnet_nl_connection conn = connection(self->ifindex, 5);

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_path(&self->nl, self->ifindex, 0x0123456789abcdef, "10.9.0.2"));
	ASSERT_EQ(0, add_path(&self->nl, self->ifindex, 2, "10.9.0.3"));
	EXPECT_RUN(0, "machnetctl -j path show remote 10.9.0.2 | " SED_CGROUP);
	snprintf(self->want, sizeof(self->want),
		 "[{\"state\":\"open\",\"local_addr\":\"10.9.0.1\",\"tx_local_port\":61441,"
		 "\"remote_addr\":\"10.9.0.2\",\"tx_remote_port\":61440,\"rx_local_port\":61442,"
		 "\"rx_remote_port\":61443,\"ifindex\":%u,\"ifname\":\"near\",\"engine\":1,"
		 "\"remote_engine\":3,\"mac\":\"02:00:00:00:00:02\",\"mtu\":1500,\"age_ms\":AGE,"
		 "\"id\":\"0123456789abcdef\"}]\n", self->ifindex);
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl -j path show engine 1 state open dev near | jq length");
	EXPECT_OUT("2\n");
	EXPECT_RUN(0, "machnetctl -j path show remote-engine 1 | jq length");
	EXPECT_OUT("0\n");
	EXPECT_RUN(0, "machnetctl path show id 2");
	EXPECT_SAYS("\nopen   10.9.0.1:61441  10.9.0.3:61440  near");
	EXPECT_RUN(1, "machnetctl path show id 3");
	EXPECT_OUT("Error: there is no path of this id.\n");

	conn.path = 2;
	ASSERT_EQ(0, machnet_nl_connection_add(&self->nl, &conn));
	ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, 6));
	EXPECT_RUN(0, "machnetctl -j connection show path 2 | jq -c 'map([.id, .path])'");
	EXPECT_OUT("[[\"0000000000000005\",\"0000000000000002\"]]\n");
	EXPECT_RUN(0, "machnetctl -j connection show id 6 | jq '.[0] | has(\"path\")'");
	EXPECT_OUT("false\n");
}

TEST_F(ctl, many_connections)
{
	uint64_t id;

	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	for (id = 1; id <= MANY; id++)
		ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, id));
	EXPECT_RUN(0, "machnetctl -j connection | jq 'map(.id) | unique | length'");
	EXPECT_EQ(MANY, atoi(self->out)) TH_LOG("%s", self->out);
}

TEST_F(ctl, route)
{
	EXPECT_RUN(0, "machnetctl -j route get 10.9.0.2");
	snprintf(self->want, sizeof(self->want),
		 "{\"dst\":\"10.9.0.2\",\"state\":\"reachable\",\"ifindex\":%u,\"ifname\":\"near\","
		 "\"src\":\"10.9.0.1\",\"nexthop\":\"10.9.0.2\",\"mac\":\"02:00:00:00:00:02\","
		 "\"mtu\":1500}\n", self->ifindex);
	EXPECT_OUT(self->want);
	EXPECT_RUN(0, "machnetctl route get 10.9.0.2");
	EXPECT_OUT("destination 10.9.0.2 state reachable dev near src 10.9.0.1 nexthop 10.9.0.2 "
		   "mac 02:00:00:00:00:02 mtu 1500\n");
	/* Nobody watches it. */
	EXPECT_RUN(0, "machnetctl route");
	EXPECT_OUT("");
}

TEST_F(ctl, route_that_is_none)
{
	EXPECT_RUN(1, "machnetctl route get 192.0.2.1");
	EXPECT_OUT("Error: the destination cannot be reached "
		   "(hint: no route leads there: see ip route).\n");
	EXPECT_RUN(1, "machnetctl route get 224.0.0.1");
	EXPECT_OUT("Error: the address is not a unicast address of global scope.\n");
}

TEST_F(ctl, route_watched)
{
	struct mn_addr dst = addr("10.9.0.2");
	struct machnet_nl_route_key dst_key = { .dst = dst };
	struct machnet_nl_route route;

	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &dst_key, true, &route));
	EXPECT_RUN(0, "machnetctl -j route | jq -c 'map([.dst, .state, .mac])'");
	EXPECT_OUT("[[\"10.9.0.2\",\"reachable\",\"02:00:00:00:00:02\"]]\n");
	ASSERT_EQ(0, machnet_nl_route_unwatch(&self->nl, &dst_key));
	EXPECT_RUN(0, "machnetctl -j route");
	EXPECT_OUT("[]\n");
}

/* --- monitor --- */

struct monitor {
	pid_t pid;
	FILE *lines;
};

static bool monitor_start(struct monitor *m, const char *what)
{
	int fds[2];

	if (pipe(fds))
		return false;
	m->pid = fork();
	if (!m->pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execlp("machnetctl", "machnetctl", "-j", "monitor", what, NULL);
		_exit(127);
	}
	close(fds[1]);
	m->lines = fdopen(fds[0], "r");
	setvbuf(m->lines, NULL, _IONBF, 0);
	return m->pid > 0 && m->lines;
}

/* The next line within a time, "" if there is none. */
static const char *monitor_line(struct monitor *m, int timeout_ms, char *line, int size)
{
	struct pollfd p = { .fd = fileno(m->lines), .events = POLLIN };

	line[0] = '\0';
	if (poll(&p, 1, timeout_ms) == 1 && !fgets(line, size, m->lines))
		line[0] = '\0';
	return line;
}

static int monitor_end(struct monitor *m)
{
	int status;

	kill(m->pid, SIGINT);
	waitpid(m->pid, &status, 0);
	fclose(m->lines);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until the monitor is seen to listen: lends and takes back a port, each time another one. */
static bool monitor_wait(struct monitor *m, struct nlclient *nl, char *line, int size)
{
	struct mn_addr a = addr("10.9.0.1");
	char number[32];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(number, sizeof(number), "\"number\":%d,", 3000 + i);
		if (add_port(nl, "10.9.0.1", 3000 + i, NULL) ||
		    machnet_nl_port_release(nl, &a, 3000 + i))
			return false;
		if (!*monitor_line(m, 100, line, size))
			continue;
		while (!strstr(line, number) || !strstr(line, "\"event\":\"del\""))
			if (!*monitor_line(m, 2000, line, size))
				return false;
		return true;
	}
	return false;
}

/* Which of the texts, up to NULL, the next line lacks; NULL if it has all. */
static const char *line_lacks(struct monitor *m, char *line, int size, const char *const *texts)
{
	monitor_line(m, 5000, line, size);
	while (*texts && strstr(line, *texts))
		texts++;
	return *texts;
}

#define EXPECT_LINE(...) \
	EXPECT_EQ(NULL, line_lacks(&m, self->out, sizeof(self->out), \
				   (const char *const[]){ __VA_ARGS__, NULL })) \
		TH_LOG("%s", self->out)

TEST_F(ctl, monitor)
{
	struct mn_addr dst = addr("10.9.0.2");
	struct machnet_nl_route_key dst_key = { .dst = dst };
	struct machnet_nl_connection change = {
		.id = 5, .state = MACHNET_CONNECTION_STATE_ESTABLISHED,
	};
	struct machnet_nl_route route;
	struct monitor m;

	ASSERT_TRUE(monitor_start(&m, NULL));
	ASSERT_TRUE(monitor_wait(&m, &self->nl, self->out, sizeof(self->out)));

	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4000, NULL));
	EXPECT_LINE("{\"time\":\"20", "\"object\":\"port\",\"event\":\"add\",\"addr\":\"10.9.0.1\"",
		    "\"number\":4000");
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	EXPECT_LINE("\"object\":\"device\",\"event\":\"add\"", "\"ifname\":\"near\"");
	ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, 5));
	EXPECT_LINE("\"object\":\"connection\",\"event\":\"add\",\"state\":\"connecting\"");
	ASSERT_EQ(0, machnet_nl_connection_set(&self->nl, &change, MACHNET_NL_SET_STATE));
	EXPECT_LINE("\"object\":\"connection\",\"event\":\"set\",\"state\":\"established\"");
	/* The monitor listens where datapaths do. */
	ASSERT_EQ(0, machnet_nl_connection_kill(&self->nl, 5));
	EXPECT_LINE("\"object\":\"datapath\",\"event\":\"kill\",\"id\":\"0000000000000005\"}");
	ASSERT_EQ(0, machnet_nl_connection_del(&self->nl, 5, MACHNET_REASON_RESET));
	EXPECT_LINE("\"object\":\"connection\",\"event\":\"del\"", "\"reason\":\"reset\"");

	ASSERT_EQ(0, add_path(&self->nl, self->ifindex, 5, "10.9.0.2"));
	EXPECT_LINE("\"object\":\"path\",\"event\":\"add\",\"state\":\"open\"");
	ASSERT_EQ(0, machnet_nl_path_del(&self->nl, 5, MACHNET_REASON_TIMED_OUT));
	EXPECT_LINE("\"object\":\"path\",\"event\":\"del\"", "\"reason\":\"timed-out\"");

	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &dst_key, true, &route));
	ASSERT_EQ(0, run(self->out, sizeof(self->out), "ip neigh replace 10.9.0.2 dev near"
			 " lladdr 02:00:00:00:00:09 nud permanent"));
	EXPECT_LINE("\"object\":\"route\",\"event\":\"change\"", "\"mac\":\"02:00:00:00:00:09\"");

	/* The owner goes, and so does all that it owned. */
	ASSERT_EQ(0, add_connection(&self->nl, self->ifindex, 6));
	EXPECT_LINE("\"event\":\"add\"");
	nlclient_close(&self->nl);
	memset(self->want, 0, sizeof(self->want));
	while (*monitor_line(&m, 2000, self->out, sizeof(self->out))) {
		EXPECT_SAYS("\"event\":\"del\"");
		EXPECT_SAYS(strstr(self->out, "\"object\":\"port\"") ? "\"reason\":\"owner-died\"" :
			    "\"reason\":\"datapath-died\"");
		strcat(self->want, strstr(self->out, "\"object\":\"device\"") ? "d" :
		       strstr(self->out, "\"object\":\"port\"") ? "p" : "c");
		if (strlen(self->want) == 3)
			break;
	}
	EXPECT_NE(NULL, strchr(self->want, 'd'));
	EXPECT_NE(NULL, strchr(self->want, 'p'));
	EXPECT_NE(NULL, strchr(self->want, 'c'));
	EXPECT_EQ(0, monitor_end(&m));
}

TEST_F(ctl, monitor_of_one_object)
{
	struct monitor m;

	ASSERT_TRUE(monitor_start(&m, "port"));
	ASSERT_TRUE(monitor_wait(&m, &self->nl, self->out, sizeof(self->out)));
	ASSERT_EQ(0, add_device(&self->nl, self->ifindex));
	ASSERT_EQ(0, add_port(&self->nl, "10.9.0.1", 4000, NULL));
	EXPECT_LINE("\"object\":\"port\",\"event\":\"add\"", "\"number\":4000");
	EXPECT_EQ(0, monitor_end(&m));
}

TEST_HARNESS_MAIN
