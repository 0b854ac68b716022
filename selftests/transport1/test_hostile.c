// SPDX-License-Identifier: MIT
/* Peers and strangers that do not keep to the rules. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport1/packet.h"
#include "sim.h"

FIXTURE(hostile)
{
	struct sim *sim;
	uint64_t flow[2];
	struct mn_path path;		/* from host 0 to host 1 */
	const struct mn_stack_stats *st;	/* of host 1 */
	uint64_t id[2];
};

FIXTURE_SETUP(hostile)
{
	self->sim = sim_new_sized(11, 32, 64);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 1000, NULL);
	self->path = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->path;
	self->id[0] = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->id;
	self->id[1] = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP)->id;
	self->st = mn_stack_stats(self->sim->host[1].stack);
}

FIXTURE_TEARDOWN(hostile)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

/* What host 1 sends, as far as a test wants to see it. */
static struct mn_seg last_seg;
static uint32_t n_segs, n_rsts;

/* Answers to the SYNs of tests, which have small ids, do not arrive: host 0 would reset them. */
static bool watch(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct mn_seg seg;

	(void)sim;
	if (from == 0 || mn_packet_parse(data, len, &seg))
		return false;
	last_seg = seg;
	n_segs++;
	n_rsts += seg.type == MN_WIRE_RST;
	return seg.type == MN_WIRE_SYN_ACK && seg.id < UINT32_MAX;
}

static struct mn_seg syn_with(uint64_t id)
{
	return (struct mn_seg){ .type = MN_WIRE_SYN, .ts = 5, .syn = { .id = id, .mss = 1472 } };
}

/* One packet from host 0's address to host 1, with optional payload. */
static void inject(struct sim *sim, const struct mn_path *path, const struct mn_seg *seg,
		   const void *payload, uint32_t len)
{
	uint8_t buf[2048];
	uint32_t n = mn_packet_write(buf, seg);

	memcpy(buf + n, payload, len);
	n_segs = n_rsts = 0;
	sim->filter = watch;
	sim_inject(sim, 1, path, buf, n + len);
	sim_run(sim, 8, NULL);
}

static bool both_alive(struct sim *sim, const uint64_t flow[2])
{
	struct sim_flow *f = sim_flow(&sim->host[1].apps[0], flow[1]);
	uint64_t before = f->received;

	sim_send(&sim->host[0].apps[0], flow[0], 5000);
	sim_run(sim, 20000, NULL);
	return !f->ended && f->received == before + 1;
}

TEST_F(hostile, refused__within_a_round_trip)
{
	struct sim_host *h = &self->sim->host[0];
	struct mn_path path = sim_path(self->sim, 0, 50000);
	const struct mn_stack_event *end;

	path.remote_port = 1;
	ASSERT_EQ(0, mn_stack_connect(h->stack, &h->apps[0].ch, &path, 77));
	sim_run(self->sim, 25, NULL);
	end = sim_last_event(self->sim, 0, MN_STACK_EVENT_END);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(MN_END_REFUSED, end->why);
	EXPECT_EQ(77, end->request);
	EXPECT_EQ(1, self->st->drop_no_listener);
	EXPECT_TRUE(both_alive(self->sim, self->flow));
}

