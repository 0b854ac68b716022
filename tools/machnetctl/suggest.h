/* SPDX-License-Identifier: MIT */
/* suggest.h - the name that was probably meant */
#ifndef MACHNETCTL_SUGGEST_H
#define MACHNETCTL_SUGGEST_H

struct ctl_suggest {
	const char *word;	/* as typed */
	const char *best;	/* NULL: nothing is near enough */
	unsigned int cost;
};

/* name may be what was meant; NULL is none. */
void ctl_suggest(struct ctl_suggest *s, const char *name);
/* ": did you mean 'BEST'?", or "". */
const char *ctl_suggestion(const struct ctl_suggest *s);

#endif /* MACHNETCTL_SUGGEST_H */
