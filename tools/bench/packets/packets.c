// SPDX-License-Identifier: MIT
/*
 * packets.c - what a device moves by itself, without any transport on it
 *
 * One side keeps a window of packets under way, the other returns them as they are. Device,
 * rings and buffers are set up by the code that machnetd uses; that is what makes the number
 * one to compare with.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dp/eal.h"
#include "dp/hugepages.h"
#include "dp/nic.h"

/* For experiments: no protocol of the kernel's takes such packets. */
#define ETHERTYPE	0x88b5
/* Packets that have not come back for so long are lost. */
#define LOST_NS		10000000ull

static volatile sig_atomic_t stop;

struct flood {
	struct dp_nic *nic;
	uint16_t bytes;
	uint32_t window, under_way;
	uint64_t sent, returned, lost;
};

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void on_log(void *ctx, int priority, const char *text)
{
	(void)ctx, (void)priority;
	fprintf(stderr, "bench-packets: %s\n", text);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static bool is_ours(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type ==
	       rte_cpu_to_be_16(ETHERTYPE);
}

/* Receives a burst of ours; gives way to the other side when there is none. */
static uint16_t receive(const struct dp_nic *nic, struct rte_mbuf **pkts)
{
	uint16_t n = rte_eth_rx_burst(nic->port, 0, pkts, DP_BURST), kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (is_ours(pkts[i]))
			pkts[kept++] = pkts[i];
		else
			rte_pktmbuf_free(pkts[i]);
	}
	if (!n)
		sched_yield();
	return kept;
}

/* How many the device took; the rest is freed. */
static uint16_t transmit(const struct dp_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent = rte_eth_tx_burst(nic->port, 0, pkts, n);

	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	return sent;
}

static void echo(const struct dp_nic *nic)
{
	struct rte_mbuf *pkts[DP_BURST];
	uint16_t n;

	while (!stop) {
		n = receive(nic, pkts);
		if (n)
			transmit(nic, pkts, n);
	}
}

static void write_packet(struct rte_mbuf *m, const struct flood *f)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	memset(eth, 0, f->bytes);
	memset(&eth->dst_addr, 0xff, sizeof(eth->dst_addr));
	memcpy(&eth->src_addr, f->nic->mac, sizeof(f->nic->mac));
	eth->ether_type = rte_cpu_to_be_16(ETHERTYPE);
	m->data_len = m->pkt_len = f->bytes;
}

static void fill_window(struct flood *f)
{
	struct rte_mbuf *pkts[DP_BURST];
	uint16_t n = RTE_MIN(f->window - f->under_way, (uint32_t)DP_BURST);

	if (!n || rte_pktmbuf_alloc_bulk(f->nic->pools[0], pkts, n))
		return;
	for (uint16_t i = 0; i < n; i++)
		write_packet(pkts[i], f);
	n = transmit(f->nic, pkts, n);
	f->under_way += n;
	f->sent += n;
}

static void flood(struct flood *f, double seconds)
{
	struct rte_mbuf *pkts[DP_BURST];
	uint64_t start = now_ns(), now = start, heard = start;
	uint16_t n;

	while (!stop && now - start < seconds * NS_PER_S) {
		fill_window(f);
		n = receive(f->nic, pkts);
		now = now_ns();
		rte_pktmbuf_free_bulk(pkts, n);
		/* One that was given up may come back late. */
		f->under_way -= RTE_MIN(f->under_way, n);
		f->returned += n;
		if (n) {
			heard = now;
		} else if (now - heard > LOST_NS) {
			f->under_way = 0;
			heard = now;
		}
	}
	f->lost = f->sent - f->returned - f->under_way;
	seconds = (double)(now - start) / NS_PER_S;
	printf("{\"bytes\": %u, \"window\": %u, \"seconds\": %.6f, \"packets\": %llu, "
	       "\"lost\": %llu, \"rate\": %.1f, \"gbps\": %.6f}\n",
	       f->bytes, f->window, seconds, (unsigned long long)f->returned,
	       (unsigned long long)f->lost, f->returned / seconds,
	       f->returned * f->bytes * 8 / seconds / 1e9);
}

static int usage(void)
{
	fprintf(stderr,
		"Usage: bench-packets DEVICE echo\n"
		"       bench-packets DEVICE flood BYTES WINDOW SECONDS\n"
		"DEVICE is a DPDK vdev. echo says \"ready\" and returns packets until SIGTERM;\n"
		"flood keeps WINDOW packets of BYTES (60 to 1514) under way, reports as JSON.\n");
	return 2;
}

/* 0, or the exit status. */
static int parse(int argc, char **argv, struct flood *f, double *seconds)
{
	if (argc == 3 && !strcmp(argv[2], "echo"))
		return 0;
	if (argc != 6 || strcmp(argv[2], "flood"))
		return usage();
	f->bytes = atoi(argv[3]);
	f->window = atoi(argv[4]);
	*seconds = atof(argv[5]);
	return f->bytes >= 60 && f->bytes <= 1514 && f->window && *seconds > 0 ? 0 : usage();
}

int main(int argc, char **argv)
{
	struct machnet_dp_config cfg = { .engines = 1, .log = on_log };
	struct sigaction sa = { .sa_handler = on_signal };
	struct dp_nic nic;
	struct flood f = { .nic = &nic };
	double seconds = 0;
	int ret = parse(argc, argv, &f, &seconds);

	if (ret)
		return ret;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	cfg.device = argv[1];
	if (dp_eal_init(&cfg))
		return 1;
	ret = dp_nic_open(&nic, &cfg);
	if (!ret)
		ret = dp_nic_start(&nic, &cfg);
	if (!ret && f.window) {
		flood(&f, seconds);
	} else if (!ret) {
		printf("ready\n");
		fflush(stdout);
		echo(&nic);
	}
	dp_nic_close(&nic);
	dp_hugepages_release();
	return ret ? 1 : 0;
}
