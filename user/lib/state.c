// SPDX-License-Identifier: MIT
/* state.c - whether a link lives, and the doorbells of both sides */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/priv.h"

#define ERRNO_MAX	4095

int64_t mnc_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int mnc_channel_error(struct mnc_channel *ch)
{
	return __atomic_load_n(&ch->error, __ATOMIC_ACQUIRE);
}

int mnc_channel_look(struct mnc_channel *ch)
{
	uint32_t err = mnc_channel_error(ch);

	if (err)
		return -(int)err;
	err = __atomic_load_n(&ch->link.hdr->closed, __ATOMIC_ACQUIRE);
	if (!err)
		return 0;
	return mnc_channel_fail(ch, err <= ERRNO_MAX ? (int)err : EPROTO);
}

int mnc_channel_fail(struct mnc_channel *ch, int error)
{
	uint32_t first = 0;

	if (__atomic_compare_exchange_n(&ch->error, &first, error, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		first = error;
	/* Whoever sleeps on the socket, in whatever call, comes back. */
	shutdown(ch->link.sock, SHUT_RDWR);
	return -(int)first;
}

int mnc_channel_probe(struct mnc_channel *ch)
{
	struct pollfd p = { ch->link.sock, 0, 0 };
	int ret = mnc_channel_look(ch);

	if (ret)
		return ret;
	if (poll(&p, 1, 0) > 0)
		return mnc_channel_fail(ch, ENETDOWN);
	return 0;
}

int mnc_channel_corrupt(struct mnc_channel *ch)
{
	mnc_channel_probe(ch);
	return mnc_channel_fail(ch, EPROTO);
}

void mnc_wake_engine(struct mnc_channel *ch, uint32_t wake)
{
	const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&ch->link.hdr->engine_sleeps, __ATOMIC_RELAXED) & wake) ||
	    !__atomic_exchange_n(&ch->link.hdr->engine_sleeps, 0, __ATOMIC_RELAXED))
		return;
	/* The counter is never read: at its end after 2^64 wake-ups, or never. */
	if (write(ch->link.engine_efd, &one, sizeof(one)) < 0)
		mnc_channel_probe(ch);
}

void mnc_arm(struct mnc_channel *ch, uint32_t wake)
{
	__atomic_fetch_or(&ch->link.hdr->app_sleeps, wake, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool mnc_armed(struct mnc_channel *ch, uint32_t wake)
{
	return (__atomic_load_n(&ch->link.hdr->app_sleeps, __ATOMIC_RELAXED) & wake) == wake;
}
