// SPDX-License-Identifier: MIT
/* machnet-bench: its histogram, its books, the patterns that it verifies, its command line. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "tools/bench/bench.h"

/* What the books want of the rest of the program: a clock, a stop, somebody to tell. */
volatile sig_atomic_t bench_stop;
static uint64_t clock_ns;
static uint32_t told;

uint64_t bench_now_ns(void)
{
	return clock_ns;
}

void bench_progress(const struct bench_options *o, const struct bench_result *r, double seconds,
		    uint64_t now_received, double interval, uint64_t pause_ns)
{
	(void)o, (void)r, (void)seconds, (void)now_received, (void)interval, (void)pause_ns;
	told++;
}

void bench_progress_end(void)
{
}

int bench_fail(int error, const char *format, ...)
{
	(void)error, (void)format;
	return 1;
}

static bool near(uint64_t got, uint64_t want)
{
	uint64_t off = got > want ? got - want : want - got;

	return off * 100 <= want;
}

TEST(one_value)
{
	static struct bench_hist h;

	EXPECT_EQ(0, bench_hist_at(&h, 0.5));
	bench_hist_add(&h, 12345);
	EXPECT_TRUE(near(bench_hist_at(&h, 0), 12345));
	EXPECT_TRUE(near(bench_hist_at(&h, 0.5), 12345));
	EXPECT_EQ(12345, h.max);
	EXPECT_LE(bench_hist_at(&h, 1), 12345);
}

TEST(percentiles)
{
	static struct bench_hist h;

	for (uint64_t v = 1; v <= 100000; v++)
		bench_hist_add(&h, v * 10);
	EXPECT_TRUE(near(bench_hist_at(&h, 0.5), 500000));
	EXPECT_TRUE(near(bench_hist_at(&h, 0.9), 900000));
	EXPECT_TRUE(near(bench_hist_at(&h, 0.999), 999000));
	EXPECT_EQ(100000, h.count);
}

TEST(values_of_all_sizes)
{
	for (int bit = 0; bit < 63; bit++)
		for (uint64_t v = (1ull << bit) - (bit > 0); v <= (1ull << bit) + 1; v++) {
			struct bench_hist *h = calloc(1, sizeof(*h));

			bench_hist_add(h, v);
			bench_hist_add(h, UINT64_MAX);
			ASSERT_TRUE(near(bench_hist_at(h, 0.5), v))
				TH_LOG("value %llu", (unsigned long long)v);
			free(h);
		}
}

TEST(pattern_finds_what_is_wrong)
{
	uint8_t buf[100], other[100];

	for (size_t len = 1; len <= sizeof(buf); len++) {
		bench_pattern(42, 7, buf, len);
		ASSERT_EQ(len, bench_pattern_check(42, 7, buf, len));
		for (size_t at = 0; at < len; at++) {
			buf[at] ^= 0x10;
			ASSERT_EQ(at, bench_pattern_check(42, 7, buf, len));
			buf[at] ^= 0x10;
		}
	}
	/* Another number, another seed, moved by a word. */
	EXPECT_NE(sizeof(buf), bench_pattern_check(42, 8, buf, sizeof(buf)));
	EXPECT_NE(sizeof(buf), bench_pattern_check(43, 7, buf, sizeof(buf)));
	bench_pattern(42, 7, other, sizeof(other));
	memmove(other, other + 8, sizeof(other) - 8);
	EXPECT_EQ(0, bench_pattern_check(42, 7, other, sizeof(other)));
}

static MachnetFlow_t flow_of(uint32_t i)
{
	return (MachnetFlow_t){ 0x0a000001 + i / 40000, 0x0a000002, 1024 + i % 40000, 31580 };
}

