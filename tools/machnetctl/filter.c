// SPDX-License-Identifier: MIT
#include <errno.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "ctl.h"
#include "filter.h"
#include "suggest.h"

/* The first column of a list of strings that lie stride bytes apart, as "a, b, c". */
static void join(char *text, size_t size, const char *const *first, size_t stride)
{
	size_t len = 0;

	text[0] = '\0';
	for (; *first && len < size; first = (const char *const *)((const char *)first + stride))
		len += snprintf(text + len, size - len, "%s%s", len ? ", " : "", *first);
}

static const struct ctl_filter_word *find_word(const struct ctl_filter_word *words,
					       const char *text)
{
	char known[128];
	struct ctl_suggest s = { .word = text };
	const struct ctl_filter_word *w;

	for (w = words; w->word; w++) {
		if (!strcmp(w->word, text))
			return w;
		ctl_suggest(&s, w->word);
	}
	if (s.best) {
		ctl_usage("'%s' is not expected here%s", text, ctl_suggestion(&s));
		return NULL;
	}
	join(known, sizeof(known), &words->word, sizeof(*words));
	ctl_usage("'%s' is not expected here, but one of: %s", text, known);
	return NULL;
}

static int parse_dev(const char *text, uint32_t *number)
{
	*number = if_nametoindex(text);
	if (!*number)
		return ctl_refused("ip link", "there is no network device '%s'", text);
	return CTL_OK;
}

/* Names that are numbers are taken for numbers. */
static int parse_user(const char *text, uint32_t *number)
{
	struct passwd *pw;

	if (!ctl_to_number(text, UINT32_MAX - 1, number))
		return CTL_OK;
	pw = getpwnam(text);
	if (!pw)
		return ctl_usage("there is no user '%s'", text);
	*number = pw->pw_uid;
	return CTL_OK;
}

static int parse_name(const struct ctl_filter_word *word, const char *text, uint32_t *number)
{
	char known[128];

	for (*number = 1; word->names[*number]; (*number)++)
		if (!strcmp(word->names[*number], text))
			return CTL_OK;
	join(known, sizeof(known), word->names + 1, sizeof(word->names[0]));
	return ctl_usage("'%s' is no %s, but one of: %s", text, word->word, known);
}

static int parse_value(struct ctl_filter_value *value, const char *text)
{
	const struct ctl_filter_word *word = value->word;
	uint16_t port;
	int status;

	switch (word->kind) {
	case CTL_FILTER_ADDR:
		return ctl_parse_addr(text, &value->addr);
	case CTL_FILTER_PORT:
		status = ctl_parse_port(text, &port);
		value->number = port;
		return status;
	case CTL_FILTER_DEV:
		return parse_dev(text, &value->number);
	case CTL_FILTER_USER:
		return parse_user(text, &value->number);
	case CTL_FILTER_NAME:
		return parse_name(word, text, &value->number);
	case CTL_FILTER_ID:
		return ctl_parse_id(text, word->word, &value->id);
	case CTL_FILTER_NUMBER:
		break;
	}
	if (ctl_to_number(text, INT32_MAX, &value->number))
		return ctl_usage("'%s' is no number (0 to %d) for '%s'", text, INT32_MAX,
				 word->word);
	return CTL_OK;
}

int ctl_filter_parse(struct ctl_filter *f, const struct ctl_filter_word *words, int argc,
		     char **argv)
{
	const struct ctl_filter_word *word;
	unsigned int i;
	int status;

	f->n = 0;
	for (; argc; argc -= 2, argv += 2) {
		word = find_word(words, argv[0]);
		if (!word)
			return CTL_USAGE;
		for (i = 0; i < f->n; i++)
			if (f->values[i].word == word)
				return ctl_usage("'%s' is there twice", argv[0]);
		if (argc == 1)
			return ctl_usage("what is to follow '%s' is missing", argv[0]);
		f->values[f->n].word = word;
		status = parse_value(&f->values[f->n++], argv[1]);
		if (status)
			return status;
	}
	return CTL_OK;
}

int ctl_filter_put(const struct ctl_filter *f, struct nl_msg *msg)
{
	const struct ctl_filter_value *v;
	int ret = 0;

	for (v = f->values; !ret && v < f->values + f->n; v++) {
		if (v->word->kind == CTL_FILTER_ADDR)
			ret = attr_put_addr(msg, v->word->attr, &v->addr);
		else if (v->word->kind == CTL_FILTER_PORT)
			ret = nla_put_u16(msg, v->word->attr, v->number);
		else if (v->word->kind == CTL_FILTER_ID)
			ret = nla_put_u64(msg, v->word->attr, v->id);
		else
			ret = nla_put_u32(msg, v->word->attr, v->number);
	}
	return ret;
}
