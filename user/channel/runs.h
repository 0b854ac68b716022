/* SPDX-License-Identifier: MIT */
/*
 * runs.h - free buffers of a channel, by runs of consecutive ones
 *
 * A message of up to MN_RUNS_MAX buffers lies in one piece as long as there is a free run for it.
 * Buffers belong to blocks of MN_RUNS_MAX, each with a bit per free buffer, in lists by the longest
 * free run in the block: the smallest run that is long enough is found at once (best fit; Knuth,
 * TAOCP vol. 1, section 2.5), and single buffers come from blocks that are in pieces already. Runs
 * do not cross blocks. The block that came back last is used first: it is still in the cache.
 * Some single buffers are kept at hand besides; they go back to their blocks before a run is
 * given out that is shorter than it could be.
 *
 * Private memory of the side that allocates. One thread at a time.
 */
#ifndef MN_CHANNEL_RUNS_H
#define MN_CHANNEL_RUNS_H

#include <stdint.h>

#include <machnet/shm.h>

/* Buffers of the longest run: 64 KiB. */
#define MN_RUNS_MAX	16u
/* Single buffers at hand, at most. */
#define MN_RUNS_SINGLES	64u

struct mn_runs_block {
	uint16_t free;		/* a bit per free buffer */
	uint16_t longest;	/* free run in it; 0: the block is in no list */
	uint16_t prev, next;	/* in the list of those with the same longest run */
};

struct mn_runs {
	struct mn_runs_block *blocks;
	uint32_t count;				/* free buffers */
	uint32_t classes;			/* bit n: list n is not empty */
	uint16_t list[MN_RUNS_MAX + 1];		/* first block, by its longest run */
	uint16_t n_singles;
	uint16_t single[MN_RUNS_SINGLES];	/* a stack */
};

/* Memory for so many buffers, a power of two from MN_SHM_BUFS_MIN to MN_SHM_BUFS_MAX. */
static inline uint32_t mn_runs_memsize(uint32_t bufs)
{
	return bufs / MN_RUNS_MAX * sizeof(struct mn_runs_block);
}

/* All buffers are free. mem: mn_runs_memsize() bytes. */
void mn_runs_init(struct mn_runs *r, void *mem, uint32_t bufs);

/*
 * Takes n consecutive buffers, n > 0, at most MN_RUNS_MAX; the longest run that there is when none
 * is so long. Returns how many, 0 when no buffer is free; *first is the first one.
 */
uint32_t mn_runs_take(struct mn_runs *r, uint32_t n, uint32_t *first);

/* Gives n consecutive buffers of one block back. */
void mn_runs_put(struct mn_runs *r, uint32_t first, uint32_t n);

/* Gives a chain back, linked by chain[] up to MN_SHM_BUF_NONE. Returns how many buffers it has. */
uint32_t mn_runs_put_chain(struct mn_runs *r, const uint32_t *chain, uint32_t first);

#endif /* MN_CHANNEL_RUNS_H */
