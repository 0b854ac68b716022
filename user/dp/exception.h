/* SPDX-License-Identifier: MIT */
/*
 * exception.h - everything that is not Machnet's, to and from the kernel
 *
 * A TAP netdev that looks like the NIC. One thread of its own reads and writes
 * it, so that no engine makes a system call per packet; rings lie between.
 */
#ifndef DP_EXCEPTION_H
#define DP_EXCEPTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <machnet/dp.h>

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

struct dp_exception {
	int fd;				/* TAP */
	uint32_t ifindex;
	char name[16];
	struct rte_ring *to_kernel;	/* engines -> thread */
	struct rte_ring *to_nic;	/* thread -> engine 0 */
	struct rte_mempool *pool;	/* for what comes from the kernel */
	int efd;			/* wakes the thread */
	uint32_t sleeps;		/* the thread is about to wait: write efd */
	uint32_t stop;
	void (*kick)(void *ctx);	/* wakes engine 0 */
	void *ctx;
	pthread_t thread;
	bool running;
	uint64_t rx_packets, tx_packets;	/* from and to the kernel */
	uint64_t rx_dropped, tx_dropped;	/* ring full, no buffer, TAP refused */
};

/* Makes the TAP with the NIC's MAC and MTU, not up yet. Errors are logged. */
int dp_exception_open(struct dp_exception *x, const struct machnet_dp_config *cfg,
		      const uint8_t mac[6], uint32_t mtu);
int dp_exception_start(struct dp_exception *x, struct rte_mempool *pool, void (*kick)(void *ctx),
		       void *ctx);
void dp_exception_close(struct dp_exception *x);

/* An engine gives packets to the kernel; takes all of them, drops and counts what does not fit. */
void dp_exception_to_kernel(struct dp_exception *x, struct rte_mbuf **pkts, uint16_t n);

/* Frees the mbufs that are left on a ring; NULL is fine. */
void dp_ring_drain(struct rte_ring *r);

#endif /* DP_EXCEPTION_H */
