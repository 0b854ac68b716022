/* SPDX-License-Identifier: MIT */
/* soak.h - an application of the soak test: what it keeps */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet.h>

#include "lib/ends.h"
#include "plan.h"

#define CONNS_MAX	1024

/* An application by where it listens. */
struct place {
	char ip[16];
	uint32_t host;		/* the same in host byte order */
	uint16_t port;
};

struct conn {
	MachnetFlow_t flow;	/* seen from here */
	struct plan plan;
	struct place peer;	/* its application */
	bool connected;		/* by us */
	bool greeted;		/* the hello has been sent */
	bool over;		/* its end, and what came before it, is still to be received */
	uint32_t sent, received;
	uint64_t since_us;	/* CLOCK_REALTIME */
	uint64_t moved_us;	/* last sent or received */
};

struct counts {
	uint64_t sent, received, bytes;	/* messages, bytes received */
	uint64_t in_order, left, broken;	/* ends */
	uint64_t refused;		/* failed connects */
};

struct soak {
	uint64_t seed;
	uint64_t random;	/* state of its own decisions */
	struct place self;
	struct place peers[16];
	unsigned int n_peers;
	unsigned int want;	/* connections to have made */
	const char *kills;	/* file: what was killed, and when */
	const char *go;		/* connect as soon as this file is there */
	const char *ledger;	/* file: what was accepted to be sent */
	void *channel;
	struct conn conns[CONNS_MAX];
	unsigned int n_conns;
	bool no_room;		/* a message waits for room */
	bool started, draining;
	struct counts counts;
	uint8_t *buf;		/* MACHNET_MSG_MAX_LEN */
};

uint64_t soak_now_us(void);
uint64_t soak_random(struct soak *s);

/* Says what is wrong, and ends the process with 1. */
void __attribute__((format(printf, 1, 2), noreturn)) soak_fail(const char *fmt, ...);

/* traffic.c: one step each; true when there was something to do. */
bool soak_receive(struct soak *s);
bool soak_send(struct soak *s);
/* Closes those whose plan is fulfilled. */
bool soak_close(struct soak *s);
/* Makes a connection if there are too few. */
bool soak_connect(struct soak *s);
/* Fails when a connection does not get on and nobody was killed. */
void soak_watch(struct soak *s);

/*
 * ledger.c: messages of each connection that a send call has accepted, by the token of its plan, in
 * a file that outlives the programs. A sender that is killed may be about to write its last one.
 */
void ledger_open(const char *path);
/* A new connection, before its first message. */
void ledger_begin(uint64_t token);
void ledger_sent(uint64_t token, int direction, uint32_t n);
/* At least so many must arrive if the connection ends in order. */
uint32_t ledger_accepted(uint64_t token, int direction);

/*
 * kills.c: the connection between us and the peer since since_us may have been broken: one of the
 * daemons was killed, or the peer's application was or has left.
 */
bool soak_was_killed(const struct soak *s, const struct place *peer, uint64_t since_us);

#endif /* SOAK_SOAK_H */
