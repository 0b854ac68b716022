// SPDX-License-Identifier: MIT
/* script.c - words and numbers of packet scripts */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define BLANKS	" \t\r\n"

void words_init(struct words *w, const char *line)
{
	snprintf(w->text, sizeof(w->text), "%s", line);
	w->text[strcspn(w->text, "#\n")] = '\0';
	w->rest = w->text;
}

char *words_next(struct words *w)
{
	char *word;

	do
		word = strsep(&w->rest, BLANKS);
	while (word && !*word);
	return word;
}

bool script_fail(struct script *s, const char *fmt, ...)
{
	va_list args;
	int n;

	if (s->complaint[0])
		return false;
	n = snprintf(s->complaint, sizeof(s->complaint), "%s:%u: ", s->file, s->line);
	va_start(args, fmt);
	vsnprintf(s->complaint + n, sizeof(s->complaint) - n, fmt, args);
	va_end(args);
	return false;
}

static bool unit_of(const char *suffix, uint64_t *unit)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "", 1 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(suffix, units[i].name)) {
			*unit = units[i].us;
			return true;
		}
	}
	return false;
}

bool script_number(struct script *s, const char *word, uint64_t *out)
{
	uint64_t unit;
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 0);
	if (end == word || word[0] == '-' || errno || !unit_of(end, &unit))
		return script_fail(s, "'%s' is no number", word);
	*out *= unit;
	return true;
}

bool script_range(struct script *s, const char *word, struct range *out)
{
	char from[SCRIPT_NAME];
	const char *dots = strstr(word, "..");

	out->given = true;
	if (!dots) {
		if (!script_number(s, word, &out->lo))
			return false;
		out->hi = out->lo;
		return true;
	}
	snprintf(from, sizeof(from), "%.*s", (int)(dots - word), word);
	out->hi = UINT64_MAX;
	if (!script_number(s, from, &out->lo) || (dots[2] && !script_number(s, dots + 2, &out->hi)))
		return false;
	return out->lo <= out->hi || script_fail(s, "the range '%s' is empty", word);
}

char *script_word(struct script *s, struct words *w, const char *what)
{
	char *word = words_next(w);

	if (!word)
		script_fail(s, "%s is missing", what);
	return word;
}

bool script_name(struct script *s, const char *word, char out[SCRIPT_NAME])
{
	if (strlen(word) >= SCRIPT_NAME)
		return script_fail(s, "the name '%s' is too long", word);
	strcpy(out, word);
	return true;
}

bool script_end(struct script *s, struct words *w)
{
	char *word = words_next(w);

	return !word || script_fail(s, "'%s' is not understood here", word);
}
