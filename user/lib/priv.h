/* SPDX-License-Identifier: MIT */
/*
 * priv.h - libmachnet's side of a channel
 *
 * A channel outlives the daemons that serve it: what belongs to one of them is
 * its link. When the daemon dies the link is down (error is ENETDOWN) and stays
 * mapped, so that what has come is still received; the next daemon's link takes
 * its place (reattach.c).
 *
 * Locks, in the order in which they are taken: port_lock, recv_lock, send_lock,
 * flow_lock, wait_lock, request_lock. The link is replaced with all of them held,
 * and only while no thread is in a system call on its descriptors: so each of
 * them, and wait_polls and request_reading, keep it as it is.
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
#include <machnet.h>
#include <machnet/shm.h>
#include "base/spin.h"
#include "channel/app_proto.h"
#include "channel/ring.h"
#include "channel/runs.h"
#include "nlclient.h"

/* A connection; both hash tables link it. */
struct mnc_flow {
	MachnetFlow_t key;	/* for sending: src is here */
	uint64_t handle;
	bool ended;		/* its end was kept, and is still to be received */
	struct mnc_flow *next_key, *next_handle;
};

struct mnc_flows {
	struct mnc_flow **by_key, **by_handle;
	uint32_t buckets;	/* power of two, 0 before the first flow */
	uint32_t count;
	uint64_t changes;	/* counts them; atomic, written with flow_lock */
	uint32_t no_live_below;	/* buckets by handle in which all flows have ended */
};

/* The connection that was looked up last: the next message is likely one of the same. */
struct mnc_flow_hint {
	MachnetFlow_t key;
	uint64_t handle;
	uint64_t changes;	/* of the table, when it was true */
	bool valid;
};

/* A request that waits for its answer. */
struct mnc_request {
	struct mn_app_msg msg;	/* the question, then the answer */
	bool done;
	struct mnc_request *next;
};

/* A connect that waits for its answer on RX. */
struct mnc_connect {
	uint64_t request;	/* its number */
	uint32_t epoch;
	bool done;
	int error;		/* of the answer, 0: flow and handle are set */
	MachnetFlow_t flow;
	uint64_t handle;	/* with EADDRINUSE, too: what is to be closed */
	struct mnc_connect *next;
};

/* What a program has asked to listen on; the next daemon is asked for it again. */
struct mnc_listener {
	struct mn_addr addr;
	uint16_t port;
	int fd;			/* bound to them: base/udp_port.h */
	struct nlclient *nl;	/* has lent fd to the kernel module; NULL: nothing has */
	uint64_t cookie;	/* of the lent port, else 0 */
	int error;		/* why the next daemon does not take it */
	struct mnc_listener *next;
};

/*
 * A message or an end that was taken off the ring and not received: so that the answer to a connect
 * was found behind it, or because its daemon is gone (which has left ends unsaid).
 */
struct mnc_kept {
	MachnetFlow_t flow;	/* as the peer sees it */
	uint64_t handle;	/* MN_SHM_FLOW_NONE: of a link that is gone */
	int error;		/* of an end; 0: a message */
	uint32_t len;
	struct mnc_kept *next;
	uint8_t data[];
};

/*
 * What the connections of a slot have queued (shm.h, "Accounts"). Sent and released count
 * modulo 2^32; released is what the engine's counters said last.
 */
struct mnc_room {
	uint32_t inline_sent, inline_released;	/* bytes */
	uint32_t bufs_sent, bufs_released;
	uint32_t refused;	/* length of a message that found no room here; 0: none */
	uint32_t next;		/* in the list of those with refused messages */
	bool listed;
};

#define MNC_ROOM_NONE	UINT32_MAX
/* Messages longer than this share half of the buffers. */
#define MNC_ROOM_LARGE	(64u * 1024)

/* Begins what another thread writes: one that sends and one that receives share no line. */
#define MNC_LINE	__attribute__((aligned(MN_SHM_CACHELINE)))

/* What one daemon has given. */
struct mnc_link {
	struct mn_shm_header *hdr;
	uint64_t len;
	int sock;		/* to machnetd: its end is the end of the link */
	int engine_efd;		/* written to wake the engine */
	int bell_fd;		/* readable: the engine has posted something */
	uint32_t control;	/* enum mn_app_control */

	/* send_lock */
	struct mn_ring tx MNC_LINE;
	struct mn_ring txc;
	uint8_t *tx_data;
	uint32_t *tx_links;	/* shared, written only */
	uint32_t *tx_chain;	/* private copy of it */
	bool *tx_sent;		/* first buffer of a message that the engine holds */
	struct mn_runs tx_runs;	/* free buffers */
	uint32_t tx_bufs;
	uint32_t tx_large;	/* buffers of messages over MNC_ROOM_LARGE that the engine holds */
	uint32_t flows;		/* slots of connections */
	const struct mn_shm_tx_done *tx_done;	/* shared */
	struct mnc_room *rooms;	/* per slot */
	uint64_t inline_queued;	/* bytes, over all slots */
	uint32_t sweep;		/* the slot to be refreshed next */
	uint32_t refused;	/* first slot with a refused message, MNC_ROOM_NONE */

