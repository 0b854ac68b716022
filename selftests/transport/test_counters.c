// SPDX-License-Identifier: MIT
/* Whatever is dropped is counted once, under one name; and every name has its case here. */
#include <stdlib.h>

#include <kselftest_harness.h>

#include "transport/frame.h"
#include "transport/packet.h"
#include "sim.h"

#define MAX_CONNS	(SIM_PATHS + 4)
#define MAX_HELD	4

struct world {
	struct sim *sim;
	uint64_t flow[2], id[2];
	struct mn_tuple tuple;	/* from host 0 to host 1 */
	uint64_t path;		/* by host 1's id */
	uint64_t number;	/* of the last packet */
	uint32_t conn;		/* by host 1's number */
};

#define N_COUNTERS	(sizeof(struct mn_stack_stats) / sizeof(uint64_t))

#define MN_X(name)	#name,
static const char *const names[] = { MN_STACK_COUNTERS(MN_X) };
#undef MN_X

static void inject(struct world *w, const struct mn_tuple *tuple, const uint8_t *data, uint32_t len)
{
	sim_inject(w->sim, 1, tuple, data, len);
	sim_turn(w->sim);
}

/* A packet of host 0 with one frame and its payload, of zeros but for the last byte. */
static void inject_frame(struct world *w, uint64_t path, const struct mn_tuple *tuple,
			 const struct mn_frame *f)
{
	struct mn_packet p = {
		.type = MN_WIRE_FRAMES, .path = path, .number = ++w->number, .least = 1,
	};
	uint8_t buf[256] = { 0 };
	uint32_t n = mn_packet_write(buf, &p);

	n += mn_frame_write(buf + n, f) + f->len;
	buf[n] = MN_FRAME_PAD;
	/* Long enough to be answered. */
	inject(w, tuple, buf, n < 64 ? 64 : n);
}

static void send_frame(struct world *w, const struct mn_frame *f)
{
	inject_frame(w, w->path, &w->tuple, f);
}

static struct mn_frame data_at(const struct world *w, uint64_t offset)
{
	return (struct mn_frame){
		.type = MN_FRAME_DATA, .conn = w->conn, .offset = offset, .len = 1,
	};
}

static struct mn_frame open_to(uint16_t port, uint64_t serial)
{
	return (struct mn_frame){
		.type = MN_FRAME_OPEN, .conn = 77, .value = serial, .port = port, .client_port = 9,
		.credit = 1000,
	};
}

static void cut_short(struct world *w)
{
	inject(w, &w->tuple, (const uint8_t *)"\2\4", 2);
}

static void of_the_future(struct world *w)
{
	static const uint8_t packet[40] = { 3, MN_WIRE_FRAMES };

	inject(w, &w->tuple, packet, sizeof(packet));
}

static void acks_the_unsent(struct world *w)
{
	struct mn_frame f = { .type = MN_FRAME_ACK, .ack = { .largest = 1 << 20, .window = 1 } };

	send_frame(w, &f);
}

static void on_no_path(struct world *w)
{
	struct mn_frame f = { .type = MN_FRAME_PING };

	inject_frame(w, w->path ^ 0x100, &w->tuple, &f);
}

static void on_no_path_too_often(struct world *w)
{
	for (int i = 0; i < 101; i++)
		on_no_path(w);
}

static void of_no_connection(struct world *w)
{
	struct mn_frame f = { .type = MN_FRAME_CREDIT, .conn = w->conn ^ 1 };

	send_frame(w, &f);
}

static void to_no_listener(struct world *w)
{
	struct mn_frame f = open_to(9, 2);

	send_frame(w, &f);
}

static void far_away(struct world *w)
{
	struct mn_frame f = data_at(w, UINT64_C(1) << 40);

	send_frame(w, &f);
}

/* The ring is full of what the application has not read. */
static void no_room(struct world *w)
{
	struct mn_channel *ch = &w->sim->host[1].apps[0].ch;
	uint8_t message[5] = { 0, 0, 0, 1 };
	struct mn_packet p = {
		.type = MN_WIRE_FRAMES, .path = w->path, .number = ++w->number, .least = 1,
	};
	struct mn_frame f = data_at(w, 0);
	uint8_t buf[256];
	uint32_t n = mn_packet_write(buf, &p);

	w->sim->host[1].apps[0].reads = false;
	ch->rx.self += mn_ring_free(&ch->rx, ch->rx.size + 1);
	f.len = sizeof(message);
	n += mn_frame_write(buf + n, &f);
	memcpy(buf + n, message, sizeof(message));
	inject(w, &w->tuple, buf, n + sizeof(message));
}

