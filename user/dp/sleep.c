// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "dp/engine.h"
#include "dp/sleep.h"

/* How long an engine yields before it sleeps. */
#define IDLE_SPIN_US	200
/*
 * So long an engine works without giving way: who feeds it and who reads what it brings may share
 * its processor, and would otherwise wait for the end of its time slice.
 */
#define BUSY_US		100
/*
 * Naps of an engine that nothing can wake when a packet comes: an eighth of the
 * time that it has been idle, so that they add little to whatever it waits for.
 */
#define NAP_SHARE	8
#define NAP_MIN_US	50
#define NAP_MAX_US	1000
/* Bounds every other sleep: the clock of the transport stays fresh. */
#define SLEEP_MAX_US	1000000

#define NSEC_PER_USEC	1000
#define NSEC_PER_SEC	1000000000ull
#define USEC_PER_SEC	1000000

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

uint64_t dp_clock_us(void)
{
	return clock_ns() / NSEC_PER_USEC;
}

void dp_engine_clock(struct dp_engine *e)
{
	e->now_ns = clock_ns();
	e->now_us = e->now_ns / NSEC_PER_USEC;
}

int dp_engine_watch(struct dp_engine *e, int fd)
{
	/* Edge-triggered: each write to an eventfd is an edge, so that nobody has to read it. */
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	return epoll_ctl(e->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

void dp_engine_unwatch(struct dp_engine *e, int fd)
{
	epoll_ctl(e->epfd, EPOLL_CTL_DEL, fd, NULL);
}

/* Reported once, then quiet until engine_arm_rx(): an engine at work hears of no packet twice. */
static void engine_arm_rx(struct dp_engine *e)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };

	if (e->rx_event == DP_RX_SOCKET)
		epoll_ctl(e->epfd, EPOLL_CTL_MOD, e->rx_fd, &ev);
	else if (e->rx_event == DP_RX_INTERRUPT)
		rte_eth_dev_rx_intr_enable(e->nic->port, e->index);
}

static void engine_disarm_rx(struct dp_engine *e)
{
	if (e->rx_event == DP_RX_INTERRUPT)
		rte_eth_dev_rx_intr_disable(e->nic->port, e->index);
}

void dp_engine_watch_rx(struct dp_engine *e)
{
	e->rx_event = dp_nic_rx_event(e->nic, e->index, &e->rx_fd);
	if (e->rx_event != DP_RX_NONE && dp_engine_watch(e, e->rx_fd))
		e->rx_event = DP_RX_NONE;
}

static bool engine_has_input(const struct dp_engine *e)
{
	return !rte_ring_empty(e->cmds) || !rte_ring_empty(e->handoff) ||
	       !rte_ring_empty(e->parcels) || e->has_parcel ||
	       (e->exception && e->index == 0 && !rte_ring_empty(e->exception->to_nic)) ||
	       __atomic_load_n(&e->stop, __ATOMIC_RELAXED);
}

/* An interrupt tells of what comes after it was enabled; a socket tells of what is there. */
static bool engine_has_packets(const struct dp_engine *e)
{
	return e->rx_event == DP_RX_INTERRUPT && rte_eth_rx_queue_count(e->nic->port, e->index) > 0;
}

/* How long nothing but a doorbell may end the sleep. */
static uint64_t engine_sleep_us(const struct dp_engine *e)
{
	uint64_t deadline = RTE_MIN(mn_stack_deadline(e->stack), dp_fault_deadline(&e->fault));
	uint64_t us = SLEEP_MAX_US;

	if (e->rx_event == DP_RX_NONE) {
		us = (e->now_us - e->idle_since_us) / NAP_SHARE;
		us = RTE_MIN(RTE_MAX(us, (uint64_t)NAP_MIN_US), (uint64_t)NAP_MAX_US);
	}
	if (deadline <= e->now_us)
		return 0;
	return RTE_MIN(us, deadline - e->now_us);
}

static void engine_wait(struct dp_engine *e)
{
	uint64_t us = engine_sleep_us(e);
	struct timespec ts = {
		.tv_sec = us / USEC_PER_SEC,
		.tv_nsec = us % USEC_PER_SEC * NSEC_PER_USEC,
	};
	struct epoll_event ev[8];

	e->stats.sleeps++;
	epoll_pwait2(e->epfd, ev, RTE_DIM(ev), &ts, NULL);
}

/*
 * The order matters: announce the sleep, then look once more. Whoever puts
 * something on a ring publishes it first and looks at the announcement after.
 */
static void engine_sleep(struct dp_engine *e)
{
	dp_engine_wake_control(e);
	__atomic_store_n(&e->sleeps, 1, __ATOMIC_SEQ_CST);
	engine_arm_rx(e);
	if (mn_stack_arm(e->stack) && !engine_has_input(e) && !engine_has_packets(e))
		engine_wait(e);
	mn_stack_disarm(e->stack);
	engine_disarm_rx(e);
	__atomic_store_n(&e->sleeps, 0, __ATOMIC_RELAXED);
}

/* Returns the time after it. */
static uint64_t engine_yield(struct dp_engine *e)
{
	uint64_t before = clock_ns(), after;

	sched_yield();
	after = clock_ns();
	mn_crowd_yielded(&e->crowd, before, after);
	e->yielded_us = after / NSEC_PER_USEC;
	return after;
}

static bool engine_may_yield(const struct dp_engine *e)
{
	return !mn_crowd_is(&e->crowd, e->now_us * NSEC_PER_USEC) &&
	       e->now_us - e->idle_since_us < IDLE_SPIN_US;
}

static void engine_spin_begin(struct dp_engine *e, bool yielded, uint64_t now_ns)
{
	e->spin = &e->spins[e->waits_for][yielded];
	e->spin_from_ns = now_ns;
	e->spin_until_ns = now_ns + mn_spin_begin(e->spin, e->spin_hits);
}

/*
 * The time is that of the turn that found nothing: to read the clock takes as long as a good part
 * of such a turn, and each message waits for several of them.
 */
void dp_engine_idle(struct dp_engine *e)
{
	uint64_t now_ns;

	if (!e->idle_since_us) {
		e->idle_since_us = e->now_us;
		engine_spin_begin(e, false, e->now_ns);
	}
	if (e->now_ns < e->spin_until_ns) {
		rte_pause();
		return;
	}
	mn_spin_miss(e->spin, e->spin_hits);
	e->spin_hits = 0;
	if (e->tx_count || engine_may_yield(e)) {
		now_ns = engine_yield(e);
	} else {
		engine_sleep(e);
		now_ns = clock_ns();
	}
	engine_spin_begin(e, true, now_ns);
}

/* A wait has ended. */
static void engine_idle_ends(struct dp_engine *e)
{
	mn_spin_hit(e->spin, clock_ns() - e->spin_from_ns);
	e->spin_hits++;
	e->idle_since_us = 0;
}

void dp_engine_busy(struct dp_engine *e)
{
	if (e->idle_since_us)
		engine_idle_ends(e);
	if (e->poll != MACHNET_DP_POLL_BUSY && e->now_us - e->yielded_us >= BUSY_US &&
	    !mn_crowd_is(&e->crowd, e->now_us * NSEC_PER_USEC))
		engine_yield(e);
}
