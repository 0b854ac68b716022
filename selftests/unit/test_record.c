// SPDX-License-Identifier: MIT
/* The pool of records: each given once, none lost. */
#include <kselftest_harness.h>

#include "transport/record.h"

#define N	100u
#define PATHS	4u
#define PATH	2u

FIXTURE(record)
{
	struct mn_records rs;
	bool out[N];
};

FIXTURE_SETUP(record)
{
	ASSERT_EQ(0, mn_records_init(&self->rs, N, PATHS));
}

FIXTURE_TEARDOWN(record)
{
	mn_records_fini(&self->rs);
}

TEST_F(record, get__each_once_until_none_is_free)
{
	for (uint32_t i = 0; i < N; i++) {
		uint32_t r;

		EXPECT_EQ(N - i, self->rs.n_free);
		r = mn_record_get(&self->rs, PATH);
		ASSERT_GT(N, r);
		EXPECT_FALSE(self->out[r]);
		self->out[r] = true;
		/* It is a list of its own. */
		EXPECT_EQ(MN_RECORD_NONE, mn_record_at(&self->rs, r)->next);
	}
	EXPECT_EQ(0, self->rs.n_free);
	EXPECT_EQ(MN_RECORD_NONE, mn_record_get(&self->rs, PATH));
	EXPECT_EQ(0, self->rs.n_free);
}

TEST_F(record, put__it_can_be_had_again)
{
	for (uint32_t i = 0; i < N; i++)
		mn_record_get(&self->rs, PATH);
	mn_record_put(&self->rs, 7);
	mn_record_put(&self->rs, 3);
	EXPECT_EQ(2, self->rs.n_free);
	EXPECT_EQ(10, mn_record_get(&self->rs, PATH) + mn_record_get(&self->rs, PATH));
	EXPECT_EQ(MN_RECORD_NONE, mn_record_get(&self->rs, PATH));
}

/* Half of what is free beyond its own: others find some whatever one path takes. */
TEST_F(record, spare__is_bounded_by_what_the_path_has)
{
	uint32_t taken = 0;

	EXPECT_EQ(N / 2, mn_records_spare(&self->rs, PATH));
	while (mn_records_spare(&self->rs, PATH)) {
		mn_record_get(&self->rs, PATH);
		taken++;
	}
	EXPECT_GE(N / 2, taken);
	EXPECT_LT(0, mn_records_spare(&self->rs, 0));
}

TEST(mn_records_init__an_empty_pool)
{
	struct mn_records rs;

	ASSERT_EQ(0, mn_records_init(&rs, 0, PATHS));
	EXPECT_EQ(MN_RECORD_NONE, mn_record_get(&rs, PATH));
	mn_records_fini(&rs);
}

TEST_HARNESS_MAIN
