/* SPDX-License-Identifier: MIT */
/*
 * fake_daemon.h - the other side of libmachnet for its tests
 *
 * One thread that answers the socket and serves the channels with the real
 * mn_channel code: every message comes back to its sender on the same flow. A
 * test steers it by the atomic knobs, and may use a channel itself while the
 * thread is held.
 */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <pthread.h>
#include <stdbool.h>

#include "channel/app_proto.h"
#include "channel/channel.h"

#define FAKE_CHANNELS	8
#define FAKE_LISTENS	8
#define FAKE_CONNECT	1000	/* a request on the ring */
#define FAKE_PORTS	20000	/* local ports of connections, one after the other */
/* Handles do not fit into 32 bits. */
#define FAKE_FLOW_FIRST	(((uint64_t)FAKE_PORTS << 33) + 1)

struct fake_daemon {
	char dir[32];
	char path[64];

	/* Knobs; atomic. */
	int refuse;		/* errno for the next requests of type refuse_type */
	int refuse_type;	/* MN_APP_*, FAKE_CONNECT */
	bool hold;		/* take nothing from the channels */
	bool early_end;		/* a connect's END comes with its OPEN */
	bool mute;		/* take connections and read nothing */
	uint16_t first_port;	/* of the connections' local ports; not while it runs */
	int version;		/* in answers */
	int control;		/* enum mn_app_control, told to who attaches */
	int spoil;		/* ATTACH: enum fake_spoil */
	int free_fd;		/* FREE: closed by it, -1: ENOENT */
	bool free_late;		/* FREE: ENOENT also then */

	int listener, epfd;
	pthread_t thread;
	bool stop;
	bool running;		/* not held yet; atomic */
	uint64_t next_flow;
	uint32_t wakeups;	/* doorbells of applications; atomic */
	uint32_t attaches;	/* that were asked for; atomic */
	uint32_t refusals;	/* atomic */
	uint32_t listens;	/* that were granted; atomic, after what is in listen */
	struct mn_app_msg listen[FAKE_LISTENS];
	int listen_check[FAKE_LISTENS];	/* what mn_udp_port_check() says of the socket */
	struct fake_app {
		int sock;	/* -1: free */
		bool attached;
		struct mn_channel ch;
	} apps[FAKE_CHANNELS];
};

enum fake_spoil {
	FAKE_GOOD,
	FAKE_NO_FDS,
	FAKE_UNSEALED,
	FAKE_BAD_MAGIC,
	FAKE_BAD_RING,
	FAKE_BAD_LEN,
	FAKE_SMALL_RING,
	FAKE_SHORT_ANSWER,
};

/* Enters a network namespace, makes the directory, sets MACHNET_SOCKET; -errno. */
int fake_daemon_prepare(struct fake_daemon *d);
int fake_daemon_start(struct fake_daemon *d);
/* As kill -9 would: the descriptors close and nothing is said. */
void fake_daemon_kill(struct fake_daemon *d);
/* The next one after that: it counts from the beginning. The knobs stay. */
int fake_daemon_restart(struct fake_daemon *d);
/* Until an application has attached to it; false after some seconds. */
bool fake_daemon_attached(struct fake_daemon *d);
void fake_daemon_cleanup(struct fake_daemon *d);

/* Stops serving and returns the channel, which is the test's until fake_daemon_resume(). */
struct mn_channel *fake_daemon_hold(struct fake_daemon *d);
void fake_daemon_resume(struct fake_daemon *d);

#endif /* FAKE_DAEMON_H */
