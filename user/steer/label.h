/* SPDX-License-Identifier: MIT */
/*
 * label.h - peers, and what is known of single tuples of theirs
 *
 * A peer is a pair of addresses, as arriving packets carry it. Its labels are found by the ports
 * that were asked for, which are what a peer can choose; behind a NAT the packet has others.
 * Both are bounded: the peer unused for longest gives way, and of a peer's labels the oldest that
 * is not the only one of its queue. The caller has the lock.
 */
#ifndef MN_STEER_LABEL_H
#define MN_STEER_LABEL_H

#include "base/hash.h"
#include "base/list.h"
#include "steer/steer.h"

#define MN_LABELS_MAX	256u	/* per peer */

enum mn_label_state {
	MN_LABEL_ASKED,		/* a candidate under way */
	MN_LABEL_ARRIVED,
	MN_LABEL_REFUSED,	/* does not get through */
};

struct mn_label {
	uint16_t src, dst;	/* asked for */
	uint16_t arrived_src, arrived_dst;
	uint32_t stamp;		/* ASKED: the peer's number of questions then */
	uint32_t used;		/* the peer's clock, when it was set or given last */
	uint16_t epoch;		/* ARRIVED: of the NIC */
	uint8_t state, queue;
};

/* Which tuples get through, as refusals have it. Each restricts candidates further. */
enum mn_peer_reach {
	MN_REACH_ANY,
	MN_REACH_HOME_DST,	/* a port of ours that is open, from all ports of the peer */
	MN_REACH_HOME_SRC,
	MN_REACH_HOME,		/* the home tuple alone: no candidates */
};

/* The observation that differences of a peer's ports are taken to. */
struct mn_peer_origin {
	uint32_t ports;
	uint32_t epoch;		/* of the learner; another: there is none */
	uint8_t queue;
};

struct mn_steer_peer {
	struct mn_list lru;
	struct mn_addr src, dst;
	uint64_t key;
	struct mn_label *labels;
	uint16_t n_labels, room;
	uint16_t arrived[MN_STEER_QUEUES];	/* labels of each queue */
	uint16_t churn;		/* how fast labels become wrong */
	uint32_t clock;
	uint32_t questions;
	uint32_t budget;	/* candidates until one of them finds another queue */
	uint32_t rest;		/* questions until candidates are tried again */
	uint32_t long_rest;	/* the next one; 0: the shortest */
	uint16_t home_src, home_dst;	/* of the last question */
	uint16_t epoch;		/* of the NIC, then */
	uint64_t unreachable;	/* queues that no tuple is predicted for */
	uint8_t reach;		/* enum mn_peer_reach */
	uint8_t refusals;	/* in a row, with this reach */
	bool open;		/* a tuple that was asked for has arrived */
	bool translated;	/* something on the way changes ports */
	struct mn_peer_origin origin;
};

/* Labels become wrong as soon as they are made: queues do not follow from tuples. */
#define MN_CHURN_HIGH	64u

static inline bool mn_steer_peer_churns(const struct mn_steer_peer *p)
{
	return p->churn >= MN_CHURN_HIGH;
}

struct mn_steer_peers {
	struct mn_steer_peer *all;
	uint32_t max, fresh;	/* those behind fresh were never used */
	struct mn_hash by_address;
	struct mn_list lru;	/* the one unused for longest first */
	uint64_t labels;	/* ARRIVED, of all peers */
};

/* 0 or -ENOMEM; mn_steer_peers_fini() is due in either case. */
int mn_steer_peers_init(struct mn_steer_peers *ps, uint32_t max, const uint64_t seed[2]);
void mn_steer_peers_fini(struct mn_steer_peers *ps);

/* The peer of these addresses, as the one used last; made if need be, with the given budget. */
struct mn_steer_peer *mn_steer_peer_get(struct mn_steer_peers *ps, const struct mn_addr *src,
					const struct mn_addr *dst, uint32_t budget);
struct mn_steer_peer *mn_steer_peer_find(struct mn_steer_peers *ps, const struct mn_addr *src,
					 const struct mn_addr *dst);

struct mn_label *mn_label_find(const struct mn_steer_peer *p, uint16_t src, uint16_t dst);
/* The label of these ports, made in state ASKED if need be; NULL without memory. */
struct mn_label *mn_label_get(struct mn_steer_peers *ps, struct mn_steer_peer *p, uint16_t src,
			      uint16_t dst);
void mn_label_set(struct mn_steer_peers *ps, struct mn_steer_peer *p, struct mn_label *l,
		  enum mn_label_state state, uint8_t queue);
/* Forgets what was refused. */
void mn_label_forgive(struct mn_steer_peers *ps, struct mn_steer_peer *p);

#endif /* MN_STEER_LABEL_H */
