// SPDX-License-Identifier: MIT
/* attach.c - machnet_init(), machnet_attach(), machnet_bind(), machnet_detach() */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ends.h"
#include "lib/priv.h"

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int machnet_init(void)
{
	struct mn_app_msg msg = { .type = MN_APP_INFO };
	int sock = mnc_socket_connect(false);
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
	pthread_mutex_init(&ch->port_lock, NULL);
	pthread_mutex_init(&ch->recv_lock, NULL);
	pthread_mutex_init(&ch->send_lock, NULL);
	pthread_mutex_init(&ch->flow_lock, NULL);
	pthread_mutex_init(&ch->wait_lock, NULL);
	pthread_mutex_init(&ch->request_lock, NULL);
	pthread_cond_init(&ch->request_cond, NULL);
}

static void destroy_locks(struct mnc_channel *ch)
{
	pthread_cond_destroy(&ch->request_cond);
	pthread_mutex_destroy(&ch->request_lock);
	pthread_mutex_destroy(&ch->wait_lock);
	pthread_mutex_destroy(&ch->flow_lock);
	pthread_mutex_destroy(&ch->send_lock);
	pthread_mutex_destroy(&ch->recv_lock);
	pthread_mutex_destroy(&ch->port_lock);
}

static int open_channel(struct mnc_channel *ch)
{
	struct mn_app_msg msg = { .type = MN_APP_ATTACH };
	int fds[MN_APP_ATTACH_FDS];
	int ret;

	ch->link.sock = mnc_socket_connect(false);
	if (ch->link.sock < 0)
		return ch->link.sock;
	ret = mnc_socket_ask(ch->link.sock, &msg, fds);
	return ret ? ret : mnc_link_open(&ch->link, fds, msg.control);
}

static void *attach(bool ends)
{
	struct mnc_channel *ch = aligned_alloc(MN_SHM_CACHELINE, sizeof(*ch));
	int ret;

	if (!ch)
		return NULL;
	memset(ch, 0, sizeof(*ch));
	mnc_link_init(&ch->link);
	mnc_link_init(&ch->next.link);
	ch->epfd = ch->self_efd = ch->timer_fd = -1;
	ch->kept_end = &ch->kept;
	ch->ends = ends;
	init_locks(ch);
	ret = open_channel(ch);
	if (!ret)
		return ch;
	machnet_detach(ch);
	errno = -ret;
	return NULL;
}

void *machnet_attach(void)
{
	return attach(false);
}

__attribute__((visibility("default"))) void *machnet_attach_ends(void)
{
	return attach(true);
}

MachnetChannelCtx_t *machnet_bind(int shm_fd, size_t *channel_size)
{
	if (channel_size)
		*channel_size = 0;
	/* EBADF is said by fcntl(2). */
	if (fcntl(shm_fd, F_GETFD) >= 0)
		errno = EINVAL;
	return NULL;
}

void machnet_detach(const void *channel_ctx)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;

	if (!ch)
		return;
	close_fd(ch->epfd);
	close_fd(ch->self_efd);
	close_fd(ch->timer_fd);
	/* The daemon's side goes first, so that the ports are out of use when they are released. */
	mnc_reattach_stop(ch);
	mnc_link_close(&ch->link);
	mnc_listeners_free(ch);
	while (ch->kept)
		mnc_kept_drop(ch);
	mnc_flows_free(ch);
	destroy_locks(ch);
	free(ch);
}
