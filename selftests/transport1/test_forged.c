// SPDX-License-Identifier: MIT
/* Packets that are real but old, or right but from the wrong place. */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "transport1/conn.h"
#include "sim.h"

#define TAPED_MAX	4096

/* What went from host 0 to host 1. */
struct tape {
	uint32_t n, len[TAPED_MAX];
	uint8_t *data[TAPED_MAX];
};

FIXTURE(forged)
{
	struct sim *sim;
	struct tape *tape;
	uint64_t flow[2];
	struct mn_path path;		/* from host 0 to host 1 */
	const struct mn_stack_stats *st;	/* of host 1 */
	uint64_t id[2];
};

static bool record(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct tape *t = sim->filter_ctx;

	if (from == 0 && t->n < TAPED_MAX) {
		t->data[t->n] = malloc(len);
		memcpy(t->data[t->n], data, len);
		t->len[t->n++] = len;
	}
	return false;
}

FIXTURE_SETUP(forged)
{
	self->sim = sim_new(31);
	self->tape = calloc(1, sizeof(*self->tape));
	self->sim->filter = record;
	self->sim->filter_ctx = self->tape;
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 10000, NULL);
	self->path = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->path;
	for (int i = 0; i < 2; i++)
		self->id[i] = sim_last_event(self->sim, i, MN_STACK_EVENT_UP)->id;
	self->st = mn_stack_stats(self->sim->host[1].stack);
}

FIXTURE_TEARDOWN(forged)
{
	EXPECT_EQ(0, self->sim->errors);
	for (uint32_t i = 0; i < self->tape->n; i++)
		free(self->tape->data[i]);
	free(self->tape);
	sim_free(self->sim);
}

/* All that host 0 has ever sent comes once more, as fast as an attacker likes. */
static void replay(struct sim *sim, const struct mn_path *path)
{
	const struct tape *t = sim->filter_ctx;
	uint32_t n = t->n;

	for (uint32_t i = 0; i < n; i++) {
		sim_inject(sim, 1, path, t->data[i], t->len[i]);
		sim_run(sim, 20, NULL);
	}
}

static void inject(struct sim *sim, const struct mn_path *path, const struct mn_seg *seg,
		   const void *payload, uint32_t len)
{
	uint8_t buf[2048];
	uint32_t n = mn_packet_write(buf, seg);

	memcpy(buf + n, payload, len);
	sim_inject(sim, 1, path, buf, n + len);
	sim_run(sim, 20, NULL);
}

static uint64_t received(struct sim *sim, int host, const uint64_t flow[2])
{
	return sim_flow(&sim->host[host].apps[0], flow[host])->received;
}

static void exchange(struct sim *sim, const uint64_t flow[2])
{
	for (int i = 0; i < 10; i++) {
		sim_send(&sim->host[0].apps[0], flow[0], 1 + 1000 * i);
		sim_send(&sim->host[1].apps[0], flow[1], 1 + 1000 * i);
		sim_run(sim, 2000, NULL);
	}
}

TEST_F(forged, replay__while_it_is_open)
{
	exchange(self->sim, self->flow);
	ASSERT_EQ(10, received(self->sim, 1, self->flow));
	replay(self->sim, &self->path);
	EXPECT_EQ(10, received(self->sim, 1, self->flow));
	exchange(self->sim, self->flow);
	EXPECT_EQ(20, received(self->sim, 1, self->flow));
	EXPECT_EQ(20, received(self->sim, 0, self->flow));
	EXPECT_EQ(1, self->st->accepts);
}

/* Also with its SYN: the real host does not confirm it. */
TEST_F(forged, replay__after_its_end)
{
	struct sim_host *h = self->sim->host;
	uint64_t unknown = self->st->drop_unknown_conn;

	exchange(self->sim, self->flow);
	ASSERT_EQ(0, mn_stack_close(h[0].stack, &h[0].apps[0].ch, self->flow[0]));
	sim_run(self->sim, 100000, NULL);
	ASSERT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
	ASSERT_LT(15, self->tape->n);
	replay(self->sim, &self->path);
	EXPECT_EQ(1, self->st->accepts);
	EXPECT_EQ(1, h[1].apps[0].n_flows);
	EXPECT_LT(unknown + 10, self->st->drop_unknown_conn);
	/* Its word about the SYN_ACK, UNKNOWN, frees the slot at once. */
	EXPECT_EQ(0, sim_conns(self->sim, 1));
	EXPECT_EQ(2, h[0].n_events);
	EXPECT_EQ(2, h[1].n_events);
}

