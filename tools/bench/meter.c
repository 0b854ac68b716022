// SPDX-License-Identifier: MIT
/* meter.c - keeps the books of a client's run, the same for every transport */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define NS_PER_S	1000000000ull
#define PROGRESS_NS	NS_PER_S

void bench_meter_start(struct bench_meter *m, const struct bench_options *o)
{
	memset(m, 0, sizeof(*m));
	m->o = o;
	m->start_ns = m->last_ns = m->progress_ns = bench_now_ns();
}

/* Sends no more: as many or as long as was asked for, or a signal. */
static bool sent_all(const struct bench_meter *m, uint64_t now)
{
	const struct bench_options *o = m->o;

	return bench_stop || (o->count && m->r.sent >= o->count) ||
	       (o->seconds && now - m->start_ns >= o->seconds * NS_PER_S);
}

uint32_t bench_meter_room(const struct bench_meter *m, uint64_t now, uint32_t most)
{
	uint64_t room = m->o->window - (m->r.sent - m->r.received);

	if (sent_all(m, now))
		return 0;
	if (m->o->count && room > m->o->count - m->r.sent)
		room = m->o->count - m->r.sent;
	return room < most ? room : most;
}

/* Keeps the longest time without an answer; an answer may have come after now was read. */
static void keep_pause(uint64_t *longest_ns, uint64_t last_ns, uint64_t now)
{
	if (now > last_ns && now - last_ns > *longest_ns)
		*longest_ns = now - last_ns;
}

void bench_meter_heard(struct bench_meter *m, uint64_t now)
{
	keep_pause(&m->pause_ns, m->last_ns, now);
	keep_pause(&m->r.pause_ns, m->last_ns, now);
	m->last_ns = now;
}

void bench_meter_answer(struct bench_meter *m, uint64_t sent_ns, uint64_t now)
{
	bench_hist_add(&m->r.latency_ns, now - sent_ns);
	m->r.received++;
}

bool bench_meter_done(const struct bench_meter *m, uint64_t now)
{
	return m->r.received == m->r.sent && sent_all(m, now);
}

int bench_meter_tick(struct bench_meter *m, uint64_t now)
{
	if (now > m->last_ns && now - m->last_ns > BENCH_STALL_MS * 1000000ull)
		return bench_fail(ETIMEDOUT, "no answer for %d s, %llu messages under way",
				  BENCH_STALL_MS / 1000,
				  (unsigned long long)(m->r.sent - m->r.received));
	if (now - m->progress_ns < PROGRESS_NS)
		return 0;
	/* One that has not ended yet counts. */
	keep_pause(&m->pause_ns, m->last_ns, now);
	bench_progress(m->o, &m->r, (double)(now - m->start_ns) / NS_PER_S,
		       m->r.received - m->progress_received,
		       (double)(now - m->progress_ns) / NS_PER_S, m->pause_ns);
	m->pause_ns = 0;
	m->progress_ns = now;
	m->progress_received = m->r.received;
	return 0;
}

void bench_meter_end(struct bench_meter *m)
{
	bench_progress_end();
	m->r.seconds = (double)(m->last_ns - m->start_ns) / NS_PER_S;
}

uint32_t bench_batch(const struct bench_options *o, uint32_t bytes)
{
	uint32_t n = o->size < bytes ? bytes / o->size : 1;

	n = n < o->batch ? n : o->batch;
	return n < o->window ? n : o->window;
}
