// SPDX-License-Identifier: MIT
/* link.c - what one daemon has given, from its answer to ATTACH to its end */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/priv.h"

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int alloc_tables(struct mnc_link *link)
{
	link->tx_chain = calloc(link->tx_bufs, sizeof(*link->tx_chain));
	link->tx_sent = calloc(link->tx_bufs, sizeof(*link->tx_sent));
	link->tx_runs.blocks = malloc(mn_runs_memsize(link->tx_bufs));
	link->rooms = calloc(link->flows, sizeof(*link->rooms));
	if (!link->tx_chain || !link->tx_sent || !link->tx_runs.blocks || !link->rooms)
		return -ENOMEM;
	mn_runs_init(&link->tx_runs, link->tx_runs.blocks, link->tx_bufs);
	return 0;
}

void mnc_link_init(struct mnc_link *link)
{
	*link = (struct mnc_link){
		.sock = -1, .engine_efd = -1, .bell_fd = -1, .refused = MNC_ROOM_NONE,
	};
}

int mnc_link_open(struct mnc_link *link, const int fds[MN_APP_ATTACH_FDS], uint32_t control)
{
	int ret;

	link->engine_efd = fds[1];
	link->bell_fd = fds[2];
	link->control = control;
	ret = mnc_layout_map(link, fds[0]);
	close(fds[0]);
	return ret ? ret : alloc_tables(link);
}

void mnc_link_close(struct mnc_link *link)
{
	close_fd(link->sock);
	close_fd(link->bell_fd);
	close_fd(link->engine_efd);
	if (link->hdr)
		munmap(link->hdr, link->len);
	free(link->tx_chain);
	free(link->tx_sent);
	free(link->tx_runs.blocks);
	free(link->rooms);
	mnc_link_init(link);
}
