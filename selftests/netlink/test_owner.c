// SPDX-License-Identifier: MIT
/*
 * test_owner.c - who owns a port or a connection: user, process, cgroup, and
 * what they look like from other namespaces
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define CGROUPS		"/sys/fs/cgroup"
#define OVERFLOW_ID	65534u
#define ALICE		1000
#define BOB		1001

NT_NEEDS_MODULE

FIXTURE(owner)
{
	struct nt app;
	struct nt other;
};

FIXTURE_SETUP(owner)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
}

FIXTURE_TEARDOWN(owner)
{
	nt_close(&self->app);
	nt_close(&self->other);
}

/* A process that has done something and keeps it until it is told to end. */
struct actor {
	int (*act)(struct nt *nt);
	int namespaces;		/* of its own; a user namespace has ALICE as root */
	pid_t pid;
	int status;		/* 0: it is ready */
	int go[2], ready[2];
};

static void play(struct actor *actor)
{
	struct nt nt = { 0 };
	int status = -1;
	char byte;

	close(actor->go[1]);
	if (read(actor->go[0], &byte, 1) == 1)
		status = actor->act(&nt);
	if (write(actor->ready[1], &status, sizeof(status)) == sizeof(status) && !status)
		status = read(actor->go[0], &byte, 1);
	nt_close(&nt);
	_exit(status);
}

static bool start(struct actor *actor)
{
	if (pipe(actor->go) || pipe(actor->ready))
		return false;
	actor->pid = syscall(SYS_clone, SIGCHLD | actor->namespaces, NULL, NULL, NULL, 0);
	if (actor->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play(actor);
	}
	close(actor->ready[1]);
	close(actor->go[0]);
	actor->status = -1;
	if (actor->namespaces & CLONE_NEWUSER &&
	    nt_sh("echo 0 %d 1 > /proc/%d/uid_map && echo 0 %d 1 > /proc/%d/gid_map", ALICE,
		  actor->pid, ALICE, actor->pid))
		return false;
	if (write(actor->go[1], "g", 1) != 1 ||
	    read(actor->ready[0], &actor->status, sizeof(actor->status)) !=
	    sizeof(actor->status) || actor->status)
		fprintf(stderr, "# the actor has ended with %d\n", actor->status);
	return actor->status == 0;
}

static void stop(struct actor *actor)
{
	close(actor->go[1]);
	close(actor->ready[0]);
	waitpid(actor->pid, NULL, 0);
}

static int alice(struct nt *nt)
{
	if (nt_become(ALICE) || nt_open(nt))
		return 1;
	if (nt_open_port(nt, "0.0.0.0", 0) || nt_open_port(nt, "0.0.0.0", 7000))
		return 2;
	return nt_u32(nt, MACHNET_A_PORT_OWNER_UID) == ALICE &&
	       nt_u32(nt, MACHNET_A_PORT_OWNER_PID) == (uint32_t)getpid() ? 0 : 3;
}

/* A normal user beside another one. */
static int bob(void *arg)
{
	struct nt nt;

	(void)arg;
	if (nt_become(BOB) || nt_open(&nt))
		return 1;
	if (nt_port_op(&nt, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000) != -EPERM)
		return 2;
	if (strcmp(nt.extack, "it belongs to another netlink socket"))
		return 3;
	if (nt_open_port(&nt, "0.0.0.0", 7000) != -EADDRINUSE)
		return 4;
	if (nt_claim(&nt, "0.0.0.0", 7000, 0) != -EPERM)
		return 5;
	if (nt_open_port(&nt, "0.0.0.0", 80) != -EACCES)
		return 6;
	if (nt_open_port(&nt, "0.0.0.0", 7001))
		return 7;
	/* Whose it is is no secret, as with ss; the cookie and the process are. */
	if (nt_port_op(&nt, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000) ||
	    nt_u32(&nt, MACHNET_A_PORT_OWNER_UID) != ALICE || nt.attrs[MACHNET_A_PORT_COOKIE])
		return 8;
	return nt_port_op(&nt, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7001) ? 9 : 0;
}

