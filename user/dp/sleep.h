/* SPDX-License-Identifier: MIT */
/*
 * sleep.h - what an engine does when there is nothing to do
 *
 * First it gives the processor away at each turn, so that whoever shares the
 * core runs now and not at the next scheduler tick. After IDLE_SPIN_US of that
 * it sleeps on its doorbells, and on the device where that can tell of a packet. Where
 * it cannot, the sleep is a nap: short at first, longer the longer nothing comes.
 */
#ifndef DP_SLEEP_H
#define DP_SLEEP_H

struct dp_engine;

/* A turn had nothing to do; a turn had. */
void dp_engine_idle(struct dp_engine *e);
void dp_engine_busy(struct dp_engine *e);

/* The engine's sleep ends when fd becomes readable; fd is never read by it. */
int dp_engine_watch(struct dp_engine *e, int fd);
void dp_engine_unwatch(struct dp_engine *e, int fd);

/* Once, when the device runs: finds out whether RX interrupts work. */
void dp_engine_watch_rx(struct dp_engine *e);

#endif /* DP_SLEEP_H */
