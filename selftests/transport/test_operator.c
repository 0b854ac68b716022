// SPDX-License-Identifier: MIT
/* What the control thread hears of connections, and what an operator sees and does. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport/path.h"
#include "sim.h"

FIXTURE(operator)
{
	struct sim *sim;
	uint64_t flow[2];	/* of a connection at host 0 and host 1 */
};

FIXTURE_SETUP(operator)
{
	self->sim = sim_new(1);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
}

FIXTURE_TEARDOWN(operator)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static uint32_t count_events(const struct sim *sim, int host, enum mn_stack_event_type type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sim->host[host].n_events; i++)
		n += sim->host[host].events[i].type == type;
	return n;
}

static uint32_t count_heard(const struct sim *sim, int host)
{
	return count_events(sim, host, MN_STACK_EVENT_REACHABLE);
}

TEST_F(operator, heard__both_ends_while_there_is_traffic)
{
	const struct mn_stack_event *ev;

	for (int i = 0; i < 110; i++) {
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 100));
		sim_run(self->sim, 100000, NULL);
	}
	/* One side sends, the other one receives: 11 s, every 2 s. */
	for (int host = 0; host < 2; host++) {
		EXPECT_EQ(5, count_heard(self->sim, host));
		ev = sim_last_event(self->sim, host, MN_STACK_EVENT_REACHABLE);
		EXPECT_TRUE(mn_addr_equal(&self->sim->host[!host].addr, &ev->tuple.remote));
	}
}

TEST_F(operator, heard__not_at_once)
{
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 1000000));
	sim_run(self->sim, MN_CONFIRM_US / 4, NULL);
	EXPECT_EQ(0, count_heard(self->sim, 0));
	EXPECT_EQ(0, count_heard(self->sim, 1));
}

/* The answers to keepalives, and nothing else. */
TEST_F(operator, heard__idle)
{
	uint64_t sent;

	sim_run(self->sim, 500000, NULL);
	sent = self->sim->host[0].sent + self->sim->host[1].sent;
	sim_run(self->sim, 10500000, NULL);
	EXPECT_LE(3, count_heard(self->sim, 0) + count_heard(self->sim, 1));
	EXPECT_GE(5, count_heard(self->sim, 0));
	EXPECT_GE(5, count_heard(self->sim, 1));
	/* A question and an answer per second, from either side at most. */
	EXPECT_GE(44, self->sim->host[0].sent + self->sim->host[1].sent - sent);
}

static bool lose_all_of_host_0(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim, (void)data, (void)len;
	return from == 0;
}

/* What host 1 says arrives, but it gets no answer: its repetitions prove nothing. */
TEST_F(operator, heard__one_way_only)
{
	uint32_t before;

	sim_run(self->sim, MN_CONFIRM_US + 500000, NULL);
	self->sim->filter = lose_all_of_host_0;
	before = count_heard(self->sim, 0);
	ASSERT_TRUE(sim_send(&self->sim->host[1].apps[0], self->flow[1], 100));
	sim_run(self->sim, 2 * MN_CONFIRM_US, NULL);
	EXPECT_GE(before + 1, count_heard(self->sim, 0));
	before = count_heard(self->sim, 0);
	sim_run(self->sim, 2 * MN_CONFIRM_US, NULL);
	EXPECT_EQ(before, count_heard(self->sim, 0));
}

static uint32_t event_place(const struct sim *sim, int host, enum mn_stack_event_type type)
{
	uint32_t i = 0;

	while (i < sim->host[host].n_events && sim->host[host].events[i].type != type)
		i++;
	return i;
}

