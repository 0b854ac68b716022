// SPDX-License-Identifier: MIT
/* spec.c - packets as text */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const types[] = {
	[MN_WIRE_INIT] = "INIT", [MN_WIRE_ANSWER] = "ANSWER", [MN_WIRE_RETRY] = "RETRY",
	[MN_WIRE_FRAMES] = "FRAMES", [MN_WIRE_RESET] = "RESET",
};

static const char *const codes[] = {
	[MN_WIRE_CODE_UNKNOWN] = "UNKNOWN", [MN_WIRE_CODE_BUSY] = "BUSY",
	[MN_WIRE_CODE_CLOSED] = "CLOSED", [MN_WIRE_CODE_REFUSED] = "REFUSED",
	[MN_WIRE_CODE_ELSEWHERE] = "ELSEWHERE", [MN_WIRE_CODE_ABORTED] = "ABORTED",
};

/* Index in a table of names, 0: none of them. */
static unsigned int index_of(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 1; i < n; i++)
		if (names[i] && !strcmp(names[i], word))
			return i;
	return 0;
}

uint32_t spec_code(const char *name)
{
	return index_of(codes, COUNT(codes), name);
}

const char *spec_code_name(uint32_t code)
{
	return code && code < COUNT(codes) ? codes[code] : "";
}

static const struct spec_field fields[] = {
	SPEC_RANGE(spec, n), SPEC_RANGE(spec, behind), SPEC_RANGE(spec, engine),
	SPEC_RANGE(spec, mss), SPEC_RANGE(spec, window), SPEC_RANGE(spec, cookie),
	SPEC_RANGE(spec, instance), SPEC_RANGE(spec, port), SPEC_RANGE(spec, first),
	SPEC_RANGE(spec, count), SPEC_RANGE(spec, wanted), SPEC_RANGE(spec, code),
	SPEC_RANGE(spec, ts), SPEC_RANGE(spec, to), SPEC_RANGE(spec, sport),
	SPEC_RANGE(spec, dport), SPEC_RANGE(spec, version), SPEC_RANGE(spec, reserved),
	SPEC_RANGE(spec, tag), SPEC_RANGE(spec, cut), SPEC_RANGE(spec, pad),
	SPEC_RANGE(spec, moved), SPEC_RANGE(spec, queue),
	{ "path", offsetof(struct spec, to_id), SCRIPT_NAME },
	SPEC_TEXT(spec, id), SPEC_TEXT(spec, as), SPEC_TEXT(spec, from),
};

int spec_parse_field(struct script *s, struct words *w, const struct spec_field *table, size_t n,
		     void *base, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		char *at = (char *)base + table[i].offset, *value;

		if (strcmp(table[i].name, name))
			continue;
		value = script_word(s, w, name);
		if (!value)
			return -1;
		if (!table[i].text)
			return script_range(s, value, (struct range *)at) ? 1 : -1;
		if (strlen(value) >= table[i].text) {
			script_fail(s, "'%s' is too long", value);
			return -1;
		}
		strcpy(at, value);
		return 1;
	}
	return 0;
}

/* INIT, ...; the name of a frame is FRAMES, and a number any. True: the word was the type. */
static bool parse_type(struct script *s, struct spec *p, const char *word, bool *taken)
{
	uint64_t number;

	*taken = true;
	p->type = index_of(types, COUNT(types), word);
	if (p->type)
		return true;
	if (isdigit((unsigned char)word[0])) {
		if (!script_number(s, word, &number))
			return false;
		p->type = number;
		return true;
	}
	*taken = false;
	p->type = MN_WIRE_FRAMES;
	return true;
}

/* A code, a field, or a frame, with what belongs to it. */
static bool parse_word(struct script *s, struct words *w, struct spec *p, char **word)
{
	char name[SCRIPT_NAME];
	struct frame_spec *f;
	int ret, type;

	snprintf(name, sizeof(name), "%s", *word);
	if (p->type == MN_WIRE_RESET && spec_code(name)) {
		p->code = (struct range){ spec_code(name), spec_code(name), true };
		*word = words_next(w);
		return true;
	}
	type = spec_frame_type(name);
	if (type < 0) {
		ret = spec_parse_field(s, w, fields, COUNT(fields), p, name);
		if (!ret)
			script_fail(s, "'%s' is no field or frame of a packet", name);
		*word = words_next(w);
		return ret > 0;
	}
	if (p->n_frames == SPEC_FRAMES)
		return script_fail(s, "too many frames");
	f = &p->frame[p->n_frames++];
	f->type = type;
	f->may_miss = strchr(name, '?');
	return spec_parse_frame(s, w, f, word);
}

bool spec_parse(struct script *s, struct words *w, struct spec *p)
{
	char *word = script_word(s, w, "the type of the packet");
	bool taken;

	memset(p, 0, sizeof(*p));
	if (word && word[strlen(word) - 1] == ':') {
		word[strlen(word) - 1] = '\0';
		if (!script_name(s, word, p->path))
			return false;
		word = script_word(s, w, "the type of the packet");
	}
	if (!word || !parse_type(s, p, word, &taken))
		return false;
	if (taken)
		word = words_next(w);
	while (word)
		if (!parse_word(s, w, p, &word))
			return false;
	return !s->complaint[0];
}
