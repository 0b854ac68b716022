// SPDX-License-Identifier: MIT
/* kills.c - what the script says that it has killed */
#include <stdio.h>
#include <string.h>

#include "soak.h"

/* A reader that pauses learns late of what has happened. */
#define LATE_US	15000000

/* A line is "MICROSECONDS daemon" or "MICROSECONDS IP:PORT". */
bool soak_was_killed(const struct soak *s, const struct place *peer, uint64_t since_us)
{
	char what[64], wanted[64];
	bool found = false;
	uint64_t at_us;
	FILE *f = fopen(s->kills, "re");

	if (!f)
		return false;
	snprintf(wanted, sizeof(wanted), "%s:%u", peer->ip, peer->port);
	while (!found && fscanf(f, "%lu %63s", &at_us, what) == 2)
		found = at_us + LATE_US >= since_us &&
			(!strcmp(what, "daemon") || !strcmp(what, wanted));
	fclose(f);
	return found;
}
