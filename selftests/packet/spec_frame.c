// SPDX-License-Identifier: MIT
/* spec_frame.c - frames as text */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "spec.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[MN_FRAME_TYPES] = {
	[MN_FRAME_PAD] = "PAD", [MN_FRAME_PING] = "PING", [MN_FRAME_ACK] = "ACK",
	[MN_FRAME_DATA] = "DATA", [MN_FRAME_CREDIT] = "CREDIT", [MN_FRAME_OPEN] = "OPEN",
	[MN_FRAME_ACCEPT] = "ACCEPT", [MN_FRAME_REFUSE] = "REFUSE", [MN_FRAME_ABORT] = "ABORT",
	[MN_FRAME_STOP] = "STOP", [MN_FRAME_MOVE] = "MOVE",
	[MN_FRAME_CHALLENGE] = "CHALLENGE", [MN_FRAME_RESPONSE] = "RESPONSE",
	[MN_FRAME_CANDIDATE] = "CANDIDATE", [MN_FRAME_ARRIVAL] = "ARRIVAL",
	[MN_FRAME_ADVICE] = "ADVICE",
};

static const char *const steps[MN_WIRE_MOVE_STEPS] = {
	[MN_WIRE_MOVE_ASK] = "ASK", [MN_WIRE_MOVE_TAKEN] = "TAKEN",
	[MN_WIRE_MOVE_REFUSED] = "REFUSED", [MN_WIRE_MOVE_VOID] = "VOID",
	[MN_WIRE_MOVE_HERE] = "HERE",
};

static const struct spec_field fields[] = {
	SPEC_RANGE(frame_spec, credit), SPEC_RANGE(frame_spec, drops),
	SPEC_RANGE(frame_spec, serial), SPEC_RANGE(frame_spec, port),
	SPEC_RANGE(frame_spec, client), SPEC_RANGE(frame_spec, mine),
	SPEC_RANGE(frame_spec, engine), SPEC_RANGE(frame_spec, window),
	SPEC_RANGE(frame_spec, delay), SPEC_RANGE(frame_spec, wait),
	SPEC_RANGE(frame_spec, ranges), SPEC_RANGE(frame_spec, run),
	SPEC_RANGE(frame_spec, value), SPEC_RANGE(frame_spec, src),
	SPEC_RANGE(frame_spec, dst), SPEC_RANGE(frame_spec, code),
	{ "conn", offsetof(struct frame_spec, number), 0 },
	SPEC_TEXT(frame_spec, but), SPEC_TEXT(frame_spec, bytes), SPEC_TEXT(frame_spec, to),
};

int spec_frame_type(const char *name)
{
	size_t len = strcspn(name, "?");

	for (int i = 0; i < MN_FRAME_TYPES; i++)
		if (strlen(names[i]) == len && !strncmp(names[i], name, len))
			return i;
	if (!strcmp(name, "..."))
		return SPEC_ANY;
	return !strcmp(name, "RAW") ? SPEC_RAW : -1;
}

int spec_move_step(const char *name)
{
	for (int i = 0; i < MN_WIRE_MOVE_STEPS; i++)
		if (!strcmp(steps[i], name))
			return i;
	return -1;
}

static bool has_conn(uint8_t type)
{
	return type == MN_FRAME_DATA || (type >= MN_FRAME_CREDIT && type <= MN_FRAME_MOVE);
}

/* OFFSET, OFFSET+LEN, OFFSET+LENxTIMES, OFFSET+* */
static bool parse_bytes(struct script *s, struct frame_spec *f, char *word)
{
	char *len = strchr(word, '+'), *times = len ? strchr(len, 'x') : NULL;

	if (len)
		*len++ = '\0';
	if (times)
		*times++ = '\0';
	if (times && !script_range(s, times, &f->times))
		return false;
	if (!script_range(s, word, &f->offset))
		return false;
	if (len && !strcmp(len, "*"))
		f->any_len = true;
	else if (len)
		return script_range(s, len, &f->len);
	return true;
}

/* 1: it was of the frame, 0: it was not, -1: complaint. */
static int parse_word(struct script *s, struct words *w, struct frame_spec *f, char *word)
{
	bool stream = f->type == MN_FRAME_DATA || f->type == MN_FRAME_OPEN;
	uint32_t code = spec_code(word);

	if (f->type == MN_FRAME_MOVE && spec_move_step(word) >= 0) {
		f->code = (struct range){ spec_move_step(word), spec_move_step(word), true };
		return 1;
	}
	if (stream && isdigit((unsigned char)word[0]))
		return parse_bytes(s, f, word) ? 1 : -1;
	if (!strcmp(word, "fin") && stream) {
		f->fin = true;
		return 1;
	}
	if (code) {
		f->code = (struct range){ code, code, true };
		return 1;
	}
	if (!strcmp(word, "accepted")) {
		word = script_word(s, w, "an offset, or all");
		if (!word)
			return -1;
		f->accepted_all = !strcmp(word, "all");
		return f->accepted_all || script_range(s, word, &f->accepted) ? 1 : -1;
	}
	return spec_parse_field(s, w, fields, COUNT(fields), f, word);
}

