/* SPDX-License-Identifier: MIT */
/*
 * ends.h - a channel that reports more than Microsoft's interface has
 *
 * Not installed, and of no stable ABI (symbol version MACHNET_PRIVATE): for the
 * programs and tests of this tree, until the handle interface replaces it.
 */
#ifndef MN_LIB_ENDS_H
#define MN_LIB_ENDS_H

#include <stdint.h>

#include <machnet.h>

/*
 * As machnet_attach(). On this channel
 *
 * - machnet_recv() also returns the end of a connection, once, after its last message: -1 and
 *   ESHUTDOWN (closed by the peer in order), ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ECONNABORTED
 *   (by an administrator) or ENETRESET (machnetd of this host has ended), with *flow, in which src
 *   is the peer. With src_port 0 it is a listener that the next machnetd could not have
 *   again, at dst_ip and dst_port, and the error is one of machnet_listen();
 * - a message that is longer than the buffer, EMSGSIZE, stays first in line, and
 *   machnet_pending() returns its length;
 * - sending fails with ENOTCONN where there is no such connection, or none any more;
 * - machnet_connect() fails with ECONNREFUSED at once.
 */
void *machnet_attach_ends(void);

/*
 * machnet_connect() without waiting. start() returns a token, or NULL and errno; poll() says what
 * has become of it: 0 nothing yet, 1 connected and *flow, -1 and errno; then the token is void. The
 * answer comes with what machnet_recv() looks at: call that in between.
 */
void *machnet_connect_start(void *channel_ctx, const char *remote_ip, uint16_t remote_port);
int machnet_connect_poll(void *channel_ctx, void *token, MachnetFlow_t *flow);

#endif /* MN_LIB_ENDS_H */
