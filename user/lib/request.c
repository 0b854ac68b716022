// SPDX-License-Identifier: MIT
/*
 * request.c - questions to machnetd from several threads over one socket
 *
 * One that waits for an answer while no other one reads the socket reads it for all: answers carry
 * the tag of their question.
 */
#include <sys/socket.h>

#include "lib/priv.h"

static void finish(struct mnc_channel *ch, const struct mn_app_msg *answer)
{
	struct mnc_request **p = &ch->requests;

	while (*p && (*p)->msg.tag != answer->tag)
		p = &(*p)->next;
	if (!*p)
		return;
	if (answer->type == (*p)->msg.type && answer->error >= 0)
		(*p)->msg = *answer;
	else
		(*p)->msg.error = EPROTO;
	(*p)->done = true;
	*p = (*p)->next;
}

static void finish_all(struct mnc_channel *ch, int error)
{
	while (ch->requests) {
		ch->requests->msg.error = error;
		ch->requests->done = true;
		ch->requests = ch->requests->next;
	}
}

/* One turn at the socket, with request_lock given up meanwhile. */
static void read_answer(struct mnc_channel *ch)
{
	int sock = ch->link.sock;
	struct mn_app_msg answer;
	ssize_t n;
	int err;

	ch->request_reading = true;
	pthread_mutex_unlock(&ch->request_lock);
	n = recv(sock, &answer, sizeof(answer), 0);
	err = n < 0 ? errno : 0;
	pthread_mutex_lock(&ch->request_lock);
	ch->request_reading = false;
	if (n == sizeof(answer))
		finish(ch, &answer);
	else if (err != EINTR)
		finish_all(ch, -mnc_channel_fail(ch, n > 0 ? EPROTO : ENETDOWN));
	pthread_cond_broadcast(&ch->request_cond);
}

int mnc_request(struct mnc_channel *ch, uint32_t epoch, struct mn_app_msg *msg, int fd)
{
	struct mnc_request r = { .msg = *msg };
	int err;

	pthread_mutex_lock(&ch->request_lock);
	err = ch->epoch == epoch ? mnc_channel_error(ch) : ENETDOWN;
	if (err) {
		pthread_mutex_unlock(&ch->request_lock);
		return -err;
	}
	r.msg.tag = ch->next_tag++;
	r.next = ch->requests;
	ch->requests = &r;
	if (mnc_socket_send(ch->link.sock, &r.msg, fd))
		finish_all(ch, -mnc_channel_fail(ch, ENETDOWN));
	while (!r.done) {
		if (ch->request_reading)
			pthread_cond_wait(&ch->request_cond, &ch->request_lock);
		else
			read_answer(ch);
	}
	pthread_mutex_unlock(&ch->request_lock);
	*msg = r.msg;
	return -r.msg.error;
}
