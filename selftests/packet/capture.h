/* SPDX-License-Identifier: MIT */
/* capture.h - the packets of a script in a file that Wireshark reads */
#ifndef PACKET_CAPTURE_H
#define PACKET_CAPTURE_H

#include <stdio.h>

#include "transport/stack.h"

/* NULL: the file cannot be written. */
FILE *capture_open(const char *file);

/* A packet as it is on the wire, from the path's local end or to it. to may be NULL. */
void capture_write(FILE *to, uint64_t at_us, const struct mn_tuple *way, bool from_local,
		   const uint8_t *data, uint32_t len);

#endif /* PACKET_CAPTURE_H */