/* Two pieces are held, and that is all. */
static void too_many_holes(struct world *w)
{
	for (int i = 0; i < 3; i++) {
		struct mn_frame f = data_at(w, 10 + 2 * i);

		send_frame(w, &f);
	}
}

static void no_slot(struct world *w)
{
	struct mn_frame f = open_to(SIM_PORT, MAX_CONNS + 1);
	uint64_t flow[2];

	while (sim_connect(w->sim, 0, &flow[0], &flow[1]))
		;
	send_frame(w, &f);
}

/* Host 1 asks as many hosts as it can know; then another one asks it. */
static void no_path_left(struct world *w)
{
	struct mn_packet p = {
		.type = MN_WIRE_INIT,
		.init = { .id = 5, .instance = 1, .mss = 1472, .window = 1,
			  .port_first = SIM_BLOCK, .port_count = 1 },
	};
	struct sim_host *h = &w->sim->host[1];
	struct mn_tuple to = sim_path(w->sim, 1, 0), from = w->tuple;
	uint8_t buf[256];

	for (uint32_t i = 0; i < SIM_PATHS; i++) {
		to.remote = mn_addr_from_v4(htonl(0x0b000000 + i));
		sim_open(&h->apps[1], &to, 1);
		sim_turn(w->sim);
	}
	from.local = mn_addr_from_v4(htonl(0x0c000000));
	inject(w, &from, buf, mn_packet_write(buf, &p));
}

static void from_elsewhere(struct world *w)
{
	struct mn_frame f = { .type = MN_FRAME_PING };
	struct mn_tuple tuple = w->tuple;

	tuple.local.b[15] ^= 0x40;
	inject_frame(w, w->path, &tuple, &f);
}

static void late_retry(struct world *w)
{
	struct mn_packet p = { .type = MN_WIRE_RETRY, .path = w->path, .cookie = 1 };
	uint8_t buf[256];

	inject(w, &w->tuple, buf, mn_packet_write(buf, &p));
}

static void to_the_aborted(struct world *w)
{
	struct mn_frame f = data_at(w, 0);

	mn_stack_abort(w->sim->host[1].stack, w->id[1], MN_END_ADMIN);
	send_frame(w, &f);
}

static const struct {
	const char *counter;
	void (*cause)(struct world *w);
} cases[] = {
	{ "drop_short", cut_short },
	{ "drop_version", of_the_future },
	{ "drop_malformed", acks_the_unsent },
	{ "drop_unknown_path", on_no_path },
	{ "drop_unknown_conn", of_no_connection },
	{ "drop_no_listener", to_no_listener },
	{ "drop_beyond_credit", far_away },
	{ "drop_no_room", no_room },
	{ "drop_no_memory", too_many_holes },
	{ "drop_conn_limit", no_slot },
	{ "drop_path_limit", no_path_left },
	{ "drop_wrong_peer", from_elsewhere },
	{ "drop_bad_state", late_retry },
	{ "drop_after_close", to_the_aborted },
	{ "drop_reply_limit", on_no_path_too_often },
};

#define N_CASES		(sizeof(cases) / sizeof(cases[0]))

static void world_init(struct world *w)
{
	struct mn_path_info path;

	*w = (struct world){ .sim = sim_new_sized(41, MAX_CONNS, MAX_HELD) };
	if (!sim_pair(w->sim, &w->flow[0], &w->flow[1]) || !sim_path_info(w->sim, 1, 0, &path))
		abort();
	sim_run(w->sim, 10000, NULL);
	w->tuple = sim_last_event(w->sim, 0, MN_STACK_EVENT_UP)->tuple;
	for (int i = 0; i < 2; i++)
		w->id[i] = sim_last_event(w->sim, i, MN_STACK_EVENT_UP)->id;
	w->conn = w->id[1] >> 16;
	w->path = path.id;
	w->number = 1000;
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

		if (!is_drop(names[i]) || (with_unknown && !strcmp(names[i], "drop_unknown_path")))
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