	/* recv_lock */
	struct mn_ring rx MNC_LINE;
	struct mn_ring rxc;
	const uint8_t *rx_data;
	const uint32_t *rx_links;
	uint32_t *rx_done;	/* shared, written only */
	uint32_t rx_bufs;
	/* Taken from rx, not received yet; NONE: there is none. What is inline is still there. */
	struct mn_desc head;
	uint32_t rx_released;	/* rx's index as the engine knows it */
	uint32_t returned_bytes;	/* put on rxc and not published */
	bool rx_over;		/* of a link that is down all was read, or nonsense was found */
};

/* How far the next daemon has come. */
enum mnc_stage {
	MNC_ABSENT,
	MNC_ATTACHING,		/* it was asked for a channel */
	MNC_LISTENING,		/* it was asked for the port of listener */
	MNC_READY,		/* its link may replace the one that is down */
};

struct mnc_next {
	enum mnc_stage stage;
	struct mnc_link link;
	struct mnc_listener *listener;
};

struct mnc_channel {
	struct mnc_link link;
	bool ends;		/* machnet_attach_ends(); else as Microsoft's Machnet */
	/* number of the link; like it, written with all locks */
	uint32_t epoch MNC_LINE;
	uint32_t error;		/* errno of the link's end, 0 while it lives; atomic */

	pthread_mutex_t port_lock;	/* held over requests for ports and over re-attaching */
	struct mnc_listener *listeners;
	struct mnc_next next;
	int64_t next_try_ns;	/* before it re-attaching is not tried; atomic */

	pthread_mutex_t recv_lock MNC_LINE;
	struct mnc_kept *kept, **kept_end;	/* received before anything of the link */
	struct mnc_connect *connects;
	uint64_t last_request;
	struct mnc_flow_hint recv_hint;
	uint32_t idle_calls;	/* receives in vain since the daemon was last looked after */
	bool fd_cut;		/* the link is not in the set of machnet_fd() */

	pthread_mutex_t send_lock MNC_LINE;
	struct mnc_flow_hint send_hint;
	uint32_t tx_wanted;	/* length of a message that the channel had no room for; 0: none */
	bool tx_starved;	/* a message was refused and may not be tried again yet; atomic */

	pthread_mutex_t flow_lock MNC_LINE;
	struct mnc_flows flows;

	pthread_mutex_t wait_lock;
	bool wait_busy;		/* a thread sleeps for all that wait */
	bool wait_polls;	/* it does so in poll(2) on the link's descriptors */
	/* How often such a thread came back, or the link was replaced; atomic, a futex: wait.c */
	uint32_t wait_turns;
	struct mn_spin spin[2];	/* [1]: after a yield */
	uint32_t spin_hits;	/* in a row, without a yield; atomic */
	struct mn_crowd crowd;
	int epfd;		/* machnet_fd(); -1 before its first call; atomic */
	int self_efd;		/* in epfd: readable by our own doing */
	int timer_fd;		/* in epfd: ticks while the link is down */
	bool self_signalled;	/* something was written to self_efd; atomic */

	pthread_mutex_t request_lock;
	pthread_cond_t request_cond;
	struct mnc_request *requests;
	uint32_t next_tag;
	bool request_reading;	/* a thread is in recv(2) on the link's sock */
};

/* How often the next daemon is looked for while the link is down. */
#define MNC_RETRY_NS	50000000

int64_t mnc_now_ns(void);

/* socket.c */
/* nonblocking: also connecting does not wait, -EBUSY then. */
int mnc_socket_connect(bool nonblocking);
/* With a descriptor unless fd is negative. 0 or -errno; the latter as what it means for a link. */
int mnc_socket_send(int sock, struct mn_app_msg *msg, int fd);
int mnc_socket_tell(int sock, struct mn_app_msg *msg, int fd);
/* The answer to *msg, into it; fds may be NULL. -EAGAIN from a nonblocking socket. */
int mnc_socket_answer(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS]);
/* Both, before any other thread has the socket. */
int mnc_socket_ask(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS]);

/* layout.c: maps and checks the memory; -EPROTO. */
int mnc_layout_map(struct mnc_link *link, int memfd);

