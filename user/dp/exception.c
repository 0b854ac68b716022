// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dp/exception.h"
#include "dp/log.h"
#include "dp/nic.h"

#define EXCEPTION_RING	1024

/* MAC and MTU are set through any socket: they are the interface's, not the socket's. */
static int tap_identity(const char *name, const uint8_t mac[6], uint32_t mtu, uint32_t *ifindex)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	if (ioctl(fd, SIOCSIFHWADDR, &ifr))
		ret = -errno;
	ifr.ifr_mtu = mtu;
	if (!ret && ioctl(fd, SIOCSIFMTU, &ifr))
		ret = -errno;
	if (!ret && ioctl(fd, SIOCGIFINDEX, &ifr))
		ret = -errno;
	if (!ret)
		*ifindex = ifr.ifr_ifindex;
	close(fd);
	return ret;
}

static int tap_open(struct dp_exception *x, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	x->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (x->fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(x->fd, TUNSETIFF, &ifr))
		return -errno;
	snprintf(x->name, sizeof(x->name), "%s", ifr.ifr_name);
	return 0;
}

int dp_exception_open(struct dp_exception *x, const struct machnet_dp_config *cfg,
		      const uint8_t mac[6], uint32_t mtu)
{
	int ret;

	memset(x, 0, sizeof(*x));
	x->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	x->fd = -1;
	ret = x->efd < 0 ? -errno : tap_open(x, cfg->tap);
	if (!ret)
		ret = tap_identity(x->name, mac, mtu, &x->ifindex);
	if (ret) {
		dp_log(cfg, LOG_ERR, "cannot make the TAP device %s for the exception path: %s",
		       cfg->tap, strerror(-ret));
		return ret;
	}
	x->to_kernel = rte_ring_create("to_kernel", EXCEPTION_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	x->to_nic = rte_ring_create("to_nic", EXCEPTION_RING, SOCKET_ID_ANY,
				    RING_F_SP_ENQ | RING_F_SC_DEQ);
	return x->to_kernel && x->to_nic ? 0 : -rte_errno;
}

/* One packet of the kernel's to the ring. False when there is none. */
static bool exception_read(struct dp_exception *x)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(x->pool);
	uint8_t scratch[64];
	ssize_t len;

	if (!m) {
		/* Taken and lost, so that poll() does not report it for ever. */
		if (read(x->fd, scratch, sizeof(scratch)) <= 0)
			return false;
		x->rx_dropped++;
		return true;
	}
	len = read(x->fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
	if (len <= 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->data_len = len;
	m->pkt_len = len;
	if (rte_ring_sp_enqueue(x->to_nic, m)) {
		rte_pktmbuf_free(m);
		x->rx_dropped++;
	} else {
		x->rx_packets++;
	}
	return true;
}

static unsigned int exception_from_kernel(struct dp_exception *x)
{
	unsigned int n = 0;

	while (n < DP_BURST && exception_read(x))
		n++;
	if (n)
		x->kick(x->ctx);
	return n;
}

static unsigned int exception_write(struct dp_exception *x)
{
	struct rte_mbuf *pkts[DP_BURST];
	unsigned int n = rte_ring_sc_dequeue_burst(x->to_kernel, (void **)pkts, DP_BURST, NULL);

	for (unsigned int i = 0; i < n; i++) {
		/* A TAP that is down refuses: nobody there to take it. */
		if (rte_pktmbuf_is_contiguous(pkts[i]) &&
		    write(x->fd, rte_pktmbuf_mtod(pkts[i], void *), pkts[i]->data_len) > 0)
			x->tx_packets++;
		else
			x->tx_dropped++;
		rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

static void exception_wait(struct dp_exception *x)
{
	struct pollfd p[2] = { { x->fd, POLLIN, 0 }, { x->efd, POLLIN, 0 } };
	uint64_t count;

	__atomic_store_n(&x->sleeps, 1, __ATOMIC_SEQ_CST);
	if (rte_ring_empty(x->to_kernel) && !__atomic_load_n(&x->stop, __ATOMIC_SEQ_CST))
		poll(p, 2, -1);
	__atomic_store_n(&x->sleeps, 0, __ATOMIC_RELAXED);
	if (p[1].revents && read(x->efd, &count, sizeof(count)) < 0)
		return;
}

static void *exception_main(void *arg)
{
	struct dp_exception *x = arg;

	while (!__atomic_load_n(&x->stop, __ATOMIC_RELAXED))
		if (exception_write(x) + exception_from_kernel(x) == 0)
			exception_wait(x);
	return NULL;
}

static void exception_wake(struct dp_exception *x)
{
	uint64_t one = 1;

	if (write(x->efd, &one, sizeof(one)) < 0)
		return;	/* EAGAIN: the counter is full, so it is readable already */
}

int dp_exception_start(struct dp_exception *x, struct rte_mempool *pool, void (*kick)(void *ctx),
		       void *ctx)
{
	int ret;

	x->pool = pool;
	x->kick = kick;
	x->ctx = ctx;
	ret = -pthread_create(&x->thread, NULL, exception_main, x);
	if (ret)
		return ret;
	pthread_setname_np(x->thread, "exception");
	x->running = true;
	return 0;
}

void dp_ring_drain(struct rte_ring *r)
{
	struct rte_mbuf *m;

	while (r && rte_ring_dequeue(r, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

void dp_exception_close(struct dp_exception *x)
{
	if (x->running) {
		__atomic_store_n(&x->stop, 1, __ATOMIC_SEQ_CST);
		exception_wake(x);
		pthread_join(x->thread, NULL);
	}
	dp_ring_drain(x->to_kernel);
	dp_ring_drain(x->to_nic);
	rte_ring_free(x->to_kernel);
	rte_ring_free(x->to_nic);
	if (x->fd >= 0)
		close(x->fd);
	if (x->efd >= 0)
		close(x->efd);
}

void dp_exception_to_kernel(struct dp_exception *x, struct rte_mbuf **pkts, uint16_t n)
{
	unsigned int done = rte_ring_mp_enqueue_burst(x->to_kernel, (void **)pkts, n, NULL);

	if (done < n) {
		rte_pktmbuf_free_bulk(pkts + done, n - done);
		__atomic_fetch_add(&x->tx_dropped, n - done, __ATOMIC_RELAXED);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&x->sleeps, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&x->sleeps, 0, __ATOMIC_SEQ_CST))
		exception_wake(x);
}
