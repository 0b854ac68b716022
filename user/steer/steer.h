/* SPDX-License-Identifier: MIT */
/*
 * steer.h - where a NIC puts packets, as arrivals have shown it, and which ports lead to a queue
 *
 * One object per NIC of this host, shared by its engines; all calls from any thread. It knows no
 * packets, only observations and questions. Documentation/rss.md has the method.
 *
 *   mn_steer_observe()   a tuple has arrived at a queue
 *   mn_steer_advise()    which tuple a peer should send with to arrive at a queue
 *   mn_steer_refused()   that tuple does not get through
 */
#ifndef MN_STEER_STEER_H
#define MN_STEER_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/addr.h>

#define MN_STEER_QUEUES		64u
#define MN_STEER_KEY_MAX	52u
#define MN_STEER_TABLE_MAX	512u

struct mn_steer;

struct mn_steer_config {
	uint8_t queues;			/* 1..MN_STEER_QUEUES */
	uint16_t port_first, port_count;	/* this host's block of path ports */
	uint32_t max_peers;		/* pairs of addresses; the oldest gives way */
	uint64_t seed;			/* of the choice among candidates */
	bool patient;			/* mn_steer_advise() may return MN_STEER_WAIT */
};

/* As the packet carries it when it arrives: src is the peer. Ports in host byte order. */
struct mn_steer_tuple {
	struct mn_addr src, dst;
	uint16_t src_port, dst_port;
};

struct mn_steer_question {
	struct mn_addr src, dst;
	uint16_t src_first, src_count;	/* the peer's block of path ports */
	uint16_t home_src, home_dst;	/* ports that are known to get through */
	uint8_t queue;			/* where packets should arrive */
};

enum mn_steer_how {
	MN_STEER_NONE,		/* no tuple is left to be tried */
	MN_STEER_LABELLED,	/* it has arrived there before */
	MN_STEER_PREDICTED,	/* the learned or computed hash says so */
	MN_STEER_CANDIDATE,	/* not known: its arrival will show */
	MN_STEER_WAIT,		/* no tuple yet: as many candidates of the peer are under way as
				 * queues are looked for, and may find this one; ask again */
};

/* 1:1 with enum machnet_rss_class of the netlink ABI. */
enum mn_steer_class {
	MN_STEER_UNKNOWN,
	MN_STEER_SINGLE,
	MN_STEER_LABELS,
	MN_STEER_LEARNED,
	MN_STEER_COMPUTED,
	MN_STEER_CONFINED,
};

struct mn_steer_info {
	enum mn_steer_class class;
	bool ignores_ports;	/* all that is known speaks for a hash of addresses alone */
	uint8_t rank, rank_full;	/* of the port part, over the blocks; better family */
	uint32_t peers, labels;
	uint64_t observations, contradictions, candidates, refused;
};

struct mn_steer *mn_steer_new(const struct mn_steer_config *cfg);
void mn_steer_free(struct mn_steer *s);

/*
 * What the device says of its RSS: a hypothesis that is used when arrivals have confirmed it. key:
 * 40 or 52 bytes; table: its entries are queues. -EINVAL: short, zero, or of queues that are not.
 */
int mn_steer_set_device(struct mn_steer *s, const uint8_t *key, size_t key_len,
			const uint16_t *table, size_t table_len);

/*
 * A packet has arrived at this queue. asked_src and asked_dst: the ports that mn_steer_advise()
 * gave for it, which a NAT may have changed; else those of the tuple.
 */
void mn_steer_observe(struct mn_steer *s, const struct mn_steer_tuple *t, uint16_t asked_src,
		      uint16_t asked_dst, uint8_t queue);

/* The peer's port and ours that packets should have. Candidates under way are not given twice. */
enum mn_steer_how mn_steer_advise(struct mn_steer *s, const struct mn_steer_question *q,
				  uint16_t *src_port, uint16_t *dst_port);

/* Packets with these ports of the question's peer have not arrived, asked for several times. */
void mn_steer_refused(struct mn_steer *s, const struct mn_steer_question *q, uint16_t src_port,
		      uint16_t dst_port);

void mn_steer_info(struct mn_steer *s, struct mn_steer_info *info);

/*
 * What was learned of the hash, for the next start: versioned bytes with a checksum. Returns their
 * number, 0 if nothing is learned or cap is too small.
 */
#define MN_STEER_SAVE_MAX	4096u
size_t mn_steer_save(struct mn_steer *s, uint8_t *buf, size_t cap);
/* A hypothesis again. -EINVAL: damaged, of another version, or of another number of queues. */
int mn_steer_load(struct mn_steer *s, const uint8_t *buf, size_t len);

#endif /* MN_STEER_STEER_H */
