// SPDX-License-Identifier: MIT
/*
 * All that can happen to two streams of a few bytes: every order of what applications do, of what
 * packets carry, of arrival, loss and needless retransmission.
 *
 * A search over states in their canonical form (stream_world_code.c). In each, what must not be is
 * looked for; and from each, when nothing more is lost, both sides must come to rest where
 * world_is_at_rest() allows it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "stream_world.h"

#define SLOTS	(1u << 21)
#define MOST	(SLOTS / 2)

struct state {
	uint8_t code[WORLD_CODE];
	uint32_t from;			/* state and step that led here first */
	struct world_step step;
	uint32_t calm;			/* the next one when nothing is lost; itself: at rest */
	bool comes_to_rest;
};

/* What is tried. */
struct bounds {
	uint8_t more[2];		/* bytes that the applications may send */
	uint8_t packets;		/* under way at most */
	uint16_t without[2];		/* enum world_action, a bit each, of each side */
	uint8_t send, deliver;		/* WORLD_LITTLE and so on that may be */
};

struct search {
	const struct bounds *bounds;
	struct state *states;
	uint32_t *slots;		/* hash table: index + 1 */
	uint32_t n;
	const char *wrong;
	uint32_t where;
};

static uint32_t hash(const uint8_t *code)
{
	uint64_t h = 0x9e3779b97f4a7c15, v;

	for (int i = 0; i < WORLD_CODE; i += 8) {
		memcpy(&v, code + i, 8);
		h = (h ^ v) * 0xd6e8feb86659fd93;
		h ^= h >> 32;
	}
	return h & (SLOTS - 1);
}

/* The state, which is new when it was not known. */
static uint32_t intern(struct search *s, struct world *w, uint32_t from,
		       const struct world_step *step)
{
	struct state *st = &s->states[s->n];
	uint32_t slot;

	world_encode(w, st->code);
	for (slot = hash(st->code); s->slots[slot]; slot = (slot + 1) & (SLOTS - 1))
		if (!memcmp(s->states[s->slots[slot] - 1].code, st->code, WORLD_CODE))
			return s->slots[slot] - 1;
	st->from = from;
	st->step = *step;
	s->slots[slot] = ++s->n;
	if (w->wrong && !s->wrong) {
		s->wrong = w->wrong;
		s->where = s->n - 1;
	}
	if (s->n == MOST) {
		s->wrong = "there are more states than expected";
		s->where = 0;
	}
	return s->n - 1;
}

static void try_step(struct search *s, uint32_t from, struct world_step step)
{
	struct world w;

	if (s->wrong)
		return;
	world_decode(&w, s->states[from].code);
	if (world_step(&w, &step) && w.n <= s->bounds->packets)
		intern(s, &w, from, &step);
}

static void try_all(struct search *s, uint32_t from)
{
	const struct bounds *b = s->bounds;

	for (uint8_t action = 0; action < WORLD_ACTIONS; action++) {
		uint8_t args = action < WORLD_DELIVER ? 2 : b->packets;
		uint8_t hows = action == WORLD_SEND ? b->send :
			       action == WORLD_SEND_ROOM ? b->send & WORLD_SPARSE :
			       action == WORLD_DELIVER ? b->deliver : 0;

		for (uint8_t arg = 0; arg < args; arg++)
			for (uint8_t how = 0; how <= hows; how++)
				if (!(how & ~hows) && !(b->without[arg & 1] >> action & 1))
					try_step(s, from, (struct world_step){ action, arg, how });
	}
}

/* The calm way from each state leads somewhere, and does not go around in a circle. */
static void check_rest(struct search *s, uint32_t start)
{
	uint32_t i = start, steps = 0;

	while (!s->states[i].comes_to_rest) {
		if (s->states[i].calm == i) {
			struct world w;

			world_decode(&w, s->states[i].code);
			s->wrong = world_is_at_rest(&w);
			break;
		}
		i = s->states[i].calm;
		if (++steps > 1000)
			s->wrong = "it never comes to rest";
		if (s->wrong)
			break;
	}
	if (s->wrong) {
		s->where = start;
		return;
	}
	for (i = start; !s->states[i].comes_to_rest; i = s->states[i].calm)
		s->states[i].comes_to_rest = true;
}

static void find_calm(struct search *s, uint32_t i)
{
	struct world_step step;
	struct world w;

	if (s->wrong)
		return;
	world_decode(&w, s->states[i].code);
	s->states[i].calm = world_calm_step(&w, &step) ? intern(s, &w, i, &step) : i;
}

