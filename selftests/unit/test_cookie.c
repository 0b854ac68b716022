// SPDX-License-Identifier: MIT
#include <arpa/inet.h>

#include <kselftest_harness.h>

#include "transport/cookie.h"

static uint64_t count_up(void *ctx)
{
	return ++*(uint64_t *)ctx * UINT64_C(0x9e3779b97f4a7c15);
}

static const struct mn_stack_ops ops = { .random = count_up };

FIXTURE(cookie)
{
	uint64_t random;
	struct mn_stack_config cfg;
	struct mn_cookies ck;
	struct mn_tuple path;
	uint64_t now_us, made;
};

FIXTURE_SETUP(cookie)
{
	memset(&self->ck, 0, sizeof(self->ck));
	self->random = 0;
	self->cfg = (struct mn_stack_config){ .ops = &ops, .ops_ctx = &self->random };
	self->path = (struct mn_tuple){
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0a000002)),
		.local_port = 1000, .remote_port = 2000,
	};
	self->now_us = 1000;
	self->made = mn_cookie_make(&self->ck, &self->cfg, self->now_us, &self->path, 7);
}

FIXTURE_TEARDOWN(cookie)
{
}

static bool good_at(struct _test_data_cookie *self, uint64_t now_us)
{
	return mn_cookie_check(&self->ck, &self->cfg, now_us, &self->path, 7, self->made);
}

TEST_F(cookie, binds_addresses_ports_and_id)
{
	struct mn_tuple other = self->path;

	EXPECT_NE(0, self->made);
	EXPECT_TRUE(good_at(self, self->now_us));
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 8, self->made));
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, self->made ^ 1));
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, 0));
	other.remote.b[15] ^= 1;
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, self->made));
	other = self->path;
	other.local.b[12] ^= 1;
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, self->made));
	other = self->path;
	other.remote_port++;
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, self->made));
	other = self->path;
	other.local_port++;
	EXPECT_FALSE(mn_cookie_check(&self->ck, &self->cfg, 1000, &other, 7, self->made));
}

TEST_F(cookie, ages)
{
	EXPECT_TRUE(good_at(self, 1000 + MN_COOKIE_KEY_US - 1));
	EXPECT_TRUE(good_at(self, 1000 + MN_COOKIE_KEY_US));
	EXPECT_TRUE(good_at(self, 1000 + 2 * MN_COOKIE_KEY_US - 1));
	EXPECT_FALSE(good_at(self, 1000 + 2 * MN_COOKIE_KEY_US));
}

/* Also when nobody asked in between, so that no key was changed when it was time. */
TEST_F(cookie, ages_in_silence)
{
	EXPECT_FALSE(good_at(self, 1000 + 2 * MN_COOKIE_KEY_US));
	EXPECT_FALSE(good_at(self, 1000 + 20 * MN_COOKIE_KEY_US));
	EXPECT_NE(self->made, mn_cookie_make(&self->ck, &self->cfg, 1000 + 20 * MN_COOKIE_KEY_US,
					     &self->path, 7));
}

/* A cookie of late in a key's time is good for a whole time of the next key. */
TEST_F(cookie, late_ones_last)
{
	self->made = mn_cookie_make(&self->ck, &self->cfg, 1000 + 2 * MN_COOKIE_KEY_US - 1,
				    &self->path, 7);
	EXPECT_TRUE(good_at(self, 1000 + 3 * MN_COOKIE_KEY_US - 1));
	EXPECT_FALSE(good_at(self, 1000 + 3 * MN_COOKIE_KEY_US));
}

/* Another stack has other keys. */
TEST_F(cookie, secret)
{
	struct mn_cookies other = { 0 };

	EXPECT_NE(self->made, mn_cookie_make(&other, &self->cfg, 1000, &self->path, 7));
	EXPECT_FALSE(mn_cookie_check(&other, &self->cfg, 1000, &self->path, 7, self->made));
}

TEST_HARNESS_MAIN
