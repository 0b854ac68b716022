// SPDX-License-Identifier: MIT
/* The table of connections against a plain array. */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "base/hash.h"

static const uint64_t seed[2] = { 0x123456789abcdef, 0xfedcba987654321 };

TEST(hash__put_get_del)
{
	struct mn_hash h;

	ASSERT_EQ(0, mn_hash_init(&h, 2, seed));
	EXPECT_EQ(MN_HASH_NONE, mn_hash_get(&h, 5));
	EXPECT_EQ(0, mn_hash_put(&h, 5, 50));
	EXPECT_EQ(-EEXIST, mn_hash_put(&h, 5, 51));
	EXPECT_EQ(0, mn_hash_put(&h, 0, 1));
	EXPECT_EQ(-ENOSPC, mn_hash_put(&h, 7, 70));
	EXPECT_EQ(50, mn_hash_get(&h, 5));
	EXPECT_EQ(1, mn_hash_get(&h, 0));
	mn_hash_del(&h, 6);
	mn_hash_del(&h, 5);
	EXPECT_EQ(MN_HASH_NONE, mn_hash_get(&h, 5));
	EXPECT_EQ(0, mn_hash_put(&h, 7, 70));
	EXPECT_EQ(70, mn_hash_get(&h, 7));
	mn_hash_fini(&h);
}

#define KEYS	600

/* Full to the limit, with much coming and going: moved entries are still found. */
TEST(hash__random_against_model)
{
	uint32_t model[KEYS], used = 0;
	struct mn_hash h;

	srandom(1);
	ASSERT_EQ(0, mn_hash_init(&h, 512, seed));
	for (int i = 0; i < KEYS; i++)
		model[i] = MN_HASH_NONE;
	for (int step = 0; step < 300000; step++) {
		int k = random() % KEYS;
		uint64_t key = k * UINT64_C(0x100000001);

		if (random() % 2) {
			int want = model[k] != MN_HASH_NONE ? -EEXIST : used == 512 ? -ENOSPC : 0;

			ASSERT_EQ(want, mn_hash_put(&h, key, step));
			if (!want) {
				model[k] = step;
				used++;
			}
		} else {
			mn_hash_del(&h, key);
			used -= model[k] != MN_HASH_NONE;
			model[k] = MN_HASH_NONE;
		}
		k = random() % KEYS;
		ASSERT_EQ(model[k], mn_hash_get(&h, k * UINT64_C(0x100000001)));
	}
	mn_hash_fini(&h);
}

/* Every bit of either input matters. */
TEST(mix__bits)
{
	uint64_t base = mn_hash_mix(1000, 2000, seed);

	for (int bit = 0; bit < 64; bit++) {
		EXPECT_NE(base, mn_hash_mix(1000 ^ UINT64_C(1) << bit, 2000, seed));
		EXPECT_NE(base, mn_hash_mix(1000, 2000 ^ UINT64_C(1) << bit, seed));
	}
}

/* Keys in a row spread over the table: the longest probe stays short. */
TEST(mix__spread)
{
	static uint8_t bucket[4096];
	int longest = 0;

	for (uint64_t k = 0; k < 4096; k++) {
		uint8_t *b = &bucket[mn_hash_mix(k << 8, 0, seed) % 4096];

		if (++*b > longest)
			longest = *b;
	}
	EXPECT_GT(10, longest);
}

TEST_HARNESS_MAIN
