// SPDX-License-Identifier: MIT
/*
 * test_port_bulk.c - ports that are reserved and released by the hundred
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000
#define QUOTA		"net.machnet.max_ports_per_user"

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

/* The numbers of the last answer, at most max of them: how many. */
static int take_numbers(const struct nt *nt, uint16_t *numbers, int max)
{
	const struct nlattr *attr = nt->attrs[MACHNET_A_PORT_NUMBERS];
	int n = attr ? nla_len(attr) / (int)sizeof(*numbers) : 0;

	memcpy(numbers, attr ? nla_data(attr) : "", (n < max ? n : max) * sizeof(*numbers));
	return n;
}

static int count_ports(struct nt *nt)
{
	return nt_dump(nt, MACHNET_CMD_PORT_GET, NULL, NULL);
}

/* The next event is that of a port that is reserved now: nothing was announced before. */
static bool is_silent(struct nt *app, struct nt *events, uint16_t number)
{
	return nt_reserve(app, "127.0.0.1", number) == 0 &&
	       nt_event(events, TIMEOUT_MS) == MACHNET_CMD_PORT_ADD_NTF &&
	       nt_u16(events, MACHNET_A_PORT_NUMBER) == number;
}

TEST_F(bulk, many_are_reserved_at_once)
{
	static unsigned char seen[65536];
	int i;

	ASSERT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 100));
	EXPECT_TRUE(nt_is_addr(&self->app, MACHNET_A_PORT_ADDR, "0.0.0.0"));
	EXPECT_EQ(NULL, self->app.attrs[MACHNET_A_PORT_COOKIE]);
	ASSERT_EQ(100, take_numbers(&self->app, self->numbers, 100));
	for (i = 0; i < 100; i++) {
		EXPECT_LT(0, self->numbers[i]);
		EXPECT_EQ(0, seen[self->numbers[i]]++);
		EXPECT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, "0.0.0.0",
					self->numbers[i]));
		EXPECT_EQ(-EADDRINUSE, nt_bind_udp("0.0.0.0", self->numbers[i]));
	}
	EXPECT_EQ(100, count_ports(&self->other));
}

TEST_F(bulk, each_is_announced_with_its_owner)
{
	int i;

	ASSERT_EQ(0, nt_reserve_many(&self->app, "::", 10));
	ASSERT_EQ(10, take_numbers(&self->app, self->numbers, 10));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(MACHNET_CMD_PORT_ADD_NTF, nt_event(&self->events, TIMEOUT_MS));
		EXPECT_EQ(self->numbers[i], nt_u16(&self->events, MACHNET_A_PORT_NUMBER));
		EXPECT_EQ((uint32_t)getpid(), nt_u32(&self->events, MACHNET_A_PORT_OWNER_PID));
	}
}

TEST_F(bulk, as_many_as_fit_a_request_and_no_more)
{
	EXPECT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", MACHNET_PORTS_MAX));
	EXPECT_EQ(MACHNET_PORTS_MAX,
		  take_numbers(&self->app, self->numbers, MACHNET_PORTS_MAX));
	EXPECT_EQ(MACHNET_PORTS_MAX, count_ports(&self->app));
	EXPECT_EQ(-ERANGE, nt_reserve_many(&self->app, "0.0.0.0", MACHNET_PORTS_MAX + 1));
	EXPECT_EQ(0, nt_release_many(&self->app, "0.0.0.0", self->numbers, MACHNET_PORTS_MAX));
	EXPECT_EQ(0, count_ports(&self->app));
}

TEST_F(bulk, one_is_a_number_too)
{
	ASSERT_EQ(0, nt_reserve_many(&self->app, "127.0.0.1", 1));
	EXPECT_EQ(1, take_numbers(&self->app, self->numbers, 1));
	EXPECT_EQ(0, nt_release_many(&self->app, "127.0.0.1", self->numbers, 1));
	EXPECT_EQ(0, count_ports(&self->app));
}

TEST_F(bulk, there_are_not_so_many_so_there_are_none)
{
	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv4.ip_local_port_range='40000 40049'"));
	EXPECT_EQ(-EADDRINUSE, nt_reserve_many(&self->app, "0.0.0.0", 51));
	EXPECT_STRNE("", self->app.extack);
	EXPECT_EQ(0, count_ports(&self->app));
	EXPECT_LT(-1, nt_bind_udp("0.0.0.0", 40000));
	EXPECT_TRUE(is_silent(&self->app, &self->events, 7000));
	EXPECT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 49));
}

TEST_F(bulk, a_refused_request_leaves_no_owner_behind)
{
	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv4.ip_local_port_range='40000 40049'"));
	EXPECT_EQ(-EADDRINUSE, nt_reserve_many(&self->app, "0.0.0.0", 51));
	/* What belonged to the request must not hold the numbers when the socket lives on. */
	EXPECT_EQ(0, nt_reserve_many(&self->other, "0.0.0.0", 50));
}

static int quota_user(void *arg)
{
	struct nt user;

	(void)arg;
	if (nt_drop_root() || nt_open(&user))
		return 1;
	if (nt_reserve_many(&user, "0.0.0.0", 11) != -EDQUOT)
		return 2;
	if (strcmp(user.extack, "this user has net.machnet.max_ports_per_user ports already"))
		return 3;
	if (count_ports(&user))
		return 4;
	if (nt_reserve_many(&user, "0.0.0.0", 10) || count_ports(&user) != 10)
		return 5;
	if (nt_reserve_many(&user, "0.0.0.0", 1) != -EDQUOT)
		return 6;
	return nt_reserve(&user, "0.0.0.0", 0) == -EDQUOT ? 0 : 7;
}

TEST_F(bulk, the_quota_counts_them_all_or_none)
{
	ASSERT_EQ(0, nt_sh("sysctl -qw " QUOTA "=10"));
	EXPECT_EQ(0, nt_in_child(quota_user, NULL));
	/* The user has died and has given back what there was. */
	EXPECT_EQ(0, nt_in_child(quota_user, NULL));
}

TEST_F(bulk, several_are_released_at_once)
{
	uint16_t *numbers = self->numbers;
	int i;

	ASSERT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 20));
	ASSERT_EQ(20, take_numbers(&self->app, numbers, 20));
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

	ASSERT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 20));
	ASSERT_EQ(20, take_numbers(&self->app, numbers, 20));
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

	ASSERT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 3));
	ASSERT_EQ(3, take_numbers(&self->app, numbers, 3));
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

	ASSERT_EQ(0, nt_reserve(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	ASSERT_EQ(0, nt_reserve_many(&user, "0.0.0.0", 3));
	ASSERT_EQ(3, take_numbers(&user, numbers, 3));
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

	ASSERT_EQ(0, nt_reserve(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_reserve(&self->other, "0.0.0.0", 7001));
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

	ASSERT_EQ(0, nt_reserve_many(&self->app, "0.0.0.0", 300));
	nt_close(&self->app);
	EXPECT_EQ(0, count_ports(&self->other));
	for (i = 0; i < 300; i++) {
		ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
		EXPECT_EQ(MACHNET_REASON_OWNER_DIED,
			  nt_u32(&self->events, MACHNET_A_PORT_REASON));
	}
}

TEST_HARNESS_MAIN
