// SPDX-License-Identifier: MIT
/*
 * test_module.c - the module loads when it is asked for, stays while it is
 * used, and leaves nothing behind
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

NT_NEEDS_MODULE

FIXTURE(module)
{
	struct nt nt;
};

FIXTURE_SETUP(module)
{
	ASSERT_TRUE(nt_unload());
	ASSERT_EQ(0, nt_new_netns());
}

FIXTURE_TEARDOWN(module)
{
	nt_close(&self->nt);
}

TEST_F(module, resolving_the_family_loads_it)
{
	ASSERT_FALSE(nt_is_loaded());
	ASSERT_EQ(0, nt_open(&self->nt));
	EXPECT_TRUE(nt_is_loaded());
	/* An open socket that owns nothing does not hold it. */
	EXPECT_TRUE(nt_try_unload());
	EXPECT_NE(0, nt_open_port(&self->nt, "0.0.0.0", 7000));
}

TEST_F(module, anybody_may_load_it)
{
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&self->nt));
	EXPECT_TRUE(nt_is_loaded());
}

TEST_F(module, a_port_holds_it)
{
	ASSERT_EQ(0, nt_open(&self->nt));
	ASSERT_EQ(0, nt_open_port(&self->nt, "0.0.0.0", 7000));
	EXPECT_FALSE(nt_try_unload());
	ASSERT_EQ(0, nt_port_op(&self->nt, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
	EXPECT_TRUE(nt_unload());
}

TEST_F(module, a_watched_route_holds_it)
{
	ASSERT_EQ(0, nt_open(&self->nt));
	ASSERT_EQ(0, nt_route_get(&self->nt, "127.0.0.1", true));
	EXPECT_FALSE(nt_try_unload());
	nt_close(&self->nt);
	EXPECT_TRUE(nt_unload());
}

TEST_F_TIMEOUT(module, a_device_with_connections_holds_it, 120)
{
	uint32_t ifindex = nt_dummy("mnt0");
	uint64_t id;

	ASSERT_EQ(0, nt_open(&self->nt));
	ASSERT_EQ(0, nt_register(&self->nt, ifindex));
	for (id = 1; id <= 500; id++)
		ASSERT_EQ(0, nt_connect(&self->nt, id, ifindex));
	EXPECT_FALSE(nt_try_unload());
	nt_close(&self->nt);
	EXPECT_TRUE(nt_unload());
}

TEST_F(module, a_netdev_that_goes_frees_it)
{
	uint32_t ifindex = nt_dummy("mnt0");

	ASSERT_EQ(0, nt_open(&self->nt));
	ASSERT_EQ(0, nt_register(&self->nt, ifindex));
	ASSERT_EQ(0, nt_connect(&self->nt, 1, ifindex));
	ASSERT_EQ(0, nt_sh("ip link del mnt0"));
	/* The socket is still open; it owns nothing any more. */
	EXPECT_TRUE(nt_unload());
}

/* Everything at once, in a namespace that goes with the process: no clean-up at all. */
static int live_and_die(void)
{
	uint32_t ifindex = nt_dummy("mnt0");
	struct nt nt;

	if (nt_open(&nt) || nt_register(&nt, ifindex) || nt_connect(&nt, 1, ifindex))
		return 1;
	if (nt_open_port(&nt, "0.0.0.0", 7000) || nt_open_port(&nt, "::", 7000))
		return 2;
	if (nt_claim(&nt, "::", 7000, nt_u64(&nt, MACHNET_A_PORT_COOKIE)))
		return 3;
	if (nt_route_get(&nt, "127.0.0.1", true))
		return 4;
	return 0;
}

TEST_F_TIMEOUT(module, a_namespace_that_goes_frees_it, 120)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0)
			_exit(nt_new_netns() ? 9 : live_and_die());
		EXPECT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_TRUE(nt_unload());
}

static int enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return ret;
}

TEST_F(module, a_deleted_namespace_lives_as_long_as_its_owner)
{
	char name[32], there[64], here[64];

	snprintf(name, sizeof(name), "mnt-%d", getpid());
	snprintf(there, sizeof(there), "/run/netns/%s", name);
	snprintf(here, sizeof(here), "/proc/%d/ns/net", getppid());
	ASSERT_EQ(0, nt_sh("ip netns add %s && ip -n %s link set lo up", name, name));
	ASSERT_EQ(0, enter(there));
	EXPECT_EQ(0, nt_open(&self->nt));
	EXPECT_EQ(0, nt_open_port(&self->nt, "0.0.0.0", 7000));
	ASSERT_EQ(0, enter(here));
	ASSERT_EQ(0, nt_sh("ip netns del %s", name));
	/* Only the socket is left of the namespace. */
	EXPECT_EQ(1, nt_dump(&self->nt, MACHNET_CMD_PORT_GET, NULL, NULL));
	nt_close(&self->nt);
	EXPECT_TRUE(nt_unload());
}

TEST_F_TIMEOUT(module, again_and_again, 120)
{
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, nt_open(&self->nt));
		ASSERT_EQ(0, nt_open_port(&self->nt, "127.0.0.1", 7000));
		nt_close(&self->nt);
		ASSERT_TRUE(nt_unload());
	}
}

TEST_HARNESS_MAIN