/* The real host is not there to object. */
TEST_F(forged, replay__nobody_objects)
{
	struct sim_host *h = self->sim->host;

	exchange(self->sim, self->flow);
	ASSERT_EQ(0, mn_stack_close(h[0].stack, &h[0].apps[0].ch, self->flow[0]));
	sim_run(self->sim, 100000, NULL);
	h[0].dead = true;
	replay(self->sim, &self->path);
	EXPECT_EQ(1, self->st->accepts);
	EXPECT_EQ(1, sim_conns(self->sim, 1));
	sim_run(self->sim, MN_SYN_GIVE_UP_US, NULL);
	EXPECT_EQ(0, sim_conns(self->sim, 1));
	EXPECT_EQ(2, h[1].n_events);
}

/* A connection belongs to an address; its ports may change. */
TEST_F(forged, data__from_elsewhere)
{
	struct mn_seg data = { .type = MN_WIRE_DATA, .id = self->id[1], .ts = 5 };
	struct mn_seg ack = { .type = MN_WIRE_ACK, .id = self->id[1], .ts = 5, .ack = 1 };
	struct mn_seg again = {
		.type = MN_WIRE_SYN_ACK, .id = self->id[1], .ts = 5, .syn = { .id = self->id[0] },
	};
	struct mn_path other = self->path;
	/* The first message of the flow, as the application expects it. */
	static const char msg[] = "\0\0\0\5\x00\x1f\x3e\x5d\x7c";
	uint64_t sent = self->sim->host[1].sent;

	mn_addr_parse(&other.local, "192.0.2.1");
	inject(self->sim, &other, &data, msg, 9);
	inject(self->sim, &other, &ack, "", 0);
	inject(self->sim, &other, &again, "", 0);
	EXPECT_EQ(3, self->st->drop_wrong_peer);
	EXPECT_EQ(0, received(self->sim, 1, self->flow));
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(sent, self->sim->host[1].sent);
	other = self->path;
	other.local_port++;
	inject(self->sim, &other, &data, msg, 9);
	EXPECT_EQ(1, received(self->sim, 1, self->flow));
	EXPECT_EQ(3, self->st->drop_wrong_peer);
}

/* The id of somebody else's half-open connection does not open it. */
TEST_F(forged, confirmation__from_elsewhere)
{
	struct mn_seg ack = { .type = MN_WIRE_ACK, .ts = 5 };
	struct mn_path path = sim_path(self->sim, 0, 50000), other;
	struct mn_seg syn = { .type = MN_WIRE_SYN, .ts = 5, .syn = { .id = 7, .mss = 1472 } };
	struct mn_conn_info info;

	self->sim->host[0].dead = true;
	inject(self->sim, &path, &syn, "", 0);
	/* The second connection; handles of the first generation differ by the slot. */
	ASSERT_TRUE(sim_info(self->sim, 1, self->flow[1] + 1, &info));
	ack.id = info.id;
	other = path;
	other.local_port++;
	inject(self->sim, &other, &ack, "", 0);
	mn_addr_parse(&other.local, "192.0.2.1");
	inject(self->sim, &other, &ack, "", 0);
	EXPECT_EQ(2, self->st->drop_wrong_peer);
	EXPECT_EQ(1, self->st->accepts);
	inject(self->sim, &path, &ack, "", 0);
	EXPECT_EQ(2, self->st->accepts);
}

TEST_F(forged, syn_ack__for_what_is_open)
{
	struct mn_seg seg = {
		.type = MN_WIRE_SYN_ACK, .id = self->id[1], .ts = 5, .credit = 1,
		.syn = { .id = 0x1234500, .mss = 100 },
	};

	inject(self->sim, &self->path, &seg, "", 0);
	EXPECT_EQ(1, self->st->drop_bad_state);
	exchange(self->sim, self->flow);
	EXPECT_EQ(10, received(self->sim, 0, self->flow));
}

/* An end that is said to be somewhere else than it was. */
TEST_F(forged, fin__twice_and_different)
{
	struct mn_seg fin = {
		.type = MN_WIRE_ACK, .flags = MN_WIRE_F_FIN, .id = self->id[1], .seq = 9, .ts = 5,
	};

	inject(self->sim, &self->path, &fin, "", 0);
	inject(self->sim, &self->path, &fin, "", 0);
	EXPECT_EQ(0, self->st->drop_malformed);
	fin.seq = 10;
	inject(self->sim, &self->path, &fin, "", 0);
	EXPECT_EQ(1, self->st->drop_malformed);
	EXPECT_FALSE(sim_flow(&self->sim->host[1].apps[0], self->flow[1])->ended);
}

TEST_HARNESS_MAIN