/* link.c */
void mnc_link_init(struct mnc_link *link);
/* Takes over what the daemon's answer to ATTACH has brought. link has its socket. */
int mnc_link_open(struct mnc_link *link, const int fds[MN_APP_ATTACH_FDS], uint32_t control);
void mnc_link_close(struct mnc_link *link);

/*
 * request.c: asks the daemon of that epoch, with a descriptor unless fd is negative, and waits for
 * the answer; its error as -errno.
 */
int mnc_request(struct mnc_channel *ch, uint32_t epoch, struct mn_app_msg *msg, int fd);

/* reattach.c */
/*
 * When the link is down: looks for the next daemon, for some milliseconds at most and
 * not more often than every MNC_RETRY_NS.
 */
void mnc_reattach_try(struct mnc_channel *ch);
/* The same at once, and waits for a daemon that is about to answer. 0 or -errno. With port_lock. */
int mnc_reattach_now(struct mnc_channel *ch);
/* Forgets the daemon whose link is not in use yet. */
void mnc_reattach_stop(struct mnc_channel *ch);

/* listener.c; all with port_lock. */
int mnc_listener_add(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port);
void mnc_listener_remove(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port);
/* Makes the port ready for a daemon of that kind. *msg is what to ask it. */
int mnc_listener_prepare(struct mnc_listener *l, uint32_t control, struct mn_app_msg *msg);
/*
 * Those with an error end, which is received, or wait for the daemon after this one. Also with
 * recv_lock. -ENOMEM.
 */
int mnc_listeners_settle(struct mnc_channel *ch);
void mnc_listeners_free(struct mnc_channel *ch);

/* ring_request.c */
/*
 * Puts *d, with d->len bytes behind it unless bytes is NULL, on TX of the link of that epoch, when
 * there is room. 0, -ENETDOWN and the like.
 */
int mnc_ring_request(struct mnc_channel *ch, uint32_t epoch, const struct mn_desc *d,
		     const void *bytes);

/* kept.c; all with recv_lock. */
/* For len bytes, to be filled and appended, or freed. */
struct mnc_kept *mnc_kept_new(uint32_t len);
void mnc_kept_append(struct mnc_channel *ch, struct mnc_kept *e);
/* Frees the first one. */
void mnc_kept_drop(struct mnc_channel *ch);
/* Their link is gone: what closing a connection does concerns them no more. */
void mnc_kept_settle(struct mnc_channel *ch);
/* Keeps all that is on the ring: messages, ends. -ENOMEM, -EPROTO. */
int mnc_kept_fill(struct mnc_channel *ch);
/* Something of a connection with this key. */
bool mnc_kept_has(const struct mnc_channel *ch, const MachnetFlow_t *key);

/* flow.c; all take flow_lock themselves. */
void mnc_flow_from_info(const struct mn_shm_flow *info, uint64_t handle, MachnetFlow_t *key);
/* Seen from the other end. */
MachnetFlow_t mnc_flow_reverse(const MachnetFlow_t *key);
bool mnc_flow_key_equal(const MachnetFlow_t *a, const MachnetFlow_t *b);
/* A connection's OPEN has come. -ENOMEM, -EPROTO: its handle is one of another. */
int mnc_flow_open(struct mnc_channel *ch, uint64_t handle, const MachnetFlow_t *key);
/* Its end was kept. */
void mnc_flow_ended(struct mnc_channel *ch, uint64_t handle);
/* Its end was received, or the program has closed it: nothing more of it is sent or received. */
void mnc_flow_remove(struct mnc_channel *ch, uint32_t epoch, uint64_t handle);
/* -ENOENT. The hint is the caller's; while it is true no lock is taken. */
int mnc_flow_key_hint(struct mnc_channel *ch, struct mnc_flow_hint *h, uint64_t handle,
		      MachnetFlow_t *key);
int mnc_flow_handle_hint(struct mnc_channel *ch, struct mnc_flow_hint *h,
			 const MachnetFlow_t *key, uint64_t *handle);
int mnc_flow_handle(struct mnc_channel *ch, const MachnetFlow_t *key, uint32_t *epoch,
		    uint64_t *handle);
/* Any flow that has not ended. */
bool mnc_flow_any(struct mnc_channel *ch, uint64_t *handle);
/* With flow_lock, for a new link. False, and nothing was done, when a flow has not ended. */
bool mnc_flows_clear(struct mnc_channel *ch);
void mnc_flows_free(struct mnc_channel *ch);

