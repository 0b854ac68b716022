// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

/* Both variants of the loop are tested, whichever this processor would take. */
#include "base/checksum.c"

#define ROOM	(1u << 22)
#define LENS	2000u

/* By the book, word for word. */
static uint16_t plain(const uint8_t *p, size_t len, uint32_t sum)
{
	uint64_t all = sum;
	uint16_t word;

	for (size_t i = 0; i < len; i += 2) {
		word = 0;
		memcpy(&word, p + i, len - i < 2 ? 1 : 2);
		all += word;
	}
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return all;
}

FIXTURE(checksum)
{
	uint8_t *data, *copy;
};

FIXTURE_SETUP(checksum)
{
	self->data = malloc(ROOM);
	self->copy = malloc(ROOM);
	ASSERT_NE(NULL, self->data);
	ASSERT_NE(NULL, self->copy);
	srandom(1);
	for (size_t i = 0; i < ROOM; i++)
		self->data[i] = random();
}

FIXTURE_TEARDOWN(checksum)
{
	free(self->data);
	free(self->copy);
}

TEST_F(checksum, add__every_length_and_alignment)
{
	for (size_t len = 0; len <= LENS; len++)
		for (size_t off = 0; off < 33; off++)
			ASSERT_EQ(plain(self->data + off, len, off),
				  mn_checksum_add(self->data + off, len, off));
}

/* Source and destination lie differently; the bytes around the copy stay as they were. */
TEST_F(checksum, copy__every_length_and_alignment)
{
	for (size_t len = 0; len <= LENS; len++) {
		size_t from = len * 7 % 33, to = 1 + len * 5 % 32;

		memset(self->copy, 0xa5, LENS + 100);
		ASSERT_EQ(plain(self->data + from, len, 3),
			  mn_checksum_copy(self->copy + to, self->data + from, len, 3));
		ASSERT_EQ(0, memcmp(self->copy + to, self->data + from, len));
		ASSERT_EQ(0xa5, self->copy[to - 1]);
		ASSERT_EQ(0xa5, self->copy[to + len]);
	}
	for (size_t i = 0; i < 33 * 33; i++)
		ASSERT_EQ(plain(self->data + i % 33, 777, 0),
			  mn_checksum_copy(self->copy + i / 33, self->data + i % 33, 777, 0));
}

TEST_F(checksum, large_packets)
{
	for (int i = 0; i < 200; i++) {
		size_t len = random() % 65536, off = random() % 64;
		uint32_t before = random() & 0xffff;
		uint16_t sum = plain(self->data + off, len, before);

		ASSERT_EQ(sum, mn_checksum_add(self->data + off, len, before));
		ASSERT_EQ(sum, mn_checksum_copy(self->copy, self->data + off, len, before));
		ASSERT_EQ(0, memcmp(self->copy, self->data + off, len));
	}
}

/* More than the lanes take at once, and all of it carries. */
TEST_F(checksum, no_carry_is_lost)
{
	memset(self->data, 0xff, ROOM);
	EXPECT_EQ(plain(self->data, ROOM, 0xffff), mn_checksum_add(self->data, ROOM, 0xffff));
	EXPECT_EQ(plain(self->data, ROOM - 1, 1), mn_checksum_add(self->data, ROOM - 1, 1));
	EXPECT_EQ(plain(self->data, ROOM - 3, 9),
		  mn_checksum_copy(self->copy, self->data, ROOM - 3, 9));
	EXPECT_EQ(0, memcmp(self->copy, self->data, ROOM - 3));
}

TEST_F(checksum, known_sum)
{
	/* The example of RFC 1071, 3: its sum is ddf2 in network order. */
	static const uint8_t rfc[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint16_t sum = mn_checksum_add(rfc, sizeof(rfc), 0);
	uint8_t bytes[2];

	memcpy(bytes, &sum, sizeof(sum));
	EXPECT_EQ(0xdd, bytes[0]);
	EXPECT_EQ(0xf2, bytes[1]);
}

static uint16_t folded(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

TEST_F(checksum, variants_agree)
{
	for (size_t n = 1; n < 200; n++) {
		uint16_t sum = plain(self->data + n, n * BLOCK, 0);

		ASSERT_EQ(sum, folded(add_any(NULL, self->data + n, n)));
		ASSERT_EQ(sum, folded(add_any(self->copy, self->data + n, n)));
		ASSERT_EQ(0, memcmp(self->copy, self->data + n, n * BLOCK));
#ifdef __x86_64__
		if (!__builtin_cpu_supports("avx2"))
			continue;
		memset(self->copy, 0, n * BLOCK);
		ASSERT_EQ(sum, folded(add_avx2(NULL, self->data + n, n)));
		ASSERT_EQ(sum, folded(add_avx2(self->copy, self->data + n, n)));
		ASSERT_EQ(0, memcmp(self->copy, self->data + n, n * BLOCK));
#endif
	}
	memset(self->data, 0xff, ROOM);
	EXPECT_EQ(0xffff, folded(add_any(NULL, self->data, BLOCKS_MAX)));
}

/* However a packet is cut into pieces, odd ones and empty ones included. */
TEST_F(checksum, pieces_of_any_length)
{
	for (int round = 0; round < 2000; round++) {
		size_t len = random() % 3000, at = 0;
		struct mn_sum sum = { 0 };

		memset(self->copy, 0, len);
		while (at < len) {
			size_t n = random() % (1 + random() % 700);

			n = n < len - at ? n : len - at;
			if (random() % 2)
				mn_sum_copy(&sum, self->copy + at, self->data + at, n);
			else
				mn_sum_add(&sum, memcpy(self->copy + at, self->data + at, n), n);
			at += n;
		}
		ASSERT_EQ(len % 2, sum.odd);
		ASSERT_EQ(plain(self->data, len, 0), sum.sum);
		ASSERT_EQ(0, memcmp(self->copy, self->data, len));
	}
}

TEST_F(checksum, join__of_two_sums)
{
	for (size_t cut = 0; cut <= 65; cut++) {
		struct mn_sum sum = { 0 }, next = { 0 };

		mn_sum_add(&sum, self->data, cut);
		mn_sum_add(&next, self->data + cut, 7);
		mn_sum_add(&next, self->data + cut + 7, 300);
		mn_sum_join(&sum, &next);
		EXPECT_EQ(plain(self->data, cut + 307, 0), sum.sum);
		EXPECT_EQ((cut + 307) % 2, sum.odd);
	}
}

TEST_F(checksum, without_a_sum_it_only_copies)
{
	mn_sum_copy(NULL, self->copy, self->data, 1001);
	EXPECT_EQ(0, memcmp(self->copy, self->data, 1001));
}

TEST_HARNESS_MAIN
