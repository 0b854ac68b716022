// SPDX-License-Identifier: MIT
/* machnet-bench: its histogram, the patterns that it verifies, its command line. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "tools/bench/bench.h"

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
	EXPECT_EQ(-1, parse("server --once", &o));
	EXPECT_TRUE(o.mode == BENCH_SERVER && o.once && !o.address);
}

TEST_HARNESS_MAIN
