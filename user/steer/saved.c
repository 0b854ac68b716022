// SPDX-License-Identifier: MIT
/*
 * saved.c - what was learned, as bytes for the next start
 *
 *   4 bytes "mnrs", version, number of queues
 *   for IPv4 and IPv6: number of rows, 0 if it was not learned; for each 4 bytes vector, 1 value
 *   8 bytes SipHash of all that, with a key that is known: against damage, not against forgery
 *
 * Numbers are little-endian. A map that does not hold any more does no harm: it is used when new
 * predictions have come true.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/siphash.h"
#include "steer/steer_priv.h"

#define VERSION		1
#define HEAD		6u
#define ROW		5u
#define CHECKSUM	8u

static const uint8_t magic[4] = "mnrs";

_Static_assert(HEAD + MN_STEER_FAMILIES * (1 + MN_LINEAR_BITS * ROW) + CHECKSUM <=
	       MN_STEER_SAVE_MAX, "everything fits");

static uint64_t checksum_of(const uint8_t *buf, size_t len)
{
	static const uint64_t key[2] = { UINT64_C(0x6d616368), UINT64_C(0x6e657421) };

	return htole64(mn_siphash(key, buf, len));
}

static uint8_t *put_map(uint8_t *to, const struct mn_linear *map)
{
	*to++ = map->rank;
	for (int i = 0; i < MN_LINEAR_BITS; i++) {
		uint32_t vector = htole32(map->vector[i]);

		if (!vector)
			continue;
		memcpy(to, &vector, sizeof(vector));
		to[4] = map->value[i];
		to += ROW;
	}
	return to;
}

static size_t save(const struct mn_steer *s, uint8_t buf[MN_STEER_SAVE_MAX])
{
	uint8_t *to = buf + HEAD;
	bool learned = false;
	uint64_t sum;

	memcpy(buf, magic, sizeof(magic));
	buf[4] = VERSION;
	buf[5] = s->cfg.queues;
	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++) {
		const struct mn_learn *l = &s->learn[f];

		if (mn_learn_trusted(l))
			to = put_map(to, &l->map);
		else
			*to++ = 0;
		learned |= mn_learn_trusted(l);
	}
	sum = checksum_of(buf, to - buf);
	memcpy(to, &sum, sizeof(sum));
	return learned ? to + sizeof(sum) - buf : 0;
}

size_t mn_steer_save(struct mn_steer *s, uint8_t *buf, size_t cap)
{
	uint8_t all[MN_STEER_SAVE_MAX];
	size_t len;

	mn_lock(&s->lock);
	len = save(s, all);
	mn_unlock(&s->lock);
	if (len > cap)
		return 0;
	memcpy(buf, all, len);
	return len;
}

/* The bytes behind the map; NULL: there is none. */
static const uint8_t *get_map(const uint8_t *from, const uint8_t *end, uint8_t queues,
			      struct mn_linear *map)
{
	uint8_t rows;

	*map = (struct mn_linear){ 0 };
	if (from == end)
		return NULL;
	rows = *from++;
	if (rows > MN_LINEAR_BITS || end - from < rows * (ptrdiff_t)ROW)
		return NULL;
	for (; rows; rows--, from += ROW) {
		uint8_t value = from[4];
		uint32_t vector;

		memcpy(&vector, from, sizeof(vector));
		vector = le32toh(vector);
		if (value >= queues)
			return NULL;
		/* Rows that follow from others are none that were saved. */
		vector = mn_linear_reduce(map, vector, &value);
		if (!vector)
			return NULL;
		mn_linear_add(map, vector, value);
	}
	return from;
}

static int parse(const uint8_t *buf, size_t len, uint8_t queues,
		 struct mn_linear maps[MN_STEER_FAMILIES])
{
	const uint8_t *from = buf + HEAD, *end;
	uint64_t sum;

	if (len < HEAD + CHECKSUM || len > MN_STEER_SAVE_MAX)
		return -EINVAL;
	end = buf + len - CHECKSUM;
	memcpy(&sum, end, sizeof(sum));
	if (memcmp(buf, magic, sizeof(magic)) || buf[4] != VERSION || buf[5] != queues ||
	    sum != checksum_of(buf, len - CHECKSUM))
		return -EINVAL;
	/* Of another number of queues nothing is ever learned. */
	if (queues & (queues - 1))
		return -EINVAL;
	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++) {
		from = get_map(from, end, queues, &maps[f]);
		if (!from)
			return -EINVAL;
	}
	return from == end ? 0 : -EINVAL;
}

int mn_steer_load(struct mn_steer *s, const uint8_t *buf, size_t len)
{
	struct mn_linear maps[MN_STEER_FAMILIES];
	int err = parse(buf, len, s->cfg.queues, maps);

	if (err)
		return err;
	mn_lock(&s->lock);
	for (uint32_t f = 0; f < MN_STEER_FAMILIES; f++)
		if (maps[f].rank)
			mn_learn_load(&s->learn[f], &maps[f]);
	mn_unlock(&s->lock);
	return 0;
}
