// SPDX-License-Identifier: MIT
/*
 * connects.c - 10,000 connections for one request each: all numbers of engines, all kinds of NIC
 *
 * In virtual time; selftests/transport/test_connects.c is the same with fewer rows.
 */
#include <stdio.h>
#include <stdlib.h>

#include "connects.h"
#include "selftests/transport/steer_storm.h"

#define CONNECTS	10000u

static const int grids[][2] = { { 1, 1 }, { 1, 4 }, { 4, 4 }, { 3, 5 }, { 8, 8 }, { 16, 16 } };
static const uint32_t losses[] = { 0, 10000 };

#define GRIDS	(sizeof(grids) / sizeof(grids[0]))
#define LOSSES	(sizeof(losses) / sizeof(losses[0]))

/* Of IPv4 and IPv6: sums, and the longest times. */
struct row {
	const struct steer_kind *kind;
	uint32_t grid, loss_ppm;
	uint32_t answered, failed;	/* failed: and broken, and wrong */
	uint32_t half_us, most_us, longest_us;
	double handoffs, packets, after;	/* per connection; all of the packets afterwards */
	uint64_t ended;
	const char *fault;		/* NULL: none */
};

static struct steer_storm_config config(const struct row *r, bool v6)
{
	return (struct steer_storm_config){
		.kind = r->kind, .engines = { grids[r->grid][0], grids[r->grid][1] },
		.connects = CONNECTS, .v6 = v6, .loss_ppm = r->loss_ppm, .seed = 1,
	};
}

static struct steer_storm measure(const struct steer_storm_config *cfg)
{
	struct steer_storm s;

	if (!steer_storm_run(cfg, &s))
		abort();
	return s;
}

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void add(struct row *r, const struct steer_storm *s)
{
	const struct steer_storm_part *p = &s->storm;

	r->answered += p->answered;
	r->failed += p->failed + p->broken + p->wrong;
	r->half_us = more(r->half_us, p->half_us);
	r->most_us = more(r->most_us, p->most_us);
	r->longest_us = more(r->longest_us, p->longest_us);
	r->handoffs += p->handoffs / (2.0 * CONNECTS);
	r->packets += p->packets / (2.0 * CONNECTS);
	r->after += s->after.packets ? 50.0 * s->after.handoffs / s->after.packets : 0;
	r->ended += s->paths_ended;
}

static void run(struct row *r, const struct steer_storm singles[2])
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct steer_storm_config cfg = config(r, v6);
		struct steer_storm s = measure(&cfg);
		const char *fault = steer_storm_fault(&cfg, &s, &singles[v6]);

		add(r, &s);
		if (fault)
			r->fault = fault;
	}
}

/* With one engine at each host the kinds do not differ. */
static bool is_row(const struct row *r)
{
	return r->kind == &steer_kinds[0] || grids[r->grid][0] + grids[r->grid][1] > 2;
}

/* Returns how many rows have a fault. */
static uint32_t each_row(void (*fn)(const struct row *r, void *ctx), void *ctx)
{
	struct steer_storm singles[2];
	uint32_t faults = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		struct row r = { .kind = &steer_kinds[0] };
		struct steer_storm_config cfg = config(&r, v6);

		singles[v6] = measure(&cfg);
	}
	for (uint32_t i = 0; i < steer_n_kinds * GRIDS * LOSSES; i++) {
		struct row r = {
			.kind = &steer_kinds[i / LOSSES / GRIDS], .grid = i / LOSSES % GRIDS,
			.loss_ppm = losses[i % LOSSES],
		};

		if (!is_row(&r))
			continue;
		run(&r, singles);
		fn(&r, ctx);
		faults += !!r.fault;
	}
	return faults;
}

static void print_row(const struct row *r, void *ctx)
{
	(void)ctx;
	printf("%-17s %2dx%-2d %2u %% %8u %6u %6u %6u %7u %7.2f %7.2f %6.0f %% %5lu %s\n",
	       r->kind->name, grids[r->grid][0], grids[r->grid][1], r->loss_ppm / 10000,
	       r->answered, r->failed, r->half_us, r->most_us, r->longest_us, r->packets,
	       r->handoffs, r->after, r->ended, r->fault ? r->fault : "");
	fflush(stdout);
}

bool connects_print_table(void)
{
	uint32_t faults;

	printf("\n%u connections with IPv4 and as many with IPv6, each with a request and its\n"
	       "answer; 32 under way per engine; a round trip of 100 us and a turn of 20 us.\n"
	       "answered and failed: connections; half, 99 %%, all: microseconds from connect to\n"
	       "answer of so many; packets, and those of them that were handed over: per\n"
	       "connection; later: those handed over of some more connections afterwards.\n\n"
	       "%-17s %5s %4s %8s %6s %6s %6s %7s %7s %7s %8s %5s\n", CONNECTS, "hash", "",
	       "loss", "answered", "failed", "half", "99 %", "all", "packets", "handed", "later",
	       "ended");
	faults = each_row(print_row, NULL);
	printf("\n");
	for (uint32_t k = 0; k < steer_n_kinds; k++)
		printf("%-17s %s\n", steer_kinds[k].name, steer_kinds[k].what);
	printf("\n%u rows with a fault\n", faults);
	return !faults;
}

struct sums {
	uint32_t rows;
	uint64_t answered, failed, ended;
	uint32_t longest_us[GRIDS][LOSSES];
};

static void sum_up(const struct row *r, void *ctx)
{
	struct sums *s = ctx;
	uint32_t *longest_us = &s->longest_us[r->grid][!!r->loss_ppm];

	s->rows++;
	s->answered += r->answered;
	s->failed += r->failed;
	s->ended += r->ended;
	*longest_us = more(*longest_us, r->longest_us);
}

bool connects_print_json(void)
{
	struct sums s = { 0 };
	uint32_t faults = each_row(sum_up, &s);

	printf("\"connects_rows\": %u, \"connects_answered\": %lu, \"connects_failed\": %lu, "
	       "\"connects_ended\": %lu, \"connects_faults\": %u", s.rows, s.answered, s.failed,
	       s.ended, faults);
	for (uint32_t i = 0; i < GRIDS * LOSSES; i++)
		printf(", \"connects_%dx%d%s_longest_us\": %u", grids[i / LOSSES][0],
		       grids[i / LOSSES][1], i % LOSSES ? "_loss" : "",
		       s.longest_us[i / LOSSES][i % LOSSES]);
	return !faults;
}
