// SPDX-License-Identifier: MIT
/* record.c - pool of records */
#include <errno.h>
#include <stdlib.h>

#include "transport/record.h"

int mn_records_init(struct mn_records *rs, uint32_t n, uint32_t paths)
{
	rs->all = malloc(n * sizeof(*rs->all));
	rs->used = calloc(paths, sizeof(*rs->used));
	if (!rs->all || !rs->used)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		rs->all[i].next = i + 1 < n ? i + 1 : MN_RECORD_NONE;
	rs->n = rs->n_free = n;
	rs->free = n ? 0 : MN_RECORD_NONE;
	return 0;
}

void mn_records_fini(struct mn_records *rs)
{
	free(rs->all);
	free(rs->used);
	rs->all = NULL;
	rs->used = NULL;
}

uint32_t mn_record_get(struct mn_records *rs, uint16_t path)
{
	uint32_t i = rs->free;

	if (i == MN_RECORD_NONE)
		return i;
	rs->free = rs->all[i].next;
	rs->n_free--;
	rs->used[path]++;
	rs->all[i] = (struct mn_record){ .path = path, .next = MN_RECORD_NONE };
	return i;
}

void mn_record_put(struct mn_records *rs, uint32_t index)
{
	rs->used[rs->all[index].path]--;
	rs->all[index].next = rs->free;
	rs->free = index;
	rs->n_free++;
}
