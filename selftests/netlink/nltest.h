/* SPDX-License-Identifier: MIT */
/*
 * nltest.h - a client of the "machnet" family over libnl, for tests
 *
 * Written against <linux/machnet.h> alone: it shares nothing with the project's
 * own client, so that a test sees what any other program would see.
 */
#ifndef MACHNET_NLTEST_H
#define MACHNET_NLTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/machnet.h>

#include "selftests/vm/timeout.h"

#define NT_ATTRS	32
#define NT_ADDR_LEN	16
/* Room for the largest batch, and for one that is too large. */
#define NT_MSG_LEN	65536

struct nl_msg;
struct nl_sock;
struct nlattr;

struct nt {
	struct nl_sock *sk;
	int family;
	char extack[256];	/* the kernel's sentence after a refusal, or "" */
	uint32_t missing;	/* the attribute that it named as missing, or 0 */
	int n_replies;
	struct nlattr *attrs[NT_ATTRS];	/* of the last reply or event */
	unsigned char buf[4096];	/* where they are */
};

/* An address as it is on the wire. */
struct nt_addr {
	int len;
	unsigned char b[NT_ADDR_LEN];
};

struct nt_addr nt_addr(const char *text);
int64_t nt_now_ms(void);

/* Before all tests of a program: it is skipped as a whole unless it is root and has the module. */
#define NT_NEEDS_MODULE								\
	static void __attribute__((constructor)) needs_module(void)		\
	{									\
		nt_need_module();						\
	}

void nt_need_module(void);

/* -errno; -ENOENT: no module. */
int nt_open(struct nt *nt);
void nt_close(struct nt *nt);
int nt_fd(const struct nt *nt);
int nt_join(struct nt *nt, const char *group);

struct nl_msg *nt_msg(struct nt *nt, int cmd);
/* Sends, frees, waits for the ack. 0 or -errno. */
int nt_do(struct nt *nt, struct nl_msg *msg);
/* Calls cb for each object of a dump, with its attributes in nt. Number of objects or -errno. */
int nt_dump(struct nt *nt, int cmd, void (*cb)(struct nt *nt, void *data), void *data);
/* The same with a request that has attributes. */
int nt_dump_msg(struct nt *nt, struct nl_msg *msg, void (*cb)(struct nt *nt, void *data),
		void *data);

/* The next notification within the time, its attributes in nt: its command, or -1. */
int nt_event(struct nt *nt, int timeout_ms);
/* Skips notifications until one is of this command; false when the time is up. */
bool nt_wait_event(struct nt *nt, int cmd, int timeout_ms);

void nt_put(struct nl_msg *msg, int attr, const void *data, int len);
void nt_put_u16(struct nl_msg *msg, int attr, uint16_t value);
void nt_put_u32(struct nl_msg *msg, int attr, uint32_t value);
void nt_put_u64(struct nl_msg *msg, int attr, uint64_t value);
void nt_put_addr(struct nl_msg *msg, int attr, const char *text);
struct nlattr *nt_nest_begin(struct nl_msg *msg, int attr);
void nt_nest_end(struct nl_msg *msg, struct nlattr *nest);

/* From the last reply; 0 or "" when the attribute is not there. */
uint16_t nt_u16(const struct nt *nt, int attr);
uint32_t nt_u32(const struct nt *nt, int attr);
uint64_t nt_u64(const struct nt *nt, int attr);
const char *nt_str(const struct nt *nt, int attr);
/* An address, or "". The text is valid until the next call. */
const char *nt_text(const struct nt *nt, int attr);
bool nt_is_addr(const struct nt *nt, int attr, const char *text);

/* The usual requests. */
/* The descriptor stays the caller's. */
int nt_lend(struct nt *nt, int fd);
int nt_lend_many(struct nt *nt, const int *fds, int n);
/* Binds a socket (number 0: the kernel chooses), lends it, and closes its own descriptor. */
int nt_open_port(struct nt *nt, const char *addr, uint16_t number);
int nt_port_op(struct nt *nt, int cmd, const char *addr, uint16_t number);
int nt_claim(struct nt *nt, const char *addr, uint16_t number, uint64_t cookie);
/* In the name of the process that showed the cookie. */
int nt_claim_for(struct nt *nt, const char *addr, uint16_t number, uint64_t cookie, uint32_t pid);
/* The same with n sockets in one request; numbers may be NULL. */
int nt_open_ports(struct nt *nt, const char *addr, int n, uint16_t *numbers);
int nt_release_many(struct nt *nt, const char *addr, const uint16_t *numbers, int n);
struct nl_msg *nt_register_msg(struct nt *nt, uint32_t ifindex);
int nt_register(struct nt *nt, uint32_t ifindex);
int nt_device_op(struct nt *nt, int cmd, uint32_t ifindex);
int nt_connect(struct nt *nt, uint64_t id, uint32_t ifindex);
/* What nt_connect() says of a connection, and the same as one of a batch. */
void nt_put_connection(struct nl_msg *msg, uint64_t id, uint32_t ifindex);
void nt_put_entry(struct nl_msg *msg, uint64_t id, uint32_t ifindex);
void nt_put_end(struct nl_msg *msg, uint64_t id, uint32_t reason);
/* Of n ids that follow each other. */
int nt_connect_batch(struct nt *nt, uint64_t first, int n, uint32_t ifindex);
int nt_end_batch(struct nt *nt, uint64_t first, int n, uint32_t reason);
int nt_conn_op(struct nt *nt, int cmd, uint64_t id);
/* A path to 10.0.0.2, and one to somewhere else. */
int nt_path(struct nt *nt, uint64_t id, uint32_t ifindex);
int nt_path_to(struct nt *nt, uint64_t id, uint32_t ifindex, const char *remote);
int nt_path_op(struct nt *nt, int cmd, uint64_t id);
int nt_route_get(struct nt *nt, const char *dst, bool watch);

