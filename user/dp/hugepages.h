/* SPDX-License-Identifier: MIT */
/*
 * hugepages.h - what the datapath takes of the machine's pool of 2 MB hugepages
 *
 * The pool is one for the whole machine and has no reservation for a process: to raise it and to
 * take the pages are two steps. Datapaths take a lock for both. What each of them had added to the
 * pool is noted in a file that it holds locked: the pages of one that died are taken out by the
 * next one.
 */
#ifndef DP_HUGEPAGES_H
#define DP_HUGEPAGES_H

#include <stdbool.h>

#include <machnet/dp.h>

/*
 * True when megabytes of hugepages are free, with what the kernel was asked to add. The lock is
 * held then, until dp_hugepages_taken(): the caller takes the pages before.
 */
bool dp_hugepages_get(const struct machnet_dp_config *cfg, unsigned int megabytes);
void dp_hugepages_taken(void);
/* Takes out of the pool what was added for this datapath. */
void dp_hugepages_release(void);

#endif /* DP_HUGEPAGES_H */
