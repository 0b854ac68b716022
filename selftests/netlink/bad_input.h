/* SPDX-License-Identifier: MIT */
/*
 * bad_input.h - the table of requests that must be refused
 *
 * What there is when they are sent, by the socket "self" unless it says otherwise:
 *   netdevs      SELF_DEV served by self, OTHER_DEV by another socket, FREE_DEV by nobody
 *   ports        127.0.0.1:7000 of self, 127.0.0.1:7001 of the other
 *   descriptors  FIT_FD is a socket that may be lent, FILE_FD is no socket
 *   connections  1 of self, 2 of the other
 *   paths        1 of self, 2 of the other
 *   watches      127.0.0.1 by the other
 * Nobody listens to the group "datapath".
 */
#ifndef MACHNET_BAD_INPUT_H
#define MACHNET_BAD_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <linux/machnet.h>
#include <linux/netlink.h>

#define SELF_DEV	1001
#define OTHER_DEV	1002
#define FREE_DEV	1003
#define FIT_FD		100
#define FILE_FD		101
#define BAD_ATTRS	16

enum bad_kind {
	BAD_MISSING,	/* what the operation needs is not there */
	BAD_UNKNOWN,	/* an attribute that nobody knows */
	BAD_FOREIGN,	/* an attribute of another operation, or a read-only one */
	BAD_SHORT,
	BAD_LONG,
	BAD_TYPE,	/* a nest that is none, or the other way round */
	BAD_RANGE,	/* the right type, and no value that makes sense */
	BAD_STATE,	/* what it is about is not there, or is in the way */
	BAD_OWNER,	/* it belongs to somebody else */
	BAD_CAPABILITY,	/* sent by a user without it */
	BAD_DUMP,	/* to be dumped, with what a dump does not take; or not to be dumped */
	BAD_KINDS
};

/* A piece of a request. The value lies in host byte order in its first len bytes. */
struct bad_attr {
	int type;	/* 0: the end */
	int len;	/* or the beginning or the end of a nest */
	uint64_t value;
};

#define BAD_NEST	-1
#define BAD_NEST_END	-2

struct bad {
	enum bad_kind kind;
	const char *what;
	int cmd;
	struct bad_attr attrs[BAD_ATTRS];
	int error;
	const char *text;	/* the whole sentence; NULL: the kernel's core says none */
};

#define U16(type_, value_)	{ type_, 2, value_ }
#define U32(type_, value_)	{ type_, 4, value_ }
#define U64(type_, value_)	{ type_, 8, value_ }
/* 127.0.0.1, for addresses are in network byte order */
#define V4(type_)		{ type_, 4, 0x0100007f }
#define NEST(type_)		{ (type_) | NLA_F_NESTED, BAD_NEST, 0 }
#define NEST_END		{ 1, BAD_NEST_END, 0 }
/* Nobody knows it, in any set. */
#define NOBODYS			U32(999, 1)

/* Sentences of the kernel's core. */
#define TEXT_UNKNOWN	"Unknown attribute type"
#define TEXT_FOREIGN	"Unsupported attribute"
#define TEXT_LENGTH	"invalid attribute length"
#define TEXT_POLICY	"Attribute failed policy validation"
#define TEXT_RANGE	"integer out of range"
#define TEXT_NO_NEST	"NLA_F_NESTED not expected"
#define TEXT_NEST	"NLA_F_NESTED is missing"
/* Sentences of the module that many rows share. */
#define TEXT_ADDR_LEN	"an address has 4 or 16 bytes"
#define TEXT_UNICAST	"the address is not a unicast address of global scope"
#define TEXT_NO_SOCKET	"the file descriptor is not one of a socket"
#define TEXT_OWNER	"it belongs to another netlink socket"

extern const struct bad bad_objects[], bad_flows[], bad_paths[];
extern const unsigned int n_bad_objects, n_bad_flows, n_bad_paths;

#endif /* MACHNET_BAD_INPUT_H */
