// SPDX-License-Identifier: MIT
/*
 * test_races.c - owners, readers, devices, namespaces and the module itself come
 * and go all at once
 *
 * Workers do random things in one network namespace, some in new ones of their
 * own, and are killed at random moments. What counts is what is left afterwards:
 * nothing. MN_SEED brings a run back as far as the scheduler lets it, MN_SECONDS
 * makes it longer (for a kernel that looks closer).
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/neighbour.h>

#include "kselftest_harness.h"
#include "nltest.h"
#include "nltest_random.h"

#define SECONDS		10
#define PATIENCE_MS	60000
#define N_WORKERS	8
/* The life of a socket, and what comes between: each at most so many, so long. */
#define REQUESTS	200
#define KILL_MS		60
#define UNLOAD_MS	400
#define N_UNLOADS	10
#define N_DEVS		4
#define DEV_BASE	1001
#define N_IDS		400

NT_NEEDS_MODULE

/* What the workers have done, in memory that all share. */
struct tally {
	unsigned int asked;
	unsigned int served;
	unsigned int unloaded;
	unsigned int served_then;	/* when it was unloaded last */
	unsigned int killed;
};

static struct tally *tally;


static uint32_t random_dev(struct nt_random *r)
{
	return DEV_BASE + nt_random(r, N_DEVS);
}

static const char *random_addr(struct nt_random *r)
{
	static const char *const addrs[] = { "127.0.0.1", "0.0.0.0", "::1", "::", "10.9.0.1" };

	return addrs[nt_random(r, 5)];
}

static const char *random_dst(struct nt_random *r)
{
	static const char *const dsts[] = { "10.9.0.2", "10.9.1.2", "10.9.2.2", "127.0.0.1",
					    "192.0.2.1", "2001:db8::1", "::1" };

	return dsts[nt_random(r, 7)];
}

static int port_request(struct nt *nt, struct nt_random *r)
{
	const char *addr = random_addr(r);
	uint16_t number = 7000 + nt_random(r, 16);
	uint16_t numbers[2] = { number, number + 1 };
	int ret;

	switch (nt_random(r, 6)) {
	case 0:
		return nt_open_ports(nt, addr, 1 + nt_random(r, 100), NULL);
	case 1:
		return nt_port_op(nt, MACHNET_CMD_PORT_RELEASE, addr, number);
	case 2:
		return nt_release_many(nt, addr, numbers, 2);
	case 3:
		ret = nt_open_port(nt, addr, number);
		return ret ? ret : nt_claim(nt, addr, number, nt_u64(nt, MACHNET_A_PORT_COOKIE));
	case 4:
		return nt_port_op(nt, MACHNET_CMD_PORT_GET, addr, number);
	default:
		return nt_open_port(nt, addr, nt_once_in(r, 2) ? number : 0);
	}
}

static int connection_request(struct nt *nt, struct nt_random *r)
{
	uint64_t id = 1 + nt_random(r, N_IDS);
	struct nl_msg *msg;

	switch (nt_random(r, 6)) {
	case 0:
		return nt_connect(nt, id, random_dev(r));
	case 1:
		return nt_connect_batch(nt, id, 1 + nt_random(r, 64), random_dev(r));
	case 2:
		return nt_end_batch(nt, id, 1 + nt_random(r, 8), MACHNET_REASON_CLOSED);
	case 3:
		return nt_conn_op(nt, MACHNET_CMD_CONNECTION_KILL, id);
	case 4:
		msg = nt_msg(nt, MACHNET_CMD_CONNECTION_SET);
		nt_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
		nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, 1 + nt_random(r, 3));
		return nt_do(nt, msg);
	default:
		return nt_conn_op(nt, nt_once_in(r, 2) ? MACHNET_CMD_CONNECTION_DEL :
				  MACHNET_CMD_CONNECTION_GET, id);
	}
}

static int route_request(struct nt *nt, struct nt_random *r)
{
	static const int cmds[] = { MACHNET_CMD_ROUTE_GET, MACHNET_CMD_ROUTE_GET,
				    MACHNET_CMD_ROUTE_UNWATCH, MACHNET_CMD_ROUTE_CONFIRM };
	int cmd = cmds[nt_random(r, 4)];
	struct nt_route route = {
		.dst = random_dst(r),
		.vrf = nt_once_in(r, 3) ? random_dev(r) : 0,
		.watch = cmd == MACHNET_CMD_ROUTE_GET && !nt_once_in(r, 3),
	};

	return nt_route_op(nt, cmd, &route);
}

