// SPDX-License-Identifier: MIT
/*
 * fuzz_steer.c - any arrivals, questions, refusals and saved bytes
 *
 * Answers are ports of the blocks or home; a label is where a packet with these ports has arrived
 * last; nothing grows without bound.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_steer.h"
#include "input.h"
#include "steer/steer.h"

#define PEERS	6u	/* more than the object has room for */
#define ROOM	4u
#define PORTS	16u
#define FIRST	61600u
#define NOWHERE	0xff

struct run {
	struct input in;
	struct mn_steer *steer;
	uint8_t queues, ports;
	uint8_t last[PEERS][PORTS][PORTS];	/* queue of the last arrival, by ports asked for */
	uint32_t answers;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct mn_addr addr_of(uint32_t n)
{
	struct mn_addr a = { .b = { 0xfd, [15] = n } };

	return n & 1 ? a : mn_addr_from_v4(n);
}

static void observe(struct run *r, uint32_t peer, uint8_t src, uint8_t dst, uint8_t queue)
{
	struct mn_steer_tuple t = {
		addr_of(2 + peer), addr_of(peer & 1), FIRST + src % PORTS, FIRST + dst % PORTS,
	};
	uint16_t asked_src = t.src_port;

	/* Sometimes something has changed the port. */
	if (src & 0x80)
		t.src_port = take(&r->in, 2);
	mn_steer_observe(r->steer, &t, asked_src, t.dst_port, queue);
	if (queue < r->queues)
		r->last[peer][src % PORTS][dst % PORTS] = queue;
}

static struct mn_steer_question question(struct run *r, uint32_t peer)
{
	uint8_t home = take(&r->in, 1);

	return (struct mn_steer_question){
		.src = addr_of(2 + peer), .dst = addr_of(peer & 1),
		.src_first = FIRST, .src_count = 1 + take(&r->in, 1) % PORTS,
		.home_src = FIRST + home % PORTS, .home_dst = FIRST + (home >> 4) % PORTS,
		.queue = take(&r->in, 1) % (r->queues + 1),
	};
}

static bool is_of_blocks(const struct run *r, const struct mn_steer_question *q, uint16_t src,
			 uint16_t dst)
{
	bool theirs = src >= q->src_first && src < q->src_first + q->src_count;
	bool ours = dst >= FIRST && dst < FIRST + r->ports;

	/* Behind refusals one of the ports is home. */
	return (theirs || src == q->home_src) && (ours || dst == q->home_dst);
}

static void ask(struct run *r, uint32_t peer)
{
	struct mn_steer_question q = question(r, peer);
	uint16_t src = 0, dst = 0;
	enum mn_steer_how how = mn_steer_advise(r->steer, &q, &src, &dst);
	uint8_t next;

	must(how <= MN_STEER_WAIT);
	if (how == MN_STEER_NONE || how == MN_STEER_WAIT)
		return;
	r->answers++;
	must(q.queue < r->queues);
	must(is_of_blocks(r, &q, src, dst));
	if (how == MN_STEER_LABELLED)
		must(r->last[peer][src - FIRST][dst - FIRST] == q.queue);
	next = take(&r->in, 1);
	if (next & 1)
		observe(r, peer, src - FIRST, dst - FIRST, next & 2 ? q.queue : next >> 2);
	else if (next & 2)
		mn_steer_refused(r->steer, &q, src, dst);
}

static void set_device(struct run *r)
{
	uint8_t key[MN_STEER_KEY_MAX];
	uint16_t table[8];

	for (uint32_t i = 0; i < sizeof(key); i++)
		key[i] = take(&r->in, 1);
	for (uint32_t i = 0; i < 8; i++)
		table[i] = take(&r->in, 1) % (r->queues + 1);
	mn_steer_set_device(r->steer, key, take(&r->in, 1) % (MN_STEER_KEY_MAX + 1), table,
			    1 + take(&r->in, 1) % 8);
}

static void load(struct run *r)
{
	uint8_t len = take(&r->in, 1), *copy;

	if (len > r->in.len)
		len = r->in.len;
	/* Exactly as large: a sanitizer sees the first byte read behind it. */
	copy = malloc(len ? len : 1);
	must(copy);
	memcpy(copy, r->in.data, len);
	mn_steer_load(r->steer, copy, len);
	r->in.data += len;
	r->in.len -= len;
	free(copy);
}

static void save_and_load(struct run *r)
{
	uint8_t buf[MN_STEER_SAVE_MAX];
	size_t len = mn_steer_save(r->steer, buf, sizeof(buf));

	if (!len)
		return;
	must(mn_steer_load(r->steer, buf, len - 1));
	must(!mn_steer_load(r->steer, buf, len));
}

static void check_info(struct run *r)
{
	struct mn_steer_info info;

	mn_steer_info(r->steer, &info);
	must(info.class <= MN_STEER_CONFINED);
	must(info.peers <= ROOM && info.labels <= ROOM * PORTS * PORTS);
	must(info.rank <= info.rank_full && info.rank_full <= 32);
}

static void step(struct run *r, uint8_t op)
{
	uint32_t peer = (op >> 3) % PEERS;

	switch (op & 7) {
	case 0:
		load(r);
		break;
	case 1:
		if (op & 0x80)
			set_device(r);
		else
			save_and_load(r);
		check_info(r);
		break;
	case 2:
	case 3:
		observe(r, peer, take(&r->in, 1), take(&r->in, 1), take(&r->in, 1));
		break;
	default:
		ask(r, peer);
	}
}

uint32_t fuzz_steer_run(const uint8_t *data, size_t len)
{
	struct run r = { .in = { data, len } };
	struct mn_steer_config cfg = { .port_first = FIRST, .max_peers = ROOM, .seed = 3 };

	r.queues = 1 + take(&r.in, 1) % MN_STEER_QUEUES;
	r.ports = 1 + take(&r.in, 1) % PORTS;
	cfg.patient = r.queues & 1;
	cfg.queues = r.queues;
	cfg.port_count = r.ports;
	memset(r.last, NOWHERE, sizeof(r.last));
	r.steer = mn_steer_new(&cfg);
	must(r.steer);
	while (r.in.len)
		step(&r, take(&r.in, 1));
	check_info(&r);
	mn_steer_free(r.steer);
	return r.answers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_steer_run(data, len);
	return 0;
}