/* A path comes up before its first connection, moves, and is closed when it is of no use. */
TEST_F(operator, paths__from_up_to_end)
{
	const enum mn_end why[2] = { MN_END_CLOSED, MN_END_PEER_CLOSED };
	const struct mn_stack_event *up[2], *conn, *end;
	struct mn_path_info path;
	uint8_t mac[6] = { 2, 3, 4 };

	for (int host = 0; host < 2; host++) {
		const struct sim_host *h = &self->sim->host[host];

		EXPECT_EQ(1, count_events(self->sim, host, MN_STACK_EVENT_PATH_UP));
		EXPECT_LT(event_place(self->sim, host, MN_STACK_EVENT_PATH_UP),
			  event_place(self->sim, host, MN_STACK_EVENT_UP));
		up[host] = sim_last_event(self->sim, host, MN_STACK_EVENT_PATH_UP);
		conn = sim_last_event(self->sim, host, MN_STACK_EVENT_UP);
		ASSERT_TRUE(sim_path_info(self->sim, host, 0, &path));
		EXPECT_NE(0, up[host]->path);
		EXPECT_EQ(up[host]->path, conn->path);
		EXPECT_EQ(up[host]->path, path.number);
		EXPECT_NE(path.id, path.number);
		EXPECT_TRUE(mn_addr_equal(&h->addr, &up[host]->tuple.local));
		EXPECT_EQ(path.tuple.local_port, up[host]->tuple.local_port);
	}
	EXPECT_NE(up[0]->path, up[1]->path);
	EXPECT_EQ(up[0]->tuple.local_port, up[1]->tuple.remote_port);
	EXPECT_EQ(up[1]->tuple.local_port, up[0]->tuple.remote_port);

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, mn_stack_set_route(self->sim->host[0].stack, &up[0]->tuple.local,
						&up[0]->tuple.remote, mac, 1280));
	EXPECT_EQ(1, count_events(self->sim, 0, MN_STACK_EVENT_PATH_MOVED));
	conn = sim_last_event(self->sim, 0, MN_STACK_EVENT_PATH_MOVED);
	EXPECT_EQ(up[0]->path, conn->path);
	EXPECT_EQ(1280, conn->tuple.mtu);
	EXPECT_EQ(4, conn->tuple.mac[2]);

	for (int host = 0; host < 2; host++)
		ASSERT_TRUE(sim_close(&self->sim->host[host].apps[0], self->flow[host]));
	sim_run(self->sim, 3 * MN_PATH_IDLE_US, NULL);
	for (int host = 0; host < 2; host++) {
		EXPECT_EQ(1, count_events(self->sim, host, MN_STACK_EVENT_PATH_END));
		end = sim_last_event(self->sim, host, MN_STACK_EVENT_PATH_END);
		EXPECT_EQ(up[host]->path, end->path);
		EXPECT_EQ(why[host], end->why);
	}
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_NE(up[0]->path, sim_last_event(self->sim, 0, MN_STACK_EVENT_PATH_UP)->path);
}

/* With the peer the path ends, after its connections. */
TEST_F(operator, paths__of_a_dead_peer)
{
	self->sim->filter = lose_all_of_host_0;
	sim_run(self->sim, 3 * MN_DEAD_US, NULL);
	EXPECT_EQ(1, count_events(self->sim, 1, MN_STACK_EVENT_PATH_END));
	EXPECT_EQ(MN_END_TIMED_OUT, sim_last_event(self->sim, 1, MN_STACK_EVENT_PATH_END)->why);
	EXPECT_LT(event_place(self->sim, 1, MN_STACK_EVENT_END),
		  event_place(self->sim, 1, MN_STACK_EVENT_PATH_END));
}

static int probe(struct sim *sim, uint64_t request)
{
	struct mn_tuple to = sim_last_event(sim, 0, MN_STACK_EVENT_PATH_UP)->tuple;

	return mn_stack_probe(sim->host[0].stack, &to, request);
}

static bool is_probed(struct sim *sim)
{
	return sim_last_event(sim, 0, MN_STACK_EVENT_PROBED);
}

/* The question is another one than that of the path which there is, and leaves that alone. */
TEST_F(operator, probe__is_answered)
{
	const struct mn_stack_event *ev;

	ASSERT_EQ(0, probe(self->sim, 77));
	EXPECT_EQ(2, sim_paths(self->sim, 0));
	ASSERT_TRUE(sim_run(self->sim, 100000, is_probed));
	ev = sim_last_event(self->sim, 0, MN_STACK_EVENT_PROBED);
	EXPECT_EQ(77, ev->request);
	EXPECT_EQ(MN_END_NONE, ev->why);
	EXPECT_TRUE(mn_addr_equal(&self->sim->host[1].addr, &ev->tuple.remote));
	/* With nothing to do it goes, at both ends, and the other one stays. */
	sim_run(self->sim, 2 * MN_PATH_IDLE_US, NULL);
	EXPECT_EQ(1, sim_paths(self->sim, 0));
	EXPECT_EQ(1, sim_paths(self->sim, 1));
	EXPECT_EQ(1, count_events(self->sim, 0, MN_STACK_EVENT_PROBED));
	EXPECT_EQ(1, count_events(self->sim, 0, MN_STACK_EVENT_UP));
}

TEST_F(operator, probe__is_not_answered)
{
	self->sim->filter = lose_all_of_host_0;
	ASSERT_EQ(0, probe(self->sim, 78));
	sim_run(self->sim, MN_INIT_GIVE_UP_US / 2, NULL);
	EXPECT_FALSE(is_probed(self->sim));
	sim_run(self->sim, MN_INIT_GIVE_UP_US, NULL);
	ASSERT_TRUE(is_probed(self->sim));
	EXPECT_EQ(78, sim_last_event(self->sim, 0, MN_STACK_EVENT_PROBED)->request);
	EXPECT_EQ(MN_END_TIMED_OUT, sim_last_event(self->sim, 0, MN_STACK_EVENT_PROBED)->why);
	EXPECT_EQ(1, sim_paths(self->sim, 0));
	EXPECT_EQ(0, count_events(self->sim, 0, MN_STACK_EVENT_PATH_END));
}

