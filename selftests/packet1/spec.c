// SPDX-License-Identifier: MIT
/* spec.c - packets as text */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

static const char *const types[] = {
	[MN_WIRE_SYN] = "SYN", [MN_WIRE_SYN_ACK] = "SYN_ACK", [MN_WIRE_DATA] = "DATA",
	[MN_WIRE_ACK] = "ACK", [MN_WIRE_RST] = "RST", [MN_WIRE_RETRY] = "RETRY",
};

static const char *const codes[] = {
	[MN_WIRE_CODE_NONE] = "NONE", [MN_WIRE_CODE_REFUSED] = "REFUSED",
	[MN_WIRE_CODE_UNKNOWN] = "UNKNOWN", [MN_WIRE_CODE_ABORTED] = "ABORTED",
	[MN_WIRE_CODE_BUSY] = "BUSY",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Index in a table of names, 0: none of them. */
static unsigned int index_of(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 1; i < n; i++)
		if (names[i] && !strcmp(names[i], word))
			return i;
	return 0;
}

/* What stands behind the type: .FIN, .PROBE, .PROBE?, a code. */
static bool parse_suffix(struct script *s, struct spec *p, const char *word)
{
	unsigned int code = index_of(codes, COUNT(codes), word);

	if (!strcmp(word, "FIN"))
		p->flags |= MN_WIRE_F_FIN;
	else if (!strcmp(word, "PROBE"))
		p->flags |= MN_WIRE_F_PROBE;
	else if (!strcmp(word, "PROBE?"))
		p->probe_too = true;
	else if (code && p->type == MN_WIRE_RST)
		p->code = code;
	else
		return script_fail(s, "'%s' is no flag and no code", word);
	return true;
}

static bool parse_type(struct script *s, struct spec *p, char *word)
{
	char *rest = word, *name = strsep(&rest, ".");
	uint64_t number;

	p->type = index_of(types, COUNT(types), name);
	if (!p->type && isdigit((unsigned char)name[0])) {
		if (!script_number(s, name, &number))
			return false;
		p->type = number;
	} else if (!p->type) {
		return script_fail(s, "'%s' is no type of packet", name);
	}
	while (rest)
		if (!parse_suffix(s, p, strsep(&rest, ".")))
			return false;
	return true;
}

/* SEQ, SEQ+LEN, SEQ+LENxTIMES, SEQ+* */
static bool parse_seq(struct script *s, struct spec *p, char *word)
{
	char *len = strchr(word, '+'), *times = len ? strchr(len, 'x') : NULL;

	if (len)
		*len++ = '\0';
	if (times)
		*times++ = '\0';
	if (times && !script_number(s, times, &p->times))
		return false;
	if (!script_range(s, word, &p->seq))
		return false;
	if (len && !strcmp(len, "*"))
		p->any_len = true;
	else if (len)
		return script_range(s, len, &p->len);
	return true;
}

/* A-B,C-D,... */
static bool parse_sack(struct script *s, struct spec *p, char *word)
{
	char *one;

	while ((one = strsep(&word, ","))) {
		char *end = strchr(one, '-');

		if (p->n_sack == MN_WIRE_SACK_MAX || !end)
			return script_fail(s, "'%s' is no range, or one too many", one);
		*end++ = '\0';
		if (!script_number(s, one, &p->sack[p->n_sack].start) ||
		    !script_number(s, end, &p->sack[p->n_sack].end))
			return false;
		p->n_sack++;
	}
	return true;
}

#define RANGE(name) { #name, offsetof(struct spec, name), true }
#define NAME(name) { #name, offsetof(struct spec, name), false }

static const struct field {
	const char *name;
	size_t offset;
	bool is_range;
} fields[] = {
	RANGE(ack), RANGE(credit), RANGE(delay), RANGE(mss), RANGE(engine), RANGE(cookie),
	RANGE(sport), RANGE(dport), RANGE(version), RANGE(rawflags), RANGE(ranges),
	RANGE(reserved), RANGE(cut), RANGE(pad),
	NAME(id), NAME(body), NAME(ts), NAME(echo), NAME(as), NAME(from), NAME(bytes),
};

