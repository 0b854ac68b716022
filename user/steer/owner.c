// SPDX-License-Identifier: MIT
/* owner.c - the engine's number in an id: its lowest byte */
#include <endian.h>
#include <string.h>

#include <machnet/wire1.h>
#include "steer/owner.h"

#define ENGINE_MASK	UINT64_C(0xff)

uint64_t mn_owner_make_id(uint8_t engine, uint64_t random)
{
	return random & ~ENGINE_MASK ? (random & ~ENGINE_MASK) | engine : 0;
}

uint8_t mn_owner_of_id(uint64_t id)
{
	return id & ENGINE_MASK;
}

int mn_owner_of_packet(const uint8_t *udp_payload, uint32_t len)
{
	struct mn_wire_hdr h;

	if (len < sizeof(h))
		return MN_OWNER_NONE;
	memcpy(&h, udp_payload, sizeof(h));
	if (h.version != MN_WIRE_VERSION || h.type == MN_WIRE_SYN || !h.id)
		return MN_OWNER_NONE;
	return mn_owner_of_id(be64toh(h.id));
}
