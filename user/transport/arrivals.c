// SPDX-License-Identifier: MIT
/* arrivals.c - ranges of packet numbers */
#include <string.h>

#include "transport/arrivals.h"

void mn_arrivals_init(struct mn_arrivals *a)
{
	a->floor = 1;
	a->n = 0;
}

static void remove_range(struct mn_arrivals *a, uint32_t i)
{
	a->n--;
	memmove(&a->r[i], &a->r[i + 1], (a->n - i) * sizeof(a->r[0]));
}

/* Between i - 1 and i. */
static void insert_range(struct mn_arrivals *a, uint32_t i, uint64_t number)
{
	if (a->n == MN_ARRIVAL_RANGES) {
		if (!i) {
			/* It would be the lowest: it is the one to be forgotten. */
			a->floor = number + 1;
			return;
		}
		a->floor = a->r[0].end;
		remove_range(a, 0);
		i--;
	}
	memmove(&a->r[i + 1], &a->r[i], (a->n - i) * sizeof(a->r[0]));
	a->r[i] = (struct mn_arrival_range){ number, number + 1 };
	a->n++;
}

bool mn_arrivals_add(struct mn_arrivals *a, uint64_t number)
{
	uint32_t i = a->n;

	if (number < a->floor)
		return false;
	/* Most packets arrive behind all others. */
	while (i && a->r[i - 1].first > number)
		i--;
	if (i && number < a->r[i - 1].end)
		return false;
	if (i && number == a->r[i - 1].end) {
		a->r[i - 1].end++;
		if (i < a->n && a->r[i].first == number + 1) {
			a->r[i - 1].end = a->r[i].end;
			remove_range(a, i);
		}
	} else if (i < a->n && a->r[i].first == number + 1) {
		a->r[i].first = number;
	} else {
		insert_range(a, i, number);
	}
	return number >= a->floor;
}

void mn_arrivals_forget(struct mn_arrivals *a, uint64_t least)
{
	uint32_t gone = 0;

	if (least <= a->floor)
		return;
	a->floor = least;
	while (gone < a->n && a->r[gone].end <= least)
		gone++;
	if (gone) {
		a->n -= gone;
		memmove(&a->r[0], &a->r[gone], a->n * sizeof(a->r[0]));
	}
	if (a->n && a->r[0].first < least)
		a->r[0].first = least;
}
