// SPDX-License-Identifier: MIT
/* state.c - whether a channel lives, and the doorbells of both sides */
#include <poll.h>
#include <unistd.h>

#include "lib/priv.h"

#define ERRNO_MAX	4095

int mnc_channel_error(struct mnc_channel *ch)
{
	uint32_t err = __atomic_load_n(&ch->error, __ATOMIC_RELAXED);

	if (err)
		return err;
	err = __atomic_load_n(&ch->hdr->closed, __ATOMIC_ACQUIRE);
	if (!err)
		return 0;
	return -mnc_channel_fail(ch, err <= ERRNO_MAX ? (int)err : EPROTO);
}

int mnc_channel_fail(struct mnc_channel *ch, int error)
{
	uint32_t alive = 0;

	if (__atomic_compare_exchange_n(&ch->error, &alive, error, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return -error;
	return -(int)alive;
}

int mnc_channel_probe(struct mnc_channel *ch)
{
	struct pollfd p = { ch->sock, 0, 0 };
	int err = mnc_channel_error(ch);

	if (err)
		return -err;
	if (poll(&p, 1, 0) > 0)
		return mnc_channel_fail(ch, ENETDOWN);
	return 0;
}

void mnc_wake_engine(struct mnc_channel *ch)
{
	const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&ch->hdr->engine_sleeps, __ATOMIC_RELAXED) ||
	    !__atomic_exchange_n(&ch->hdr->engine_sleeps, 0, __ATOMIC_RELAXED))
		return;
	/* The counter is never read: at its end after 2^64 wake-ups, or never. */
	if (write(ch->engine_efd, &one, sizeof(one)) < 0)
		mnc_channel_probe(ch);
}

void mnc_arm(struct mnc_channel *ch, uint32_t wake)
{
	__atomic_fetch_or(&ch->hdr->app_sleeps, wake, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool mnc_armed(struct mnc_channel *ch, uint32_t wake)
{
	return (__atomic_load_n(&ch->hdr->app_sleeps, __ATOMIC_RELAXED) & wake) == wake;
}
