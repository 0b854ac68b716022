/* SPDX-License-Identifier: MIT */
/* spec.h - the packet that a line of a script describes */
#ifndef PACKET_SPEC_H
#define PACKET_SPEC_H

#include "world.h"

#define SPEC_FRAMES	32
/* The type of a frame that is given as bytes. */
#define SPEC_RAW	0xff
/* Any frames, also none, up to the next one that is stated. */
#define SPEC_ANY	0xfe

struct frame_spec {
	uint8_t type;
	bool may_miss;			/* going out: PING? */
	bool fin, any_len, accepted_all;
	char conn[SCRIPT_NAME];
	struct range offset, len, times, accepted, credit, drops, serial, port, client, mine;
	struct range engine, window, delay, wait, ranges, run, value, src, dst, code, number;
	char acked[SCRIPT_LINE], but[SCRIPT_LINE];	/* packet numbers; all */
	char bytes[SCRIPT_LINE];
	char to[SCRIPT_NAME];		/* MOVE: own:PATH, peer:PATH */
};

struct spec {
	char path[SCRIPT_NAME];		/* "": that of the first connection, or the last one */
	uint8_t type;
	struct range n, behind, engine, mss, window, cookie, instance, port, first, count, wanted;
	struct range code, ts, to, sport, dport, moved, queue;
	char to_id[SCRIPT_NAME];	/* in the header: a number, own:PATH, peer:PATH */
	char id[SCRIPT_NAME];		/* in the body */
	char as[SCRIPT_NAME];		/* label for its number */
	char from[SCRIPT_NAME];
	struct frame_spec frame[SPEC_FRAMES];
	unsigned int n_frames;
	/* Packets that break the rules. */
	struct range version, reserved, tag, cut, pad, behind_raw;
};

/* Takes the words of a line behind the > or < apart. */
bool spec_parse(struct script *s, struct words *w, struct spec *p);
/* A frame's words behind its name; the first word that is not of it is in *next. */
bool spec_parse_frame(struct script *s, struct words *w, struct frame_spec *f, char **next);
/* The type of a frame by its name; -1: none. */
int spec_frame_type(const char *name);
/* A step of MOVE by its name; -1: none. */
int spec_move_step(const char *name);
/* Names of a code, "" when there is none; and back, 0 when there is none. */
const char *spec_code_name(uint32_t code);
uint32_t spec_code(const char *name);

/* The packet as a line of a script; buf is of SCRIPT_LINE bytes. */
const char *spec_print(const struct outgoing *o, char *buf);

/* A table of fields of a struct. */
struct spec_field {
	const char *name;
	size_t offset;
	size_t text;			/* size of a name; 0: a range */
};

#define SPEC_RANGE(type, name) { #name, offsetof(struct type, name), 0 }
#define SPEC_TEXT(type, name)                                                                      \
	{ #name, offsetof(struct type, name), sizeof(((struct type *)0)->name) }

/* 1: the field was there and has its value from the next word; 0: there is none; -1: complaint. */
int spec_parse_field(struct script *s, struct words *w, const struct spec_field *fields, size_t n,
		     void *base, const char *name);

#endif /* PACKET_SPEC_H */
