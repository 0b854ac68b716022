// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/tree.h"

void *mnd_tree_add(void **tree, const void *item, size_t size, mnd_tree_cmp cmp)
{
	void *node = tfind(item, tree, cmp);
	void *copy;

	if (node)
		return *(void **)node;
	copy = malloc(size);
	if (!copy)
		return NULL;
	memcpy(copy, item, size);
	if (tsearch(copy, tree, cmp))
		return copy;
	free(copy);
	return NULL;
}

void mnd_tree_del(void **tree, const void *item, mnd_tree_cmp cmp)
{
	void *node = tfind(item, tree, cmp);
	void *copy;

	if (!node)
		return;
	copy = *(void **)node;
	tdelete(copy, tree, cmp);
	free(copy);
}

static void count_item(const void *node, VISIT visit, void *data)
{
	struct mnd_snapshot *s = data;

	(void)node;
	s->max += visit == postorder || visit == leaf;
}

static void copy_item(const void *node, VISIT visit, void *data)
{
	struct mnd_snapshot *s = data;

	if (visit == postorder || visit == leaf)
		memcpy(s->items + s->n++ * s->size, *(void *const *)node, s->size);
}

int mnd_snapshot_take(struct mnd_snapshot *s, const void *tree, size_t size)
{
	*s = (struct mnd_snapshot){ .size = size };
	twalk_r(tree, count_item, s);
	if (!s->max)
		return 0;
	s->items = malloc(s->max * size);
	if (!s->items)
		return -ENOMEM;
	twalk_r(tree, copy_item, s);
	return 0;
}
