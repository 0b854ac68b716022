/* SPDX-License-Identifier: MIT */
/* counters.h - what kernel and daemon have counted up to now */
#ifndef MACHNETCTL_COUNTERS_H
#define MACHNETCTL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_COUNTER_NAME	56	/* the daemon's, and the kernel's with their prefix */

struct ctl_counter {
	char name[CTL_COUNTER_NAME];
	uint64_t value;
};

/* In an order that stays the same. */
struct ctl_counters {
	struct ctl_counter *list;
	size_t n, max;
	uint64_t at_us;
	int kernel_error, daemon_error;	/* 0, or the -errno for which they are not among them */
	bool local;			/* the daemon does without the module */
	char sentence[256];		/* the kernel's */
};

/* Reads those of the module and of the daemon at the socket. 0, or -ENOMEM. */
int ctl_counters_read(struct ctl_counters *c, const char *socket);
void ctl_counters_free(struct ctl_counters *c);
/* The counter of this name, NULL if there is none; hint: its place if nothing has changed. */
const struct ctl_counter *ctl_counters_find(const struct ctl_counters *c, const char *name,
					    size_t hint);

#endif /* MACHNETCTL_COUNTERS_H */
