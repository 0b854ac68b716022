/* SPDX-License-Identifier: MIT */
/* steer_priv.h - the object, for the files that make up steer.h */
#ifndef MN_STEER_STEER_PRIV_H
#define MN_STEER_STEER_PRIV_H

#include "base/lock.h"
#include "steer/hypothesis.h"
#include "steer/label.h"
#include "steer/learn.h"

#define MN_STEER_FAMILIES	MN_HYPOTHESIS_FAMILIES

struct mn_steer {
	struct mn_lock lock;	/* of everything below; the members of cfg never change */
	struct mn_steer_config cfg;
	uint32_t budget;	/* of a new peer */
	uint64_t random;	/* state of the generator */
	struct mn_steer_peers peers;
	struct mn_learn learn[MN_STEER_FAMILIES];
	struct mn_hypotheses hypotheses;
	uint16_t epoch;		/* of labels: one more with each change of the NIC */
	uint64_t observations, contradictions, candidates, refused;
};

static inline uint64_t mn_steer_random(struct mn_steer *s)
{
	/* xorshift64*: S. Vigna, ACM Trans. Math. Softw. 42 (4), 2016. */
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(0x2545f4914f6cdd1d);
}

/* --- advise.c --- */
enum mn_steer_how mn_steer_answer(struct mn_steer *s, const struct mn_steer_question *q,
				  uint16_t *src_port, uint16_t *dst_port);
void mn_steer_note_refusal(struct mn_steer *s, const struct mn_steer_question *q,
			   uint16_t src_port, uint16_t dst_port);
/* A tuple that was asked for has arrived. */
void mn_steer_note_passage(struct mn_steer_peer *p, uint16_t src_port, uint16_t dst_port);
/* The peer has its first label of a queue. */
void mn_steer_note_gain(const struct mn_steer *s, struct mn_steer_peer *p);

#endif /* MN_STEER_STEER_PRIV_H */
