// SPDX-License-Identifier: MIT
/*
 * test_visibility.c - which processes a reader learns of
 *
 * Whose an object is, as a user id, is public. Its process, command and cgroup
 * are for readers that may look at the process itself.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define ADDR		"127.0.0.1"
#define NUMBER		7000
#define ALICE		1000
#define BOB		1001
#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(visible)
{
	struct nt path;		/* of root: serves the device */
	struct nt events;
	uint32_t ifindex;
	pid_t alice;		/* has lent a port */
	int go;			/* closed: it ends */
};

static int play_alice(int ready, int go)
{
	struct nt nt;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nt_become(ALICE) || nt_open(&nt) || nt_open_port(&nt, ADDR, NUMBER) ||
	    write(ready, &byte, 1) != 1)
		return 1;
	return read(go, &byte, 1);
}

static pid_t start_alice(int *go)
{
	int ready[2], ends[2];
	pid_t pid;
	char byte;

	if (pipe(ready) || pipe(ends))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(play_alice(ready[1], ends[0]));
	}
	close(ready[1]);
	close(ends[0]);
	if (read(ready[0], &byte, 1) != 1)
		return -EIO;
	close(ready[0]);
	*go = ends[1];
	return pid;
}

static int connect_for(struct nt *path, uint64_t id, uint32_t ifindex, int pid)
{
	struct nl_msg *msg = nt_msg(path, MACHNET_CMD_CONNECTION_ADD);

	nt_put_connection(msg, id, ifindex);
	nt_put_u32(msg, MACHNET_A_CONNECTION_OWNER_PID, pid);
	return nt_do(path, msg);
}

FIXTURE_SETUP(visible)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_PORT));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_DEVICE));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	self->alice = start_alice(&self->go);
	ASSERT_LT(0, self->alice);
	ASSERT_EQ(0, connect_for(&self->path, 1, self->ifindex, self->alice));
}

FIXTURE_TEARDOWN(visible)
{
	close(self->go);
	waitpid(self->alice, NULL, 0);
	nt_close(&self->path);
	nt_close(&self->events);
}

static bool has_port_process(const struct nt *nt, pid_t pid)
{
	return nt_u32(nt, MACHNET_A_PORT_OWNER_PID) == (uint32_t)pid &&
	       !strcmp(nt_str(nt, MACHNET_A_PORT_OWNER_COMM), "test_visibility") &&
	       nt->attrs[MACHNET_A_PORT_OWNER_CGROUP];
}

static bool hides_port_process(const struct nt *nt)
{
	return nt->attrs[MACHNET_A_PORT_OWNER_UID] && !nt->attrs[MACHNET_A_PORT_OWNER_PID] &&
	       !nt->attrs[MACHNET_A_PORT_OWNER_COMM] && !nt->attrs[MACHNET_A_PORT_OWNER_CGROUP];
}

static bool has_conn_process(const struct nt *nt, pid_t pid)
{
	return nt_u32(nt, MACHNET_A_CONNECTION_OWNER_PID) == (uint32_t)pid &&
	       !strcmp(nt_str(nt, MACHNET_A_CONNECTION_OWNER_COMM), "test_visibility") &&
	       nt->attrs[MACHNET_A_CONNECTION_OWNER_CGROUP];
}

static bool hides_conn_process(const struct nt *nt)
{
	return nt->attrs[MACHNET_A_CONNECTION_OWNER_UID] &&
	       !nt->attrs[MACHNET_A_CONNECTION_OWNER_PID] &&
	       !nt->attrs[MACHNET_A_CONNECTION_OWNER_COMM] &&
	       !nt->attrs[MACHNET_A_CONNECTION_OWNER_CGROUP];
}

static int dump_u32(struct nt *nt, int cmd, int attr, uint32_t value)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_u32(msg, attr, value);
	return nt_dump_msg(nt, msg, NULL, NULL);
}

/* The one port and the one connection, by request, dump and filter. */
static int sees(struct nt *nt, pid_t pid)
{
	if (nt_port_op(nt, MACHNET_CMD_PORT_GET, ADDR, NUMBER) || !has_port_process(nt, pid))
		return 1;
	if (nt_dump(nt, MACHNET_CMD_PORT_GET, NULL, NULL) != 1 || !has_port_process(nt, pid))
		return 2;
	if (dump_u32(nt, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_PID, pid) != 1)
		return 3;
	if (nt_dump(nt, MACHNET_CMD_CONNECTION_GET, NULL, NULL) != 1 ||
	    !has_conn_process(nt, pid))
		return 4;
	if (dump_u32(nt, MACHNET_CMD_CONNECTION_GET, MACHNET_A_CONNECTION_OWNER_PID, pid) != 1)
		return 5;
	return 0;
}

/* uid: as the reader has it; 0: it has none. */
static int does_not_see(struct nt *nt, pid_t pid, uint32_t uid)
{
	if (nt_port_op(nt, MACHNET_CMD_PORT_GET, ADDR, NUMBER) || !hides_port_process(nt))
		return 11;
	if (nt_dump(nt, MACHNET_CMD_PORT_GET, NULL, NULL) != 1 || !hides_port_process(nt))
		return 12;
	if (dump_u32(nt, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_PID, pid))
		return 13;
	if (nt_dump(nt, MACHNET_CMD_CONNECTION_GET, NULL, NULL) != 1 || !hides_conn_process(nt))
		return 14;
	if (dump_u32(nt, MACHNET_CMD_CONNECTION_GET, MACHNET_A_CONNECTION_OWNER_PID, pid))
		return 15;
	/* Users are public. */
	if (!uid)
		return 0;
	if (dump_u32(nt, MACHNET_CMD_PORT_GET, MACHNET_A_PORT_OWNER_UID, uid) != 1)
		return 16;
	if (dump_u32(nt, MACHNET_CMD_CONNECTION_GET, MACHNET_A_CONNECTION_OWNER_UID, uid) != 1)
		return 17;
	return 0;
}

