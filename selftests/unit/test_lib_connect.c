// SPDX-License-Identifier: MIT
/* Connecting: what is on the ring in front of the answer. */
#include <poll.h>

#include "lib_fixture.h"

/* The answer lies behind what the program has not received yet. */
TEST_F(lib, a_connect_keeps_what_comes_before_its_answer)
{
	static const uint32_t len[] = { 3, 100000, 1 };
	struct pollfd p = { .events = POLLIN };
	MachnetFlow_t f, from;

	p.fd = machnet_fd(self->ch);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, machnet_send(self->ch, self->flow, self->big, len[i]));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.3", 7, &f));
	ASSERT_EQ(0, machnet_send(self->ch, f, "ab", 2));
	ASSERT_EQ(1, poll(&p, 1, 1000));
	EXPECT_EQ(3, machnet_pending(self->ch));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(len[i], machnet_recv_timeout(self->ch, self->big, len[1], &from, 1000));
		EXPECT_EQ(self->flow.src_port, from.dst_port);
	}
	EXPECT_EQ(2, machnet_recv_timeout(self->ch, self->big, 2, &from, 1000));
	EXPECT_EQ(f.src_port, from.dst_port);
}

TEST_F(lib, what_a_connect_kept_of_a_closed_connection_is_void)
{
	MachnetFlow_t f, from;

	ASSERT_EQ(0, machnet_send(self->ch, self->flow, "x", 1));
	ASSERT_EQ(MACHNET_WAIT_RECV, machnet_wait(self->ch, MACHNET_WAIT_RECV, 1000));
	ASSERT_EQ(0, machnet_connect(self->ch, NULL, "10.0.0.3", 7, &f));
	EXPECT_EQ(1, machnet_pending(self->ch));
	ASSERT_EQ(0, machnet_close(self->ch, self->flow));
	EXPECT_EQ(0, machnet_pending(self->ch));
	ASSERT_EQ(0, machnet_send(self->ch, f, "ab", 2));
	EXPECT_EQ(2, machnet_recv_timeout(self->ch, self->big, 2, &from, 1000));
	EXPECT_EQ(f.src_port, from.dst_port);
}

TEST_HARNESS_MAIN
