/* SPDX-License-Identifier: MIT */
/*
 * sched.h - whose frames go into the next packet of a path
 *
 * Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) in two levels: the channels that have
 * something to send take turns, and in the turn of a channel its connections. So an application
 * with 10,000 connections gets no more than one with a single one. One that sends more than a
 * quantum in a turn owes it for the next ones.
 */
#ifndef MN_TRANSPORT_SCHED_H
#define MN_TRANSPORT_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct mn_conn;
struct mn_path;
struct mn_stack_channel;

/* Bytes in a turn, of a channel and of a connection. */
#define MN_LANE_QUANTUM	16384u
#define MN_CONN_QUANTUM	2800u

/* The connections of one channel on one path. */
struct mn_lane {
	struct mn_path *path;
	struct mn_stack_channel *sch;	/* NULL: of channels that are gone */
	struct mn_list in_path;		/* mn_path.lanes */
	struct mn_list in_ready;	/* mn_path.ready, while a connection is */
	struct mn_list in_channel;	/* mn_stack_channel.lanes */
	struct mn_list conns;		/* all */
	struct mn_list ready;		/* those that have something to send, in turn */
	uint32_t n_conns;
	uint32_t debt;			/* bytes sent in this turn, and too many in earlier ones */
};

/* The lane of a channel on a path, made when there is none; NULL: no memory. */
struct mn_lane *mn_lane_get(struct mn_path *p, struct mn_stack_channel *sch);
/* Puts the connection into it, takes it out again; an empty lane is freed. */
void mn_lane_add(struct mn_lane *l, struct mn_conn *c);
void mn_lane_del(struct mn_conn *c);
/* Its channel is gone: it stays on the path without one, unless there is no memory. */
void mn_lane_orphan(struct mn_conn *c);
/* A lane without connections is freed. */
void mn_lane_check(struct mn_lane *l);

/* The connection may have something to send. */
void mn_sched_ready(struct mn_conn *c);
/* The one whose turn it is, NULL: none has anything to send. */
struct mn_conn *mn_sched_next(struct mn_path *p);
/* It has to wait until others have been answered. */
void mn_sched_wait(struct mn_conn *c);
/* The first n of those that wait are looked at again. */
void mn_sched_resume(struct mn_path *p, uint64_t n);
/* It has put so many bytes into a packet. more: and has more to send. */
void mn_sched_sent(struct mn_conn *c, uint32_t bytes, bool more);

#endif /* MN_TRANSPORT_SCHED_H */
