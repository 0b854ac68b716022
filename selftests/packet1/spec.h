/* SPDX-License-Identifier: MIT */
/* spec.h - the packet that a line of a script describes */
#ifndef PACKET_SPEC_H
#define PACKET_SPEC_H

#include "world.h"

struct spec {
	char conn[SCRIPT_NAME];		/* "": the last one */
	uint8_t type, flags;
	bool probe_too;			/* expected with or without PROBE */
	uint32_t code;			/* of RST */
	struct range seq, len, ack, credit, delay, mss, engine, cookie;
	bool any_len, ack_all;
	uint64_t times;			/* so many in a row come in */
	struct mn_wire_sack sack[MN_WIRE_SACK_MAX];
	int n_sack;
	char id[SCRIPT_NAME], body[SCRIPT_NAME];	/* ids: a number, own:NAME, peer:NAME */
	char ts[SCRIPT_NAME], echo[SCRIPT_NAME];	/* times: a label, none, -MICROSECONDS */
	char as[SCRIPT_NAME];				/* label for its ts */
	char from[SCRIPT_NAME], bytes[SCRIPT_NAME];
	struct range sport, dport;
	/* Packets that break the rules: fields in place of the right ones. */
	struct range version, rawflags, ranges, reserved, cut, pad;
};

/* Takes the words of a line behind the > or < apart. */
bool spec_parse(struct script *s, struct words *w, struct spec *p);

/* The packet as a line of a script; buf is of SCRIPT_LINE bytes. */
const char *spec_print(const struct outgoing *o, char *buf);

#endif /* PACKET_SPEC_H */
