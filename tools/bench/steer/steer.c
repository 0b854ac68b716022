// SPDX-License-Identifier: MIT
/*
 * bench-steer - what it costs to find ports that lead to the right queues at both ends
 *
 * Software NICs of several kinds; no packets, no clock. Beside RSS-- a blind search for one pair
 * of ports that fits both directions, and a spray of 32 pairs, which are simulated as well. Then
 * paths, and connections of applications, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "connects.h"
#include "hosts.h"
#include "paths.h"
#include "steer/learn.h"
#include "selftests/unit/random.h"

#define SEEDS		100u
#define CONNECTIONS	1000u	/* of a pair of hosts */
#define SEARCHES	20u	/* per seed */
#define SPRAY		32u
#define WARM_UP		40u	/* peers */
#define BLOCK_RANK	12u	/* of pairs of ports of two blocks of 64 */

static const uint8_t sizes[] = { 2, 4, 8, 16 };
/* Kinds whose keys cannot be read, and sizes, of which paths are measured; loss in a million. */
static const char *const path_kinds[] = { "fanout-equal", "keyed", "toeplitz" };
static const uint8_t path_sizes[] = { 4, 8, 16 };
static const uint32_t path_losses[] = { 0, 10000 };

/* Candidates of both hosts. */
struct cost {
	double mean;
	uint32_t worst;
};

struct row {
	struct cost all;		/* each engine of one host with each of the other */
	struct cost at_once;		/* the same, all asking at the same time */
	struct cost connections;	/* between random engines, CONNECTIONS of them */
	struct cost warm;		/* all, of a peer after others */
	double warm_up;			/* of the others */
	double searched;		/* tries of the blind search, where it can succeed */
	double impossible;		/* share of pairs of engines where it cannot */
	double sprays_missed;
	uint32_t missed;		/* queues that exist and were not found */
};

static void count(struct cost *c, uint32_t candidates)
{
	c->mean += (double)candidates / SEEDS;
	if (candidates > c->worst)
		c->worst = candidates;
}

static void join_all(struct hosts *h)
{
	uint32_t pairs = h->engines * h->engines, first = hosts_random(h, pairs);

	h->candidates = 0;
	for (uint32_t n = 0; n < pairs; n++) {
		uint32_t pair = (first + n) % pairs;

		hosts_join(h, pair / h->engines, pair % h->engines);
	}
}

static void measure_all(const struct hosts_kind *kind, uint8_t engines, uint64_t seed,
			struct row *row)
{
	struct hosts h;

	hosts_init(&h, kind, engines, seed);
	hosts_meet(&h, 0);
	join_all(&h);
	count(&row->all, h.candidates);
	row->missed += h.missed;
	hosts_fini(&h);
}

static void measure_at_once(const struct hosts_kind *kind, uint8_t engines, uint64_t seed,
			    struct row *row)
{
	struct hosts h;

	hosts_init(&h, kind, engines, seed);
	hosts_meet(&h, 0);
	hosts_join_at_once(&h);
	count(&row->at_once, h.candidates);
	hosts_fini(&h);
}

static void measure_connections(const struct hosts_kind *kind, uint8_t engines, uint64_t seed,
				struct row *row)
{
	struct hosts h;

	hosts_init(&h, kind, engines, seed);
	hosts_meet(&h, 0);
	for (uint32_t n = 0; n < CONNECTIONS; n++)
		hosts_join(&h, hosts_random(&h, engines), hosts_random(&h, engines));
	count(&row->connections, h.candidates);
	row->missed += h.missed;
	hosts_fini(&h);
}

static void measure_warm(const struct hosts_kind *kind, uint8_t engines, uint64_t seed,
			 struct row *row)
{
	struct hosts h;

	hosts_init(&h, kind, engines, seed);
	for (uint32_t peer = 0; peer < WARM_UP; peer++) {
		hosts_meet(&h, peer);
		join_all(&h);
		row->warm_up += (double)h.candidates / SEEDS;
	}
	hosts_meet(&h, WARM_UP);
	join_all(&h);
	count(&row->warm, h.candidates);
	row->missed += h.missed;
	hosts_fini(&h);
}

