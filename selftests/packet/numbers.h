/* SPDX-License-Identifier: MIT */
/* numbers.h - lists of packet numbers in scripts: 7,3-5, labels, all, all but some */
#ifndef PACKET_NUMBERS_H
#define PACKET_NUMBERS_H

#include "world.h"

/* Packets that scripts have given a name to. */
struct labels {
	struct {
		char name[SCRIPT_NAME];
		uint64_t number;
	} of[64];
	unsigned int n;
};

struct numbers {
	struct {
		uint64_t first, last;
	} r[WORLD_SENT / 2];		/* downwards */
	unsigned int n;
};

bool labels_set(struct script *s, struct labels *l, const char *name, uint64_t number);

/* The ranges that text names. all: each number for which has() is true, up to top. */
bool numbers_parse(struct script *s, const struct labels *l, const char *text, const char *but,
		   uint64_t top, bool (*has)(const void *ctx, uint64_t number), const void *ctx,
		   struct numbers *out);

/* The ranges of a frame. */
void numbers_of_frame(const struct mn_frame *f, struct numbers *out);

bool numbers_equal(const struct numbers *a, const struct numbers *b);

#endif /* PACKET_NUMBERS_H */
