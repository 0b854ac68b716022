/* SPDX-License-Identifier: MIT */
/* lib_fixture.h - libmachnet attached to a daemon that echoes, with one connection */
#ifndef LIB_FIXTURE_H
#define LIB_FIXTURE_H

#include <stdlib.h>

#include <kselftest_harness.h>

#include <machnet.h>
#include "fake_daemon.h"
#include "lib/ends.h"

/* A test of the compatible interface defines it before. */
#ifndef LIB_ATTACH
#define LIB_ATTACH	machnet_attach_ends
#endif

/* Too long for the ring: one buffer. */
#define LARGE		2000

#define EXPECT_ERRNO(error, call)			\
	do {						\
		errno = 0;				\
		EXPECT_EQ(-1, (call));			\
		EXPECT_EQ(error, errno);		\
	} while (0)

FIXTURE(lib)
{
	struct fake_daemon d;
	void *ch;
	MachnetFlow_t flow;
	uint8_t *big;
};

FIXTURE_SETUP(lib)
{
	ASSERT_EQ(0, fake_daemon_prepare(&self->d));
	ASSERT_EQ(0, fake_daemon_start(&self->d));
	self->ch = LIB_ATTACH();
	ASSERT_NE(NULL, self->ch);
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.2", 31580, &self->flow));
	self->big = malloc(MACHNET_MSG_MAX_LEN);
	ASSERT_NE(NULL, self->big);
}

FIXTURE_TEARDOWN(lib)
{
	machnet_detach(self->ch);
	fake_daemon_cleanup(&self->d);
	free(self->big);
}

#endif /* LIB_FIXTURE_H */