static void print_state(const struct search *s, uint32_t i)
{
	struct world w;

	world_decode(&w, s->states[i].code);
	for (int k = 0; k < 2; k++) {
		const struct mn_stream *st = &w.side[k].st;

		printf("#   %d: mode %u state %u due %x remote %d fin %d %d stop %d %d una %d "
		       "nxt %d max %d end %d limit %d | nxt %d limit %d fin %d known %d "
		       "stalled %d rooms %d\n",
		       k, w.side[k].mode, st->state, st->due, st->has_remote,
		       st->fin_queued, st->fin_sent, st->stopped, st->peer_stopped,
		       (int)st->snd_una, (int)st->snd_nxt, (int)st->snd_max, (int)st->snd_end,
		       (int)st->snd_limit, (int)st->rcv_nxt, (int)st->rcv_limit,
		       (int)st->rcv_fin, st->fin_known, w.side[k].stalled, w.side[k].in_rooms);
	}
}

/* How it came to the state. */
static void print_path(const struct search *s, uint32_t i)
{
	static const char *const names[] = {
		"queue", "finish", "close", "abort", "resume", "grow", "send", "send room",
		"deliver", "acknowledge", "declare lost", "vanish",
	};

	if (i)
		print_path(s, s->states[i].from);
	else
		return;
	printf("# %s %u, how %u\n", names[s->states[i].step.action], s->states[i].step.arg,
	       s->states[i].step.how);
	print_state(s, i);
}

static void explain(const struct search *s)
{
	uint32_t i = s->where;

	printf("# %s\n", s->wrong);
	print_path(s, i);
	for (int n = 0; n < 30 && s->states[i].calm && s->states[i].calm != i; n++) {
		i = s->states[i].calm;
		printf("# then calmly:\n");
		print_state(s, i);
	}
}

/* The number of states; 0: something was wrong. */
static uint32_t search(const struct bounds *b)
{
	struct search s = { .bounds = b };
	struct world_step none = { 0 };
	struct world w;

	s.states = calloc(MOST, sizeof(*s.states));
	s.slots = calloc(SLOTS, sizeof(*s.slots));
	world_init(&w, b->more[0], b->more[1]);
	intern(&s, &w, 0, &none);
	for (uint32_t i = 0; i < s.n && !s.wrong; i++) {
		try_all(&s, i);
		find_calm(&s, i);
	}
	for (uint32_t i = 0; i < s.n && !s.wrong; i++)
		check_rest(&s, i);
	if (s.wrong)
		explain(&s);
	printf("# %u states\n", s.n);
	fflush(stdout);
	free(s.states);
	free(s.slots);
	return s.wrong ? 0 : s.n;
}

#define NOT(action)	(1u << (action))
/* Left to what is calm. */
#define QUIET		(NOT(WORLD_GROW))
#define NO_END		(QUIET | NOT(WORLD_FINISH) | NOT(WORLD_CLOSE) | NOT(WORLD_ABORT))

FIXTURE(streams)
{
	struct bounds b;
};

FIXTURE_SETUP(streams)
{
	self->b = (struct bounds){ .packets = 2, .without = { NO_END, NO_END } };
}

FIXTURE_TEARDOWN(streams)
{
	EXPECT_LT(0, search(&self->b));
}

TEST_F_TIMEOUT(streams, both_may_close, 300)
{
	self->b.without[0] = self->b.without[1] = NO_END & ~NOT(WORLD_CLOSE);
}

TEST_F_TIMEOUT(streams, both_may_abort_or_refuse, 300)
{
	self->b.more[0] = 1;
	self->b.deliver = WORLD_REFUSE;
	self->b.without[0] = self->b.without[1] = NO_END & ~NOT(WORLD_ABORT);
}

TEST_F_TIMEOUT(streams, bytes_in_pieces, 300)
{
	self->b.more[0] = 2;
	self->b.send = WORLD_LITTLE;
	self->b.without[0] = self->b.without[1] = NO_END | NOT(WORLD_RESUME);
}

TEST_F_TIMEOUT(streams, little_credit, 300)
{
	self->b.more[0] = 1;
	self->b.send = WORLD_SPARSE;
	self->b.without[1] &= ~NOT(WORLD_GROW);
}

TEST_F_TIMEOUT(streams, bytes_both_ways, 300)
{
	self->b.more[0] = self->b.more[1] = 1;
}

TEST_F_TIMEOUT(streams, a_reader_without_room, 300)
{
	self->b.more[0] = 1;
	self->b.deliver = WORLD_NO_ROOM;
	self->b.without[0] &= ~NOT(WORLD_FINISH);
}

TEST_F_TIMEOUT(streams, sender_closes, 300)
{
	self->b.more[0] = 1;
	self->b.without[0] &= ~NOT(WORLD_CLOSE);
}

TEST_F_TIMEOUT(streams, reader_without_room_closes, 300)
{
	self->b.more[1] = 1;
	self->b.deliver = WORLD_NO_ROOM;
	self->b.without[0] &= ~NOT(WORLD_CLOSE);
}

TEST_HARNESS_MAIN
