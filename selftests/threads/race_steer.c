// SPDX-License-Identifier: MIT
/* Engines that share the steering of a NIC, each in a thread of its own. */
#include <pthread.h>

#include <kselftest_harness.h>

#include "selftests/unit/random.h"
#include "steer/steer.h"

#define ENGINES		4
#define STEPS		30000
#define PORT		61600

struct engine {
	struct mn_steer *steer;
	uint64_t rng;
	uint8_t queue;
	uint32_t answers;
};

/* Where a packet arrives, so that labels hold. */
static uint8_t queue_of(uint16_t src, uint16_t dst)
{
	return (src * 7919u ^ dst * 104729u) >> 3 & (ENGINES - 1);
}

static void step(struct engine *e)
{
	uint32_t peer = random_below(&e->rng, 12);
	struct mn_steer_question q = {
		.src = mn_addr_from_v4(100 + peer), .dst = mn_addr_from_v4(1),
		.src_first = PORT, .src_count = 64, .home_src = PORT, .home_dst = PORT,
		.queue = e->queue,
	};
	struct mn_steer_tuple t = { .src = q.src, .dst = q.dst };
	enum mn_steer_how how = mn_steer_advise(e->steer, &q, &t.src_port, &t.dst_port);

	if (how == MN_STEER_NONE || how == MN_STEER_WAIT)
		return;
	e->answers++;
	if (random_below(&e->rng, 50))
		mn_steer_observe(e->steer, &t, t.src_port, t.dst_port,
				 queue_of(t.src_port, t.dst_port));
	else
		mn_steer_refused(e->steer, &q, t.src_port, t.dst_port);
}

static void *run(void *arg)
{
	uint8_t buf[MN_STEER_SAVE_MAX];
	struct mn_steer_info info;
	struct engine *e = arg;

	for (int i = 0; i < STEPS; i++) {
		step(e);
		if (i % 100 == 0)
			mn_steer_info(e->steer, &info);
		if (i % 1000 == 0)
			mn_steer_load(e->steer, buf, mn_steer_save(e->steer, buf, sizeof(buf)));
	}
	return NULL;
}

TEST(engines_share_the_steering)
{
	const struct mn_steer_config cfg = {
		.queues = ENGINES, .port_first = PORT, .port_count = 64, .max_peers = 8, .seed = 1,
		.patient = true,
	};
	struct mn_steer *s = mn_steer_new(&cfg);
	struct engine engines[ENGINES];
	pthread_t threads[ENGINES];
	struct mn_steer_info info;

	ASSERT_NE(NULL, s);
	for (uint8_t i = 0; i < ENGINES; i++) {
		engines[i] = (struct engine){ .steer = s, .rng = 77 + i, .queue = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run, &engines[i]));
	}
	for (int i = 0; i < ENGINES; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_GT(engines[i].answers, STEPS / 10);
	}
	mn_steer_info(s, &info);
	EXPECT_EQ(8, info.peers);
	EXPECT_LE(info.labels, 8 * 256);
	mn_steer_free(s);
}

TEST_HARNESS_MAIN
