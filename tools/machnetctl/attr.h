/* SPDX-License-Identifier: MIT */
/* attr.h - attributes of the machnet family, read and printed */
#ifndef MACHNETCTL_ATTR_H
#define MACHNETCTL_ATTR_H

#include <stdint.h>

#include <machnet/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "print.h"

/* Puts 4 or 16 bytes. */
int attr_put_addr(struct nl_msg *msg, int type, const struct mn_addr *addr);

/* -EBADMSG unless the attribute is there and an address. */
int attr_get_addr(const struct nlattr *attr, struct mn_addr *addr);

/* Print the attribute, or that it is not there. */
void attr_print_u32(struct out *o, const char *key, const char *label, const struct nlattr *attr);
void attr_print_u64(struct out *o, const char *key, const char *label, const struct nlattr *attr);
void attr_print_string(struct out *o, const char *key, const char *label,
		       const struct nlattr *attr);
void attr_print_addr(struct out *o, const char *key, const char *label, const struct nlattr *attr);
/* Zeros are none. */
void ctl_print_mac(struct out *o, const char *key, const char *label, const uint8_t mac[6]);
void attr_print_mac(struct out *o, const char *key, const char *label, const struct nlattr *attr);
/* 64 bits do not fit into the numbers of JavaScript: as 16 hexadecimal digits. 0 is none. */
void ctl_print_id(struct out *o, const char *key, const char *label, uint64_t id);
void attr_print_id(struct out *o, const char *key, const char *label, const struct nlattr *attr);
/* 0 is no process: it is not visible here, or gone. */
void attr_print_pid(struct out *o, const char *key, const char *label, const struct nlattr *attr);
/* Seconds as text, milliseconds in JSON. */
void ctl_print_age(struct out *o, uint64_t ms);
void attr_print_age(struct out *o, const struct nlattr *attr);
/* The id of a cgroup is for programs: only in JSON, as a number; 0 is none. */
void attr_print_cgroup(struct out *o, const struct nlattr *attr);
void ctl_print_ifindex(struct out *o, uint32_t ifindex);
void attr_print_ifindex(struct out *o, const struct nlattr *attr);
/* The name out of n; a number where the kernel is newer than this list. */
void ctl_print_enum(struct out *o, const char *key, const char *label, uint32_t value,
		    const char *const *names, unsigned int n);
void attr_print_enum(struct out *o, const char *key, const char *label, const struct nlattr *attr,
		     const char *const *names, unsigned int n);
/* enum machnet_reason */
void ctl_print_reason(struct out *o, uint32_t reason);
void attr_print_reason(struct out *o, const struct nlattr *attr);
/* A block of ports: "FIRST-LAST" as text, two numbers in JSON. */
void ctl_print_path_ports(struct out *o, uint32_t first, uint32_t count);
void attr_print_path_ports(struct out *o, const struct nlattr *first, const struct nlattr *count);

/* Addr and port in one column; -EBADMSG unless both are there. */
int attr_print_endpoint(struct out *o, const char *addr_key, const char *port_key,
			const char *label, const struct nlattr *addr, const struct nlattr *port);

#endif /* MACHNETCTL_ATTR_H */
