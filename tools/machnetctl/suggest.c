// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "suggest.h"

/* More than any name has. */
#define WORD_MAX	31

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to add, drop or change (Levenshtein), in one row of the table. */
static unsigned int distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	unsigned int row[WORD_MAX + 1];

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned int above = row[j + 1];

			row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[n];
}

void ctl_suggest(struct ctl_suggest *s, const char *name)
{
	size_t len = strlen(s->word);
	unsigned int cost;

	if (!name || len < 2 || len > WORD_MAX || strlen(name) > WORD_MAX)
		return;
	/* A beginning is as good as one wrong letter. */
	cost = strncmp(name, s->word, len) ? distance(s->word, name) : 1;
	/* Two wrong letters of three are another word. */
	if (cost > 2 || cost * 2 > strlen(name) || (s->best && cost >= s->cost))
		return;
	s->best = name;
	s->cost = cost;
}

const char *ctl_suggestion(const struct ctl_suggest *s)
{
	static char text[WORD_MAX + 24];

	if (!s->best)
		return "";
	snprintf(text, sizeof(text), ": did you mean '%s'?", s->best);
	return text;
}