TEST_F(owner, users_have_ports_and_leave_those_of_others_alone)
{
	struct actor actor = { .act = alice };

	ASSERT_TRUE(start(&actor));
	EXPECT_EQ(0, nt_in_child(bob, NULL));
	ASSERT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(ALICE, nt_u32(&self->other, MACHNET_A_PORT_OWNER_UID));
	EXPECT_EQ((uint32_t)actor.pid, nt_u32(&self->other, MACHNET_A_PORT_OWNER_PID));
	EXPECT_STREQ("test_owner", nt_str(&self->other, MACHNET_A_PORT_OWNER_COMM));
	stop(&actor);
}

/* Root and process 1 of its namespaces, in the network namespace of all. */
static int contained(struct nt *nt)
{
	if (setgid(0) || setuid(0) || nt_open(nt))
		return 1;
	if (nt_port_op(nt, MACHNET_CMD_PORT_GET, "0.0.0.0", 6000) ||
	    nt_u32(nt, MACHNET_A_PORT_OWNER_UID) != OVERFLOW_ID ||
	    nt_u32(nt, MACHNET_A_PORT_OWNER_PID) != 0)
		return 2;
	/* Its capabilities are worth nothing here. */
	if (nt_open_port(nt, "0.0.0.0", 80) != -EACCES)
		return 3;
	if (nt_port_op(nt, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 6000) != -EPERM)
		return 4;
	if (nt_conn_op(nt, MACHNET_CMD_CONNECTION_KILL, 1) != -EPERM)
		return 5;
	if (nt_open_port(nt, "0.0.0.0", 7000))
		return 6;
	return nt_u32(nt, MACHNET_A_PORT_OWNER_UID) == 0 &&
	       nt_u32(nt, MACHNET_A_PORT_OWNER_PID) == 1 ? 0 : 7;
}

TEST_F(owner, the_true_owner_is_seen_from_outside)
{
	struct actor actor = { .act = contained, .namespaces = CLONE_NEWUSER | CLONE_NEWPID };

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 6000));
	ASSERT_TRUE(start(&actor));
	ASSERT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(ALICE, nt_u32(&self->other, MACHNET_A_PORT_OWNER_UID));
	EXPECT_EQ((uint32_t)actor.pid, nt_u32(&self->other, MACHNET_A_PORT_OWNER_PID));
	EXPECT_STREQ("test_owner", nt_str(&self->other, MACHNET_A_PORT_OWNER_COMM));
	stop(&actor);
	EXPECT_EQ(1, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
}

static int enter(int pid, const char *kind, int type)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = setns(fd, type) ? -errno : 0;
	close(fd);
	return ret;
}

static int see_connection(void *arg)
{
	struct nt nt;

	(void)arg;
	if (nt_open(&nt))
		return 1;
	if (nt_dump(&nt, MACHNET_CMD_CONNECTION_GET, NULL, NULL) != 1)
		return 2;
	return nt_u32(&nt, MACHNET_A_CONNECTION_OWNER_PID) == 1 &&
	       nt_u32(&nt, MACHNET_A_CONNECTION_OWNER_UID) == 0 ? 0 : 3;
}

static int join_and_see(void *arg)
{
	int pid = *(int *)arg;

	if (enter(pid, "pid", CLONE_NEWPID) || enter(pid, "user", CLONE_NEWUSER))
		return 9;
	return nt_in_child(see_connection, NULL);
}

static int connect_for(struct nt *path, uint64_t id, uint32_t ifindex, int pid)
{
	struct nl_msg *msg = nt_msg(path, MACHNET_CMD_CONNECTION_ADD);

	nt_put_connection(msg, id, ifindex);
	nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, pid);
	return nt_do(path, msg);
}

