// SPDX-License-Identifier: MIT
/* runs.c - runs of free buffers */
#include "base/min.h"
#include "channel/runs.h"

#define NO_BLOCK	UINT16_MAX
#define ALL_FREE	UINT16_MAX

_Static_assert(MN_SHM_BUFS_MAX / MN_RUNS_MAX < NO_BLOCK && MN_SHM_BUFS_MAX - 1 <= UINT16_MAX,
	       "numbers of blocks and of buffers");

/* Bit i: n free buffers begin at i. */
static uint32_t starts_of(uint32_t mask, uint32_t n)
{
	for (uint32_t len = 1; len < n;) {
		uint32_t step = mn_min_u32(len, n - len);

		mask &= mask >> step;
		len += step;
	}
	return mask;
}

/* Bit by bit of the answer: at[k] says where 2^k free buffers begin, here where n of them do. */
static uint32_t longest_of(uint32_t mask)
{
	uint32_t at[4] = { mask }, here = ALL_FREE, n = 0;

	if (mask == ALL_FREE)
		return MN_RUNS_MAX;
	for (int k = 1; k < 4; k++)
		at[k] = at[k - 1] & at[k - 1] >> (1 << (k - 1));
	for (int k = 3; k >= 0; k--) {
		uint32_t longer = here & at[k] >> n;

		here = longer ? longer : here;
		n += longer ? 1u << k : 0;
	}
	return n;
}

static void list_del(struct mn_runs *r, const struct mn_runs_block *b)
{
	if (b->next != NO_BLOCK)
		r->blocks[b->next].prev = b->prev;
	if (b->prev != NO_BLOCK)
		r->blocks[b->prev].next = b->next;
	else
		r->list[b->longest] = b->next;
	if (r->list[b->longest] == NO_BLOCK)
		r->classes &= ~(1u << b->longest);
}

static void list_add(struct mn_runs *r, struct mn_runs_block *b)
{
	uint16_t at = b - r->blocks;

	b->prev = NO_BLOCK;
	b->next = r->list[b->longest];
	if (b->next != NO_BLOCK)
		r->blocks[b->next].prev = at;
	r->list[b->longest] = at;
	r->classes |= 1u << b->longest;
}

static void set_free(struct mn_runs *r, struct mn_runs_block *b, uint32_t mask)
{
	uint32_t longest = longest_of(mask);

	b->free = mask;
	if (longest == b->longest)
		return;
	if (b->longest)
		list_del(r, b);
	b->longest = longest;
	if (longest)
		list_add(r, b);
}

void mn_runs_init(struct mn_runs *r, void *mem, uint32_t bufs)
{
	*r = (struct mn_runs){ .blocks = mem, .count = bufs };
	for (uint32_t n = 0; n <= MN_RUNS_MAX; n++)
		r->list[n] = NO_BLOCK;
	/* The first one is used first. */
	for (uint32_t i = bufs / MN_RUNS_MAX; i--;) {
		r->blocks[i] = (struct mn_runs_block){ 0 };
		set_free(r, &r->blocks[i], ALL_FREE);
	}
}

static void to_block(struct mn_runs *r, uint32_t first, uint32_t n)
{
	struct mn_runs_block *b = &r->blocks[first / MN_RUNS_MAX];

	set_free(r, b, b->free | ((1u << n) - 1) << first % MN_RUNS_MAX);
}

static void settle_singles(struct mn_runs *r)
{
	while (r->n_singles)
		to_block(r, r->single[--r->n_singles], 1);
}

uint32_t mn_runs_take(struct mn_runs *r, uint32_t n, uint32_t *first)
{
	uint32_t enough, class, at;
	struct mn_runs_block *b;

	if (n == 1 && r->n_singles) {
		*first = r->single[--r->n_singles];
		r->count--;
		return 1;
	}
	n = mn_min_u32(n, MN_RUNS_MAX);
	if (!(r->classes >> n))
		settle_singles(r);
	if (!r->classes)
		return 0;
	enough = r->classes >> n << n;
	class = enough ? __builtin_ctz(enough) : 31 - __builtin_clz(r->classes);
	n = mn_min_u32(n, class);
	b = &r->blocks[r->list[class]];
	at = __builtin_ctz(starts_of(b->free, n));
	*first = (b - r->blocks) * MN_RUNS_MAX + at;
	set_free(r, b, b->free & ~(((1u << n) - 1) << at));
	r->count -= n;
	return n;
}

void mn_runs_put(struct mn_runs *r, uint32_t first, uint32_t n)
{
	r->count += n;
	if (n == 1 && r->n_singles < MN_RUNS_SINGLES)
		r->single[r->n_singles++] = first;
	else
		to_block(r, first, n);
}

uint32_t mn_runs_put_chain(struct mn_runs *r, const uint32_t *chain, uint32_t first)
{
	uint32_t before = r->count;

	while (first != MN_SHM_BUF_NONE) {
		uint32_t n = 1, next = chain[first];

		while (next == first + n && next % MN_RUNS_MAX) {
			n++;
			next = chain[next];
		}
		mn_runs_put(r, first, n);
		first = next;
	}
	return r->count - before;
}
