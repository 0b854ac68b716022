// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "daemon/rtnl.h"

#define RTNL_BUF	32768
#define RTNL_REQ	512

int mnd_rtnl_open(struct mnd_rtnl *r, uint32_t groups)
{
	int ret;

	r->seq = 0;
	r->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->sock)
		return -errno;
	if (mnl_socket_bind(r->sock, groups, MNL_SOCKET_AUTOPID) < 0) {
		ret = -errno;
		mnd_rtnl_close(r);
		return ret;
	}
	return 0;
}

void mnd_rtnl_close(struct mnd_rtnl *r)
{
	if (r->sock)
		mnl_socket_close(r->sock);
	r->sock = NULL;
}

static int rtnl_exchange(struct mnd_rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_BUF];
	unsigned int portid = mnl_socket_get_portid(r->sock);
	ssize_t len;
	int ret;

	nlh->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(r->sock, buf, sizeof(buf));
		if (len < 0 && errno == EINTR) {
			ret = MNL_CB_OK;
			continue;
		}
		if (len < 0)
			return -errno;
		ret = mnl_cb_run(buf, len, r->seq, portid, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

int mnd_rtnl_request(struct mnd_rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	return rtnl_exchange(r, nlh, cb, data);
}

int mnd_rtnl_dump(struct mnd_rtnl *r, uint16_t type, uint8_t family, mnl_cb_t cb, void *data)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rt->rtgen_family = family;
	return rtnl_exchange(r, nlh, cb, data);
}

static struct nlmsghdr *link_begin(char *buf, uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	nlh->nlmsg_type = RTM_NEWLINK;
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	return nlh;
}

int mnd_rtnl_link_up(struct mnd_rtnl *r, uint32_t ifindex)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = link_begin(buf, ifindex);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return mnd_rtnl_request(r, nlh, NULL, NULL);
}

int mnd_rtnl_link_rename(struct mnd_rtnl *r, uint32_t ifindex, const char *name)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = link_begin(buf, ifindex);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return mnd_rtnl_request(r, nlh, NULL, NULL);
}

int mnd_rtnl_link_mtu(struct mnd_rtnl *r, uint32_t ifindex, uint32_t mtu)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = link_begin(buf, ifindex);

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return mnd_rtnl_request(r, nlh, NULL, NULL);
}

static int link_mac_cb(const struct nlmsghdr *nlh, void *mac)
{
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(a) == IFLA_ADDRESS && mnl_attr_get_payload_len(a) == 6)
			memcpy(mac, mnl_attr_get_payload(a), 6);
	return MNL_CB_OK;
}

int mnd_rtnl_link_mac(struct mnd_rtnl *r, uint32_t ifindex, uint8_t mac[6])
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = link_begin(buf, ifindex);

	nlh->nlmsg_type = RTM_GETLINK;
	return mnd_rtnl_request(r, nlh, link_mac_cb, mac);
}

int mnd_rtnl_addr_add(struct mnd_rtnl *r, uint32_t ifindex, const struct mn_addr *addr, uint8_t len)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_REQ];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	bool v4 = mn_addr_is_v4(addr);
	size_t size = v4 ? 4 : 16;
	int ret;

	nlh->nlmsg_type = RTM_NEWADDR;
	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	ifa->ifa_family = v4 ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = len;
	ifa->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, size, addr->b + 16 - size);
	mnl_attr_put(nlh, IFA_ADDRESS, size, addr->b + 16 - size);
	ret = mnd_rtnl_request(r, nlh, NULL, NULL);
	return ret == -EEXIST ? 0 : ret;
}

struct addr_list {
	uint32_t ifindex;
	struct mn_addr *addrs;
	unsigned int n, max;
};

static int addr_list_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct addr_list *l = data;
	const struct nlattr *a, *found = NULL;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != l->ifindex || l->n == l->max)
		return MNL_CB_OK;
	/* On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL is ours. */
	mnl_attr_for_each(a, nlh, sizeof(*ifa))
		if (mnl_attr_get_type(a) == IFA_LOCAL ||
		    (mnl_attr_get_type(a) == IFA_ADDRESS && !found))
			found = a;
	if (found && !mn_addr_from_bytes(&l->addrs[l->n], mnl_attr_get_payload(found),
					 mnl_attr_get_payload_len(found)))
		l->n++;
	return MNL_CB_OK;
}

int mnd_rtnl_addrs(struct mnd_rtnl *r, uint32_t ifindex, struct mn_addr *addrs, unsigned int max)
{
	struct addr_list l = { .ifindex = ifindex, .addrs = addrs, .max = max };
	int ret = mnd_rtnl_dump(r, RTM_GETADDR, AF_UNSPEC, addr_list_cb, &l);

	return ret ? ret : (int)l.n;
}
