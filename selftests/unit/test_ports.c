// SPDX-License-Identifier: MIT
#include <kselftest_harness.h>

#include "dp/ports.h"

#define PORT	31580

FIXTURE(ports)
{
	struct dp_ports p;
};

FIXTURE_SETUP(ports)
{
	memset(&self->p, 0, sizeof(self->p));
}

FIXTURE_TEARDOWN(ports)
{
}

/* The same port number of two addresses, or of both families. */
TEST_F(ports, the_end_of_one_leaves_the_others)
{
	EXPECT_EQ(-1, dp_ports_engine(&self->p, PORT));
	dp_ports_listen(&self->p, PORT, 2);
	dp_ports_listen(&self->p, PORT, 2);
	EXPECT_EQ(2, dp_ports_engine(&self->p, PORT));
	EXPECT_EQ(-1, dp_ports_engine(&self->p, PORT + 1));
	dp_ports_unlisten(&self->p, PORT);
	dp_ports_put(&self->p, PORT);
	EXPECT_EQ(2, dp_ports_engine(&self->p, PORT));
	dp_ports_unlisten(&self->p, PORT);
	dp_ports_put(&self->p, PORT);
	EXPECT_EQ(-1, dp_ports_engine(&self->p, PORT));
}

TEST_F(ports, one_engine_listens)
{
	dp_ports_listen(&self->p, PORT, 1);
	EXPECT_TRUE(dp_ports_may_listen(&self->p, PORT, 1));
	EXPECT_FALSE(dp_ports_may_listen(&self->p, PORT, 0));
	dp_ports_listen(&self->p, PORT, 1);
	dp_ports_unlisten(&self->p, PORT);
	EXPECT_FALSE(dp_ports_may_listen(&self->p, PORT, 0));
}

/* Until its engine has heard of the removal; the next listener may be on another engine. */
TEST_F(ports, a_removed_listener_has_its_port_for_a_while)
{
	dp_ports_listen(&self->p, PORT, 0);
	dp_ports_unlisten(&self->p, PORT);
	EXPECT_EQ(0, dp_ports_engine(&self->p, PORT));
	EXPECT_TRUE(dp_ports_may_listen(&self->p, PORT, 1));
	dp_ports_listen(&self->p, PORT, 1);
	EXPECT_EQ(1, dp_ports_engine(&self->p, PORT));
	dp_ports_put(&self->p, PORT);
	EXPECT_EQ(1, dp_ports_engine(&self->p, PORT));
	dp_ports_unlisten(&self->p, PORT);
	dp_ports_put(&self->p, PORT);
	EXPECT_EQ(-1, dp_ports_engine(&self->p, PORT));
}

/* The block goes up to the last port of all. */
TEST_F(ports, path_ports_are_of_no_engine)
{
	EXPECT_FALSE(dp_ports_serves(&self->p, 0));
	EXPECT_FALSE(dp_ports_serves(&self->p, PORT));
	self->p.path_first = 65472;
	self->p.path_count = 64;
	EXPECT_FALSE(dp_ports_serves(&self->p, 65471));
	EXPECT_TRUE(dp_ports_serves(&self->p, 65472));
	EXPECT_TRUE(dp_ports_serves(&self->p, 65535));
	EXPECT_FALSE(dp_ports_serves(&self->p, 0));
	EXPECT_EQ(-1, dp_ports_engine(&self->p, 65472));
	dp_ports_listen(&self->p, PORT, 1);
	EXPECT_TRUE(dp_ports_serves(&self->p, PORT));
	EXPECT_FALSE(dp_ports_is_path(&self->p, PORT));
	dp_ports_put(&self->p, PORT);
	EXPECT_FALSE(dp_ports_serves(&self->p, PORT));
}

TEST_HARNESS_MAIN