static int read_request(struct nt *nt, struct nt_random *r)
{
	static const int cmds[] = { MACHNET_CMD_DEVICE_GET, MACHNET_CMD_PORT_GET,
				    MACHNET_CMD_CONNECTION_GET, MACHNET_CMD_ROUTE_DUMP };
	uint64_t stats[MACHNET_A_STATS_MAX + 1];
	struct nl_msg *msg;
	int ret;

	switch (nt_random(r, 6)) {
	case 0:
		return nt_stats(nt, stats);
	case 1:
		msg = nt_msg(nt, MACHNET_CMD_CONNECTION_GET);
		nt_put_u32(msg, MACHNET_A_CONNECTION_IFINDEX, random_dev(r));
		ret = nt_dump_msg(nt, msg, NULL, NULL);
		break;
	default:
		ret = nt_dump(nt, cmds[nt_random(r, 4)], NULL, NULL);
	}
	return ret < 0 ? ret : 0;
}

static int device_request(struct nt *nt, struct nt_random *r)
{
	uint32_t dev = random_dev(r);

	return nt_once_in(r, 4) ? nt_device_op(nt, MACHNET_CMD_DEVICE_UNREGISTER, dev) :
	       nt_register(nt, dev);
}

/* A request of any kind; counts it. */
static void request(struct nt *nt, struct nt_random *r)
{
	static int (*const requests[])(struct nt *nt, struct nt_random *r) = {
		port_request, connection_request, connection_request, route_request, read_request,
		device_request,
	};

	__atomic_add_fetch(&tally->asked, 1, __ATOMIC_RELAXED);
	if (requests[nt_random(r, 6)](nt, r) == 0)
		__atomic_add_fetch(&tally->served, 1, __ATOMIC_RELAXED);
}

/* One socket's life. */
static void own(struct nt_random *r)
{
	static const char *const groups[] = { MACHNET_MCGRP_PORT, MACHNET_MCGRP_CONNECTION,
					      MACHNET_MCGRP_ROUTE, MACHNET_MCGRP_DATAPATH };
	struct nt nt, listener;
	int i, n = nt_random(r, REQUESTS);

	if (nt_open(&nt))
		return;
	if (nt_open(&listener))
		listener.sk = NULL;
	else
		nt_join(&listener, groups[nt_random(r, 4)]);
	for (i = 0; i < n; i++)
		request(&nt, r);
	nt_close(&listener);
	nt_close(&nt);
}

static void change_devices(struct nt_random *r)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 0x22 };
	uint32_t dev = random_dev(r);
	char name[16], addr[16];

	snprintf(name, sizeof(name), "mnt%u", dev - DEV_BASE);
	snprintf(addr, sizeof(addr), "10.9.%u.1", dev - DEV_BASE);
	switch (nt_random(r, 6)) {
	case 0:
		nt_link_del(dev);
		break;
	case 1:
		snprintf(name, sizeof(name), "mnx%u", nt_random(r, 100));
		nt_link_rename(dev, name);
		break;
	case 2:
		snprintf(addr, sizeof(addr), "10.9.%u.2", dev - DEV_BASE);
		nt_neigh(dev, addr, nt_once_in(r, 2) ? mac : NULL, NUD_REACHABLE);
		break;
	case 3:
		nt_link_set(name, false);
		break;
	default:
		nt_link_add_at(name, "dummy", dev);
		nt_link_set(name, true);
		nt_addr_add(dev, addr, 24);
	}
}

/* A namespace that goes with its only process, while everything in it is in use. */
static void travel(struct nt_random *r)
{
	int i;

	if (nt_new_netns())
		_exit(1);
	for (i = 0; i < 10; i++)
		change_devices(r);
	own(r);
	_exit(0);
}

/*
 * The module is unloaded when nobody uses it, and refuses at once when somebody does.
 * Not before it has been used: loading it may take longer than most workers live.
 */
static void unload(struct nt_random *r)
{
	const struct timespec pause = { .tv_nsec = 1000000 * nt_random(r, UNLOAD_MS) };

	nanosleep(&pause, NULL);
	if (__atomic_load_n(&tally->served, __ATOMIC_RELAXED) == tally->served_then ||
	    syscall(SYS_delete_module, "machnet", O_NONBLOCK))
		return;
	tally->served_then = __atomic_load_n(&tally->served, __ATOMIC_RELAXED);
	tally->unloaded++;
}

static void work(int role, uint64_t seed)
{
	struct nt_random r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	nt_random_init(&r, seed);
	for (;;) {
		if (role == 0)
			change_devices(&r);
		else if (role == 1)
			travel(&r);
		else if (role == 2)
			unload(&r);
		else
			own(&r);
	}
}

static pid_t start(int role, uint64_t seed)
{
	pid_t pid = fork();

	if (pid == 0)
		work(role, seed);
	return pid;
}

