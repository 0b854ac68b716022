// SPDX-License-Identifier: MIT
/* numbers.c - lists of packet numbers */
#include <stdlib.h>
#include <string.h>

#include "numbers.h"

bool labels_set(struct script *s, struct labels *l, const char *name, uint64_t number)
{
	unsigned int i = 0;

	if (!*name)
		return true;
	while (i < l->n && strcmp(l->of[i].name, name))
		i++;
	if (i == sizeof(l->of) / sizeof(l->of[0]))
		return script_fail(s, "too many labels");
	strcpy(l->of[i].name, name);
	l->of[i].number = number;
	l->n += i == l->n;
	return true;
}

/* A number, or a label. */
static bool number_of(struct script *s, const struct labels *l, const char *text, uint64_t *n)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (!strcmp(l->of[i].name, text)) {
			*n = l->of[i].number;
			return true;
		}
	}
	if (text[0] >= '0' && text[0] <= '9')
		return script_number(s, text, n);
	return script_fail(s, "no packet was called '%s'", text);
}

/* Calls fn for each FIRST-LAST or NUMBER of a list. */
static bool each(struct script *s, const struct labels *l, const char *text,
		 bool (*fn)(struct numbers *out, uint64_t first, uint64_t last),
		 struct numbers *out)
{
	char copy[SCRIPT_LINE], *rest = copy, *one;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((one = strsep(&rest, ","))) {
		char *to = strchr(one, '-');
		uint64_t first, last;

		if (to)
			*to++ = '\0';
		if (!number_of(s, l, one, &first) || !number_of(s, l, to ? to : one, &last))
			return false;
		if (first > last || !fn(out, first, last))
			return script_fail(s, "'%s' cannot be a list of numbers", text);
	}
	return true;
}

static bool add(struct numbers *out, uint64_t first, uint64_t last)
{
	if (out->n == sizeof(out->r) / sizeof(out->r[0]))
		return false;
	out->r[out->n].first = first;
	out->r[out->n++].last = last;
	return true;
}

/* Takes a range out of those there are. */
static bool take_out(struct numbers *out, uint64_t first, uint64_t last)
{
	struct numbers *left = calloc(1, sizeof(*left));

	for (unsigned int i = 0; i < out->n; i++) {
		uint64_t a = out->r[i].first, b = out->r[i].last;

		if (b > last)
			add(left, a > last ? a : last + 1, b);
		if (a < first)
			add(left, a, b < first ? b : first - 1);
	}
	*out = *left;
	free(left);
	return true;
}

static void add_all(struct numbers *out, uint64_t top,
		    bool (*has)(const void *ctx, uint64_t number), const void *ctx)
{
	for (uint64_t n = top; n; n--) {
		if (!has(ctx, n))
			continue;
		if (out->n && out->r[out->n - 1].first == n + 1)
			out->r[out->n - 1].first = n;
		else
			add(out, n, n);
	}
}

bool numbers_parse(struct script *s, const struct labels *l, const char *text, const char *but,
		   uint64_t top, bool (*has)(const void *ctx, uint64_t number), const void *ctx,
		   struct numbers *out)
{
	out->n = 0;
	if (!strcmp(text, "all"))
		add_all(out, top, has, ctx);
	else if (!each(s, l, text, add, out))
		return false;
	if (*but && !each(s, l, but, take_out, out))
		return false;
	return out->n || script_fail(s, "there are no packets to acknowledge");
}

void numbers_of_frame(const struct mn_frame *f, struct numbers *out)
{
	uint64_t first = f->ack.largest - f->ack.run;

	out->n = 0;
	add(out, first, f->ack.largest);
	for (uint32_t i = 0; i < f->ack.ranges; i++) {
		struct mn_wire_range r = mn_frame_range(f, i);
		uint64_t last = first - r.missing - 1;

		first = last + 1 - r.there;
		add(out, first, last);
	}
}

bool numbers_equal(const struct numbers *a, const struct numbers *b)
{
	return a->n == b->n && !memcmp(a->r, b->r, a->n * sizeof(a->r[0]));
}
