// SPDX-License-Identifier: MIT
/*
 * nlclient.c - a generic netlink client over libmnl
 */
#include "nlclient.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

/* Bytes of notifications that may wait, in the kernel's reckoning. */
#define EVENTS_ROOM	(1 << 20)
/* Datagrams that one nlclient_recv_events() takes at most. */
#define EVENTS_BURST	64

static int set_option(struct nlclient *nl, int option)
{
	int one = 1;

	return mnl_socket_setsockopt(nl->sock, option, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* Receives one datagram from the kernel. Its length, or -errno. */
static ssize_t recv_datagram(struct nlclient *nl, int flags)
{
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	struct iovec iov = { .iov_base = nl->recv, .iov_len = sizeof(nl->recv) };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len;

	for (;;) {
		len = recvmsg(mnl_socket_get_fd(nl->sock), &msg, flags);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		/* Another process may not speak for the kernel. */
		if (msg.msg_namelen == sizeof(from) && from.nl_pid == 0)
			return len;
		msg.msg_namelen = sizeof(from);
	}
}

struct extack_text {
	const char *msg;
	uint32_t miss;
};

static int take_extack_attr(const struct nlattr *attr, void *data)
{
	struct extack_text *text = data;

	switch (mnl_attr_get_type(attr)) {
	case NLMSGERR_ATTR_MSG:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			text->msg = mnl_attr_get_str(attr);
		break;
	case NLMSGERR_ATTR_MISS_TYPE:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			text->miss = mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

/* Keeps the sentence from the attributes that start offset bytes into the payload. */
static void keep_extack(struct nlclient *nl, const struct nlmsghdr *nlh, size_t offset)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	struct extack_text text = { 0 };

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || offset > len)
		return;
	mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, offset), len - offset,
			       take_extack_attr, &text);
	if (text.msg)
		snprintf(nl->extack, sizeof(nl->extack), "%s", text.msg);
	else if (text.miss)
		snprintf(nl->extack, sizeof(nl->extack), "attribute %u is missing", text.miss);
}

/* An NLMSG_ERROR: its error, 0 when it is an acknowledgement. */
static int take_error(struct nlclient *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && err->msg.nlmsg_len > sizeof(err->msg))
		offset += MNL_ALIGN(err->msg.nlmsg_len - sizeof(err->msg));
	keep_extack(nl, nlh, offset);
	return err->error > 0 ? -EBADMSG : err->error;
}

/* An NLMSG_DONE: the error that ended the dump, or 0. */
static int take_done(struct nlclient *nl, const struct nlmsghdr *nlh)
{
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return 0;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	keep_extack(nl, nlh, sizeof(error));
	return error > 0 ? -EBADMSG : error;
}

/* What a request has come to. */
struct progress {
	bool ended;
	bool inconsistent;
	int result;	/* the kernel's or the callback's; the first counts */
};

static void take_message(struct nlclient *nl, const struct nlmsghdr *nlh, nlclient_cb cb,
			 void *data, struct progress *p)
{
	int ret = 0;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		p->inconsistent = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_ERROR:
		p->ended = true;
		ret = take_error(nl, nlh);
		break;
	case NLMSG_DONE:
		p->ended = true;
		ret = take_done(nl, nlh);
		break;
	case NLMSG_OVERRUN:
		ret = -ENOBUFS;
		break;
	default:
		if (cb && !p->result)
			ret = cb(nlh, data);
	}
	if (ret && !p->result)
		p->result = ret;
}

static int transact(struct nlclient *nl, struct nlmsghdr *req, nlclient_cb cb, void *data)
{
	struct progress p = { 0 };
	const struct nlmsghdr *nlh;
	ssize_t len;
	int left;

	nl->extack[0] = '\0';
	if (!nl->sock)
		return -ENOTCONN;
	if (mnl_socket_sendto(nl->sock, req, req->nlmsg_len) < 0)
		return -errno;
	while (!p.ended) {
		/*
		 * The kernel answers before the request returns, and goes on
		 * with a dump as it is read: what is not there will not come.
		 */
		len = recv_datagram(nl, MSG_DONTWAIT);
		if (len < 0)
			return len == -EAGAIN ? -ENOBUFS : len;
		left = len;
		for (nlh = (void *)nl->recv; mnl_nlmsg_ok(nlh, left) && !p.ended;
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq == nl->seq && nlh->nlmsg_pid == nl->portid)
				take_message(nl, nlh, cb, data, &p);
		}
	}
	if (p.result)
		return p.result;
	return p.inconsistent ? -EINTR : 0;
}