TEST_F(owner, a_connection_belongs_to_the_application_in_its_namespaces)
{
	struct actor actor = { .act = contained, .namespaces = CLONE_NEWUSER | CLONE_NEWPID };
	uint32_t ifindex = nt_dummy("mnt0");

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 6000));
	ASSERT_TRUE(start(&actor));
	ASSERT_EQ(0, nt_register(&self->app, ifindex));
	ASSERT_EQ(0, connect_for(&self->app, 1, ifindex, actor.pid));
	ASSERT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 1));
	EXPECT_EQ(ALICE, nt_u32(&self->other, MACHNET_A_CONNECTION_OWNER_UID));
	EXPECT_EQ((uint32_t)actor.pid, nt_u32(&self->other, MACHNET_A_CONNECTION_OWNER_PID));
	EXPECT_EQ(0, nt_in_child(join_and_see, &actor.pid));
	stop(&actor);
	/* The application has died; only its datapath can say what becomes of the connection. */
	EXPECT_EQ(0, nt_conn_op(&self->other, MACHNET_CMD_CONNECTION_GET, 1));
}

TEST_F(owner, a_claim_names_the_application_that_has_lent)
{
	uint64_t cookie;
	int pid = nt_netns_child();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	EXPECT_EQ(-EKEYREJECTED, nt_claim_for(&self->other, "0.0.0.0", 7000, cookie, pid));
	EXPECT_STREQ("another process has lent the port", self->other.extack);
	EXPECT_EQ(-EKEYREJECTED, nt_claim_for(&self->other, "0.0.0.0", 7000, cookie, 999999));
	EXPECT_EQ(-EKEYREJECTED,
		  nt_claim_for(&self->other, "0.0.0.0", 7000, cookie ^ 1, getpid()));
	EXPECT_STREQ("the cookie is not the one of this port", self->other.extack);
	EXPECT_EQ(0, nt_claim_for(&self->other, "0.0.0.0", 7000, cookie, getpid()));
	EXPECT_EQ(-EBUSY, nt_claim_for(&self->app, "0.0.0.0", 7000, cookie, getpid()));
	nt_kill(pid);
}

static bool have_cgroups(void)
{
	struct statfs fs;

	return !statfs(CGROUPS, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* The group has the name of the test's process, which is the parent. */
static int grouped(struct nt *nt)
{
	if (nt_sh("echo %d > " CGROUPS "/mnt-%d/cgroup.procs", getpid(), getppid()))
		return 1;
	return nt_open(nt) || nt_open_port(nt, "0.0.0.0", 7000) ? 2 : 0;
}

TEST_F(owner, the_cgroup_is_that_of_the_owner)
{
	struct actor actor = { .act = grouped };
	uint32_t ifindex = nt_dummy("mnt0");
	struct stat group, root;
	char path[64];

	if (!have_cgroups())
		SKIP(return, "needs cgroup2 on " CGROUPS);
	snprintf(path, sizeof(path), CGROUPS "/mnt-%d", getpid());
	ASSERT_EQ(0, mkdir(path, 0755));
	EXPECT_TRUE(start(&actor));
	EXPECT_EQ(0, stat(path, &group));
	EXPECT_EQ(0, stat(CGROUPS, &root));
	EXPECT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(group.st_ino, nt_u64(&self->other, MACHNET_A_PORT_OWNER_CGROUP));
	EXPECT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7001));
	EXPECT_EQ(root.st_ino, nt_u64(&self->app, MACHNET_A_PORT_OWNER_CGROUP));
	EXPECT_EQ(0, nt_register(&self->app, ifindex));
	EXPECT_EQ(0, connect_for(&self->app, 1, ifindex, actor.pid));
	EXPECT_EQ(0, nt_conn_op(&self->app, MACHNET_CMD_CONNECTION_GET, 1));
	EXPECT_EQ(group.st_ino, nt_u64(&self->app, MACHNET_A_CONNECTION_OWNER_CGROUP));
	stop(&actor);
	EXPECT_EQ(0, rmdir(path));
}

TEST_HARNESS_MAIN
