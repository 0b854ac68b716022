// SPDX-License-Identifier: MIT
/*
 * test_churn.c - what the module does must not depend on a quiet machine
 */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

/* Listing them takes longer than the time between two changes, also where both take longer. */
#define N_ROUTES	(nt_debug_kernel() ? 3000 : 30000)
#define N_LOADS		10
#define N_DUMPS		2000
#define SHORT_NAME	"mnt0"
#define LONG_NAME	"mnt0-other-name"

NT_NEEDS_MODULE

FIXTURE(churn)
{
	struct nt nt;
	uint32_t ifindex;
	pid_t worker;
};

FIXTURE_SETUP(churn)
{
	ASSERT_EQ(0, nt_new_netns());
	self->ifindex = nt_dummy(SHORT_NAME);
	ASSERT_NE(0, self->ifindex);
	self->worker = 0;
}

FIXTURE_TEARDOWN(churn)
{
	nt_kill(self->worker);
	nt_close(&self->nt);
}

static int add_routes(uint32_t ifindex)
{
	int i, ret = 0;
	char dst[32];

	for (i = 0; i < N_ROUTES && !ret; i++) {
		snprintf(dst, sizeof(dst), "10.%d.%d.0", i / 256, i % 256);
		ret = nt_route(ifindex, dst, 24, true);
	}
	return ret;
}

/* Routes come and go until this process is killed. */
static void change_routes(uint32_t ifindex)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!nt_route(ifindex, "192.0.2.1", 32, true) &&
	       !nt_route(ifindex, "192.0.2.1", 32, false))
		;
	_exit(1);
}

TEST_F_TIMEOUT(churn, the_module_loads_while_routes_change, 900)
{
	int i, loaded = 0;

	ASSERT_EQ(0, add_routes(self->ifindex));
	self->worker = fork();
	if (self->worker == 0)
		change_routes(self->ifindex);
	for (i = 0; i < N_LOADS; i++) {
		ASSERT_TRUE(nt_unload());
		loaded += nt_sh("modprobe machnet") == 0;
	}
	EXPECT_EQ(N_LOADS, loaded);
	EXPECT_EQ(0, waitpid(self->worker, NULL, WNOHANG));
}

/* A namespace that is new gets its part of the module while routes change in others. */
TEST_F_TIMEOUT(churn, a_namespace_comes_while_routes_change, 300)
{
	int i;

	self->worker = fork();
	if (self->worker == 0)
		change_routes(self->ifindex);
	for (i = 0; i < N_LOADS; i++) {
		ASSERT_EQ(0, nt_new_netns());
		ASSERT_EQ(0, nt_open(&self->nt));
		EXPECT_EQ(0, nt_open_port(&self->nt, "127.0.0.1", 7000));
		nt_close(&self->nt);
	}
	EXPECT_EQ(0, waitpid(self->worker, NULL, WNOHANG));
}

static void rename_device(uint32_t ifindex)
{
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Not while it is up. */
	for (i = 0; ; i++) {
		if (nt_link_rename(ifindex, i % 2 ? SHORT_NAME : LONG_NAME))
			_exit(1);
	}
}

struct seen {
	int a, b, wrong;
};

static void check_name(struct nt *nt, void *data)
{
	const char *name = nt_str(nt, MACHNET_A_DEVICE_IFNAME);
	struct seen *seen = data;

	if (!strcmp(name, SHORT_NAME))
		seen->a++;
	else if (!strcmp(name, LONG_NAME))
		seen->b++;
	else
		seen->wrong++;
}

TEST_F_TIMEOUT(churn, a_device_has_one_of_its_names, 300)
{
	struct seen seen = { 0 };
	int i;

	ASSERT_EQ(0, nt_link_set(SHORT_NAME, false));
	ASSERT_EQ(0, nt_open(&self->nt));
	ASSERT_EQ(0, nt_register(&self->nt, self->ifindex));
	self->worker = fork();
	if (self->worker == 0)
		rename_device(self->ifindex);
	for (i = 0; i < N_DUMPS; i++)
		ASSERT_EQ(1, nt_dump(&self->nt, MACHNET_CMD_DEVICE_GET, check_name, &seen));
	EXPECT_EQ(0, waitpid(self->worker, NULL, WNOHANG));
	EXPECT_LT(0, seen.a);
	EXPECT_LT(0, seen.b);
	EXPECT_EQ(0, seen.wrong);
}

TEST_HARNESS_MAIN
