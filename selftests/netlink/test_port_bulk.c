// SPDX-License-Identifier: MIT
/*
 * test_port_bulk.c - ports that are lent and released by the hundred
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(bulk)
{
	struct nt app;
	struct nt other;
	struct nt events;
	uint16_t numbers[MACHNET_PORTS_MAX];
};

FIXTURE_SETUP(bulk)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_PORT));
}

FIXTURE_TEARDOWN(bulk)
{
	nt_close(&self->app);
	nt_close(&self->other);
	nt_close(&self->events);
}

static int count_ports(struct nt *nt)
{
	return nt_dump(nt, MACHNET_CMD_PORT_GET, NULL, NULL);
}

/* The next event is that of a port that is lent now: nothing was announced before. */
static bool is_silent(struct nt *app, struct nt *events, uint16_t number)
{
	return nt_open_port(app, "127.0.0.1", number) == 0 &&
	       nt_event(events, TIMEOUT_MS) == MACHNET_CMD_PORT_ADD_NTF &&
	       nt_u16(events, MACHNET_A_PORT_NUMBER) == number;
}

TEST_F(bulk, many_are_lent_at_once)
{
	int i;

	ASSERT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", 100, self->numbers));
	EXPECT_EQ(0, self->app.n_replies);
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, "0.0.0.0",
					self->numbers[i]));
		EXPECT_EQ(-EADDRINUSE, nt_bind_udp("0.0.0.0", self->numbers[i]));
	}
	EXPECT_EQ(100, count_ports(&self->other));
}

TEST_F(bulk, each_is_announced)
{
	int i;

	ASSERT_EQ(0, nt_open_ports(&self->app, "::", 10, self->numbers));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(MACHNET_CMD_PORT_ADD_NTF, nt_event(&self->events, TIMEOUT_MS));
		EXPECT_EQ(self->numbers[i], nt_u16(&self->events, MACHNET_A_PORT_NUMBER));
	}
}

TEST_F(bulk, as_many_as_fit_a_request_and_no_more)
{
	ASSERT_EQ(0, nt_more_files());
	EXPECT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", MACHNET_PORTS_MAX, self->numbers));
	EXPECT_EQ(MACHNET_PORTS_MAX, count_ports(&self->app));
	EXPECT_EQ(-ERANGE, nt_open_ports(&self->app, "0.0.0.0", MACHNET_PORTS_MAX + 1, NULL));
	EXPECT_EQ(0, nt_release_many(&self->app, "0.0.0.0", self->numbers, MACHNET_PORTS_MAX));
	EXPECT_EQ(0, count_ports(&self->app));
}

TEST_F(bulk, one_is_a_number_too)
{
	ASSERT_EQ(0, nt_open_ports(&self->app, "127.0.0.1", 1, self->numbers));
	EXPECT_EQ(0, nt_release_many(&self->app, "127.0.0.1", self->numbers, 1));
	EXPECT_EQ(0, count_ports(&self->app));
}

/* The last of them is not fit to be lent: none is, and all are ordinary sockets again. */
TEST_F(bulk, one_that_is_refused_refuses_all)
{
	int fds[3], i;

	fds[0] = nt_bind_udp("127.0.0.1", 7001);
	fds[1] = nt_bind_udp("127.0.0.1", 7002);
	fds[2] = nt_bind_udp_as("127.0.0.1", 7003, NT_BIND_REUSEADDR);
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, fds[i]);
	EXPECT_EQ(-EINVAL, nt_lend_many(&self->app, fds, 3));
	EXPECT_STRNE("", self->app.extack);
	EXPECT_EQ(0, count_ports(&self->app));
	EXPECT_TRUE(is_silent(&self->app, &self->events, 7000));
	EXPECT_EQ(0, nt_lend_many(&self->other, fds, 2));
	for (i = 0; i < 3; i++)
		close(fds[i]);
	EXPECT_EQ(3, count_ports(&self->other));
}

