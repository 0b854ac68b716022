// SPDX-License-Identifier: MIT
/* The set of client ports against a plain array. */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "base/keyset.h"

TEST(keyset__put_del)
{
	struct mn_keyset ks;

	ASSERT_EQ(0, mn_keyset_init(&ks, 2));
	EXPECT_EQ(0, mn_keyset_put(&ks, 5));
	EXPECT_EQ(-EEXIST, mn_keyset_put(&ks, 5));
	/* The key that marks a free place is one like all others. */
	EXPECT_EQ(0, mn_keyset_put(&ks, 0));
	EXPECT_EQ(-EEXIST, mn_keyset_put(&ks, 0));
	EXPECT_EQ(-ENOSPC, mn_keyset_put(&ks, 7));
	mn_keyset_del(&ks, 6);
	EXPECT_EQ(-ENOSPC, mn_keyset_put(&ks, 7));
	mn_keyset_del(&ks, 0);
	EXPECT_EQ(0, mn_keyset_put(&ks, UINT64_MAX));
	mn_keyset_del(&ks, UINT64_MAX);
	EXPECT_EQ(0, mn_keyset_put(&ks, 0));
	mn_keyset_fini(&ks);
}

#define KEYS	600
#define LIMIT	512

FIXTURE(model)
{
	struct mn_keyset ks;
	bool there[KEYS];
	uint64_t key[KEYS];
	uint32_t used;
};

/* Where the keys belong. */
FIXTURE_VARIANT(model)
{
	uint64_t from, spread;
};

FIXTURE_VARIANT_ADD(model, everywhere) { .from = 0, .spread = UINT64_MAX };
FIXTURE_VARIANT_ADD(model, in_one_place) { .from = UINT64_C(1) << 62, .spread = 1u << 31 };
/* From the last places on around the end. */
FIXTURE_VARIANT_ADD(model, at_the_end) { .from = UINT64_MAX - (UINT64_C(1) << 56),
					 .spread = UINT64_C(1) << 56 };

FIXTURE_SETUP(model)
{
	srandom(1);
	ASSERT_EQ(0, mn_keyset_init(&self->ks, LIMIT));
	for (uint64_t i = 0; i < KEYS; i++)
		self->key[i] = variant->from + variant->spread / KEYS * i;
}

FIXTURE_TEARDOWN(model)
{
	mn_keyset_fini(&self->ks);
}

static bool is_there(struct _test_data_model *self, int k)
{
	int ret = mn_keyset_put(&self->ks, self->key[k]);

	if (!ret)
		mn_keyset_del(&self->ks, self->key[k]);
	return ret == -EEXIST;
}

/* Full to the limit, with much coming and going: moved keys are still found. */
TEST_F(model, random)
{
	for (int step = 0; step < 50000; step++) {
		int k = random() % KEYS, want;

		if (random() % 2) {
			want = self->there[k] ? -EEXIST : self->used == LIMIT ? -ENOSPC : 0;
			ASSERT_EQ(want, mn_keyset_put(&self->ks, self->key[k]));
			self->used += !want;
			self->there[k] |= !want;
		} else {
			mn_keyset_del(&self->ks, self->key[k]);
			self->used -= self->there[k];
			self->there[k] = false;
		}
		ASSERT_EQ(self->used, self->ks.used);
	}
	/* Room for one, so that those that are missing can be told from -ENOSPC. */
	for (int k = 0; k < KEYS && self->used == LIMIT; k++)
		if (self->there[k]) {
			mn_keyset_del(&self->ks, self->key[k]);
			self->there[k] = false;
			self->used--;
		}
	for (int k = 0; k < KEYS; k++)
		EXPECT_EQ(self->there[k], is_there(self, k));
}

TEST_HARNESS_MAIN