static bool parse_field(struct script *s, struct words *w, struct spec *p, const char *name)
{
	char *value = script_word(s, w, name);

	if (!value)
		return false;
	if (!strcmp(name, "sack"))
		return parse_sack(s, p, value);
	if (!strcmp(name, "ack") && !strcmp(value, "all")) {
		p->ack_all = true;
		return true;
	}
	for (size_t i = 0; i < COUNT(fields); i++) {
		char *at = (char *)p + fields[i].offset;

		if (strcmp(fields[i].name, name))
			continue;
		return fields[i].is_range ? script_range(s, value, (struct range *)at) :
					    script_name(s, value, at);
	}
	return script_fail(s, "'%s' is no field of a packet", name);
}

bool spec_parse(struct script *s, struct words *w, struct spec *p)
{
	char *word = script_word(s, w, "the type of the packet");

	*p = (struct spec){ .times = 1 };
	if (word && word[strlen(word) - 1] == ':') {
		word[strlen(word) - 1] = '\0';
		if (!script_name(s, word, p->conn))
			return false;
		word = script_word(s, w, "the type of the packet");
	}
	if (!word || !parse_type(s, p, word))
		return false;
	while ((word = words_next(w))) {
		bool ok = isdigit((unsigned char)word[0]) ? parse_seq(s, p, word) :
							    parse_field(s, w, p, word);

		if (!ok)
			return false;
	}
	return true;
}

static int print_body(const struct mn_seg *seg, char *buf, size_t size)
{
	if (seg->type == MN_WIRE_RST)
		return snprintf(buf, size, " id %#lx body %#lx", seg->id, seg->syn.id);
	if (seg->type == MN_WIRE_RETRY)
		return snprintf(buf, size, " cookie %#lx", seg->syn.cookie);
	return snprintf(buf, size, " credit %u body %#lx mss %u engine %u cookie %#lx",
			seg->credit, seg->syn.id, seg->syn.mss, seg->syn.engine,
			seg->syn.cookie);
}

static int print_stream(const struct mn_seg *seg, char *buf, size_t size)
{
	int n = snprintf(buf, size, seg->len ? " %lu+%u" : " %lu", seg->seq, seg->len);

	n += snprintf(buf + n, size - n, " ack %lu", seg->ack);
	for (int i = 0; i < seg->n_sack; i++)
		n += snprintf(buf + n, size - n, "%s%lu-%lu", i ? "," : " sack ",
			      seg->sack[i].start, seg->sack[i].end);
	return n + snprintf(buf + n, size - n, " credit %u", seg->credit);
}

const char *spec_print(const struct outgoing *o, char *buf)
{
	const struct mn_seg *seg = &o->seg;
	bool stream = seg->type == MN_WIRE_DATA || seg->type == MN_WIRE_ACK;
	const char *code = seg->syn.code < COUNT(codes) ? codes[seg->syn.code] : "?";
	int n;

	n = snprintf(buf, SCRIPT_LINE, "%s%s%s%s%s%s%s", o->conn ? o->conn->name : "",
		     o->conn ? ": " : "", types[seg->type],
		     seg->flags & MN_WIRE_F_FIN ? ".FIN" : "",
		     seg->flags & MN_WIRE_F_PROBE ? ".PROBE" : "",
		     seg->type == MN_WIRE_RST ? "." : "", seg->type == MN_WIRE_RST ? code : "");
	n += stream ? print_stream(seg, buf + n, SCRIPT_LINE - n) :
		      print_body(seg, buf + n, SCRIPT_LINE - n);
	snprintf(buf + n, SCRIPT_LINE - n, " delay %u", seg->ack_delay);
	return buf;
}
