// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fault_option.h"

#define PPM_PER_PERCENT	10000
#define PACKETS_MAX	10000
#define VALUES_MAX	3
#define PART_MAX	64

/* Reads one value into *to; -EINVAL. */
typedef int (*read_fn)(const char *text, void *to);

static const char *number_end(const char *text)
{
	return isdigit((unsigned char)*text) ? text + strspn(text, "0123456789.") : text;
}

/* "1.5%", or without the sign. */
static int read_share(const char *text, void *to)
{
	const char *end = number_end(text);
	char *stop;
	double percent = strtod(text, &stop);

	if (end == text || stop != end || percent > 100 || (strcmp(end, "%") && *end))
		return -EINVAL;
	*(uint32_t *)to = percent * PPM_PER_PERCENT + 0.5;
	return 0;
}

/* "200us", "1.5ms", "2s". */
static int read_time(const char *text, void *to)
{
	static const struct {
		const char *unit;
		double us;
	} units[] = { { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 } };
	const char *end = number_end(text);
	char *stop;
	double n = strtod(text, &stop);

	if (end == text || stop != end)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) || n * units[i].us > MACHNET_DP_FAULT_US_MAX)
			continue;
		*(uint32_t *)to = n * units[i].us + 0.5;
		return 0;
	}
	return -EINVAL;
}

static int read_whole(const char *text, unsigned long long max, unsigned long long *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return !isdigit((unsigned char)*text) || errno || *end || *n > max ? -EINVAL : 0;
}

static int read_count(const char *text, uint32_t max, void *to)
{
	unsigned long long n;

	if (read_whole(text, max, &n) || !n)
		return -EINVAL;
	*(uint32_t *)to = n;
	return 0;
}

static int read_packets(const char *text, void *to)
{
	return read_count(text, PACKETS_MAX, to);
}

static int read_places(const char *text, void *to)
{
	return read_count(text, MACHNET_DP_REORDER_MAX, to);
}

static int read_seed(const char *text, void *to)
{
	unsigned long long n;

	if (read_whole(text, UINT64_MAX, &n))
		return -EINVAL;
	*(uint64_t *)to = n;
	return 0;
}

struct value {
	read_fn read;
	size_t offset;
	bool optional;
};

#define F(field)	offsetof(struct machnet_dp_fault, field)

static const struct fault {
	const char *name;
	const char *form;
	struct value values[VALUES_MAX];
} faults[] = {
	{ "loss", "SHARE", { { read_share, F(loss_ppm), false } } },
	{ "burst", "SHARE:PACKETS",
	  { { read_share, F(burst_ppm), false }, { read_packets, F(burst_packets), false } } },
	{ "reorder", "SHARE:PLACES",
	  { { read_share, F(reorder_ppm), false }, { read_places, F(reorder_places), false } } },
	{ "duplicate", "SHARE", { { read_share, F(duplicate_ppm), false } } },
	{ "delay", "[SHARE:]TIME[:JITTER], no more jitter than time",
	  { { read_share, F(delay_ppm), true }, { read_time, F(delay_us), false },
	    { read_time, F(jitter_us), true } } },
	{ "corrupt", "SHARE", { { read_share, F(corrupt_ppm), false } } },
	{ "truncate", "SHARE", { { read_share, F(truncate_ppm), false } } },
	{ "txfull", "SHARE[:TIME]",
	  { { read_share, F(tx_full_ppm), false }, { read_time, F(tx_full_us), true } } },
	{ "stall", "SHARE:TIME",
	  { { read_share, F(stall_ppm), false }, { read_time, F(stall_us), false } } },
	{ "seed", "NUMBER", { { read_seed, F(seed), false } } },
};

#define FAULTS	(sizeof(faults) / sizeof(faults[0]))

/* Gives each word to the first value that can be meant. */
static int read_values(struct machnet_dp_fault *f, const struct fault *fault, char *words)
{
	const struct value *v = fault->values, *end = v + VALUES_MAX;
	char *word;

	while ((word = strsep(&words, ":"))) {
		while (v < end && v->read && v->read(word, (char *)f + v->offset)) {
			if (!v->optional)
				return -EINVAL;
			v++;
		}
		if (v == end || !v->read)
			return -EINVAL;
		v++;
	}
	while (v < end && v->read && v->optional)
		v++;
	return v < end && v->read ? -EINVAL : 0;
}

static int wrong(char *error, size_t size, const char *part, const char *name, const char *form)
{
	snprintf(error, size, "%s: want %s=%s", part, name, form);
	return -EINVAL;
}

/* One fault; part is spoilt. seen: those that have been. */
static int read_fault(struct machnet_dp_fault *f, char *part, unsigned int *seen, char *error,
		      size_t size)
{
	char whole[PART_MAX];
	char *value = part;
	const char *name;

	snprintf(whole, sizeof(whole), "%s", part);
	name = strsep(&value, "=");
	for (size_t i = 0; i < FAULTS; i++) {
		if (strcmp(name, faults[i].name))
			continue;
		if (*seen & 1u << i) {
			snprintf(error, size, "%s: want %s only once", whole, name);
			return -EINVAL;
		}
		*seen |= 1u << i;
		if (!value || read_values(f, &faults[i], value) || f->jitter_us > f->delay_us)
			return wrong(error, size, whole, name, faults[i].form);
		return 0;
	}
	snprintf(error, size, "%s: want loss, burst, reorder, duplicate, delay, corrupt, truncate, "
		 "txfull, stall or seed", whole);
	return -EINVAL;
}

int mnd_fault_parse(struct machnet_dp_fault *f, const char *text, char *error, size_t size)
{
	/* Where nothing is said of its share every packet is delayed. */
	struct machnet_dp_fault parsed = { .delay_ppm = 100 * PPM_PER_PERCENT };
	char *copy = strdup(text), *rest = copy, *part;
	unsigned int seen = 0;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	while (!ret && (part = strsep(&rest, ",")))
		ret = read_fault(&parsed, part, &seen, error, size);
	free(copy);
	if (ret)
		return ret;
	if (!parsed.delay_us)
		parsed.delay_ppm = 0;
	*f = parsed;
	return 0;
}
