/* SPDX-License-Identifier: MIT */
/*
 * addr.h - one form for IPv4 and IPv6 addresses
 *
 * An IPv4 address is kept as its v4-mapped IPv6 form (RFC 4291, 2.5.5.2), so
 * that everything behind the edges handles one kind of address. Pure values:
 * any thread may use these functions.
 */
#ifndef MACHNET_ADDR_H
#define MACHNET_ADDR_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for any address as text, with its NUL. */
#define MN_ADDR_STRLEN	INET6_ADDRSTRLEN

struct mn_addr {
	uint8_t b[16];	/* network byte order */
};

static inline struct mn_addr mn_addr_from_v4(uint32_t ip_be)
{
	struct mn_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, &ip_be, 4);
	return a;
}

static inline bool mn_addr_is_v4(const struct mn_addr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

/* The IPv4 address in network byte order; only for addresses that are one. */
static inline uint32_t mn_addr_v4(const struct mn_addr *a)
{
	uint32_t ip_be;

	memcpy(&ip_be, a->b + 12, 4);
	return ip_be;
}

static inline bool mn_addr_equal(const struct mn_addr *a, const struct mn_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* 0.0.0.0 and :: alike. */
static inline bool mn_addr_is_any(const struct mn_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, 16) == 0 || (mn_addr_is_v4(a) && mn_addr_v4(a) == 0);
}

/* From the 4 or 16 bytes of a packet or a netlink attribute. -EINVAL otherwise. */
static inline int mn_addr_from_bytes(struct mn_addr *a, const void *bytes, size_t len)
{
	uint32_t ip_be;

	if (len == 16) {
		memcpy(a->b, bytes, 16);
		return 0;
	}
	if (len != 4)
		return -EINVAL;
	memcpy(&ip_be, bytes, 4);
	*a = mn_addr_from_v4(ip_be);
	return 0;
}

/* -EINVAL when text is neither an IPv4 nor an IPv6 address. */
static inline int mn_addr_parse(struct mn_addr *a, const char *text)
{
	struct in_addr v4;

	if (!text)
		return -EINVAL;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*a = mn_addr_from_v4(v4.s_addr);
		return 0;
	}
	return inet_pton(AF_INET6, text, a->b) == 1 ? 0 : -EINVAL;
}

/* Fills buf and returns it. */
static inline const char *mn_addr_format(const struct mn_addr *a, char buf[MN_ADDR_STRLEN])
{
	if (mn_addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, MN_ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a->b, buf, MN_ADDR_STRLEN);
	return buf;
}

#ifdef __cplusplus
}
#endif

#endif /* MACHNET_ADDR_H */
