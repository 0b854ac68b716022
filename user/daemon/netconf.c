// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/netconf.h"

/* More than any interface has; bounds what a damaged file can make us read. */
#define NETCONF_MAX	(1u << 20)
/* One message: an address or a route with all its attributes. */
#define NETCONF_MSG_MAX	4096

struct read_ctx {
	struct mnd_netconf *conf;
	uint32_t ifindex;
	bool gateways;		/* this pass takes routes by a gateway, or those without */
};

static int conf_append(struct mnd_netconf *c, const struct nlmsghdr *nlh)
{
	size_t len = MNL_ALIGN(nlh->nlmsg_len);

	if (nlh->nlmsg_len > NETCONF_MSG_MAX || c->len + len > NETCONF_MAX)
		return -E2BIG;
	if (c->len + len > c->size) {
		size_t size = 2 * c->size + NETCONF_MSG_MAX;
		uint8_t *grown = realloc(c->msgs, size);

		if (!grown)
			return -ENOMEM;
		c->msgs = grown;
		c->size = size;
	}
	memset(c->msgs + c->len, 0, len);
	memcpy(c->msgs + c->len, nlh, nlh->nlmsg_len);
	c->len += len;
	return 0;
}

static int cb_result(int ret)
{
	if (!ret)
		return MNL_CB_OK;
	errno = -ret;
	return MNL_CB_ERROR;
}

static int read_addr_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct read_ctx *ctx = data;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != ctx->ifindex)
		return MNL_CB_OK;
	if (ifa->ifa_family == AF_INET6 && ifa->ifa_scope == RT_SCOPE_LINK)
		return MNL_CB_OK;
	return cb_result(conf_append(ctx->conf, nlh));
}

static int read_route_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct read_ctx *ctx = data;
	bool ours = false, gateway = false;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_protocol == RTPROT_KERNEL || rtm->rtm_protocol == RTPROT_RA ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(*rtm)) {
		if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			ours = mnl_attr_get_u32(a) == ctx->ifindex;
		if (mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA)
			gateway = true;
	}
	if (!ours || gateway != ctx->gateways)
		return MNL_CB_OK;
	return cb_result(conf_append(ctx->conf, nlh));
}

/* Addresses first, then what is on the link, then what lies behind gateways: the order to apply. */
int mnd_netconf_read(struct mnd_netconf *c, struct mnd_rtnl *r, uint32_t ifindex)
{
	struct read_ctx ctx = { .conf = c, .ifindex = ifindex };
	int ret;

	memset(c, 0, sizeof(*c));
	ret = mnd_rtnl_dump(r, RTM_GETADDR, AF_UNSPEC, read_addr_cb, &ctx);
	for (int pass = 0; !ret && pass < 2; pass++) {
		ctx.gateways = pass;
		ret = mnd_rtnl_dump(r, RTM_GETROUTE, AF_INET, read_route_cb, &ctx);
		if (!ret)
			ret = mnd_rtnl_dump(r, RTM_GETROUTE, AF_INET6, read_route_cb, &ctx);
	}
	if (ret)
		mnd_netconf_free(c);
	return ret;
}

/* Not what a request must not carry, nor what names the old interface. */
static bool attr_stays(uint16_t msg_type, uint16_t attr)
{
	if (msg_type == RTM_NEWADDR)
		return attr != IFA_CACHEINFO && attr != IFA_LABEL && attr != IFA_FLAGS;
	return attr != RTA_CACHEINFO && attr != RTA_OIF;
}

static int apply_one(const struct nlmsghdr *saved, struct mnd_rtnl *r, uint32_t ifindex)
{
	_Alignas(struct nlmsghdr) char buf[NETCONF_MSG_MAX + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	bool addr = saved->nlmsg_type == RTM_NEWADDR;
	size_t fixed = addr ? sizeof(struct ifaddrmsg) : sizeof(struct rtmsg);
	const struct nlattr *a;
	int ret;

	nlh->nlmsg_type = saved->nlmsg_type;
	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	memcpy(mnl_nlmsg_put_extra_header(nlh, fixed), mnl_nlmsg_get_payload(saved), fixed);
	if (addr) {
		struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

		ifa->ifa_index = ifindex;
		ifa->ifa_flags = 0;
	} else {
		struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

		rtm->rtm_flags = 0;
		mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	}
	mnl_attr_for_each(a, saved, fixed)
		if (attr_stays(saved->nlmsg_type, mnl_attr_get_type(a)))
			mnl_attr_put(nlh, mnl_attr_get_type(a), mnl_attr_get_payload_len(a),
				     mnl_attr_get_payload(a));
	ret = mnd_rtnl_request(r, nlh, NULL, NULL);
	return ret == -EEXIST ? 0 : ret;
}

int mnd_netconf_apply(const struct mnd_netconf *c, struct mnd_rtnl *r, uint32_t ifindex)
{
	const struct nlmsghdr *nlh = (const void *)c->msgs;
	int left = c->len, first = 0, ret;

	while (mnl_nlmsg_ok(nlh, left)) {
		ret = apply_one(nlh, r, ifindex);
		if (!first)
			first = ret;
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	return first;
}

bool mnd_netconf_has_default(const struct mnd_netconf *c)
{
	const struct nlmsghdr *nlh = (const void *)c->msgs;
	int left = c->len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type == RTM_NEWROUTE && !rtm->rtm_dst_len)
			return true;
	}
	return false;
}

void mnd_netconf_free(struct mnd_netconf *c)
{
	free(c->msgs);
	memset(c, 0, sizeof(*c));
}

int mnd_netconf_save(const struct mnd_netconf *c, FILE *f)
{
	return fwrite(c->msgs, 1, c->len, f) == c->len ? 0 : -EIO;
}

/* The messages of a file of our own, which a crash may have cut short. */
static bool conf_valid(const struct mnd_netconf *c)
{
	const struct nlmsghdr *nlh = (const void *)c->msgs;
	int left = c->len;

	while (left > 0) {
		if (!mnl_nlmsg_ok(nlh, left) || nlh->nlmsg_len > NETCONF_MSG_MAX ||
		    nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct rtmsg))
			return false;
		if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_NEWROUTE)
			return false;
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	return true;
}

int mnd_netconf_load(struct mnd_netconf *c, FILE *f)
{
	memset(c, 0, sizeof(*c));
	c->msgs = malloc(NETCONF_MAX);
	if (!c->msgs)
		return -ENOMEM;
	c->size = NETCONF_MAX;
	c->len = fread(c->msgs, 1, NETCONF_MAX, f);
	if (ferror(f) || !conf_valid(c)) {
		mnd_netconf_free(c);
		return -EBADMSG;
	}
	return 0;
}
