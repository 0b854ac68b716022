/* SPDX-License-Identifier: MIT */
/*
 * ctl_kernel.h - what the tests of machnetctl with the module have in common: objects
 * are made here, through netlink/ (libmnl), and looked at with build/bin/machnetctl (libnl)
 *
 *   near 10.9.0.1/24 ---- veth ---- far
 */
#ifndef SELFTESTS_CTL_KERNEL_H
#define SELFTESTS_CTL_KERNEL_H

#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "base/udp_port.h"
#include "machnet_nl.h"
#include "selftests/vm/timeout.h"

static inline struct mn_addr addr(const char *text)
{
	struct mn_addr a = { 0 };

	if (mn_addr_parse(&a, text))
		abort();
	return a;
}

/* Both streams of a shell command into out; returns its exit status. */
static inline int __attribute__((format(printf, 3, 4)))
run(char *out, size_t size, const char *fmt, ...)
{
	char command[512];
	int len, status;
	va_list ap;
	FILE *f;

	len = snprintf(command, sizeof(command), "exec 2>&1; ");
	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - len, fmt, ap);
	va_end(ap);
	f = popen(command, "r");
	if (!f)
		return -1;
	out[fread(out, 1, size - 1, f)] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

FIXTURE(ctl) {
	struct nlclient nl;
	uint32_t ifindex;
	char out[8192];
	char want[2048];
};

FIXTURE_SETUP(ctl)
{
	char self_path[PATH_MAX] = "", path[PATH_MAX + 64];

	if (geteuid() || unshare(CLONE_NEWNET))
		SKIP(return, "needs root for a network namespace");
	/* machnetctl stands beside this program's directory. */
	ASSERT_LT(0, readlink("/proc/self/exe", self_path, sizeof(self_path) - 1));
	snprintf(path, sizeof(path), "%s/../bin:/usr/sbin:/usr/bin:/sbin:/bin", dirname(self_path));
	ASSERT_EQ(0, setenv("PATH", path, 1));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "te\"st"));
	ASSERT_EQ(0, run(self->out, sizeof(self->out),
			 "ip link set lo up && ip link add near type veth peer name far &&"
			 "ip link set far up && ip link set near address 02:00:00:00:00:01 up &&"
			 "ip addr add 10.9.0.1/24 dev near &&"
			 "ip addr add fd09::1/64 dev near nodad &&"
			 "ip neigh add 10.9.0.2 dev near lladdr 02:00:00:00:00:02 nud permanent"))
		TH_LOG("%s", self->out);
	self->ifindex = if_nametoindex("near");
	ASSERT_EQ(0, machnet_nl_open(&self->nl));
}

FIXTURE_TEARDOWN(ctl)
{
	nlclient_close(&self->nl);
}

/* A socket is bound and lent; the module alone holds it. *port may be NULL. */
static inline int add_port(struct nlclient *nl, const char *ip, uint16_t number,
			   struct machnet_nl_port *port)
{
	struct mn_addr a = addr(ip);
	struct machnet_nl_port lent;
	int fd = mn_udp_port_open(&a, &number);
	int ret = fd < 0 ? fd : machnet_nl_port_lend(nl, fd, port ? port : &lent);

	if (fd >= 0)
		close(fd);
	return ret;
}

static inline int add_device(struct nlclient *nl, uint32_t ifindex)
{
	struct machnet_nl_device dev = {
		.ifindex = ifindex, .mtu = 1500, .engines = 2,
		.rss_class = MACHNET_RSS_CLASS_COMPUTED, .mac = { 2, 0, 0, 0, 0, 1 },
		.driver = "net_test", .path_port_first = 61440, .path_port_count = 64,
	};

	return machnet_nl_device_register(nl, &dev, NULL);
}

static inline struct machnet_nl_connection connection(uint32_t ifindex, uint64_t id)
{
	return (struct machnet_nl_connection){
		.id = id, .remote_id = 0xfedcba9876543210, .ifindex = ifindex,
		.local_addr = addr("10.9.0.1"), .remote_addr = addr("10.9.0.2"),
		.local_port = 4000, .remote_port = 4001, .engine = 1, .remote_engine = 3,
		.state = MACHNET_CONNECTION_STATE_CONNECTING,
	};
}

static inline int add_connection(struct nlclient *nl, uint32_t ifindex, uint64_t id)
{
	struct machnet_nl_connection conn = connection(ifindex, id);

	return machnet_nl_connection_add(nl, &conn);
}

static inline int add_path(struct nlclient *nl, uint32_t ifindex, uint64_t id, const char *remote)
{
	struct machnet_nl_path path = {
		.id = id, .ifindex = ifindex, .local_addr = addr("10.9.0.1"),
		.remote_addr = addr(remote), .tx_local_port = 61441, .tx_remote_port = 61440,
		.rx_local_port = 61442, .rx_remote_port = 61443, .engine = 1, .remote_engine = 3,
		.mtu = 1500, .mac = { 2, 0, 0, 0, 0, 2 }, .state = MACHNET_PATH_STATE_OPEN,
	};

	return machnet_nl_path_add(nl, &path);
}

#define EXPECT_RUN(status, ...) \
	EXPECT_EQ(status, run(self->out, sizeof(self->out), __VA_ARGS__)) \
		TH_LOG("%s", self->out)
#define EXPECT_OUT(text) EXPECT_STREQ(text, self->out)
#define EXPECT_SAYS(text) \
	EXPECT_NE(NULL, strstr(self->out, text)) \
		TH_LOG("wanted '%s' in '%s'", text, self->out)

#endif /* SELFTESTS_CTL_KERNEL_H */