TEST_F(operator, probe__has_no_room)
{
	uint32_t n = 0;

	while (!probe(self->sim, 100 + n))
		n++;
	EXPECT_EQ(-ENOSPC, probe(self->sim, 99));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(n, count_events(self->sim, 0, MN_STACK_EVENT_PROBED));
}

struct seen {
	uint32_t n, phase[4];
	struct mn_conn_info last;
};

static void see(const struct mn_conn_info *info, void *ctx)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->phase[info->phase]++;
	seen->last = *info;
}

TEST_F(operator, walk__bit_by_bit)
{
	struct mn_stack *stack = self->sim->host[0].stack;
	struct seen seen = { 0 }, all = { 0 };
	uint64_t flow[2];
	uint32_t next = 0, calls = 1;

	for (int i = 0; i < 20; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	ASSERT_TRUE(sim_close(&self->sim->host[0].apps[0], self->flow[0]));
	mn_stack_poll_channels(stack);
	while (mn_stack_walk(stack, &next, 4, see, &seen)) {
		EXPECT_EQ(4 * calls, seen.n);
		calls++;
	}
	EXPECT_EQ(21, seen.n);
	EXPECT_EQ(6, calls);
	EXPECT_EQ(20, seen.phase[MN_PHASE_ESTABLISHED]);
	EXPECT_EQ(1, seen.phase[MN_PHASE_CLOSING]);
	/* It is at its end, and stays there. */
	EXPECT_FALSE(mn_stack_walk(stack, &next, 4, see, &seen));
	EXPECT_EQ(21, seen.n);
	/* What goes meanwhile is not seen, and does no harm. */
	next = 0;
	EXPECT_TRUE(mn_stack_walk(stack, &next, 4, see, &all));
	mn_stack_del_channel(stack, &self->sim->host[0].apps[0].ch, MN_END_OWNER_DIED);
	mn_channel_close(&self->sim->host[0].apps[0].ch, ENETDOWN);
	sim_run(self->sim, 100000, NULL);
	EXPECT_FALSE(mn_stack_walk(stack, &next, UINT32_MAX, see, &all));
	EXPECT_EQ(4, all.n);
}

TEST_F(operator, walk__age)
{
	struct seen seen = { 0 };
	uint32_t next = 0;

	sim_run(self->sim, 3000000, NULL);
	mn_stack_walk(self->sim->host[0].stack, &next, UINT32_MAX, see, &seen);
	EXPECT_LE(3000000, seen.last.age_us);
	EXPECT_GE(3100000, seen.last.age_us);
}

/* Nobody answers yet; an administrator does not want to wait. */
TEST_F(operator, abort__while_connecting)
{
	struct sim_host *h = &self->sim->host[0];
	struct mn_tuple path = sim_path(self->sim, 0, 50000);
	uint32_t conns = sim_conns(self->sim, 0), next = 1;
	const struct mn_stack_event *end;
	struct seen seen = { 0 };

	self->sim->filter = lose_all_of_host_0;
	ASSERT_TRUE(sim_open(&h->apps[0], &path, 99));
	sim_run(self->sim, 1000, NULL);
	mn_stack_walk(h->stack, &next, UINT32_MAX, see, &seen);
	ASSERT_EQ(1, seen.phase[MN_PHASE_CONNECTING]);
	EXPECT_EQ(0, mn_stack_abort(h->stack, seen.last.id, MN_END_ADMIN));
	end = sim_last_event(self->sim, 0, MN_STACK_EVENT_END);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(99, end->request);
	EXPECT_EQ(MN_END_ADMIN, end->why);
	EXPECT_EQ(ECONNABORTED, mn_end_errno(end->why));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(conns, sim_conns(self->sim, 0));
	/* On its ring there was nothing of it but that. */
	EXPECT_EQ(1, h->apps[0].n_flows);
	EXPECT_EQ(99, h->apps[0].failed);
	EXPECT_EQ(ECONNABORTED, h->apps[0].failed_error);
}

/* Closed by the application, and the peer takes its time. */
TEST_F(operator, abort__while_closing)
{
	struct sim_host *h = &self->sim->host[0];
	uint64_t id = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->id;

	sim_run(self->sim, 1000, NULL);
	self->sim->filter = lose_all_of_host_0;
	ASSERT_TRUE(sim_close(&h->apps[0], self->flow[0]));
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(0, mn_stack_abort(h->stack, id, MN_END_ADMIN));
	EXPECT_EQ(MN_END_ADMIN, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
	EXPECT_EQ(1, count_events(self->sim, 0, MN_STACK_EVENT_END));
}

TEST_HARNESS_MAIN
