/* SPDX-License-Identifier: MIT */
/* tree.h - trees of search(3) whose items are copies */
#ifndef MND_TREE_H
#define MND_TREE_H

#include <stddef.h>

typedef int (*mnd_tree_cmp)(const void *, const void *);

/* The tree's copy of the item, made if there is none; NULL when out of memory. */
void *mnd_tree_add(void **tree, const void *item, size_t size, mnd_tree_cmp cmp);
/* Frees the copy, if there is one. */
void mnd_tree_del(void **tree, const void *item, mnd_tree_cmp cmp);

/* What a tree holds, copied, so that callbacks may change the tree. */
struct mnd_snapshot {
	char *items;	/* n of them; free(3) */
	size_t size, n, max;
};

/* 0 or -ENOMEM. */
int mnd_snapshot_take(struct mnd_snapshot *s, const void *tree, size_t size);

#endif /* MND_TREE_H */