struct nt_route {
	const char *dst;
	const char *from;	/* NULL: not named */
	uint32_t vrf;		/* 0: not named */
	bool watch;
};

int nt_route_op(struct nt *nt, int cmd, const struct nt_route *route);
/* All numbers by attribute, MACHNET_A_STATS_MAX + 1 of them. */
int nt_stats(struct nt *nt, uint64_t *stats);

/* The one of "make check-debug" is running. */
bool nt_debug_kernel(void);
/* A new network namespace with lo up, and what a test needs in it. 0 or -errno. */
int nt_new_netns(void);
/* A process in a network namespace of its own, until nt_kill(). Its pid or -errno. */
int nt_netns_child(void);
void nt_kill(int pid);
/* Goes into the network namespace of the process: a descriptor for nt_leave(), or -errno. */
int nt_enter(int pid);
/* Comes back, and closes it. 0 or -errno. */
int nt_leave(int home);
/* Writes a file, of /proc or so, in one go. 0 or -errno. */
int nt_write(const char *path, const char *text);
/* Runs a shell command; 0 when it succeeded. */
int nt_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For commands of "ip -4" or "-6", one per line, run at once; pclose() is 0 when all succeeded. */
FILE *nt_ip_open(int version);
/* By name or index; addresses as text. 0 or -errno. */
int nt_link_set(const char *name, bool up);
/* Until packets pass. */
int nt_link_wait(const char *name);
int nt_link_add(const char *name, const char *kind);
/* With this index. */
int nt_link_add_at(const char *name, const char *kind, uint32_t ifindex);
/* The other end has this name and MAC in the network namespace of the process. */
int nt_veth_add(const char *name, const char *peer, const void *peer_mac, int pid);
int nt_link_del(uint32_t ifindex);
int nt_link_rename(uint32_t ifindex, const char *name);
int nt_addr_add(uint32_t ifindex, const char *addr, int prefix);
/* A route by the device comes or goes. */
int nt_route(uint32_t ifindex, const char *dst, int prefix, bool add);
/* Replaces the entry with one of the state, or deletes it (mac NULL). */
int nt_neigh(uint32_t ifindex, const char *addr, const void *mac, int state);
bool nt_is_loaded(void);
bool nt_try_unload(void);
/* What belongs to a socket goes in the background: the module is free soon after. */
bool nt_unload(void);
/* Repeats the call until it returns the result; false after a while. */
bool nt_eventually(struct nt *nt, int (*fn)(struct nt *nt, int fd), int fd, int result);
/* Makes a dummy device that is up: its index, or 0. */
uint32_t nt_dummy(const char *name);
/* Becomes nobody. */
int nt_drop_root(void);
/* Becomes this user without any capability, for good. 0 or -errno. */
int nt_become(uint32_t uid);
/* Gives up root, then is root in a user and network namespace of its own. 0 or -errno. */
int nt_new_userns(void);
/* In a child of its own: what fn returns, below 128, or -errno. */
int nt_in_child(int (*fn)(void *arg), void *arg);
/* A UDP socket with flags of enum nt_bind, bound to the address: its descriptor, or -errno. */
int nt_bind_udp_as(const char *addr, uint16_t number, int flags);
int nt_bind_udp(const char *addr, uint16_t number);
/* The port that the socket is bound to, or -errno. */
int nt_bound_number(int fd);
/* Room for more descriptors than a process usually has. 0 or -errno. */
int nt_more_files(void);

enum nt_bind {
	NT_BIND_DUAL = 1,	/* an IPv6 socket that serves IPv4, too */
	NT_BIND_REUSEADDR = 2,
	NT_BIND_REUSEPORT = 4,
};

#endif /* MACHNET_NLTEST_H */
