// SPDX-License-Identifier: MIT
/*
 * nltest_link.c - network devices, addresses and neighbours by rtnetlink: for
 * what tests do often, since starting a process is slow in an emulated machine
 */
#include "nltest.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

int nt_link_set(const char *name, bool up)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	ret = ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags = up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP;
	if (!ret)
		ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	ret = ret ? -errno : 0;
	close(fd);
	return ret;
}

static bool is_running(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool running;

	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	running = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_RUNNING;
	close(fd);
	return running;
}

int nt_link_wait(const char *name)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int i;

	for (i = 0; i < 2000; i++) {
		if (is_running(name))
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

/* Sends the request, frees it, and waits for the ack. */
static int request(struct nl_msg *msg)
{
	unsigned char answer[1024];
	struct nlmsghdr *nlh = (struct nlmsghdr *)answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), ret = -EIO;

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0)
		ret = -errno;
	else if (send(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0) > 0 &&
		 recv(fd, answer, sizeof(answer), 0) >= (ssize_t)nlmsg_size(sizeof(int)) &&
		 nlh->nlmsg_type == NLMSG_ERROR)
		ret = *(int *)nlmsg_data(nlh);
	if (fd >= 0)
		close(fd);
	nlmsg_free(msg);
	return ret;
}

static struct nl_msg *link_msg(int type, int flags, int ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
	return msg;
}

int nt_link_add(const char *name, const char *kind)
{
	return nt_link_add_at(name, kind, 0);
}

int nt_link_add_at(const char *name, const char *kind, uint32_t ifindex)
{
	struct nl_msg *msg = link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	struct nlattr *info;

	nla_put_string(msg, IFLA_IFNAME, name);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, kind);
	nla_nest_end(msg, info);
	return request(msg);
}

int nt_veth_add(const char *name, const char *peer, const void *peer_mac, int pid)
{
	struct nl_msg *msg = link_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *end;

	nla_put_string(msg, IFLA_IFNAME, name);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	end = nla_nest_start(msg, VETH_INFO_PEER);
	nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, peer);
	nla_put(msg, IFLA_ADDRESS, 6, peer_mac);
	nla_put_u32(msg, IFLA_NET_NS_PID, pid);
	nla_nest_end(msg, end);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return request(msg);
}

int nt_link_del(uint32_t ifindex)
{
	return request(link_msg(RTM_DELLINK, 0, ifindex));
}

int nt_link_rename(uint32_t ifindex, const char *name)
{
	struct nl_msg *msg = link_msg(RTM_NEWLINK, 0, ifindex);

	nla_put_string(msg, IFLA_IFNAME, name);
	return request(msg);
}

int nt_addr_add(uint32_t ifindex, const char *addr, int prefix)
{
	struct nt_addr a = nt_addr(addr);
	struct ifaddrmsg ifa = {
		.ifa_family = a.len == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = prefix,
		.ifa_flags = IFA_F_NODAD,
		.ifa_index = ifindex,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE);

	nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
	nla_put(msg, IFA_LOCAL, a.len, a.b);
	nla_put(msg, IFA_ADDRESS, a.len, a.b);
	return request(msg);
}

int nt_route(uint32_t ifindex, const char *dst, int prefix, bool add)
{
	struct nt_addr a = nt_addr(dst);
	struct rtmsg rtm = {
		.rtm_family = a.len == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = a.len == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(add ? RTM_NEWROUTE : RTM_DELROUTE,
						add ? NLM_F_CREATE | NLM_F_EXCL : 0);

	nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO);
	nla_put(msg, RTA_DST, a.len, a.b);
	nla_put_u32(msg, RTA_OIF, ifindex);
	return request(msg);
}

int nt_neigh(uint32_t ifindex, const char *addr, const void *mac, int state)
{
	struct nt_addr a = nt_addr(addr);
	struct ndmsg ndm = {
		.ndm_family = a.len == 4 ? AF_INET : AF_INET6,
		.ndm_ifindex = ifindex,
		.ndm_state = state,
	};
	struct nl_msg *msg;

	if (mac)
		msg = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	else
		msg = nlmsg_alloc_simple(RTM_DELNEIGH, 0);
	nlmsg_append(msg, &ndm, sizeof(ndm), NLMSG_ALIGNTO);
	nla_put(msg, NDA_DST, a.len, a.b);
	if (mac)
		nla_put(msg, NDA_LLADDR, 6, mac);
	return request(msg);
}
