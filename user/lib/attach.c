// SPDX-License-Identifier: MIT
/* attach.c - machnet_init(), machnet_attach(), machnet_detach() */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/priv.h"

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int machnet_init(void)
{
	struct mn_app_msg msg = { .type = MN_APP_INFO };
	int sock = mnc_socket_connect();
	int ret = sock;

	if (sock >= 0) {
		ret = mnc_socket_ask(sock, &msg, NULL);
		close(sock);
	}
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

static void init_locks(struct mnc_channel *ch)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&ch->send_lock, NULL);
	pthread_mutex_init(&ch->recv_lock, NULL);
	pthread_mutex_init(&ch->flow_lock, NULL);
	pthread_mutex_init(&ch->wait_lock, NULL);
	pthread_mutex_init(&ch->request_lock, NULL);
	pthread_mutex_init(&ch->port_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ch->wait_cond, &attr);
	pthread_cond_init(&ch->request_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static int alloc_tables(struct mnc_channel *ch)
{
	ch->tx_chain = calloc(ch->tx_bufs, sizeof(*ch->tx_chain));
	ch->tx_sent = calloc(ch->tx_bufs, sizeof(*ch->tx_sent));
	ch->tx_free = calloc(ch->tx_bufs, sizeof(*ch->tx_free));
	if (!ch->tx_chain || !ch->tx_sent || !ch->tx_free)
		return -ENOMEM;
	while (ch->tx_free_count < ch->tx_bufs) {
		ch->tx_free[ch->tx_free_count] = ch->tx_bufs - 1 - ch->tx_free_count;
		ch->tx_free_count++;
	}
	return 0;
}

static int open_channel(struct mnc_channel *ch)
{
	struct mn_app_msg msg = { .type = MN_APP_ATTACH };
	int fds[MN_APP_ATTACH_FDS];
	int ret;

	ch->sock = mnc_socket_connect();
	if (ch->sock < 0)
		return ch->sock;
	ret = mnc_socket_ask(ch->sock, &msg, fds);
	if (ret)
		return ret;
	ch->engine_efd = fds[1];
	ch->bell_fd = fds[2];
	ch->control = msg.control;
	ret = mnc_layout_map(ch, fds[0]);
	close(fds[0]);
	return ret ? ret : alloc_tables(ch);
}

void *machnet_attach(void)
{
	struct mnc_channel *ch = calloc(1, sizeof(*ch));
	int ret;

	if (!ch)
		return NULL;
	ch->sock = ch->engine_efd = ch->bell_fd = ch->epfd = ch->self_efd = -1;
	init_locks(ch);
	ret = open_channel(ch);
	if (!ret)
		return ch;
	machnet_detach(ch);
	errno = -ret;
	return NULL;
}

void machnet_detach(const void *channel_ctx)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;

	if (!ch)
		return;
	/* The daemon's side goes first, so that the ports are out of use when they are released. */
	close_fd(ch->sock);
	if (ch->nl)
		nlclient_close(ch->nl);
	free(ch->nl);
	close_fd(ch->epfd);
	close_fd(ch->self_efd);
	close_fd(ch->bell_fd);
	close_fd(ch->engine_efd);
	if (ch->hdr)
		munmap(ch->hdr, ch->len);
	mnc_flows_free(ch);
	free(ch->tx_chain);
	free(ch->tx_sent);
	free(ch->tx_free);
	pthread_cond_destroy(&ch->request_cond);
	pthread_cond_destroy(&ch->wait_cond);
	pthread_mutex_destroy(&ch->port_lock);
	pthread_mutex_destroy(&ch->request_lock);
	pthread_mutex_destroy(&ch->wait_lock);
	pthread_mutex_destroy(&ch->flow_lock);
	pthread_mutex_destroy(&ch->recv_lock);
	pthread_mutex_destroy(&ch->send_lock);
	free(ch);
}
