/* SPDX-License-Identifier: MIT */
/* nic.h - one network device under DPDK: found, configured with what it has, started, stopped */
#ifndef DP_NIC_H
#define DP_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/dp.h>

struct rte_mempool;

/* A burst, and the largest number of packets that one call moves. */
#define DP_BURST	32

struct dp_nic {
	uint16_t port;			/* DPDK's number of it */
	char driver[32];
	uint8_t mac[6];
	uint32_t mtu;			/* bytes of IP packet */
	unsigned int queues;		/* RX/TX pairs */
	uint16_t rx_desc, tx_desc;
	unsigned int tx_burst;		/* packets of one call that sends */
	bool udp_offload;		/* the NIC completes UDP checksums of sent packets */
	bool rx_interrupts;		/* configured with them; a driver may still have none */
	bool started;
	struct rte_mempool *pools[MACHNET_DP_ENGINES_MAX];	/* one per queue pair */
};

/*
 * Attaches cfg->device and configures as many queue pairs as cfg asks for and the
 * device has. The device does not run yet. Errors are logged.
 */
int dp_nic_open(struct dp_nic *nic, const struct machnet_dp_config *cfg);
int dp_nic_start(struct dp_nic *nic, const struct machnet_dp_config *cfg);
/* Stops, detaches and frees all; also after a failed open. */
void dp_nic_close(struct dp_nic *nic);

/* What can tell a sleeping engine that a packet has come. */
enum dp_rx_event {
	DP_RX_NONE,		/* nothing: it has to look from time to time */
	DP_RX_INTERRUPT,	/* the driver's RX interrupt, to be enabled before each sleep */
	DP_RX_SOCKET,		/* a packet socket, readable while there are packets */
};

/* The event of a queue of a started device, and its descriptor. */
enum dp_rx_event dp_nic_rx_event(const struct dp_nic *nic, uint16_t queue, int *fd);

#endif /* DP_NIC_H */
