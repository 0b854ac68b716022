/* SPDX-License-Identifier: MIT */
/*
 * control_test.h - the daemon's control plane in two fresh namespaces, for its tests
 *
 *   here: near 10.9.0.1/24 fd09::1/64 ---- veth ---- far 10.9.0.2/24 fd09::2/64 :there
 *
 * CONTROL says which control plane is tested: kernel (needs the module) or
 * local. Both must give the same answers. Needs to be root.
 */
#ifndef CONTROL_TEST_H
#define CONTROL_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "daemon/control.h"
#include "kselftest_harness.h"
#include "selftests/vm/timeout.h"

#define OPS(name)	OPS_(name)
#define OPS_(name)	mnd_control_##name##_ops

static const struct mnd_control_ops *const ops = &OPS(CONTROL);

static inline bool is_kernel(void)
{
	return !strcmp(ops->name, "kernel");
}

struct seen {
	struct mnd_control *control;
	unsigned int n;
	struct machnet_nl_route last;
	struct mn_addr unwatch;		/* from within the callback, if not any */
	unsigned int n_gone;
	uint16_t gone;
	unsigned int n_kills;
	uint64_t killed;
	unsigned int n_refused;
	uint64_t refused;
	int refusal;			/* the last one's errno */
};

static inline struct machnet_nl_route_key key_to(const struct mn_addr *dst)
{
	struct machnet_nl_route_key key = { .dst = *dst };

	if (mn_addr_is_v4(dst))
		key.from = mn_addr_from_v4(0);
	return key;
}

static inline int watch(struct mnd_control *c, const struct mn_addr *dst,
			struct machnet_nl_route *route)
{
	struct machnet_nl_route_key key = key_to(dst);

	return ops->route_watch(c, &key, route);
}

static inline int unwatch(struct mnd_control *c, const struct mn_addr *dst)
{
	struct machnet_nl_route_key key = key_to(dst);

	return ops->route_unwatch(c, &key);
}

static void on_route(void *ctx, const struct machnet_nl_route *route)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->last = *route;
	if (!mn_addr_is_any(&seen->unwatch))
		unwatch(seen->control, &seen->unwatch);
}

static void on_port_gone(void *ctx, const struct mn_addr *addr, uint16_t port, uint32_t reason)
{
	struct seen *seen = ctx;

	(void)addr, (void)reason;
	seen->n_gone++;
	seen->gone = port;
}

static void on_kill(void *ctx, uint64_t id)
{
	struct seen *seen = ctx;

	seen->n_kills++;
	seen->killed = id;
}

static void on_refused(void *ctx, uint64_t id, int error)
{
	struct seen *seen = ctx;

	seen->n_refused++;
	seen->refused = id;
	seen->refusal = error;
}

static const struct mnd_control_events events = {
	.route = on_route, .port_gone = on_port_gone, .kill = on_kill, .refused = on_refused,
};

static inline int __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static inline struct mn_addr addr(const char *text)
{
	struct mn_addr a = { 0 };

	if (mn_addr_parse(&a, text))
		abort();
	return a;
}

/* Duplicate address detection, which takes up to 2 s, does not happen in this namespace. */
static inline int without_dad(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/accept_dad", O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

/* A process that only keeps a network namespace. */
static inline pid_t spawn_there(void)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || without_dad() || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static inline int there(pid_t pid, const char *command)
{
	return run("nsenter -t %d -n %s", pid, command);
}

static inline long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Handles what there is or comes until the deadline; false when it has passed. */
static inline bool step(struct mnd_control *c, long deadline)
{
	struct pollfd p = { .fd = ops->fd(c), .events = POLLIN };
	long left = deadline - now_ms();

	return left > 0 && poll(&p, 1, left) > 0 && !ops->dispatch(c);
}

/* Whether the condition comes true within a time, by events. */
#define wait_until(c, condition, timeout_ms) ({ \
	long deadline_ = now_ms() + (timeout_ms); \
	while (!(condition) && step(c, deadline_)) \
		; \
	(condition); \
})

/* Takes whatever is there, without waiting. */
static inline int drain(struct mnd_control *c)
{
	struct pollfd p = { .fd = ops->fd(c), .events = POLLIN };
	int ret = 0;

	while (!ret && poll(&p, 1, 0) > 0)
		ret = ops->dispatch(c);
	return ret;
}

/* A line of /proc/net/if_inet6. */
static inline bool is_link_local(const char *line, const char *name)
{
	char addr[33], device[IF_NAMESIZE];
	unsigned int flags;

	return sscanf(line, "%32s %*x %*x %*x %x %15s", addr, &flags, device) == 3 &&
	       !strncmp(addr, "fe80", 4) && !(flags & IFA_F_TENTATIVE) && !strcmp(device, name);
}

/*
 * Until the interface has a link-local address that is not tentative: without one NDP has no
 * source address. Read from /proc, since a process takes long to start in an emulated machine.
 */
static inline bool has_link_local(pid_t pid, const char *name)
{
	long deadline = now_ms() + 10000;
	char path[64], line[128];
	bool ready = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/net/if_inet6", pid);
	while (!ready && now_ms() < deadline) {
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file))
			ready |= is_link_local(line, name);
		if (file)
			fclose(file);
		if (!ready)
			poll(NULL, 0, 5);
	}
	return ready;
}

FIXTURE(control) {
	struct seen seen;
	struct mnd_control *c;
	uint32_t ifindex;
	pid_t there;
};

FIXTURE_SETUP(control)
{
	memset(self, 0, sizeof(*self));
	if (geteuid() || unshare(CLONE_NEWNET))
		SKIP(return, "needs root for network namespaces");
	ASSERT_EQ(0, without_dad());
	self->there = spawn_there();
	ASSERT_GT(self->there, 0);
	ASSERT_EQ(0, run("ip -batch - <<-END\n"
			 "link set lo up\n"
			 "link add near type veth peer name far address 02:00:00:00:00:02"
			 " netns %d\n"
			 "link set near up\n"
			 "addr add 10.9.0.1/24 dev near\n"
			 "addr add fd09::1/64 dev near nodad\n"
			 "END", self->there));
	ASSERT_EQ(0, there(self->there, "ip -batch - <<-END\n"
					"link set far up\n"
					"addr add 10.9.0.2/24 dev far\n"
					"addr add fd09::2/64 dev far nodad\n"
					"END"));
	ASSERT_TRUE(has_link_local(getpid(), "near"));
	ASSERT_TRUE(has_link_local(self->there, "far"));
	self->ifindex = if_nametoindex("near");
	ASSERT_EQ(0, ops->open(&self->c, &events, &self->seen));
	self->seen.control = self->c;
}

FIXTURE_TEARDOWN(control)
{
	if (self->c)
		ops->close(self->c);
	if (self->there > 0) {
		kill(self->there, SIGKILL);
		waitpid(self->there, NULL, 0);
	}
}

/* A port of the daemon's own: bound, and lent to the module if there is one. */
static __attribute__((unused)) int own_port_open(struct mnd_control *c, const struct mn_addr *ip,
						 uint16_t *port)
{
	int fd = mn_udp_port_open(ip, port), ret;

	if (fd < 0)
		return fd;
	ret = ops->path_ports_lend(c, &fd, 1);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static __attribute__((unused)) void own_port_close(struct mnd_control *c, const struct mn_addr *ip,
						   uint16_t port, int fd)
{
	ops->path_ports_release(c, ip, port, 1);
	close(fd);
}

#endif /* CONTROL_TEST_H */
