/* SPDX-License-Identifier: MIT */
/* list.h - circular list through its members; a member that is alone points at itself */
#ifndef MN_BASE_LIST_H
#define MN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mn_list {
	struct mn_list *prev, *next;
};

#define mn_container(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline void mn_list_init(struct mn_list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool mn_list_empty(const struct mn_list *l)
{
	return l->next == l;
}

/* In front of at; in front of the head is the tail. */
static inline void mn_list_add_before(struct mn_list *at, struct mn_list *l)
{
	l->prev = at->prev;
	l->next = at;
	at->prev->next = l;
	at->prev = l;
}

static inline void mn_list_add_tail(struct mn_list *head, struct mn_list *l)
{
	mn_list_add_before(head, l);
}

/* Harmless for a member that is in no list. */
static inline void mn_list_del(struct mn_list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	mn_list_init(l);
}

/* Moves all members of from to the tail of to. */
static inline void mn_list_splice(struct mn_list *to, struct mn_list *from)
{
	if (mn_list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	mn_list_init(from);
}

#endif /* MN_BASE_LIST_H */