/* It ends, for it has been told to or does so by itself: false when it hangs. */
static bool reap(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int64_t end = nt_now_ms() + PATIENCE_MS;

	while (waitpid(pid, NULL, WNOHANG) != pid) {
		if (nt_now_ms() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* What is there in the namespace, after everybody has gone; -1: not to be learned. */
static int64_t left_over(void)
{
	uint64_t stats[MACHNET_A_STATS_MAX + 1];
	struct nt nt;
	int64_t n = -1;

	if (nt_open(&nt))
		return -1;
	if (!nt_stats(&nt, stats))
		n = stats[MACHNET_A_STATS_DEVICES] + stats[MACHNET_A_STATS_PORTS] +
		    stats[MACHNET_A_STATS_CONNECTIONS] + stats[MACHNET_A_STATS_ROUTES];
	nt_close(&nt);
	return n;
}

/* Objects go in the background: true when all are gone in time. */
static bool wait_empty(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int64_t end = nt_now_ms() + PATIENCE_MS;

	while (left_over()) {
		if (nt_now_ms() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool wait_unloaded(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int64_t end = nt_now_ms() + PATIENCE_MS;

	while (syscall(SYS_delete_module, "machnet", O_NONBLOCK) && errno != ENOENT) {
		if (nt_now_ms() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool run(pid_t *pids, struct nt_random *r)
{
	int64_t end = nt_now_ms() + 1000 * nt_seconds(SECONDS);
	int64_t patience = end + PATIENCE_MS;
	int i;

	while (nt_now_ms() < end || (!tally->served && nt_now_ms() < patience)) {
		const struct timespec pause = { .tv_nsec = 1000000 * nt_random(r, KILL_MS) };

		nanosleep(&pause, NULL);
		i = nt_random(r, N_WORKERS);
		kill(pids[i], SIGKILL);
		tally->killed++;
		if (!reap(pids[i]))
			return false;
		pids[i] = start(i, r->state);
	}
	return true;
}

FIXTURE(races)
{
	int unused;	/* the harness wants one */
};

FIXTURE_SETUP(races)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, (void *)tally);
	ASSERT_EQ(0, nt_new_netns());
}

FIXTURE_TEARDOWN(races)
{
	munmap(tally, sizeof(*tally));
}

TEST_F_TIMEOUT(races, nothing_is_left_of_all_this, 3600)
{
	pid_t pids[N_WORKERS];
	struct nt_random r;
	struct nt nt;
	int i;

	nt_random_init(&r, nt_seed());
	for (i = 0; i < N_WORKERS; i++)
		pids[i] = start(i, nt_random(&r, ~0u));
	EXPECT_TRUE(run(pids, &r));
	for (i = 0; i < N_WORKERS; i++) {
		kill(pids[i], SIGKILL);
		EXPECT_TRUE(reap(pids[i]));
	}
	fprintf(stderr, "# %u of %u requests served, %u processes killed, unloaded %u times\n",
		tally->served, tally->asked, tally->killed, tally->unloaded);
	EXPECT_LT(0, tally->killed);
	EXPECT_LT(0, tally->served);
	EXPECT_TRUE(wait_empty());
	EXPECT_TRUE(wait_unloaded());
	/* And it works as on the first day. */
	ASSERT_EQ(0, nt_open(&nt));
	EXPECT_EQ(0, nt_open_port(&nt, "127.0.0.1", 7000));
	nt_close(&nt);
	EXPECT_TRUE(wait_unloaded());
}

/*
 * Takes and gives back a port as fast as it can, until the module has gone;
 * then keeps its socket, and so whatever it was given last.
 */
static void hammer(int number)
{
	struct nt nt;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nt_open(&nt))
		_exit(1);
	while (!nt_open_port(&nt, "127.0.0.1", number) &&
	       !nt_port_op(&nt, MACHNET_CMD_PORT_RELEASE, "127.0.0.1", number))
		__atomic_add_fetch(&tally->served, 1, __ATOMIC_RELAXED);
	for (;;)
		pause();
}

/*
 * Between a port that is given back and the next the module is free, and may
 * be unloaded while the next request is already being served.
 */
TEST_F_TIMEOUT(races, the_module_goes_under_those_who_are_about_to_use_it, 600)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	unsigned int served;
	int64_t end;
	struct nt nt;
	pid_t pid;
	int i;

	for (i = 0; i < N_UNLOADS; i++) {
		/* Loads it. */
		ASSERT_EQ(0, nt_open(&nt));
		served = tally->served;
		pid = fork();
		if (pid == 0)
			hammer(7000);
		end = nt_now_ms() + PATIENCE_MS;
		while (__atomic_load_n(&tally->served, __ATOMIC_RELAXED) == served) {
			ASSERT_LT(nt_now_ms(), end);
			nanosleep(&moment, NULL);
		}
		ASSERT_TRUE(wait_unloaded());
		kill(pid, SIGKILL);
		ASSERT_TRUE(reap(pid));
		nt_close(&nt);
	}
	fprintf(stderr, "# unloaded %d times, %u ports meanwhile\n", N_UNLOADS, tally->served);
}

TEST_HARNESS_MAIN
