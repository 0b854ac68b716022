// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "dp/checksum.h"

#define ROOM	(1u << 22)

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
	uint8_t *data;
};

FIXTURE_SETUP(checksum)
{
	self->data = malloc(ROOM);
	ASSERT_NE(NULL, self->data);
	srandom(1);
	for (size_t i = 0; i < ROOM; i++)
		self->data[i] = random();
}

FIXTURE_TEARDOWN(checksum)
{
	free(self->data);
}

TEST_F(checksum, every_length_and_alignment)
{
	for (size_t len = 0; len < 300; len++)
		for (size_t off = 0; off < 33; off++)
			ASSERT_EQ(plain(self->data + off, len, off),
				  dp_checksum_add(self->data + off, len, off));
}

TEST_F(checksum, large_packets)
{
	for (int i = 0; i < 200; i++) {
		size_t len = random() % 65536, off = random() % 64;
		uint32_t before = random() & 0xffff;

		ASSERT_EQ(plain(self->data + off, len, before),
			  dp_checksum_add(self->data + off, len, before));
	}
}

/* More than the lanes take at once, and all of it carries. */
TEST_F(checksum, no_carry_is_lost)
{
	memset(self->data, 0xff, ROOM);
	EXPECT_EQ(plain(self->data, ROOM, 0xffff), dp_checksum_add(self->data, ROOM, 0xffff));
	EXPECT_EQ(plain(self->data, ROOM - 1, 1), dp_checksum_add(self->data, ROOM - 1, 1));
}

TEST_F(checksum, known_sum)
{
	/* The example of RFC 1071, 3: its sum is ddf2 in network order. */
	static const uint8_t rfc[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint16_t sum = dp_checksum_add(rfc, sizeof(rfc), 0);
	uint8_t bytes[2];

	memcpy(bytes, &sum, sizeof(sum));
	EXPECT_EQ(0xdd, bytes[0]);
	EXPECT_EQ(0xf2, bytes[1]);
}

TEST_HARNESS_MAIN
