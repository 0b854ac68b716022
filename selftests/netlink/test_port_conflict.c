// SPDX-License-Identifier: MIT
/*
 * test_port_conflict.c - who may have a port beside whom: the host's own rules
 *
 * A reservation is as exclusive as a program's UDP socket with no option set,
 * except that one of IPv6 never takes the IPv4 port along.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define PORT	7000

NT_NEEDS_MODULE

FIXTURE(conflict)
{
	struct nt app;
	struct nt other;
};

FIXTURE_SETUP(conflict)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
}

FIXTURE_TEARDOWN(conflict)
{
	nt_close(&self->app);
	nt_close(&self->other);
}

/* A reservation and a program's socket, or another reservation. */
struct pair {
	const char *reserved;
	const char *other;
	int flags;
	bool conflict;
};

static const struct pair programs[] = {
	{ "0.0.0.0", "0.0.0.0", 0, true },
	{ "0.0.0.0", "127.0.0.1", 0, true },
	{ "127.0.0.1", "0.0.0.0", 0, true },
	{ "127.0.0.1", "127.0.0.1", 0, true },
	{ "127.0.0.1", "127.0.0.2", 0, false },
	{ "::", "::", 0, true },
	{ "::", "::1", 0, true },
	{ "::1", "::", 0, true },
	{ "::1", "::1", 0, true },
	{ "::", "0.0.0.0", 0, false },
	{ "::", "127.0.0.1", 0, false },
	{ "::1", "0.0.0.0", 0, false },
	{ "0.0.0.0", "::", 0, false },
	{ "0.0.0.0", "::1", 0, false },
	{ "127.0.0.1", "::1", 0, false },
	/* sockets of two families */
	{ "0.0.0.0", "::", NT_BIND_DUAL, true },
	{ "127.0.0.1", "::", NT_BIND_DUAL, true },
	{ "::", "::", NT_BIND_DUAL, true },
	{ "::1", "::", NT_BIND_DUAL, true },
	{ "0.0.0.0", "::ffff:127.0.0.1", NT_BIND_DUAL, true },
	{ "127.0.0.1", "::ffff:127.0.0.1", NT_BIND_DUAL, true },
	{ "127.0.0.2", "::ffff:127.0.0.1", NT_BIND_DUAL, false },
	{ "::1", "::ffff:127.0.0.1", NT_BIND_DUAL, false },
	/* sockets that would share with their like */
	{ "0.0.0.0", "0.0.0.0", NT_BIND_REUSEADDR, true },
	{ "0.0.0.0", "127.0.0.1", NT_BIND_REUSEADDR, true },
	{ "127.0.0.1", "0.0.0.0", NT_BIND_REUSEADDR, true },
	{ "::", "::1", NT_BIND_REUSEADDR, true },
	{ "0.0.0.0", "0.0.0.0", NT_BIND_REUSEPORT, true },
	{ "127.0.0.1", "0.0.0.0", NT_BIND_REUSEPORT, true },
	{ "::1", "::", NT_BIND_REUSEPORT, true },
	{ "0.0.0.0", "0.0.0.0", NT_BIND_REUSEADDR | NT_BIND_REUSEPORT, true },
	{ "0.0.0.0", "::", NT_BIND_DUAL | NT_BIND_REUSEADDR | NT_BIND_REUSEPORT, true },
};

#define N_PROGRAMS	(sizeof(programs) / sizeof(programs[0]))

static const struct pair reservations[] = {
	{ "0.0.0.0", "0.0.0.0", 0, true },
	{ "0.0.0.0", "127.0.0.1", 0, true },
	{ "127.0.0.1", "0.0.0.0", 0, true },
	{ "127.0.0.1", "127.0.0.2", 0, false },
	{ "0.0.0.0", "::", 0, false },
	{ "0.0.0.0", "::1", 0, false },
	{ "::", "127.0.0.1", 0, false },
	{ "::", "::1", 0, true },
	{ "::1", "::", 0, true },
};

#define N_RESERVATIONS	(sizeof(reservations) / sizeof(reservations[0]))

TEST_F(conflict, a_program_comes_second)
{
	unsigned int i;
	int fd;

	for (i = 0; i < N_PROGRAMS; i++) {
		const struct pair *p = &programs[i];

		ASSERT_EQ(0, nt_reserve(&self->app, p->reserved, PORT));
		fd = nt_bind_udp_as(p->other, PORT, p->flags);
		EXPECT_EQ(p->conflict ? -EADDRINUSE : 0, fd < 0 ? fd : 0)
			TH_LOG("%s, then %s (%d)", p->reserved, p->other, p->flags);
		if (fd >= 0)
			close(fd);
		ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, p->reserved, PORT));
	}
}

TEST_F(conflict, a_program_comes_first)
{
	unsigned int i;
	int fd, ret;

	for (i = 0; i < N_PROGRAMS; i++) {
		const struct pair *p = &programs[i];

		fd = nt_bind_udp_as(p->other, PORT, p->flags);
		ASSERT_LE(0, fd);
		ret = nt_reserve(&self->app, p->reserved, PORT);
		EXPECT_EQ(p->conflict ? -EADDRINUSE : 0, ret)
			TH_LOG("%s (%d), then %s", p->other, p->flags, p->reserved);
		EXPECT_STREQ(p->conflict ? "the port is held by another socket of this host" : "",
			     self->app.extack);
		close(fd);
		if (!ret)
			nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, p->reserved, PORT);
	}
}

TEST_F(conflict, two_reservations)
{
	unsigned int i;
	int ret;

	for (i = 0; i < N_RESERVATIONS; i++) {
		const struct pair *p = &reservations[i];

		ASSERT_EQ(0, nt_reserve(&self->app, p->reserved, PORT));
		ret = nt_reserve(&self->other, p->other, PORT);
		EXPECT_EQ(p->conflict ? -EADDRINUSE : 0, ret)
			TH_LOG("%s, then %s", p->reserved, p->other);
		if (!ret)
			nt_port_op(&self->other, MACHNET_CMD_PORT_RELEASE, p->other, PORT);
		ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, p->reserved, PORT));
	}
	EXPECT_EQ(0, nt_dump(&self->app, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F(conflict, the_kernel_chooses_what_nobody_has)
{
	int fds[7], i;

	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv4.ip_local_port_range='40000 40007'"));
	for (i = 0; i < 7; i++) {
		fds[i] = nt_bind_udp("127.0.0.1", 40000 + i);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, nt_reserve(&self->app, "0.0.0.0", 0));
	EXPECT_EQ(40007, nt_u16(&self->app, MACHNET_A_PORT_NUMBER));
	EXPECT_EQ(-EADDRINUSE, nt_reserve(&self->app, "0.0.0.0", 0));
	/* On another address all of them are free. */
	EXPECT_EQ(0, nt_reserve(&self->app, "127.0.0.2", 40000));
	for (i = 0; i < 7; i++)
		close(fds[i]);
}

TEST_F(conflict, namespaces_have_ports_of_their_own)
{
	struct nt elsewhere;

	ASSERT_EQ(0, nt_reserve(&self->app, "0.0.0.0", PORT));
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&elsewhere));
	EXPECT_EQ(0, nt_reserve(&elsewhere, "0.0.0.0", PORT));
	EXPECT_EQ(1, nt_dump(&elsewhere, MACHNET_CMD_PORT_GET, NULL, NULL));
	nt_close(&elsewhere);
	EXPECT_EQ(1, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_HARNESS_MAIN
