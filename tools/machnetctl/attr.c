// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"

int attr_put_addr(struct nl_msg *msg, int type, const struct mn_addr *addr)
{
	size_t size = mn_addr_is_v4(addr) ? 4 : 16;

	return nla_put(msg, type, size, addr->b + sizeof(addr->b) - size);
}

int attr_get_addr(const struct nlattr *attr, struct mn_addr *addr)
{
	if (!attr || mn_addr_from_bytes(addr, nla_data(attr), nla_len(attr)))
		return -EBADMSG;
	return 0;
}

void attr_print_u32(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	if (attr)
		out_number(o, key, label, nla_get_u32(attr));
	else
		out_nothing(o, label);
}

void attr_print_u64(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	if (attr)
		out_number(o, key, label, nla_get_u64((struct nlattr *)attr));
	else
		out_nothing(o, label);
}

void attr_print_string(struct out *o, const char *key, const char *label,
		       const struct nlattr *attr)
{
	char text[64];

	if (!attr) {
		out_nothing(o, label);
		return;
	}
	nla_strlcpy(text, attr, sizeof(text));
	out_string(o, key, label, text);
}

void attr_print_addr(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	struct mn_addr addr;

	if (attr_get_addr(attr, &addr))
		out_nothing(o, label);
	else
		out_addr(o, key, label, &addr);
}

void ctl_print_mac(struct out *o, const char *key, const char *label, const uint8_t mac[6])
{
	static const uint8_t none[6];
	char text[18];

	if (!memcmp(mac, none, sizeof(none))) {
		out_nothing(o, label);
		return;
	}
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	out_string(o, key, label, text);
}

void attr_print_mac(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	if (attr && nla_len(attr) == 6)
		ctl_print_mac(o, key, label, nla_data(attr));
	else
		out_nothing(o, label);
}

void ctl_print_id(struct out *o, const char *key, const char *label, uint64_t id)
{
	char text[17];

	if (!id) {
		out_nothing(o, label);
		return;
	}
	snprintf(text, sizeof(text), "%016" PRIx64, id);
	out_string(o, key, label, text);
}

void attr_print_id(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	ctl_print_id(o, key, label, attr ? nla_get_u64((struct nlattr *)attr) : 0);
}

void attr_print_cgroup(struct out *o, const struct nlattr *attr)
{
	if (o->json && attr && nla_get_u64((struct nlattr *)attr))
		attr_print_u64(o, "owner_cgroup", "Cgroup", attr);
}

void attr_print_pid(struct out *o, const char *key, const char *label, const struct nlattr *attr)
{
	if (attr && nla_get_u32(attr))
		out_number(o, key, label, nla_get_u32(attr));
	else
		out_nothing(o, label);
}

void ctl_print_age(struct out *o, uint64_t ms)
{
	char text[32];

	if (o->json) {
		out_number(o, "age_ms", "Age", ms);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 ".%03us", ms / 1000, (unsigned int)(ms % 1000));
	out_string(o, "age_ms", "Age", text);
}

void attr_print_age(struct out *o, const struct nlattr *attr)
{
	if (attr)
		ctl_print_age(o, nla_get_u64((struct nlattr *)attr));
	else
		out_nothing(o, "Age");
}

void ctl_print_ifindex(struct out *o, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (o->json)
		out_number(o, "ifindex", "Dev", ifindex);
	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "#%u", ifindex);
	out_string(o, "ifname", "Dev", name);
}

void attr_print_ifindex(struct out *o, const struct nlattr *attr)
{
	if (attr)
		ctl_print_ifindex(o, nla_get_u32(attr));
	else
		out_nothing(o, "Dev");
}

void ctl_print_enum(struct out *o, const char *key, const char *label, uint32_t value,
		    const char *const *names, unsigned int n)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", value);
	out_string(o, key, label, value < n && names[value] ? names[value] : number);
}

void attr_print_enum(struct out *o, const char *key, const char *label, const struct nlattr *attr,
		     const char *const *names, unsigned int n)
{
	if (attr)
		ctl_print_enum(o, key, label, nla_get_u32(attr), names, n);
	else
		out_nothing(o, label);
}

void ctl_print_reason(struct out *o, uint32_t reason)
{
	static const char *const names[] = {
		[MACHNET_REASON_UNSPEC] = "unspec",
		[MACHNET_REASON_CLOSED] = "closed",
		[MACHNET_REASON_PEER_CLOSED] = "peer-closed",
		[MACHNET_REASON_RESET] = "reset",
		[MACHNET_REASON_TIMED_OUT] = "timed-out",
		[MACHNET_REASON_UNREACHABLE] = "unreachable",
		[MACHNET_REASON_OWNER_DIED] = "owner-died",
		[MACHNET_REASON_DATAPATH_DIED] = "datapath-died",
		[MACHNET_REASON_ADMIN] = "admin",
	};

	ctl_print_enum(o, "reason", "Reason", reason, names, sizeof(names) / sizeof(names[0]));
}

void attr_print_reason(struct out *o, const struct nlattr *attr)
{
	/* Only events have it: no column of a table is kept for it. */
	if (attr)
		ctl_print_reason(o, nla_get_u32(attr));
}

void ctl_print_path_ports(struct out *o, uint32_t first, uint32_t count)
{
	char text[24];

	if (!count) {
		out_nothing(o, "Path-ports");
		return;
	}
	if (o->json) {
		out_number(o, "path_port_first", "", first);
		out_number(o, "path_port_count", "", count);
		return;
	}
	snprintf(text, sizeof(text), "%u-%u", first, first + count - 1);
	out_string(o, "", "Path-ports", text);
}

void attr_print_path_ports(struct out *o, const struct nlattr *first, const struct nlattr *count)
{
	if (first && count)
		ctl_print_path_ports(o, nla_get_u16(first), nla_get_u32(count));
	else
		out_nothing(o, "Path-ports");
}

int attr_print_endpoint(struct out *o, const char *addr_key, const char *port_key,
			const char *label, const struct nlattr *addr, const struct nlattr *port)
{
	struct mn_addr a;

	if (attr_get_addr(addr, &a) || !port)
		return -EBADMSG;
	out_endpoint(o, addr_key, port_key, label, &a, nla_get_u16(port));
	return 0;
}