TEST_F(bulk, several_are_released_at_once)
{
	uint16_t *numbers = self->numbers;
	int i;

	ASSERT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", 20, numbers));
	ASSERT_EQ(0, nt_release_many(&self->app, "0.0.0.0", numbers, 15));
	EXPECT_EQ(5, count_ports(&self->app));
	for (i = 0; i < 15; i++) {
		ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
		EXPECT_EQ(numbers[i], nt_u16(&self->events, MACHNET_A_PORT_NUMBER));
		EXPECT_EQ(MACHNET_REASON_CLOSED, nt_u32(&self->events, MACHNET_A_PORT_REASON));
		EXPECT_LT(-1, nt_bind_udp("0.0.0.0", numbers[i]));
	}
}

TEST_F(bulk, an_unknown_number_refuses_all)
{
	uint16_t *numbers = self->numbers;

	ASSERT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", 20, numbers));
	numbers[19] = 1;
	EXPECT_EQ(-ENOENT, nt_release_many(&self->app, "0.0.0.0", numbers, 20));
	EXPECT_STREQ("the port is not reserved", self->app.extack);
	EXPECT_EQ(20, count_ports(&self->app));
	/* The right numbers of another address are wrong. */
	EXPECT_EQ(-ENOENT, nt_release_many(&self->app, "127.0.0.1", numbers, 19));
	EXPECT_EQ(20, count_ports(&self->app));
}

TEST_F(bulk, a_number_named_twice_is_released_once)
{
	uint16_t *numbers = self->numbers;

	ASSERT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", 3, numbers));
	numbers[2] = numbers[0];
	EXPECT_EQ(0, nt_release_many(&self->app, "0.0.0.0", numbers, 3));
	EXPECT_EQ(1, count_ports(&self->app));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	ASSERT_EQ(MACHNET_CMD_PORT_DEL_NTF, nt_event(&self->events, TIMEOUT_MS));
	EXPECT_TRUE(is_silent(&self->app, &self->events, 7000));
}

TEST_F(bulk, a_port_of_somebody_else_refuses_all)
{
	uint16_t *numbers = self->numbers;
	struct nt user;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	ASSERT_EQ(0, nt_open_ports(&user, "0.0.0.0", 3, numbers));
	numbers[3] = 7000;
	EXPECT_EQ(-EPERM, nt_release_many(&user, "0.0.0.0", numbers, 4));
	EXPECT_STREQ("it belongs to another netlink socket", user.extack);
	EXPECT_EQ(4, count_ports(&user));
	EXPECT_EQ(0, nt_release_many(&user, "0.0.0.0", numbers, 3));
	EXPECT_EQ(1, count_ports(&user));
	nt_close(&user);
}

TEST_F(bulk, an_administrator_may_release_those_of_several)
{
	uint16_t numbers[] = { 7000, 7001 };

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_open_port(&self->other, "0.0.0.0", 7001));
	ASSERT_EQ(0, nt_release_many(&self->other, "0.0.0.0", numbers, 2));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(7000, nt_u16(&self->events, MACHNET_A_PORT_NUMBER));
	EXPECT_EQ(MACHNET_REASON_ADMIN, nt_u32(&self->events, MACHNET_A_PORT_REASON));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_CLOSED, nt_u32(&self->events, MACHNET_A_PORT_REASON));
}

TEST_F(bulk, a_closed_socket_loses_them_all)
{
	int i;

	ASSERT_EQ(0, nt_open_ports(&self->app, "0.0.0.0", 300, NULL));
	nt_close(&self->app);
	EXPECT_EQ(0, count_ports(&self->other));
	for (i = 0; i < 300; i++) {
		ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
		EXPECT_EQ(MACHNET_REASON_OWNER_DIED,
			  nt_u32(&self->events, MACHNET_A_PORT_REASON));
	}
}

TEST_HARNESS_MAIN