TEST(flows_are_found)
{
	enum { N = 3000 };
	struct bench_flow *f = calloc(N, sizeof(*f));
	struct bench_flows t = { 0 };
	MachnetFlow_t key = flow_of(0), other = bench_flow_reverse(&key);

	EXPECT_EQ(NULL, bench_flows_find(&t, &key));
	for (uint32_t i = 0; i < N; i++) {
		f[i].flow = flow_of(i);
		ASSERT_EQ(0, bench_flows_add(&t, &f[i]));
	}
	EXPECT_EQ(NULL, bench_flows_find(&t, &other));
	for (uint32_t i = 0; i < N; i += 2) {
		key = flow_of(i);
		EXPECT_EQ(&f[i], bench_flows_find(&t, &key));
		bench_flows_remove(&t, &f[i]);
	}
	for (uint32_t i = 0; i < N; i++) {
		key = flow_of(i);
		ASSERT_EQ(i % 2 ? &f[i] : NULL, bench_flows_find(&t, &key));
	}
	EXPECT_EQ(N / 2, t.count);
	bench_flows_free(&t, NULL);
	free(f);
}

/* None of many connections is far from where it is looked for. */
TEST(flows_are_spread)
{
	enum { N = 20000 };
	struct bench_flow *f = calloc(N, sizeof(*f));
	struct bench_flows t = { 0 };
	uint32_t longest = 0;

	for (uint32_t i = 0; i < N; i++) {
		f[i].flow = flow_of(i);
		ASSERT_EQ(0, bench_flows_add(&t, &f[i]));
	}
	for (uint32_t i = 0; i < t.buckets; i++) {
		uint32_t n = 0;

		for (struct bench_flow *e = t.bucket[i]; e; e = e->next)
			n++;
		longest = n > longest ? n : longest;
	}
	EXPECT_LE(longest, 16);
	bench_flows_free(&t, NULL);
	free(f);
}

static void answers(struct bench_meter *m, uint32_t n)
{
	bench_meter_heard(m, clock_ns);
	while (n--)
		bench_meter_answer(m, clock_ns - 5000, clock_ns);
}

TEST(the_window_and_the_count_are_kept)
{
	struct bench_options o = { .window = 10, .count = 25 };
	struct bench_meter *m = malloc(sizeof(*m));

	clock_ns = 1000000;
	bench_meter_start(m, &o);
	EXPECT_EQ(4, bench_meter_room(m, clock_ns, 4));
	EXPECT_EQ(10, bench_meter_room(m, clock_ns, 32));
	m->r.sent = 10;
	EXPECT_EQ(0, bench_meter_room(m, clock_ns, 32));
	clock_ns += 7000;
	answers(m, 3);
	EXPECT_EQ(7000, m->r.pause_ns);
	EXPECT_EQ(3, bench_meter_room(m, clock_ns, 32));
	m->r.sent = 20;
	answers(m, 17);
	EXPECT_EQ(5, bench_meter_room(m, clock_ns, 32));
	m->r.sent = 25;
	EXPECT_FALSE(bench_meter_done(m, clock_ns));
	answers(m, 5);
	EXPECT_TRUE(bench_meter_done(m, clock_ns));
	bench_meter_end(m);
	EXPECT_EQ(25, m->r.latency_ns.count);
	EXPECT_TRUE(near(bench_hist_at(&m->r.latency_ns, 0.5), 5000));
	EXPECT_TRUE(m->r.seconds == 7e-6);
	free(m);
}

TEST(a_run_ends_by_its_time_a_signal_or_silence)
{
	struct bench_options o = { .window = 2, .seconds = 3 };
	struct bench_meter *m = malloc(sizeof(*m));

	clock_ns = 5000000;
	bench_meter_start(m, &o);
	m->r.sent = 1;
	told = 0;
	EXPECT_EQ(0, bench_meter_tick(m, clock_ns + 999999999));
	EXPECT_EQ(0, told);
	EXPECT_EQ(0, bench_meter_tick(m, clock_ns + 1000000000));
	EXPECT_EQ(1, told);
	EXPECT_EQ(1, bench_meter_room(m, clock_ns + 2999999999, 9));
	EXPECT_EQ(0, bench_meter_room(m, clock_ns + 3000000000, 9));
	bench_stop = 1;
	EXPECT_EQ(0, bench_meter_room(m, clock_ns, 9));
	bench_stop = 0;
	EXPECT_FALSE(bench_meter_done(m, clock_ns + 3000000000));
	EXPECT_EQ(1, bench_meter_tick(m, clock_ns + BENCH_STALL_MS * 1000000ull + 1));
	free(m);
}