static void measure_blind(const struct hosts_kind *kind, uint8_t engines, uint64_t seed,
			  struct row *row)
{
	uint32_t tries = 0, found = 0, missed = 0;
	struct hosts h;

	hosts_init(&h, kind, engines, seed);
	hosts_meet(&h, 0);
	hosts_fill(&h);
	for (uint32_t n = 0; n < SEARCHES; n++) {
		uint8_t i = hosts_random(&h, engines), j = hosts_random(&h, engines);
		uint32_t t = hosts_search(&h, i, j);

		tries += t;
		found += !!t;
		missed += !hosts_spray(&h, i, j, SPRAY);
	}
	/* Sums for now. */
	row->searched += tries;
	row->impossible += SEARCHES - found;
	row->sprays_missed += missed;
	hosts_fini(&h);
}

static struct row measure(const struct hosts_kind *kind, uint8_t engines)
{
	const double searches = (double)SEEDS * SEARCHES;
	struct row row = { 0 };

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		measure_all(kind, engines, seed, &row);
		measure_at_once(kind, engines, seed, &row);
		measure_connections(kind, engines, seed, &row);
		measure_warm(kind, engines, seed, &row);
		measure_blind(kind, engines, seed, &row);
	}
	if (row.impossible < searches)
		row.searched /= searches - row.impossible;
	row.impossible /= searches;
	row.sprays_missed /= searches;
	return row;
}

/* --- observations until a map over GF(2) is complete, or contradicts itself --- */

struct rank {
	double full, contradicted;	/* mean number of observations */
	uint32_t full_most, contradicted_most;
};

/* Observations of one peer at a NIC with 4 queues; 0: of random ports, else of blocks. */
static uint32_t observe_until(struct soft_nic *nic, uint32_t ports, uint8_t rank, uint64_t *rng)
{
	struct mn_steer_tuple t = { .src = mn_addr_from_v4(1), .dst = mn_addr_from_v4(2) };
	struct mn_peer_origin origin = { 0 };
	struct mn_learn l;
	uint32_t n = 0;

	mn_learn_init(&l, 4);
	while (l.map.rank < rank) {
		t.src_port = ports ? HOSTS_PORT + random_below(rng, ports) : random_next(rng) >> 48;
		t.dst_port = ports ? HOSTS_PORT + random_below(rng, ports) : random_next(rng) >> 48;
		n++;
		if (mn_learn_observe(&l, &origin, mn_block_ports(t.src_port, t.dst_port),
				     soft_nic_queue(nic, &t)) >= MN_LEARN_FAILED)
			break;
	}
	return n;
}

static struct rank measure_rank(uint32_t ports, uint8_t rank)
{
	struct rank r = { 0 };
	uint64_t rng = 7;

	for (uint64_t seed = 1; seed <= 10 * SEEDS; seed++) {
		struct soft_nic_config cfg = {
			.hash = SOFT_NIC_TOEPLITZ, .table_len = 128, .queues = 4, .seed = seed,
		};
		struct soft_nic nic;
		uint32_t n;

		soft_nic_init(&nic, &cfg);
		n = observe_until(&nic, ports, rank, &rng);
		r.full += (double)n / (10 * SEEDS);
		r.full_most = n > r.full_most ? n : r.full_most;
		cfg.hash = SOFT_NIC_KEYED;
		soft_nic_init(&nic, &cfg);
		/* There is no such rank: it ends with a contradiction. */
		n = observe_until(&nic, ports, MN_LINEAR_BITS + 1, &rng);
		r.contradicted += (double)n / (10 * SEEDS);
		r.contradicted_most = n > r.contradicted_most ? n : r.contradicted_most;
	}
	return r;
}

/* --- output --- */

