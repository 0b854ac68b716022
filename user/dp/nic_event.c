// SPDX-License-Identifier: MIT
/* nic_event.c - finds what can wake an engine when a packet arrives */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ethdev.h>
#include <rte_log.h>

#include "dp/nic.h"

static int interrupt_fd(const struct dp_nic *nic, uint16_t queue)
{
	int fd;

	if (!nic->rx_interrupts)
		return -1;
	/* Many drivers take the setting and have no interrupt: that is no error worth a line. */
	rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	fd = rte_eth_dev_rx_intr_ctl_q_get_fd(nic->port, queue);
	rte_log_set_level_pattern("lib.ethdev", RTE_LOG_ERR);
	if (fd < 0 || rte_eth_dev_rx_intr_enable(nic->port, queue))
		return -1;
	return fd;
}

static int last_fd(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	int last = -1;

	while (d && (entry = readdir(d)))
		last = RTE_MAX(last, atoi(entry->d_name));
	if (d)
		closedir(d);
	return last;
}

/*
 * net_af_packet has one packet socket per queue, opened in their order, and no
 * call that names them: they are the packet sockets among this process's descriptors.
 */
static int packet_socket(uint16_t queue)
{
	int last = last_fd();
	int domain;
	socklen_t len;

	for (int fd = 0; fd <= last; fd++) {
		len = sizeof(domain);
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_PACKET)
			continue;
		if (!queue--)
			return fd;
	}
	return -1;
}

enum dp_rx_event dp_nic_rx_event(const struct dp_nic *nic, uint16_t queue, int *fd)
{
	*fd = interrupt_fd(nic, queue);
	if (*fd >= 0)
		return DP_RX_INTERRUPT;
	if (!strcmp(nic->driver, "net_af_packet"))
		*fd = packet_socket(queue);
	return *fd >= 0 ? DP_RX_SOCKET : DP_RX_NONE;
}
