// SPDX-License-Identifier: MIT
/* owner.c - the engine's number in an id: its lowest byte */
#include <endian.h>
#include <string.h>

#include <machnet/wire.h>
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

/* An INIT names an engine, or the port that it is for. */
static int owner_of_init(const uint8_t *body, uint32_t len, uint16_t *port)
{
	struct mn_wire_init init;

	if (len < sizeof(init))
		return MN_OWNER_NONE;
	memcpy(&init, body, sizeof(init));
	if (init.wanted != MN_WIRE_ENGINE_ANY)
		return init.wanted;
	*port = be16toh(init.port);
	return MN_OWNER_NONE;
}

/* The answer to a packet of ours says which engine had sent it. */
static int owner_of_reset(const uint8_t *body, uint32_t len)
{
	struct mn_wire_reset reset;

	if (len < sizeof(reset))
		return MN_OWNER_NONE;
	memcpy(&reset, body, sizeof(reset));
	return reset.to;
}

int mn_owner_of_packet(const uint8_t *udp_payload, uint32_t len, uint16_t *port)
{
	const uint8_t *body = udp_payload + sizeof(struct mn_wire_hdr);
	struct mn_wire_hdr h;

	*port = 0;
	if (len < sizeof(h))
		return MN_OWNER_NONE;
	memcpy(&h, udp_payload, sizeof(h));
	if (h.version != MN_WIRE_VERSION)
		return MN_OWNER_NONE;
	if (h.path)
		return mn_owner_of_id(be64toh(h.path));
	if (h.type == MN_WIRE_INIT)
		return owner_of_init(body, len - sizeof(h), port);
	return h.type == MN_WIRE_RESET ? owner_of_reset(body, len - sizeof(h)) : MN_OWNER_NONE;
}