TEST_F(hostile, no_answer__times_out_after_a_second)
{
	struct sim_host *h = self->sim->host;
	struct mn_path path = sim_path(self->sim, 0, 50000);

	h[1].dead = true;
	ASSERT_EQ(0, mn_stack_connect(h[0].stack, &h[0].apps[0].ch, &path, 78));
	sim_run(self->sim, 990000, NULL);
	EXPECT_EQ(NULL, sim_last_event(self->sim, 0, MN_STACK_EVENT_END));
	EXPECT_LE(7, h[0].sent);
	sim_run(self->sim, 20000, NULL);
	ASSERT_NE(NULL, sim_last_event(self->sim, 0, MN_STACK_EVENT_END));
	EXPECT_EQ(MN_END_TIMED_OUT, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(1, sim_conns(self->sim, 0));
}

TEST_F(hostile, syn__again_gets_the_same_answer)
{
	struct mn_seg syn = syn_with(0x1234500);
	struct mn_path path = sim_path(self->sim, 0, 50001);
	uint64_t id;

	inject(self->sim, &path, &syn, "", 0);
	ASSERT_EQ(1, n_segs);
	EXPECT_EQ(MN_WIRE_SYN_ACK, last_seg.type);
	EXPECT_EQ(0x1234500, last_seg.id);
	id = last_seg.syn.id;
	inject(self->sim, &path, &syn, "", 0);
	ASSERT_EQ(1, n_segs);
	EXPECT_EQ(id, last_seg.syn.id);
	EXPECT_EQ(2, sim_conns(self->sim, 1));
	/* Another port is another connection. */
	path.local_port++;
	inject(self->sim, &path, &syn, "", 0);
	EXPECT_NE(id, last_seg.syn.id);
	EXPECT_EQ(3, sim_conns(self->sim, 1));
	/* Nobody answers, and the application never hears of them. */
	sim_run(self->sim, 1100000, NULL);
	EXPECT_EQ(1, sim_conns(self->sim, 1));
	EXPECT_EQ(1, self->sim->host[1].apps[0].n_flows);
	EXPECT_EQ(NULL, sim_last_event(self->sim, 1, MN_STACK_EVENT_END));
}

TEST_F(hostile, syn__no_slot_left)
{
	struct sim_host *h = self->sim->host;
	struct mn_path path = sim_path(self->sim, 0, 50002);
	struct mn_seg syn = syn_with(0x777);
	uint64_t flow[2];

	for (int i = 1; i < 32; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	EXPECT_EQ(-ENOSPC, mn_stack_connect(h[0].stack, &h[0].apps[0].ch, &path, 79));
	inject(self->sim, &path, &syn, "", 0);
	ASSERT_EQ(1, n_rsts);
	EXPECT_EQ(0x777, last_seg.id);
	EXPECT_EQ(MN_WIRE_CODE_BUSY, last_seg.syn.code);
}

/* The sender of a SYN must have got our answer; knowing its own id does not do. */
TEST_F(hostile, syn__unproven_address)
{
	struct mn_path path = sim_path(self->sim, 0, 50003), other = path;
	struct mn_seg seg = syn_with(0x4444400);
	uint32_t accepts = self->st->accepts;
	uint64_t id;

	inject(self->sim, &path, &seg, "", 0);
	id = last_seg.syn.id;
	seg = (struct mn_seg){ .type = MN_WIRE_ACK, .id = id ^ 0x100, .ts = 6 };
	inject(self->sim, &path, &seg, "", 0);
	EXPECT_EQ(accepts, self->st->accepts);
	seg.id = id;
	mn_addr_parse(&other.local, "192.0.2.1");
	inject(self->sim, &other, &seg, "", 0);
	EXPECT_EQ(accepts, self->st->accepts);
	inject(self->sim, &path, &seg, "", 0);
	EXPECT_EQ(accepts + 1, self->st->accepts);
}

/* A guess does not end a connection, nor does the right id from elsewhere. */
TEST_F(hostile, rst__forged)
{
	struct mn_seg rst = { .type = MN_WIRE_RST, .syn = { .code = MN_WIRE_CODE_ABORTED } };
	struct mn_path other = self->path;

	rst.id = self->id[1] ^ 0x10000;
	inject(self->sim, &self->path, &rst, "", 0);
	/* A reset is not answered by a reset. */
	EXPECT_EQ(0, n_segs);
	rst.id = 0;
	inject(self->sim, &self->path, &rst, "", 0);
	rst.syn = (struct mn_wire_syn){ .code = MN_WIRE_CODE_UNKNOWN, .id = self->id[1] };
	inject(self->sim, &self->path, &rst, "", 0);
	rst.syn.id = self->id[0];
	mn_addr_parse(&other.local, "192.0.2.1");
	inject(self->sim, &other, &rst, "", 0);
	rst.id = self->id[1];
	inject(self->sim, &other, &rst, "", 0);
	EXPECT_TRUE(both_alive(self->sim, self->flow));
	inject(self->sim, &self->path, &rst, "", 0);
	sim_run(self->sim, 10, NULL);
	EXPECT_EQ(ECONNRESET, sim_flow(&self->sim->host[1].apps[0], self->flow[1])->error);
}

TEST_F(hostile, unknown__answers_are_limited)
{
	struct mn_seg seg = { .type = MN_WIRE_ACK, .id = 0x123456789a00, .ts = 5 };
	uint64_t before = self->st->resets_sent;

	inject(self->sim, &self->path, &seg, "", 0);
	ASSERT_EQ(1, n_rsts);
	EXPECT_EQ(0, last_seg.id);
	EXPECT_EQ(seg.id, last_seg.syn.id);
	EXPECT_EQ(MN_WIRE_CODE_UNKNOWN, last_seg.syn.code);
	for (int i = 0; i < 2000; i++) {
		seg.id += 0x100;
		inject(self->sim, &self->path, &seg, "", 0);
	}
	EXPECT_GT(150, self->st->resets_sent - before);
	EXPECT_EQ(2001, self->st->drop_unknown_conn);
}

static void expect_drop(struct __test_metadata *_metadata, struct sim *sim,
			const struct mn_path *path, const uint8_t *data, uint32_t len,
			const uint64_t *counter, const char *what)
{
	uint64_t before = *counter;

	sim_inject(sim, 1, path, data, len);
	sim_turn(sim);
	EXPECT_EQ(before + 1, *counter) TH_LOG("%s", what);
}

TEST_F(hostile, packets_that_are_none)
{
	const struct mn_stack_stats *st = self->st;
	struct mn_seg ack = { .type = MN_WIRE_ACK, .id = self->id[1], .ts = 5 };
	struct mn_seg syn = syn_with(0x100);
	struct mn_seg syn_ack = { .type = MN_WIRE_SYN_ACK, .id = 5, .syn = { .id = 6 } };
	struct mn_seg rst = { .type = MN_WIRE_RST, .id = 5, .syn = { .code = 1 } };
	struct mn_seg retry = { .type = MN_WIRE_RETRY, .id = 5, .syn = { .cookie = 6 } };
	struct sim *sim = self->sim;
	uint8_t good[256] = { 0 }, bad[256];
	uint32_t n = mn_packet_write(good, &ack);

	self->sim->filter = watch;
	for (uint32_t len = 0; len < n; len++)
		expect_drop(_metadata, sim, &self->path, good, len, &st->drop_short, "short");
#define BAD(index, value, size, counter)                                                           \
	do {                                                                                       \
		memcpy(bad, good, sizeof(bad));                                                    \
		bad[index] = value;                                                                \
		expect_drop(_metadata, sim, &self->path, bad, size, &st->counter,                  \
			    #index " = " #value);                                                  \
	} while (0)
	BAD(0, 0, n, drop_version);
	BAD(0, 2, n, drop_version);
	BAD(1, 0, n, drop_version);
	BAD(1, 7, n, drop_version);
	BAD(2, 4, n, drop_version);
	BAD(2, 0x80, n, drop_version);
	BAD(47, 1, n, drop_version);
	BAD(3, 5, n, drop_malformed);
	BAD(3, 1, n, drop_short);
	BAD(3, 1, n + 16, drop_malformed);
	/* DATA without, ACK with payload. */
	BAD(1, MN_WIRE_DATA, n, drop_malformed);
	BAD(1, MN_WIRE_ACK, n + 1, drop_malformed);
	/* Acknowledges what was never sent. */
	BAD(31, 1, n, drop_malformed);
	n = mn_packet_write(good, &syn);
	BAD(1, MN_WIRE_SYN, n - 1, drop_short);
	BAD(1, MN_WIRE_SYN, n + 1, drop_malformed);
	BAD(2, MN_WIRE_F_FIN, n, drop_malformed);
	BAD(3, 1, n, drop_malformed);
	BAD(15, 1, n, drop_malformed);
	BAD(n - 9, 1, n, drop_malformed);
	BAD(1, MN_WIRE_SYN_ACK, n, drop_malformed);
	BAD(1, MN_WIRE_RST, n, drop_malformed);
	BAD(1, MN_WIRE_RETRY, n, drop_malformed);
	/* A cookie where there is none to be. */
	n = mn_packet_write(good, &syn_ack);
	BAD(n - 1, 1, n, drop_malformed);
	n = mn_packet_write(good, &rst);
	BAD(n - 1, 1, n, drop_malformed);
	n = mn_packet_write(good, &retry);
	BAD(n - 1, 0, n, drop_malformed);
	BAD(n - 9, 1, n, drop_malformed);
	BAD(n - 11, 1, n, drop_malformed);
	BAD(n - 17, 1, n, drop_malformed);
	BAD(15, 0, n, drop_malformed);
	EXPECT_TRUE(both_alive(self->sim, self->flow));
}

/* Ranges that end before they start, lie below ack, or name what was never sent. */
TEST_F(hostile, sack__nonsense)
{
	struct mn_seg seg = { .type = MN_WIRE_ACK, .id = self->id[1], .n_sack = 1, .ts = 5 };
	static const struct mn_wire_sack bad[] = {
		{ 5, 5 }, { 7, 5 }, { 0, 5 }, { 5, 6 }, { 1, UINT64_MAX },
	};

	for (int i = 0; i < 5; i++) {
		seg.sack[0] = bad[i];
		inject(self->sim, &self->path, &seg, "", 0);
		EXPECT_EQ(i + 1, self->st->drop_malformed);
	}
	EXPECT_TRUE(both_alive(self->sim, self->flow));
}

/* A message length of 0 or beyond the limit breaks the stream: the connection is reset. */
TEST_F(hostile, frame__impossible_length)
{
	struct mn_seg seg = { .type = MN_WIRE_DATA, .id = self->id[1], .ts = 5 };
	uint64_t flow[2];

	inject(self->sim, &self->path, &seg, "\0\x80\0\1abcd", 8);
	EXPECT_EQ(1, n_rsts);
	EXPECT_EQ(MN_WIRE_CODE_ABORTED, last_seg.syn.code);
	EXPECT_EQ(1, self->st->drop_malformed);
	sim_run(self->sim, 100, NULL);
	EXPECT_EQ(ECONNRESET, sim_flow(&self->sim->host[1].apps[0], self->flow[1])->error);
	EXPECT_EQ(ECONNRESET, sim_flow(&self->sim->host[0].apps[0], self->flow[0])->error);
	EXPECT_TRUE(sim_is_clean(self->sim));
	EXPECT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
}

TEST_F(hostile, data__beyond_credit)
{
	struct mn_seg seg = {
		.type = MN_WIRE_DATA, .id = self->id[1], .seq = UINT64_C(1) << 40, .ts = 5,
	};

	inject(self->sim, &self->path, &seg, "x", 1);
	EXPECT_EQ(1, self->st->drop_beyond_credit);
	seg.seq = UINT64_MAX - 1;
	inject(self->sim, &self->path, &seg, "x", 1);
	EXPECT_EQ(1, self->st->drop_malformed);
	EXPECT_TRUE(both_alive(self->sim, self->flow));
}

/* Packets that fill no hole are held up to a bound. */
TEST_F(hostile, data__holes_only)
{
	struct mn_seg seg = { .type = MN_WIRE_DATA, .id = self->id[1], .ts = 5 };

	for (int i = 0; i < 300; i++) {
		seg.seq = 10000 - 10 * i;
		inject(self->sim, &self->path, &seg, "x", 1);
	}
	EXPECT_EQ(32, self->sim->host[1].held);
	EXPECT_EQ(300 - 32, self->st->drop_no_memory);
	EXPECT_EQ(0, mn_stack_abort(self->sim->host[1].stack, self->id[1], MN_END_ADMIN));
	EXPECT_EQ(0, self->sim->host[1].held);
}

/* The FIN of somebody who has sent less than he says, and then something else. */
TEST_F(hostile, fin__out_of_order)
{
	struct mn_seg fin = {
		.type = MN_WIRE_ACK, .flags = MN_WIRE_F_FIN, .id = self->id[1], .seq = 9, .ts = 5,
	};
	struct mn_seg data = { .type = MN_WIRE_DATA, .id = self->id[1], .ts = 6 };

	inject(self->sim, &self->path, &fin, "", 0);
	EXPECT_FALSE(sim_flow(&self->sim->host[1].apps[0], self->flow[1])->ended);
	data.seq = 5;
	inject(self->sim, &self->path, &data, "toolong", 7);
	EXPECT_EQ(1, self->st->drop_malformed);
	data.seq = 0;
	/* The first message of the flow, as the application expects it. */
	inject(self->sim, &self->path, &data, "\0\0\0\5\x00\x1f\x3e\x5d\x7c", 9);
	sim_run(self->sim, 10, NULL);
	EXPECT_EQ(1, sim_flow(&self->sim->host[1].apps[0], self->flow[1])->received);
	EXPECT_TRUE(sim_flow(&self->sim->host[1].apps[0], self->flow[1])->ended);
}

/* Bits that flip below every checksum: anything may end, nothing may break. */
TEST_F(hostile, corruption_breaks_nothing)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct sim *sim = sim_new(seed);
		uint64_t flow[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		sim->net = (struct sim_net){
			.delay_us = 20, .corrupt = 50000, .loss = 10000, .bytes_per_us = 1250,
		};
		for (int i = 0; i < 20; i++) {
			sim_send(&sim->host[0].apps[0], flow[0], 1 + sim_random(sim, 40000));
			sim_send(&sim->host[1].apps[0], flow[1], 1 + sim_random(sim, 40000));
			sim_run(sim, 2000, NULL);
		}
		sim->net.corrupt = sim->net.loss = 0;
		for (int i = 0; i < 2; i++)
			mn_stack_del_channel(sim->host[i].stack, &sim->host[i].apps[0].ch,
					     MN_END_ADMIN);
		sim_run(sim, 1000000, NULL);
		EXPECT_EQ(0, sim->host[0].held + sim->host[1].held);
		EXPECT_EQ(0, sim_conns(sim, 0) + sim_conns(sim, 1)) TH_LOG("seed %lu", seed);
		sim_free(sim);
	}
}

TEST_HARNESS_MAIN
