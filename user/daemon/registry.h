/* SPDX-License-Identifier: MIT */
/*
 * registry.h - changes of connections on their way to the kernel's registry
 *
 * They are sent in batches: a connection costs no round trip of its own, and no connect waits for
 * one. The order is kept as far as it matters: a connection is added before it ends.
 */
#ifndef MND_REGISTRY_H
#define MND_REGISTRY_H

#include "machnet_nl.h"

struct mnd_registry {
	struct nlclient *nl;
	/* From a flush: it has not been added; nlclient_extack() says why. */
	void (*refused)(void *ctx, uint64_t id, int error);
	void *ctx;
	struct machnet_nl_connection adds[MACHNET_BATCH_MAX];
	struct machnet_nl_end ends[MACHNET_BATCH_MAX];
	unsigned int n_adds, n_ends;
};

/* At the next flush at the latest. A queue that is full is flushed. */
void mnd_registry_add(struct mnd_registry *r, const struct machnet_nl_connection *conn);
int mnd_registry_del(struct mnd_registry *r, uint64_t id, uint32_t reason);
/* The first error of an end, after all has been tried. */
int mnd_registry_flush(struct mnd_registry *r);

#endif /* MND_REGISTRY_H */
