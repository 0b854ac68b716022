/* SPDX-License-Identifier: MIT */
/* give_back.h - returns what daemons left that died: NICs to the kernel, hugepages to the pool */
#ifndef MND_GIVE_BACK_H
#define MND_GIVE_BACK_H

/*
 * Leaves alone what living processes hold; may run several times, also at once. Errors are
 * logged; the first one is returned.
 */
int mnd_give_back(void);

#endif /* MND_GIVE_BACK_H */