static bool parse_begin(struct script *s, struct words *w, struct frame_spec *f)
{
	char *word;

	if (f->type == SPEC_RAW) {
		word = script_word(s, w, "bytes in hexadecimal");
		if (!word)
			return false;
		snprintf(f->bytes, sizeof(f->bytes), "%s", word);
	} else if (has_conn(f->type)) {
		word = script_word(s, w, "the name of a connection");
		return word && script_name(s, word, f->conn);
	}
	return true;
}

static bool is_numbers(const char *word)
{
	return !spec_code(word) && spec_frame_type(word) < 0;
}

bool spec_parse_frame(struct script *s, struct words *w, struct frame_spec *f, char **next)
{
	int ret = 1;

	if (!parse_begin(s, w, f))
		return false;
	*next = words_next(w);
	/* What it acknowledges stands first: numbers, labels, all. */
	if (f->type == MN_FRAME_ACK && *next && is_numbers(*next) &&
	    strcmp(*next, "window") && strcmp(*next, "delay") && strcmp(*next, "as") &&
	    strcmp(*next, "n")) {
		snprintf(f->acked, sizeof(f->acked), "%s", *next);
		*next = words_next(w);
	}
	while (*next && ret > 0) {
		ret = parse_word(s, w, f, *next);
		if (ret > 0)
			*next = words_next(w);
	}
	return ret >= 0;
}

/* --- what has come out as text --- */

static int print_ack(const struct mn_frame *f, char *buf, size_t size)
{
	uint64_t end = f->ack.largest + 1, first = f->ack.largest - f->ack.run;
	int n = snprintf(buf, size, " %lu-%lu", first, end - 1);

	for (uint32_t i = 0; i < f->ack.ranges && (size_t)n < size; i++) {
		struct mn_wire_range r = mn_frame_range(f, i);

		end = first - r.missing;
		first = end - r.there;
		n += snprintf(buf + n, size - n, ",%lu-%lu", first, end - 1);
	}
	if ((size_t)n < size)
		n += snprintf(buf + n, size - n, " window %u delay %u", f->ack.window,
			      f->ack.delay);
	return n;
}

static int print_room(const struct mn_frame *f, char *buf, size_t size)
{
	return snprintf(buf, size, " accepted %lu credit %u drops %u", f->accepted, f->credit,
			f->drops);
}

static int print_frame(const struct sent_frame *s, char *buf, size_t size)
{
	const struct mn_frame *f = &s->f;
	const char *fin = f->flags & MN_FRAME_F_FIN ? " fin" : "";
	int n = snprintf(buf, size, " %s %s", names[f->type], s->conn ? s->conn->name : "");

	if ((size_t)n >= size)
		return n;
	buf += n;
	size -= n;
	switch (f->type) {
	case MN_FRAME_ACK:
		return n + print_ack(f, buf, size);
	case MN_FRAME_DATA:
		n += snprintf(buf, size, " %lu+%u%s", f->offset, f->len, fin);
		return n;
	case MN_FRAME_OPEN:
		return n + snprintf(buf, size, " 0+%u%s serial %lu port %u credit %u", f->len, fin,
				    f->value, f->port, f->credit);
	case MN_FRAME_CREDIT:
	case MN_FRAME_ACCEPT:
		return n + print_room(f, buf, size);
	case MN_FRAME_MOVE:
		return n + snprintf(buf, size, " %s mine %u to %#lx", steps[f->code], f->mine,
				    f->value);
	case MN_FRAME_REFUSE:
	case MN_FRAME_ABORT:
		return n + snprintf(buf, size, " %s engine %u", spec_code_name(f->code),
				    f->engine);
	default:
		return n;
	}
}

static int print_init(const struct mn_packet *pk, char *buf, size_t size)
{
	const struct mn_wire_init *i = &pk->init;

	return snprintf(buf, size, "%s mss %u window %u port %u wanted %u cookie %#lx",
			pk->type == MN_WIRE_INIT ? "INIT" : "ANSWER", i->mss, i->window, i->port,
			i->wanted, i->cookie);
}

const char *spec_print(const struct outgoing *o, char *buf)
{
	const struct mn_packet *pk = &o->packet;
	int n = 0;

	if (o->path && *o->path->name)
		n = snprintf(buf, SCRIPT_LINE, "%s: ", o->path->name);
	switch (pk->type) {
	case MN_WIRE_RETRY:
		snprintf(buf + n, SCRIPT_LINE - n, "RETRY cookie %#lx", pk->cookie);
		return buf;
	case MN_WIRE_RESET:
		snprintf(buf + n, SCRIPT_LINE - n, "RESET %s path %#lx id %#lx to %u",
			 spec_code_name(pk->reset.code), pk->path, pk->reset.id, pk->reset.to);
		return buf;
	case MN_WIRE_FRAMES:
		n += snprintf(buf + n, SCRIPT_LINE - n, "FRAMES n %lu", pk->number);
		for (unsigned int i = 0; i < o->n_frames && n < SCRIPT_LINE; i++)
			n += print_frame(&o->frames[i], buf + n, SCRIPT_LINE - n);
		return buf;
	default:
		print_init(pk, buf + n, SCRIPT_LINE - n);
		return buf;
	}
}