static void print_row(const struct hosts_kind *kind, uint8_t engines, const struct row *r)
{
	printf("%-15s %2ux%-2u %7.1f %4.0f %% %4.0f %% %8.1f %5u %8.1f %6.2f "
	       "%7.4f %8.1f %6.2f %4u %4u\n",
	       kind->name, engines, engines, r->searched, 100 * r->impossible,
	       100 * r->sprays_missed, r->all.mean, r->all.worst, r->at_once.mean,
	       r->all.mean / engines / engines, r->connections.mean / CONNECTIONS, r->warm_up,
	       r->warm.mean, r->warm.worst, r->missed);
}

static void print_rank(const char *what, struct rank r)
{
	printf("%-32s %6.1f %5u %10.1f %5u\n", what, r.full, r.full_most, r.contradicted,
	       r.contradicted_most);
}

static void print_head(void)
{
	printf("Candidates of both hosts, %u seeds; blocks of %u ports. all: each engine with\n"
	       "each, one after the other, the mean and the worst seed; at once: all ask at the\n"
	       "same time; path: all per path; conn.: per connection of %u between random\n"
	       "engines; warm-up: of %u peers; later: all, of a peer after them; miss: queues\n"
	       "that exist and were not found. blind: pairs of ports until one fits both\n"
	       "directions; none: connections for which none does; spray: those that miss with\n"
	       "%u random pairs.\n\n",
	       SEEDS, HOSTS_PORTS, CONNECTIONS, WARM_UP, SPRAY);
	printf("%-15s %5s %7s %6s %6s %8s %5s %8s %6s %7s %8s %6s %4s %4s\n", "hash", "", "blind",
	       "none", "spray", "all", "worst", "at once", "path", "conn.", "warm-up", "later",
	       "worst", "miss");
}

static const struct hosts_kind *kind_of(const char *name)
{
	const struct hosts_kind *k = hosts_kinds;

	while (strcmp(k->name, name))
		k++;
	return k;
}

static void each_path_row(void (*print)(const struct hosts_kind *kind, uint8_t engines,
					uint32_t loss_ppm, const struct paths_cost cost[2]))
{
	for (uint32_t k = 0; k < sizeof(path_kinds) / sizeof(path_kinds[0]); k++) {
		for (uint32_t i = 0; i < 2 * sizeof(path_sizes); i++) {
			const struct hosts_kind *kind = kind_of(path_kinds[k]);
			struct paths_cost cost[2];

			paths_measure(kind, path_sizes[i / 2], path_losses[i % 2], &cost[0],
				      &cost[1]);
			print(kind, path_sizes[i / 2], path_losses[i % 2], cost);
		}
	}
}

static void print_path_row(const struct hosts_kind *kind, uint8_t engines, uint32_t loss_ppm,
			   const struct paths_cost cost[2])
{
	printf("%-15s %2ux%-2u %3u %%", kind->name, engines, engines, loss_ppm / 10000);
	for (int i = 0; i < 2; i++)
		printf("  %8.1f %7.2f %7.2f %9u", cost[i].settled_ms, cost[i].handoffs,
		       cost[i].probes, cost[i].unsettled);
	printf(" %6lu %5lu\n", cost[0].ended + cost[1].ended, cost[0].lost + cost[1].lost);
	fflush(stdout);
}

static void print_paths(void)
{
	printf("\nPaths: all pairs of engines at once, a packet and its answer per ms on each.\n"
	       "Per path; then a NIC gets another key and table.\n\n%-15s %5s %5s", "hash", "",
	       "loss");
	for (int i = 0; i < 2; i++)
		printf("  %8s %7s %7s %9s", "ms", "handed", "probes", "unsettled");
	printf(" %6s %5s\n", "ended", "lost");
	each_path_row(print_path_row);
}