TEST(a_batch_has_limits)
{
	struct bench_options o = { .batch = 32, .window = 1000, .size = 64 };

	EXPECT_EQ(32, bench_batch(&o, 65536));
	o.size = 16384;
	EXPECT_EQ(4, bench_batch(&o, 65536));
	o.size = 1000000;
	EXPECT_EQ(1, bench_batch(&o, 65536));
	o.size = 1;
	o.window = 7;
	EXPECT_EQ(7, bench_batch(&o, 65536));
	o.batch = 1;
	EXPECT_EQ(1, bench_batch(&o, 65536));
}

/* Parses "machnet-bench " + line; the exit status, or -1 to go on. */
static int parse(const char *line, struct bench_options *o)
{
	char copy[200], *argv[20] = { "machnet-bench" };
	int argc = 1, status = 0, null = open("/dev/null", O_WRONLY), err = dup(2), ret;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	optind = 0;
	dup2(null, 2);
	ret = bench_parse(argc, argv, o, &status);
	dup2(err, 2);
	close(err);
	close(null);
	return ret ? status : -1;
}

TEST(sizes_and_limits)
{
	static const char *const mistakes[] = {
		"",
		"nonsense",
		"client",
		"server extra",
		"client a b",
		"client a -s 0",
		"client a -s 9M",
		"client a -s 8M1",
		"client a -s -1",
		"client a -s",
		"client a -w 0",
		"client a -w 65537",
		"client a -n 0",
		"client a -n x",
		"client a -d 0",
		"client a -d x",
		"client a -p 0",
		"client a -p 65536",
		"client a --connect 0",
		"client a --nonsense",
		"client a -l 1.2.3.4",
		"client a -s 99999999999999999999",
		"client a -c 0",
		"client a -c 100001",
		"client a -b 0",
		"client a -b 33",
		"client a --interval 0",
		"client a --interval 10 -w 2",
		"client a -t sctp",
		"client a --busy",
		"server -t udp --once",
		"client a -t udp -s 7",
		"client a -t udp -s 64K",
		"client a -t tcp --verify",
		"client a -t tcp --connect 1",
		"client a -t udp -c 2",
		"client a -t tcp --interval 10",
	};
	struct bench_options o;

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		EXPECT_EQ(2, parse(mistakes[i], &o))
			TH_LOG("%s", mistakes[i]);
	}
	EXPECT_EQ(-1, parse("client a -s 8M", &o));
	EXPECT_EQ(MACHNET_MSG_MAX_LEN, o.size);
	EXPECT_EQ(-1, parse("client 10.0.0.2 -s 32K -w 7 -d 0.5 --verify -j", &o));
	EXPECT_EQ(32768, o.size);
	EXPECT_EQ(7, o.window);
	EXPECT_TRUE(o.seconds == 0.5 && o.verify && o.json && !o.count);
	EXPECT_EQ(0, strcmp("10.0.0.2", o.address));
	EXPECT_EQ(-1, parse("client a -n 5", &o));
	EXPECT_TRUE(o.count == 5 && o.seconds == 0);
	EXPECT_EQ(-1, parse("client a", &o));
	EXPECT_TRUE(o.seconds == 10 && o.size == 64 && o.window == 1 && o.port == BENCH_PORT);
	EXPECT_TRUE(o.transport == BENCH_MACHNET && o.connections == 1 && o.batch == 32);
	EXPECT_EQ(-1, parse("client a -c 10000 -w 32 -b 4", &o));
	EXPECT_TRUE(o.connections == 10000 && o.window == 32 && o.batch == 4);
	EXPECT_EQ(-1, parse("client a --interval 200", &o));
	EXPECT_EQ(200, o.interval_us);
	EXPECT_EQ(-1, parse("client a -t udp --busy -s 65507", &o));
	EXPECT_TRUE(o.transport == BENCH_UDP && o.busy);
	EXPECT_EQ(-1, parse("server -t tcp --once", &o));
	EXPECT_TRUE(o.transport == BENCH_TCP && o.once && !o.busy);
	EXPECT_EQ(-1, parse("server --once", &o));
	EXPECT_TRUE(o.mode == BENCH_SERVER && o.once && !o.address);
}

TEST_HARNESS_MAIN
