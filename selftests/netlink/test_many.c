// SPDX-License-Identifier: MIT
/*
 * test_many.c - 100,000 connections: what each costs, and who has to wait
 *
 * Times are printed. What is asserted are proportions: a connection costs the
 * same among many as among few, and nobody waits for all of them. A kernel that
 * looks for its own faults spends most of the time on that, which takes a tenth
 * of them ten times as long: there are 10,000, and costs are not compared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define PLACES		10
#define FEW		(nt_debug_kernel() ? 1000 : 10000)
#define MANY		(PLACES * FEW)
#define ROUNDS		3
/* If the cost grew with the size of the table it would be ten times as high. */
#define MOST_GROWTH	3

enum { ADD, DUMP, DEL, STEPS };

static const char *const steps[STEPS] = { "add", "dump", "delete" };

NT_NEEDS_MODULE

/* A network namespace with a datapath. */
struct place {
	struct nt path;
	struct nt other;
	uint32_t ifindex;
};

FIXTURE(many)
{
	struct place one;
	struct place ten[PLACES];
};

static int settle(struct place *place)
{
	if (nt_new_netns() || nt_open(&place->path) || nt_open(&place->other))
		return -EIO;
	place->ifindex = nt_dummy("mnt0");
	return nt_register(&place->path, place->ifindex);
}

FIXTURE_SETUP(many)
{
	int i;

	ASSERT_EQ(0, settle(&self->one));
	for (i = 0; i < PLACES; i++)
		ASSERT_EQ(0, settle(&self->ten[i]));
}

static void leave(struct place *place)
{
	nt_close(&place->path);
	nt_close(&place->other);
}

FIXTURE_TEARDOWN(many)
{
	int i;

	leave(&self->one);
	for (i = 0; i < PLACES; i++)
		leave(&self->ten[i]);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int add(struct nt *nt, int n, uint32_t ifindex)
{
	int i, ret = 0, part;

	for (i = 0; i < n && !ret; i += part) {
		part = n - i < MACHNET_BATCH_MAX ? n - i : MACHNET_BATCH_MAX;
		ret = nt_connect_batch(nt, i + 1, part, ifindex);
	}
	return ret;
}

static int del(struct nt *nt, int n)
{
	int i, ret = 0, part;

	for (i = 0; i < n && !ret; i += part) {
		part = n - i < MACHNET_BATCH_MAX ? n - i : MACHNET_BATCH_MAX;
		ret = nt_end_batch(nt, i + 1, part, MACHNET_REASON_CLOSED);
	}
	return ret;
}

static int dump(struct nt *nt, int n)
{
	return nt_dump(nt, MACHNET_CMD_CONNECTION_GET, NULL, NULL) == n ? 0 : -ENODATA;
}

/*
 * Each step with n connections in each place, one place after the other: keeps
 * the shortest time per connection, in us.
 */
static int run(struct place *places, int n_places, int n, double *best)
{
	double at[STEPS + 1], each;
	int i, ret = 0;

	at[ADD] = now_us();
	for (i = 0; i < n_places && !ret; i++)
		ret = add(&places[i].path, n, places[i].ifindex);
	at[DUMP] = now_us();
	for (i = 0; i < n_places && !ret; i++)
		ret = dump(&places[i].other, n);
	at[DEL] = now_us();
	for (i = 0; i < n_places && !ret; i++)
		ret = del(&places[i].path, n);
	at[STEPS] = now_us();
	for (i = 0; i < STEPS; i++) {
		each = (at[i + 1] - at[i]) / n / n_places;
		if (!best[i] || each < best[i])
			best[i] = each;
	}
	return ret;
}

/*
 * One table of 100,000 is compared with ten of 10,000, which take as much
 * memory: what differs is the size of a table, not what fits the processor's
 * caches. The time that 10,000 take alone is printed as well.
 */
TEST_F_TIMEOUT(many, a_connection_costs_the_same_among_many, 280)
{
	double alone[STEPS] = { 0 }, few[STEPS] = { 0 }, many[STEPS] = { 0 };
	int round, i;

	/* The first of all pay for memory that the later ones find. */
	ASSERT_EQ(0, run(&self->one, 1, MANY, (double[STEPS]){ 0 }));
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, run(self->ten, 1, FEW, alone));
		ASSERT_EQ(0, run(self->ten, PLACES, FEW, few));
		ASSERT_EQ(0, run(&self->one, 1, MANY, many));
	}
	for (i = 0; i < STEPS; i++) {
		fprintf(stderr, "# %s: %.2f us each of %d in a table, %.2f us of %d: %.2f times "
			"(%.2f us each of %d with no others)\n", steps[i], few[i], FEW, many[i],
			MANY, many[i] / few[i], alone[i], FEW);
		if (!nt_debug_kernel())
			EXPECT_GT(MOST_GROWTH, many[i] / few[i]);
	}
}

/* How long a lookup and a change take while the connections end: the longest of each. */
static double longest[2];

static int ask(struct nt *nt)
{
	const struct nt_route route = { .dst = "127.0.0.1" };
	double at = now_us(), took;
	int ret;

	ret = nt_conn_op(nt, MACHNET_CMD_CONNECTION_GET, MANY);
	took = now_us() - at;
	longest[0] = took > longest[0] ? took : longest[0];
	if (ret && ret != -ENOENT)
		return ret;
	at = now_us();
	ret = nt_route_get(nt, route.dst, true);
	if (!ret)
		ret = nt_route_op(nt, MACHNET_CMD_ROUTE_UNWATCH, &route);
	took = now_us() - at;
	longest[1] = took > longest[1] ? took : longest[1];
	return ret;
}

/* All connections of a datapath end: the longest waits as parts of the time that this takes. */
static int end_all(struct place *place, double *parts)
{
	uint64_t stats[MACHNET_A_STATS_MAX + 1];
	double begin;
	int ret;

	ret = add(&place->path, MANY, place->ifindex);
	if (!ret)
		ret = ask(&place->other);
	memset(longest, 0, sizeof(longest));
	begin = now_us();
	nt_close(&place->path);
	do {
		ret = ret ? ret : ask(&place->other);
		ret = ret ? ret : nt_stats(&place->other, stats);
	} while (!ret && stats[MACHNET_A_STATS_CONNECTIONS]);
	begin = now_us() - begin;
	fprintf(stderr, "# %d connections ended within %.0f ms; meanwhile the longest lookup took "
		"%.1f ms, the longest change %.1f ms\n", MANY, begin / 1e3, longest[0] / 1e3,
		longest[1] / 1e3);
	parts[0] = longest[0] / begin;
	parts[1] = longest[1] / begin;
	return ret;
}

/*
 * A processor of an emulated machine may stand still for as long as it takes the other one to
 * end them all: one round without that is enough.
 */
TEST_F_TIMEOUT(many, nobody_waits_until_all_have_ended, 280)
{
	/* The namespace that was made last is the one to open sockets in. */
	struct place *place = &self->ten[PLACES - 1];
	double parts[2] = { 1, 1 };
	int round;

	for (round = 0; round < ROUNDS && (parts[0] >= 0.5 || parts[1] >= 0.5); round++) {
		if (round) {
			ASSERT_EQ(0, nt_open(&place->path));
			ASSERT_EQ(0, nt_register(&place->path, place->ifindex));
		}
		ASSERT_EQ(0, end_all(place, parts));
	}
	EXPECT_GT(0.5, parts[0]);
	EXPECT_GT(0.5, parts[1]);
}

TEST_HARNESS_MAIN
