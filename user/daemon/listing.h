/* SPDX-License-Identifier: MIT */
/* listing.h - answers to those who ask for all connections, or all paths */
#ifndef MND_LISTING_H
#define MND_LISTING_H

#include "daemon/app.h"

/* Answered now with an error, or later. */
void mnd_listing_ask(struct mnd_app *app, enum mnd_list which, uint32_t tag);

#endif /* MND_LISTING_H */
