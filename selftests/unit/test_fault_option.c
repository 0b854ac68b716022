// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <kselftest_harness.h>

#include "daemon/fault_option.h"

static int parse(struct machnet_dp_fault *f, const char *text, char error[256])
{
	*f = (struct machnet_dp_fault){ 0 };
	snprintf(error, 256, "(none)");
	return mnd_fault_parse(f, text, error, 256);
}

TEST(everything)
{
	struct machnet_dp_fault f;
	char error[256];

	ASSERT_EQ(0, parse(&f, "loss=1%,burst=0.1%:8,reorder=5%:64,duplicate=2%,delay=200us:50us,"
			   "corrupt=0.3%,truncate=0.0001%,txfull=4%:1ms,stall=100%:5ms,"
			   "seed=18446744073709551615", error)) {
		TH_LOG("%s", error);
	}
	EXPECT_EQ(10000, f.loss_ppm);
	EXPECT_EQ(1000, f.burst_ppm);
	EXPECT_EQ(8, f.burst_packets);
	EXPECT_EQ(50000, f.reorder_ppm);
	EXPECT_EQ(64, f.reorder_places);
	EXPECT_EQ(20000, f.duplicate_ppm);
	EXPECT_EQ(1000000, f.delay_ppm);
	EXPECT_EQ(200, f.delay_us);
	EXPECT_EQ(50, f.jitter_us);
	EXPECT_EQ(3000, f.corrupt_ppm);
	EXPECT_EQ(1, f.truncate_ppm);
	EXPECT_EQ(40000, f.tx_full_ppm);
	EXPECT_EQ(1000, f.tx_full_us);
	EXPECT_EQ(1000000, f.stall_ppm);
	EXPECT_EQ(5000, f.stall_us);
	EXPECT_EQ(UINT64_MAX, f.seed);
}

TEST(percent_without_the_sign)
{
	struct machnet_dp_fault f;
	char error[256];

	ASSERT_EQ(0, parse(&f, "loss=1.5,seed=7", error));
	EXPECT_EQ(15000, f.loss_ppm);
	EXPECT_EQ(7, f.seed);
	EXPECT_EQ(0, f.delay_ppm);
}

TEST(what_may_be_left_out)
{
	struct machnet_dp_fault f;
	char error[256];

	ASSERT_EQ(0, parse(&f, "delay=1.5ms", error));
	EXPECT_EQ(1000000, f.delay_ppm);
	EXPECT_EQ(1500, f.delay_us);
	EXPECT_EQ(0, f.jitter_us);
	ASSERT_EQ(0, parse(&f, "delay=10%:1s", error));
	EXPECT_EQ(100000, f.delay_ppm);
	EXPECT_EQ(1000000, f.delay_us);
	ASSERT_EQ(0, parse(&f, "delay=10%:100us:100us", error));
	EXPECT_EQ(100, f.jitter_us);
	ASSERT_EQ(0, parse(&f, "txfull=1%", error));
	EXPECT_EQ(0, f.tx_full_us);
}

TEST(what_is_wrong_is_named)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "", "" }, { "loss=1%,", "" }, { "loss", "loss" }, { "loss=", "loss=" },
		{ "loss=101%", "loss=101%" }, { "loss=-1%", "loss=-1%" },
		{ "loss=nan", "loss=nan" }, { "loss=1%%", "loss=1%%" }, { "loss= 1", "loss= 1" },
		{ "loss=0x1", "loss=0x1" }, { "loss=1.2.3", "loss=1.2.3" },
		{ "loss=1%:2", "loss=1%:2" }, { "loss=1,loss=2", "loss=2" },
		{ "loss=1%,burst=1%", "burst=1%" }, { "burst=1%:0", "burst=1%:0" },
		{ "burst=1%:10001", "burst=1%:10001" }, { "burst=8", "burst=8" },
		{ "reorder=5%:65", "reorder=5%:65" }, { "reorder=5%:x", "reorder=5%:x" },
		{ "delay=200", "delay=200" }, { "delay=5%", "delay=5%" },
		{ "delay=1us:2us", "delay=1us:2us" }, { "delay=11s", "delay=11s" },
		{ "delay=1us:1us:1us", "delay=1us:1us:1us" }, { "stall=1%", "stall=1%" },
		{ "stall=1%:5", "stall=1%:5" }, { "txfull=1%:1x", "txfull=1%:1x" },
		{ "seed=x", "seed=x" }, { "seed=-1", "seed=-1" },
		{ "seed=18446744073709551616", "seed=18446744073709551616" },
		{ "seed=1,fire=1%", "fire=1%" },
	};
	struct machnet_dp_fault f;
	char error[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(-EINVAL, parse(&f, cases[i].text, error)) {
			TH_LOG("%s", cases[i].text);
		}
		EXPECT_EQ(0, strncmp(error, cases[i].part, strlen(cases[i].part))) {
			TH_LOG("%s: %s", cases[i].text, error);
		}
		EXPECT_NE(NULL, strstr(error, ": want ")) {
			TH_LOG("%s: %s", cases[i].text, error);
		}
		EXPECT_EQ(0, f.loss_ppm);
	}
}

TEST_HARNESS_MAIN
