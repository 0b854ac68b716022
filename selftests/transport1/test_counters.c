// SPDX-License-Identifier: MIT
/* Whatever is dropped is counted once, under one name; and every name has its case here. */
#include <stdlib.h>

#include <kselftest_harness.h>

#include "transport1/packet.h"
#include "sim.h"

struct world {
	struct sim *sim;
	uint64_t flow[2];
	uint64_t id[2];
	struct mn_path path;	/* from host 0 to host 1 */
};

#define N_COUNTERS	(sizeof(struct mn_stack_stats) / sizeof(uint64_t))

#define MN_X(name)	#name,
static const char *const names[] = { MN_STACK_COUNTERS(MN_X) };
#undef MN_X

static void inject(struct world *w, const struct mn_path *path, const struct mn_seg *seg)
{
	uint8_t buf[256] = { 0 };
	uint32_t len = mn_packet_write(buf, seg);

	sim_inject(w->sim, 1, path, buf, len + (seg->type == MN_WIRE_DATA));
	sim_turn(w->sim);
}

static struct mn_seg segment(const struct world *w, uint8_t type)
{
	return (struct mn_seg){ .type = type, .id = w->id[1], .ts = 5 };
}

static void cut_short(struct world *w)
{
	sim_inject(w->sim, 1, &w->path, (const uint8_t *)"\1\3", 2);
	sim_turn(w->sim);
}

static void of_the_future(struct world *w)
{
	static const uint8_t packet[48] = { 2, MN_WIRE_ACK };

	sim_inject(w->sim, 1, &w->path, packet, sizeof(packet));
	sim_turn(w->sim);
}

static void acks_the_unsent(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_ACK);

	seg.ack = 1;
	inject(w, &w->path, &seg);
}

static void of_nobody(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_ACK);

	seg.id ^= 0x100;
	inject(w, &w->path, &seg);
}

static void of_nobody_too_often(struct world *w)
{
	for (int i = 0; i < 101; i++)
		of_nobody(w);
}

static void to_nobody(struct world *w)
{
	struct mn_seg seg = { .type = MN_WIRE_SYN, .ts = 5, .syn = { .id = 5 } };
	struct mn_path path = w->path;

	path.remote_port = 9;
	inject(w, &path, &seg);
}

static void far_away(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_DATA);

	seg.seq = UINT64_C(1) << 40;
	inject(w, &w->path, &seg);
}

/* Two packets are held, and that is all. */
static void too_many_holes(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_DATA);

	for (int i = 0; i < 3; i++) {
		seg.seq = 10 + 2 * i;
		inject(w, &w->path, &seg);
	}
}

static void no_slot(struct world *w)
{
	struct mn_seg seg = { .type = MN_WIRE_SYN, .ts = 5, .syn = { .id = 5 } };
	uint64_t flow[2];

	while (sim_connect(w->sim, 0, &flow[0], &flow[1]))
		;
	inject(w, &w->path, &seg);
}

static void from_elsewhere(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_ACK);
	struct mn_path path = w->path;

	path.local.b[15] ^= 1;
	inject(w, &path, &seg);
}

static void late_syn_ack(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_SYN_ACK);

	seg.syn.id = w->id[0] ^ 0x100;
	inject(w, &w->path, &seg);
}

static void to_the_closed(struct world *w)
{
	struct mn_seg seg = segment(w, MN_WIRE_DATA);

	mn_stack_close(w->sim->host[1].stack, &w->sim->host[1].apps[0].ch, w->flow[1]);
	inject(w, &w->path, &seg);
}

static const struct {
	const char *counter;
	void (*cause)(struct world *w);
} cases[] = {
	{ "drop_short", cut_short },
	{ "drop_version", of_the_future },
	{ "drop_malformed", acks_the_unsent },
	{ "drop_unknown_conn", of_nobody },
	{ "drop_no_listener", to_nobody },
	{ "drop_beyond_credit", far_away },
	{ "drop_no_memory", too_many_holes },
	{ "drop_conn_limit", no_slot },
	{ "drop_wrong_peer", from_elsewhere },
	{ "drop_bad_state", late_syn_ack },
	{ "drop_after_close", to_the_closed },
	{ "drop_reply_limit", of_nobody_too_often },
};

#define N_CASES		(sizeof(cases) / sizeof(cases[0]))

static void world_init(struct world *w)
{
	w->sim = sim_new_sized(41, 4, 4);
	if (!sim_pair(w->sim, &w->flow[0], &w->flow[1]))
		abort();
	sim_run(w->sim, 10000, NULL);
	w->path = sim_last_event(w->sim, 0, MN_STACK_EVENT_UP)->path;
	for (int i = 0; i < 2; i++)
		w->id[i] = sim_last_event(w->sim, i, MN_STACK_EVENT_UP)->id;
}

static bool is_drop(const char *name)
{
	return !strncmp(name, "drop_", 5);
}

/* By one more, and no other drop with it; what is answered too often is unknown before. */
static void run_case(struct __test_metadata *_metadata, const char *counter,
		     void (*cause)(struct world *w))
{
	bool with_unknown = !strcmp(counter, "drop_reply_limit");
	struct world w;
	uint64_t before[N_COUNTERS];
	const uint64_t *now;

	world_init(&w);
	now = (const uint64_t *)mn_stack_stats(w.sim->host[1].stack);
	memcpy(before, now, sizeof(before));
	cause(&w);
	for (uint32_t i = 0; i < N_COUNTERS; i++) {
		uint64_t more = !strcmp(names[i], counter);

		if (!is_drop(names[i]) || (with_unknown && !strcmp(names[i], "drop_unknown_conn")))
			continue;
		EXPECT_EQ(before[i] + more, now[i]) TH_LOG("%s: %s", counter, names[i]);
	}
	sim_free(w.sim);
}

TEST(counters__each_drop_has_one)
{
	for (uint32_t i = 0; i < N_CASES; i++)
		run_case(_metadata, cases[i].counter, cases[i].cause);
}

TEST(counters__all_have_a_case)
{
	for (uint32_t i = 0; i < N_COUNTERS; i++) {
		bool found = !is_drop(names[i]);

		for (uint32_t k = 0; k < N_CASES; k++)
			found |= !strcmp(names[i], cases[k].counter);
		EXPECT_TRUE(found) TH_LOG("nothing here is counted as %s", names[i]);
	}
}

TEST_HARNESS_MAIN