static int print_table(void)
{
	print_head();
	for (uint32_t k = 0; k < hosts_n_kinds; k++) {
		for (uint32_t i = 0; i < sizeof(sizes); i++) {
			struct row row = measure(&hosts_kinds[k], sizes[i]);

			print_row(&hosts_kinds[k], sizes[i], &row);
			fflush(stdout);
		}
	}
	printf("\n");
	for (uint32_t k = 0; k < hosts_n_kinds; k++)
		printf("%-15s %s\n", hosts_kinds[k].name, hosts_kinds[k].what);
	printf("\n%-32s %12s %16s\n", "Observations, 4 queues", "full rank", "contradiction");
	print_rank("any ports", measure_rank(0, MN_LINEAR_BITS));
	print_rank("blocks of 64", measure_rank(HOSTS_PORTS, BLOCK_RANK));
	print_paths();
	return !connects_print_table();
}

static void print_json_path(const struct hosts_kind *kind, uint8_t engines, uint32_t loss_ppm,
			    const struct paths_cost cost[2])
{
	static const char *const when[] = { "first", "changed" };

	for (int i = 0; i < 2; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%s_%u_%s%s", kind->name, engines, when[i],
			 loss_ppm ? "_loss" : "");
		printf(", \"%s_ms\": %.1f, \"%s_handoffs\": %.2f, \"%s_probes\": %.2f, "
		       "\"%s_unsettled\": %u, \"%s_ended\": %lu, \"%s_lost\": %lu", key,
		       cost[i].settled_ms, key, cost[i].handoffs, key, cost[i].probes, key,
		       cost[i].unsettled, key, cost[i].ended, key, cost[i].lost);
	}
}

static void print_json_row(const struct hosts_kind *kind, uint8_t engines, const struct row *r)
{
	char key[48];

	snprintf(key, sizeof(key), "%s_%u", kind->name, engines);
	printf("\"%s_blind\": %.2f, \"%s_impossible\": %.4f, \"%s_spray_missed\": %.4f, ", key,
	       r->searched, key, r->impossible, key, r->sprays_missed);
	printf("\"%s_mean\": %.2f, \"%s_worst\": %u, \"%s_per_connection\": %.5f, ", key,
	       r->all.mean, key, r->all.worst, key, r->connections.mean / CONNECTIONS);
	printf("\"%s_warm\": %.3f, \"%s_warm_worst\": %u, \"%s_missed\": %u, ", key, r->warm.mean,
	       key, r->warm.worst, key, r->missed);
	printf("\"%s_at_once\": %.2f, ", key, r->at_once.mean);
}

static void print_json_rank(const char *ports, struct rank r)
{
	printf("\"%s_full_rank\": %.1f, \"%s_full_rank_most\": %u, ", ports, r.full, ports,
	       r.full_most);
	printf("\"%s_contradiction\": %.1f, \"%s_contradiction_most\": %u", ports,
	       r.contradicted, ports, r.contradicted_most);
}

static int print_json(void)
{
	bool good;

	printf("{");
	for (uint32_t k = 0; k < hosts_n_kinds; k++) {
		for (uint32_t i = 0; i < sizeof(sizes); i++) {
			struct row row = measure(&hosts_kinds[k], sizes[i]);

			print_json_row(&hosts_kinds[k], sizes[i], &row);
		}
	}
	print_json_rank("any", measure_rank(0, MN_LINEAR_BITS));
	printf(", ");
	print_json_rank("block", measure_rank(HOSTS_PORTS, BLOCK_RANK));
	each_path_row(print_json_path);
	printf(", ");
	good = connects_print_json();
	printf("}\n");
	return !good;
}

static int usage(FILE *out, int status)
{
	fputs("Usage: bench-steer [--json | --connects]\n"
	      "Finds ports between hosts with software NICs, and prints what it cost.\n"
	      "--connects: the table of connections alone\n", out);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return print_table();
	if (argc == 2 && !strcmp(argv[1], "--json"))
		return print_json();
	if (argc == 2 && !strcmp(argv[1], "--connects"))
		return !connects_print_table();
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
		return usage(stdout, 0);
	return usage(stderr, 2);
}