struct nlmsghdr *nlclient_begin(struct nlclient *nl, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->req);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = nl->family;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = nl->version;
	return nlh;
}

int nlclient_request(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb cb, void *data)
{
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return transact(nl, nlh, cb, data);
}

int nlclient_dump(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb cb, void *data)
{
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP;
	return transact(nl, nlh, cb, data);
}

static void take_group(struct nlclient *nl, const struct nlattr *group)
{
	struct nlclient_group *g = &nl->groups[nl->n_groups];
	const struct nlattr *attr;
	bool has_id = false;

	if (nl->n_groups == NLCLIENT_GROUPS_MAX)
		return;
	memset(g, 0, sizeof(*g));
	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
			g->id = mnl_attr_get_u32(attr);
			has_id = true;
		} else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			   mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
			snprintf(g->name, sizeof(g->name), "%s", mnl_attr_get_str(attr));
		}
	}
	if (has_id && g->name[0])
		nl->n_groups++;
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct nlclient *nl = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) < 0)
				return -EBADMSG;
			nl->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_VERSION:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
				return -EBADMSG;
			nl->version = mnl_attr_get_u32(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			mnl_attr_for_each_nested(group, attr)
				take_group(nl, group);
			break;
		}
	}
	return 0;
}

static int resolve_family(struct nlclient *nl, const char *family)
{
	struct nlmsghdr *nlh;
	int ret;

	nl->family = GENL_ID_CTRL;
	nl->version = 1;
	nlh = nlclient_begin(nl, CTRL_CMD_GETFAMILY);
	if (!mnl_attr_put_strz_check(nlh, sizeof(nl->req), CTRL_ATTR_FAMILY_NAME, family))
		return -EINVAL;
	ret = nlclient_request(nl, nlh, take_family, nl);
	if (ret < 0)
		return ret;
	return nl->family == GENL_ID_CTRL ? -ENOENT : 0;
}

static int open_socket(struct nlclient *nl)
{
	static const int options[] = {
		NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK
	};
	unsigned int i;
	int ret;

	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		ret = set_option(nl, options[i]);
		if (ret < 0)
			return ret;
	}
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nl->portid = mnl_socket_get_portid(nl->sock);
	return 0;
}

int nlclient_open(struct nlclient *nl, const char *family)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	ret = open_socket(nl);
	if (ret == 0)
		ret = resolve_family(nl, family);
	if (ret < 0)
		nlclient_close(nl);
	return ret;
}

void nlclient_close(struct nlclient *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

int nlclient_fd(const struct nlclient *nl)
{
	return nl->sock ? mnl_socket_get_fd(nl->sock) : -ENOTCONN;
}

const char *nlclient_extack(const struct nlclient *nl)
{
	return nl->extack;
}

/* As much as we may have; what does not fit is lost and reported. */
static void make_room(struct nlclient *nl)
{
	int fd = mnl_socket_get_fd(nl->sock), room = EVENTS_ROOM;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

int nlclient_join(struct nlclient *nl, const char *group)
{
	unsigned int i;

	if (!nl->sock)
		return -ENOTCONN;
	for (i = 0; i < nl->n_groups; i++) {
		if (strcmp(nl->groups[i].name, group))
			continue;
		if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &nl->groups[i].id,
					  sizeof(nl->groups[i].id)) < 0)
			return -errno;
		make_room(nl);
		return 0;
	}
	return -ENOENT;
}

int nlclient_recv_events(struct nlclient *nl, nlclient_cb cb, void *data)
{
	const struct nlmsghdr *nlh;
	int left, ret, n = 0, burst;
	ssize_t len;

	if (!nl->sock)
		return -ENOTCONN;
	for (burst = 0; burst < EVENTS_BURST; burst++) {
		len = recv_datagram(nl, MSG_DONTWAIT);
		if (len == -EAGAIN)
			break;
		if (len < 0)
			return len;
		left = len;
		for (nlh = (void *)nl->recv; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type != nl->family)
				continue;
			ret = cb(nlh, data);
			if (ret)
				return ret;
			n++;
		}
	}
	return n;
}
