// SPDX-License-Identifier: MIT
/* Peers that begin large messages and do not go on, beside one that wants to be served. */
#include <kselftest_harness.h>

#include "transport1/packet.h"
#include "sim.h"

#define STUCK	4	/* connections of host 0; host 2 is the honest one */

FIXTURE(claims)
{
	struct sim *sim;
	uint64_t stuck[STUCK][2];
	uint64_t flow[2];
};

/* Of host 0 only the first packet with data of each connection arrives, and what has none. */
static bool lose_all_but_the_first(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct mn_seg seg;

	(void)sim;
	return from == 0 && !mn_packet_parse(data, len, &seg) && seg.len && seg.seq > 0;
}

FIXTURE_SETUP(claims)
{
	struct sim *sim = sim_new(1);

	self->sim = sim;
	ASSERT_TRUE(sim_pair(sim, &self->stuck[0][0], &self->stuck[0][1]));
	for (int i = 1; i < STUCK; i++)
		ASSERT_TRUE(sim_connect(sim, i / 2, &self->stuck[i][0], &self->stuck[i][1]));
	sim_add_third(sim);
	ASSERT_TRUE(sim_connect_from(sim, 2, 0, &self->flow[0], &self->flow[1]));
	sim_run(sim, 1000, NULL);
	sim->filter = lose_all_but_the_first;
	for (int i = 0; i < STUCK; i++)
		ASSERT_TRUE(sim_send(&sim->host[0].apps[i / 2], self->stuck[i][0], MN_MSG_MAX));
	sim_run(sim, 100000, NULL);
}

FIXTURE_TEARDOWN(claims)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static uint64_t received(const FIXTURE_DATA(claims) *self)
{
	return sim_flow(&self->sim->host[1].apps[0], self->flow[1])->received;
}

TEST_F(claims, small_messages_go_on)
{
	static const uint32_t sizes[] = { 1, 64, 1400, 5000, 65536 };
	uint64_t sent = 0;

	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 5; i++) {
			ASSERT_TRUE(sim_send(&self->sim->host[2].apps[0], self->flow[0], sizes[i]));
			sent++;
		}
		sim_run(self->sim, 20000, NULL);
		ASSERT_EQ(sent, received(self));
	}
}

/* A large message waits until the others have had their time. */
TEST_F(claims, large_messages_go_on)
{
	ASSERT_TRUE(sim_send(&self->sim->host[2].apps[0], self->flow[0], MN_MSG_MAX));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(0, received(self));
	sim_run(self->sim, 60000000, NULL);
	EXPECT_EQ(1, received(self));
	EXPECT_LT(0, mn_stack_stats(self->sim->host[1].stack)->claims_expired);
	EXPECT_FALSE(sim_flow(&self->sim->host[1].apps[0], self->flow[1])->ended);
}

TEST_HARNESS_MAIN