struct reader {
	uint32_t uid;
	pid_t alice;
	uint32_t ifindex;
};

static int read_as(void *arg)
{
	const struct reader *reader = arg;
	struct nt nt;

	if (nt_become(reader->uid) || nt_open(&nt))
		return 21;
	return reader->uid == ALICE ? sees(&nt, reader->alice) :
				      does_not_see(&nt, reader->alice, ALICE);
}

TEST_F(visible, to_root)
{
	EXPECT_EQ(0, sees(&self->path, self->alice));
}

TEST_F(visible, to_its_user)
{
	struct reader reader = { .uid = ALICE, .alice = self->alice };

	EXPECT_EQ(0, nt_in_child(read_as, &reader));
}

TEST_F(visible, not_to_another_user)
{
	struct reader reader = { .uid = BOB, .alice = self->alice };

	EXPECT_EQ(0, nt_in_child(read_as, &reader));
}

/* A socket of root's in the hands of a user: the reader is who reads. */
static int read_by_roots_socket(void *arg)
{
	struct reader *reader = arg;
	struct nt nt;

	if (nt_open(&nt) || nt_become(BOB))
		return 21;
	return does_not_see(&nt, reader->alice, ALICE);
}

TEST_F(visible, not_by_a_socket_of_root)
{
	struct reader reader = { .alice = self->alice };

	EXPECT_EQ(0, nt_in_child(read_by_roots_socket, &reader));
}

static int read_in_pid_namespace(void *arg)
{
	struct reader *reader = arg;
	struct nt nt;

	return nt_open(&nt) ? 21 : does_not_see(&nt, reader->alice, ALICE);
}

static int enter_pid_namespace(void *arg)
{
	return unshare(CLONE_NEWPID) ? 22 : nt_in_child(read_in_pid_namespace, arg);
}

TEST_F(visible, not_in_a_pid_namespace_that_does_not_have_it)
{
	struct reader reader = { .alice = self->alice };

	EXPECT_EQ(0, nt_in_child(enter_pid_namespace, &reader));
}

/* Root of a user namespace has no power over those outside. */
static int read_in_user_namespace(void *arg)
{
	struct reader *reader = arg;
	struct nt nt;

	if (nt_become(BOB) || nt_open(&nt))
		return 21;
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER) ||
	    nt_write("/proc/self/uid_map", "0 1001 1"))
		return 77;
	return does_not_see(&nt, reader->alice, 0);
}

TEST_F(visible, not_to_root_of_a_user_namespace)
{
	struct reader reader = { .alice = self->alice };
	int ret = nt_in_child(read_in_user_namespace, &reader);

	if (ret == 77)
		SKIP(return, "needs user namespaces");
	EXPECT_EQ(0, ret);
}

/* Alice, in whom something of root is left: alice may not look at it. */
static int read_half_alice(void *arg)
{
	struct nt nt;

	(void)arg;
	if (seteuid(0) || nt_become(ALICE) || nt_open(&nt) ||
	    nt_port_op(&nt, MACHNET_CMD_PORT_GET, ADDR, NUMBER + 1))
		return 21;
	if (nt_u32(&nt, MACHNET_A_PORT_OWNER_UID) != ALICE)
		return 22;
	return hides_port_process(&nt) ? 0 : 1;
}

TEST_F(visible, not_while_its_real_user_is_another)
{
	struct nt nt;

	ASSERT_EQ(0, setegid(ALICE));
	ASSERT_EQ(0, seteuid(ALICE));
	ASSERT_EQ(0, nt_open(&nt));
	ASSERT_EQ(0, nt_open_port(&nt, ADDR, NUMBER + 1));
	EXPECT_EQ(0, nt_in_child(read_half_alice, NULL));
	nt_close(&nt);
}

static int read_device(void *arg)
{
	const struct reader *reader = arg;
	struct nt nt;

	if (nt_become(reader->uid) || nt_open(&nt) ||
	    nt_device_op(&nt, MACHNET_CMD_DEVICE_GET, reader->ifindex))
		return 21;
	return nt.attrs[MACHNET_A_DEVICE_PID] ? 1 : 0;
}

TEST_F(visible, the_process_of_a_device)
{
	struct reader reader = { .uid = BOB, .ifindex = self->ifindex };

	ASSERT_EQ(0, nt_device_op(&self->path, MACHNET_CMD_DEVICE_GET, self->ifindex));
	EXPECT_EQ((uint32_t)getpid(), nt_u32(&self->path, MACHNET_A_DEVICE_PID));
	EXPECT_EQ(0, nt_in_child(read_device, &reader));
}

/* Listeners of all users get one message. */
TEST_F(visible, not_to_listeners)
{
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_DEVICE_ADD_NTF, TIMEOUT_MS));
	EXPECT_EQ(NULL, self->events.attrs[MACHNET_A_DEVICE_PID]);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_ADD_NTF, TIMEOUT_MS));
	EXPECT_TRUE(hides_port_process(&self->events));
	EXPECT_EQ(ALICE, nt_u32(&self->events, MACHNET_A_PORT_OWNER_UID));
	kill(self->alice, SIGKILL);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_TRUE(hides_port_process(&self->events));
	EXPECT_EQ(ALICE, nt_u32(&self->events, MACHNET_A_PORT_OWNER_UID));
}

TEST_HARNESS_MAIN
