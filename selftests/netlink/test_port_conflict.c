// SPDX-License-Identifier: MIT
/*
 * test_port_conflict.c - who may have a port beside whom: the host's own rules
 *
 * A port is as exclusive as any UDP socket that is bound with no option set and,
 * in IPv6, with IPV6_V6ONLY: whether it is lent makes no difference.
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

/* A port and a program's socket. */
struct pair {
	const char *port;
	const char *other;
	int flags;
	bool conflict;
};

static const struct pair pairs[] = {
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

#define N_PAIRS	(sizeof(pairs) / sizeof(pairs[0]))

TEST_F(conflict, a_lent_port_is_taken)
{
	unsigned int i;
	int fd;

	for (i = 0; i < N_PAIRS; i++) {
		const struct pair *p = &pairs[i];

		ASSERT_EQ(0, nt_open_port(&self->app, p->port, PORT));
		fd = nt_bind_udp_as(p->other, PORT, p->flags);
		EXPECT_EQ(p->conflict ? -EADDRINUSE : 0, fd < 0 ? fd : 0)
			TH_LOG("%s, then %s (%d)", p->port, p->other, p->flags);
		if (fd >= 0)
			close(fd);
		ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, p->port, PORT));
	}
}

TEST_F(conflict, namespaces_have_ports_of_their_own)
{
	struct nt elsewhere;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", PORT));
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&elsewhere));
	EXPECT_EQ(0, nt_open_port(&elsewhere, "0.0.0.0", PORT));
	EXPECT_EQ(1, nt_dump(&elsewhere, MACHNET_CMD_PORT_GET, NULL, NULL));
	nt_close(&elsewhere);
	EXPECT_EQ(1, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_HARNESS_MAIN
