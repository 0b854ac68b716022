/* SPDX-License-Identifier: MIT */
/*
 * priv.h - libmachnet's side of a channel
 *
 * Locks, in the order in which they are taken: recv_lock, send_lock, flow_lock;
 * wait_lock is taken last. request_lock is never held together with another one.
 *
 * Nothing that comes from the daemon is believed: indices, lengths and links are
 * read once and checked. What does not fit ends the channel with EPROTO; a
 * program never crashes by it.
 */
#ifndef MN_LIB_PRIV_H
#define MN_LIB_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/addr.h>
#include <machnet/machnet.h>
#include <machnet/shm.h>
#include "core/app_proto.h"
#include "core/ring.h"
#include "nlclient.h"

enum mnc_flow_state {
	MNC_FLOW_LIVE,
	MNC_FLOW_ENDED,		/* kept while a connect is under way, see mnc_flow_end() */
	MNC_FLOW_CLOSED,	/* kept until its OPEN comes, see mnc_flow_close() */
};

/* A connection; both hash tables link it. */
struct mnc_flow {
	MachnetFlow_t key;	/* for sending: src is here */
	uint32_t handle;
	enum mnc_flow_state state;
	bool opened;		/* its OPEN has come */
	struct mnc_flow *next_key, *next_handle;
};

struct mnc_flows {
	struct mnc_flow **by_key, **by_handle;
	uint32_t buckets;	/* power of two, 0 before the first flow */
	uint32_t count;
	uint32_t connecting;	/* machnet_connect() calls under way */
	uint32_t ended;		/* flows that are MNC_FLOW_ENDED */
};

/* A request that waits for its answer. */
struct mnc_request {
	struct mn_app_msg msg;	/* the question, then the answer */
	bool done;
	struct mnc_request *next;
};

struct mnc_channel {
	struct mn_shm_header *hdr;
	uint64_t len;
	int sock;		/* to machnetd: its end is the end of the channel */
	int engine_efd;		/* written to wake the engine */
	int bell_fd;		/* readable: the engine has posted something */
	uint32_t control;	/* enum mn_app_control */
	uint32_t error;		/* errno of the channel's end, 0 while it lives; atomic */

	pthread_mutex_t send_lock;
	struct mn_ring tx, txc;
	uint8_t *tx_data;
	uint32_t *tx_links;	/* shared, written only */
	uint32_t *tx_chain;	/* private copy of it */
	bool *tx_sent;		/* first buffer of a message that the engine holds */
	uint32_t *tx_free;	/* stack */
	uint32_t tx_free_count, tx_bufs;
	uint32_t tx_wanted;	/* buffers that the last refused message needs; atomic; 0: none */

	pthread_mutex_t recv_lock;
	struct mn_ring rx, rxc;
	const uint8_t *rx_data;
	const uint32_t *rx_links;
	uint32_t rx_bufs;
	struct mn_desc head;	/* taken from rx, not received yet; type NONE: there is none */
	uint32_t returned_bytes;	/* put on rxc and not published */
	uint32_t idle_calls;	/* receives in vain since the daemon was last looked after */

	pthread_mutex_t flow_lock;
	struct mnc_flows flows;

	pthread_mutex_t wait_lock;
	pthread_cond_t wait_cond;
	bool wait_busy;		/* a thread is in poll(2) on bell_fd */
	uint32_t wait_turns;	/* how often such a thread came back */
	int64_t crowded_until_ns;	/* no use to yield before; atomic */
	int epfd;		/* machnet_fd(); -1 before its first call; atomic */
	int self_efd;		/* in epfd: readable by our own doing */
	bool self_signalled;	/* something was written to self_efd; atomic */

	pthread_mutex_t request_lock;
	pthread_cond_t request_cond;
	struct mnc_request *requests;
	uint32_t next_tag;
	bool request_reading;	/* a thread is in recv(2) on sock */

	pthread_mutex_t port_lock;	/* held over the requests that go with a reservation */
	struct nlclient *nl;	/* owns the port reservations; NULL before the first */
};

/* socket.c */
int mnc_socket_connect(void);
/* One question before any other thread has the socket. fds may be NULL. */
int mnc_socket_ask(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS]);

/* layout.c: maps and checks the memory; -EPROTO. */
int mnc_layout_map(struct mnc_channel *ch, int memfd);

/* request.c: asks and waits for the answer; its error as -errno. */
int mnc_request(struct mnc_channel *ch, struct mn_app_msg *msg);

/* flow.c; all take flow_lock themselves. */
void mnc_flow_from_info(const struct mn_shm_flow *info, uint32_t handle, MachnetFlow_t *key);
/* A connection's OPEN has come. -ENOMEM. */
int mnc_flow_open(struct mnc_channel *ch, uint32_t handle, const MachnetFlow_t *key);
/* The answer to a connect has come, and says *key; what OPEN has said counts more. -ENOMEM. */
int mnc_flow_connected(struct mnc_channel *ch, uint32_t handle, MachnetFlow_t *key);
/* The connection's end was told: sending to it is over. */
void mnc_flow_end(struct mnc_channel *ch, uint32_t handle);
/* The program has closed it: nothing more of it is sent or received. */
void mnc_flow_close(struct mnc_channel *ch, uint32_t handle);
/* Of live flows. -ENOENT. */
int mnc_flow_key(struct mnc_channel *ch, uint32_t handle, MachnetFlow_t *key);
int mnc_flow_handle(struct mnc_channel *ch, const MachnetFlow_t *key, uint32_t *handle);
/* Around a connect: while one is under way an ended flow is remembered. */
void mnc_flow_connect_begin(struct mnc_channel *ch);
void mnc_flow_connect_end(struct mnc_channel *ch);
void mnc_flows_free(struct mnc_channel *ch);

/* state.c: the life of the channel and its doorbells. */
/* 0 or the errno with which the channel has ended. */
int mnc_channel_error(struct mnc_channel *ch);
/* Ends it; the first error stays. Returns -error. */
int mnc_channel_fail(struct mnc_channel *ch, int error);
/* Asks the kernel whether the daemon is still there. 0 or -errno. */
int mnc_channel_probe(struct mnc_channel *ch);
/* Wakes the engine if it sleeps; after publishing. */
void mnc_wake_engine(struct mnc_channel *ch);
/* Asks to be woken on MN_SHM_WAKE_*; look at the rings once more afterwards. */
void mnc_arm(struct mnc_channel *ch, uint32_t wake);
bool mnc_armed(struct mnc_channel *ch, uint32_t wake);

/* send.c: room for the message that was refused last. 1, 0 or -errno. Takes send_lock. */
int mnc_send_ready(struct mnc_channel *ch);
/* recv.c: something to receive. 1, 0 or -errno. Takes recv_lock. */
int mnc_recv_ready(struct mnc_channel *ch);

/* fd.c: after a receive in vain: makes machnet_fd() fall silent. False: look once more. */
bool mnc_fd_quiet(struct mnc_channel *ch);
static inline bool mnc_fd_used(struct mnc_channel *ch)
{
	return __atomic_load_n(&ch->epfd, __ATOMIC_ACQUIRE) >= 0;
}
/* Makes machnet_fd() readable until the next receive in vain. */
void mnc_fd_signal(struct mnc_channel *ch);
/* Empties the doorbell. */
void mnc_bell_drain(struct mnc_channel *ch);

#endif /* MN_LIB_PRIV_H */
