/* SPDX-License-Identifier: MIT */
/* local_check.h - what control_local.c refuses as machnet.ko does, for all kinds of objects */
#ifndef MND_LOCAL_CHECK_H
#define MND_LOCAL_CHECK_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

#include <machnet/addr.h>

#define MND_LOCAL_OUT_OF_RANGE	"integer out of range"
#define MND_LOCAL_NO_UNICAST	"the address is not a unicast address of global scope"
#define MND_LOCAL_NO_DEVICE	"no datapath serves this network device"
#define MND_LOCAL_NO_ENGINE	"the device does not have so many engines"
#define MND_LOCAL_TWO_FAMILIES	"local-addr and remote-addr are of two families"

static inline bool mnd_in_range(uint32_t value, uint32_t min, uint32_t max)
{
	return value >= min && value <= max;
}

/* Without a scope a link-local address says nothing. */
static inline bool mnd_is_unicast(const struct mn_addr *addr)
{
	uint32_t ip = mn_addr_is_v4(addr) ? ntohl(mn_addr_v4(addr)) : 0;

	if (mn_addr_is_v4(addr))
		return ip >> 24 && ip >> 28 != 0xe && ip != UINT32_MAX;
	return !mn_addr_is_any(addr) && addr->b[0] != 0xff &&
	       !(addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80);
}

#endif /* MND_LOCAL_CHECK_H */
