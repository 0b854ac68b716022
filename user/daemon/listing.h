/* SPDX-License-Identifier: MIT */
/* listing.h - answers to those who ask for all connections */
#ifndef MND_LISTING_H
#define MND_LISTING_H

#include "daemon/app.h"

/* Answered now with an error, or later. */
void mnd_listing_ask(struct mnd_app *app, uint32_t tag);

#endif /* MND_LISTING_H */
