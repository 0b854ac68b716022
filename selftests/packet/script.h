/* SPDX-License-Identifier: MIT */
/* script.h - a packet script as text: lines, words, numbers, and complaints about them */
#ifndef PACKET_SCRIPT_H
#define PACKET_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SCRIPT_LINE	512
#define SCRIPT_NAME	48

/* Where a script is, and what is wrong with it: the first complaint counts. */
struct script {
	const char *file;
	unsigned int line;
	FILE *capture;		/* what goes in and out is written to it; NULL: no */
	char complaint[4 * SCRIPT_LINE];	/* "": none */
};

/* A line cut into words; what follows a # is a comment. */
struct words {
	char text[SCRIPT_LINE];
	char *rest;
};

struct range {
	uint64_t lo, hi;
	bool given;
};

void words_init(struct words *w, const char *line);
/* The next word, NULL when there is none. */
char *words_next(struct words *w);

/* Notes file, line and text; returns false. */
__attribute__((format(printf, 2, 3))) bool script_fail(struct script *s, const char *fmt, ...);

/* Decimal or 0x..., with us, ms or s behind it for a time. */
bool script_number(struct script *s, const char *word, uint64_t *out);
/* N, A..B, or A.. */
bool script_range(struct script *s, const char *word, struct range *out);
/* The word of words that must be there, with a complaint if it is not. */
char *script_word(struct script *s, struct words *w, const char *what);
/* Copies a name; refuses one that is too long. */
bool script_name(struct script *s, const char *word, char out[SCRIPT_NAME]);
/* Complains when there are words left. */
bool script_end(struct script *s, struct words *w);

static inline bool range_has(const struct range *r, uint64_t n)
{
	return !r->given || (n >= r->lo && n <= r->hi);
}

#endif /* PACKET_SCRIPT_H */
