// SPDX-License-Identifier: MIT
/* Which engine a packet belongs to. */
#include "kselftest_harness.h"

#include "steer/owner.h"
#include "transport/packet.h"

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

static uint32_t write_init(uint8_t *buf, uint8_t wanted, uint16_t port)
{
	struct mn_packet p = {
		.type = MN_WIRE_INIT,
		.init = { .id = 5, .instance = 1, .mss = 1, .window = 1, .port_first = 1,
			  .port_count = 1, .wanted = wanted, .port = port },
	};

	return mn_packet_write(buf, &p);
}

TEST(of_packet__is_the_engine_of_the_path)
{
	struct mn_packet p = { .type = MN_WIRE_FRAMES, .path = 0x1234567, .number = 1, .least = 1 };
	uint8_t buf[256];
	uint16_t port;
	uint32_t n = mn_packet_write(buf, &p);

	EXPECT_EQ(0x67, mn_owner_of_packet(buf, n, &port));
	EXPECT_EQ(0, port);
}

TEST(of_packet__init_names_an_engine_or_a_port)
{
	uint8_t buf[256];
	uint16_t port;

	EXPECT_EQ(7, mn_owner_of_packet(buf, write_init(buf, 7, 31580), &port));
	EXPECT_EQ(0, port);
	EXPECT_EQ(MN_OWNER_NONE,
		  mn_owner_of_packet(buf, write_init(buf, MN_WIRE_ENGINE_ANY, 31580), &port));
	EXPECT_EQ(31580, port);
}

TEST(of_packet__reset_goes_back_to_the_engine_that_asked)
{
	struct mn_packet p = {
		.type = MN_WIRE_RESET,
		.engine = 1,
		.reset = { .id = 0x1234567, .code = MN_WIRE_CODE_UNKNOWN, .to = 9 },
	};
	uint8_t buf[256];
	uint16_t port;

	EXPECT_EQ(9, mn_owner_of_packet(buf, mn_packet_write(buf, &p), &port));
}

TEST(of_packet__is_none_for_what_is_no_packet)
{
	struct mn_packet p = { .type = MN_WIRE_FRAMES, .path = 0x1234567, .number = 1, .least = 1 };
	uint8_t buf[256];
	uint16_t port;
	uint32_t n = mn_packet_write(buf, &p);

	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, n - 1, &port));
	buf[0] = 9;
	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, n, &port));
	n = write_init(buf, 7, 31580);
	EXPECT_EQ(MN_OWNER_NONE, mn_owner_of_packet(buf, n - 1, &port));
}

TEST_HARNESS_MAIN
