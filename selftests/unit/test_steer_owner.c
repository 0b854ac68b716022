// SPDX-License-Identifier: MIT
/* Which engine a packet belongs to. */
#include "kselftest_harness.h"

#include "steer/owner.h"
#include "transport1/packet.h"

TEST(make_id__names_its_engine_and_is_random_otherwise)
{
	const uint64_t random = UINT64_C(0x0123456789abcdef);

	for (int engine = 0; engine < 256; engine++) {
		uint64_t id = mn_owner_make_id(engine, random);

		EXPECT_EQ(engine, mn_owner_of_id(id));
		EXPECT_EQ(random >> 8, id >> 8);
	}
}

TEST(make_id__never_makes_an_id_without_random_bits)
{
	EXPECT_EQ(0, mn_owner_make_id(3, 0));
	EXPECT_EQ(0, mn_owner_make_id(3, 0x7f));
}

TEST(of_packet__is_the_engine_of_the_id_that_it_carries)
{
	struct mn_seg seg = { .type = MN_WIRE_ACK, .id = 0x1234567, .ts = 5 };
	uint8_t buf[256];
	uint32_t n = mn_packet_write(buf, &seg);

	EXPECT_EQ(0x67, mn_owner_of_packet(buf, n));
}

TEST(of_packet__is_none_without_an_id)
{
	struct mn_seg seg = { .type = MN_WIRE_ACK, .id = 0x1234567, .ts = 5 };
	uint8_t buf[256];
	uint32_t n = mn_packet_write(buf, &seg);

	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, n - 1));
	buf[0] = 9;
	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, n));
	seg = (struct mn_seg){ .type = MN_WIRE_SYN, .syn = { .id = 5 } };
	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, mn_packet_write(buf, &seg)));
}

TEST_HARNESS_MAIN
