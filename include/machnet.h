/* SPDX-License-Identifier: MIT */
/*
 * machnet.h - messages between hosts through machnetd
 *
 * The interface of Microsoft's Machnet, and its behaviour: programs that were
 * written for it compile and run unchanged. machnet_fd(), machnet_wait(),
 * machnet_recv_timeout(), machnet_pending(), machnet_close() are additions.
 *
 * A channel connects this process with machnetd. On it a program listens,
 * connects, and exchanges messages of 1 byte to MACHNET_MSG_MAX_LEN bytes,
 * delivered reliably and in order per connection. A connection is named by a
 * MachnetFlow_t: the one that machnet_connect() or a machnet_recv() filled in,
 * seen from the sender of the next message: to answer a received message, swap
 * source and destination. The end of a connection is not reported: machnet_recv()
 * returns messages and nothing else, and one for a connection that has ended is
 * accepted, dropped and counted (tx_stale of "machnetctl stats").
 *
 * Every function that fails returns -1 (or NULL; machnet_sendmmsg() 0) with errno
 * set: as it says, or EINVAL for an argument that cannot be, or EPROTO when machnetd
 * and the library do not understand each other, after which the channel is of no
 * more use. Nothing here prints, aborts or changes signal handlers. A channel may be
 * used by several threads at once. After fork(2) only the parent may use it.
 *
 * A channel outlives machnetd. When machnetd ends, its connections end, and all
 * that had come is received first; when it runs again the channel serves as
 * before, and its listeners with it: machnet(7).
 *
 * Environment: MACHNET_SOCKET names the socket of machnetd
 * (default /run/machnet/machnetd.sock).
 */
#ifndef MACHNET_H
#define MACHNET_H

#include "machnet_common.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What to wait for: machnet_wait(). */
#define MACHNET_WAIT_RECV	0x1	/* something to receive */
#define MACHNET_WAIT_SEND	0x2	/* room for a message that was refused with EAGAIN */

/* A part of a message, like struct iovec. */
struct MachnetIovec {
	void *base;
	size_t len;	/* bytes */
};
typedef struct MachnetIovec MachnetIovec_t;

/* A message: its parts, its connection. */
struct MachnetMsgHdr {
	uint32_t msg_size;	/* bytes; in: to send, their sum; out: received */
	MachnetFlow_t flow_info;
	MachnetIovec_t *msg_iov;
	size_t msg_iovlen;	/* number of parts */
	uint16_t flags;		/* ignored */
};
typedef struct MachnetMsgHdr MachnetMsgHdr_t;

/*
 * Prepares the library; may be called more than once. Checks that machnetd
 * answers. 0, or -1: ENOENT, ECONNREFUSED (machnetd does not run), EACCES (its
 * socket is not ours to use), EPROTO (another version).
 */
int machnet_init(void);

/*
 * Opens a channel. Free it with machnet_detach(). NULL: as machnet_init(), and
 * ENOSPC (machnetd takes no more channels), EDQUOT (no more of this user), ENOMEM.
 */
void *machnet_attach(void);

/*
 * In Microsoft's Machnet this maps the memory of a channel. Here machnet_attach()
 * has done that and keeps its descriptor, so that no descriptor of a program is
 * one: NULL with EBADF (not open), EINVAL, and *channel_size, if given, is 0.
 */
MachnetChannelCtx_t *machnet_bind(int shm_fd, size_t *channel_size);

/*
 * Takes messages for local_ip and port (0 is EINVAL). local_ip may be NULL:
 * every address; "0.0.0.0": every IPv4 address; "::": every IPv6 address. 0, or
 * -1: EINVAL (no address), EADDRINUSE, EADDRNOTAVAIL, EACCES (a privileged
 * port), EMFILE, EDQUOT (too many ports of this user), EXDEV (machnetd is of another
 * network namespace), ENETDOWN (machnetd does not run).
 */
int machnet_listen(void *channel_ctx, const char *local_ip, uint16_t port);

/*
 * Connects to a listener. local_ip may be NULL: as the routing table says. On
 * success *flow names the connection, and no other while something of it may be
 * received. 0, or -1: EINVAL, EADDRNOTAVAIL (local_ip is not ours), EADDRINUSE
 * (what earlier connections brought is to be received first), ENETUNREACH (no route), EHOSTUNREACH
 * (no neighbour), ECONNREFUSED (for some seconds no program listened there),
 * ETIMEDOUT, ENOSPC, ENETDOWN.
 */
int machnet_connect(void *channel_ctx, const char *local_ip, const char *remote_ip,
		    uint16_t remote_port, MachnetFlow_t *flow);

/*
 * Sends one message: it is copied, buf is the caller's again on return. Never
 * blocks. 0, or -1: EAGAIN (this connection has no room; others may have some:
 * machnet_wait() for MACHNET_WAIT_SEND), EINVAL (len is 0), EMSGSIZE (over
 * MACHNET_MSG_MAX_LEN).
 */
int machnet_send(const void *channel_ctx, MachnetFlow_t flow, const void *buf, size_t len);

/* The same from several parts; msg_size must be their sum (EINVAL). */
int machnet_sendmsg(const void *channel_ctx, const MachnetMsgHdr_t *msghdr);

/* Several messages. Returns how many were sent; errno says why the next one was not. */
int machnet_sendmmsg(const void *channel_ctx, const MachnetMsgHdr_t *msghdr_iovec, int vlen);

/*
 * Receives one message. Returns its length, 0 when there is none now. -1:
 * EMSGSIZE (it was longer than len, and is dropped; machnet_pending() returns the
 * length before). *flow is the connection as the peer sees it: src is the peer.
 */
ssize_t machnet_recv(const void *channel_ctx, void *buf, size_t len, MachnetFlow_t *flow);

/* The same into several parts: 1 for a message, 0, -1. Sets msg_size, flow_info. */
int machnet_recvmsg(const void *channel_ctx, MachnetMsgHdr_t *msghdr);

/*
 * Like machnet_recv(), but waits up to timeout_ms milliseconds (-1: for ever)
 * for a message. 0 when the time has passed. -1 also with EINTR.
 */
ssize_t machnet_recv_timeout(const void *channel_ctx, void *buf, size_t len, MachnetFlow_t *flow,
			     int timeout_ms);

/*
 * Waits for any of events (MACHNET_WAIT_*) up to timeout_ms milliseconds (-1:
 * for ever). Gives the processor away while it waits. Returns the events that
 * came, 0 when the time has passed, -1: EINVAL, EINTR. A send is no reason to
 * wait when machnetd has ended.
 */
int machnet_wait(const void *channel_ctx, int events, int timeout_ms);

/* Bytes of the message that machnet_recv() would return; 0: none now. */
size_t machnet_pending(const void *channel_ctx);

/*
 * A descriptor for poll(2), epoll(7), libuv or asyncio: readable when
 * machnet_recv() has something, or a send refused with EAGAIN may be tried
 * again. Each time it is: call machnet_recv() until it returns 0, and try what
 * was refused again. It belongs to the channel: do not close, read or write it.
 */
int machnet_fd(const void *channel_ctx);

/*
 * Closes a connection in order: messages already sent are delivered first. Here
 * nothing more is received of it, not even what has come already. The flow is the
 * one for sending. 0, or -1: ENOTCONN.
 */
int machnet_close(const void *channel_ctx, MachnetFlow_t flow);

/*
 * Ends the channel and its listeners. Messages already sent are delivered, then its connections are
 * closed in order; machnetd does it without the program, as after exit(3).
 */
void machnet_detach(const void *channel_ctx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MACHNET_H */