/* state.c: the life of the link and its doorbells. */
/* 0 or the errno with which the link has ended, as far as it was noticed. */
int mnc_channel_error(struct mnc_channel *ch);
static inline bool mnc_channel_down(struct mnc_channel *ch)
{
	return mnc_channel_error(ch) == ENETDOWN;
}
/* The functions below are for those who keep the link as it is, by one of the locks or flags. */
/* Ends it; the first error stays. Returns -error. */
int mnc_channel_fail(struct mnc_channel *ch, int error);
/* Looks whether the daemon has closed it. 0 or -errno. */
int mnc_channel_look(struct mnc_channel *ch);
/* Asks the kernel, too, whether the daemon is still there. 0 or -errno. */
int mnc_channel_probe(struct mnc_channel *ch);
/* Ends it with EPROTO; with ENETDOWN if the daemon is gone, which may have died half-way. */
int mnc_channel_corrupt(struct mnc_channel *ch);
/* Wakes the engine if it sleeps and waits for that, MN_SHM_WAKE_*; after publishing. */
void mnc_wake_engine(struct mnc_channel *ch, uint32_t wake);
/* Asks to be woken on MN_SHM_WAKE_*; look at the rings once more afterwards. */
void mnc_arm(struct mnc_channel *ch, uint32_t wake);
bool mnc_armed(struct mnc_channel *ch, uint32_t wake);

/* room.c: room to send, of the channel and of each connection; all with send_lock. */
/* 1: there is room for a message of len bytes, 0: not now; -errno. */
int mnc_room_for(struct mnc_channel *ch, uint64_t handle, uint32_t len);
/* The message is on the ring. */
void mnc_room_sent(struct mnc_channel *ch, uint64_t handle, uint32_t len);
/* It was refused: a waiter or machnet_fd() reports when there is room for it. */
void mnc_room_refused(struct mnc_channel *ch, uint64_t handle, uint32_t len);
/* Room for one of the messages that were refused; if none was, for one of a buffer's size. */
int mnc_room_ready(struct mnc_channel *ch);

/*
 * send.c: room for a message that was refused, or no link to wait for. 1, 0 or -errno.
 * Takes send_lock.
 */
int mnc_send_ready(struct mnc_channel *ch);
/* rx.c; all with recv_lock. The entry that was taken last is in link.head. */
/* Where the next byte of a message is written. */
struct mnc_sink {
	const MachnetIovec_t *iov;
	size_t off;
};

void mnc_sink_put(struct mnc_sink *s, const uint8_t *src, uint32_t len);
bool mnc_sink_fits(const MachnetIovec_t *iov, size_t iovlen, uint32_t len);

/* A message or an end that is for the program is in head: 1, 0 when there is none, -errno. */
int mnc_rx_peek(struct mnc_channel *ch);
/* The message in head. -EPROTO: it is not whole. */
int mnc_rx_copy(struct mnc_channel *ch, struct mnc_sink *s);
/* The program is done with it. */
int mnc_rx_return(struct mnc_channel *ch);
/* Its buffers or slots go back, but it is not consumed yet: mnc_rx_consumed() follows. */
int mnc_rx_give_back(struct mnc_channel *ch);
void mnc_rx_consumed(struct mnc_link *link, uint64_t flow, uint32_t len);
/* The entry in head is done with: it had nothing to give back. */
void mnc_rx_free(struct mnc_channel *ch);
/* The engine learns what went back. */
void mnc_rx_publish(struct mnc_channel *ch);
/* Nonsense was found: the end of the channel, but only that of the link when it is down. */
int mnc_rx_spoilt(struct mnc_channel *ch);

/* recv.c: something to receive. 1, 0 or -errno. Takes recv_lock. */
int mnc_recv_ready(struct mnc_channel *ch);

/* wait.c */
struct mnc_wait {
	int (*ready)(struct mnc_channel *ch, void *arg);	/* positive, 0: not yet, -errno */
	void *arg;
	uint32_t wake;		/* MN_SHM_WAKE_*: what may make it ready */
};
/* Until it is ready, or the deadline: what ready() has returned; -EINTR. */
int mnc_wait_until(struct mnc_channel *ch, const struct mnc_wait *w, int64_t deadline);
/* Those that sleep behind another thread look again. With wait_lock. */
void mnc_wait_next_turn(struct mnc_channel *ch);

/* fd.c: after a receive in vain: makes machnet_fd() fall silent. False: look once more. */
bool mnc_fd_quiet(struct mnc_channel *ch);
static inline bool mnc_fd_used(struct mnc_channel *ch)
{
	return __atomic_load_n(&ch->epfd, __ATOMIC_ACQUIRE) >= 0;
}
/* Makes machnet_fd() readable until the next receive in vain. */
void mnc_fd_signal(struct mnc_channel *ch);
/* The new link takes the place of the old one in the set. With recv_lock. */
int mnc_fd_replace(struct mnc_channel *ch, const struct mnc_link *link);
/* Empties the doorbell. */
void mnc_bell_drain(struct mnc_channel *ch);

#endif /* MN_LIB_PRIV_H */
