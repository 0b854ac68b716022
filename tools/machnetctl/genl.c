// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/machnet.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>

#include "genl.h"

/* So often a dump is begun anew before the last one is taken as it is. */
#define DUMP_ATTEMPTS	8
#define EVENT_SOCKBUF	(1 << 20)

/* The sentence in the attributes that begin at p, up to the end of the message. */
static void take_sentence(struct ctl_genl *g, struct nlmsghdr *nlh, const char *p)
{
	static struct nla_policy policy[NLMSGERR_ATTR_MAX + 1] = {
		[NLMSGERR_ATTR_MSG] = { .type = NLA_STRING },
		[NLMSGERR_ATTR_MISS_TYPE] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	const char *end = (const char *)nlh + nlh->nlmsg_len;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || p >= end ||
	    nla_parse(attrs, NLMSGERR_ATTR_MAX, (struct nlattr *)p, end - p, policy) < 0)
		return;
	if (attrs[NLMSGERR_ATTR_MSG])
		nla_strlcpy(g->sentence, attrs[NLMSGERR_ATTR_MSG], sizeof(g->sentence));
	else if (attrs[NLMSGERR_ATTR_MISS_TYPE])
		snprintf(g->sentence, sizeof(g->sentence), "attribute %u is missing",
			 nla_get_u32(attrs[NLMSGERR_ATTR_MISS_TYPE]));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *data)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	const char *attrs = (const char *)(err + 1);
	struct ctl_genl *g = data;

	(void)from;
	/* The request, of which err has the header, unless the kernel left the rest out. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && err->msg.nlmsg_len > sizeof(err->msg))
		attrs += NLMSG_ALIGN(err->msg.nlmsg_len - sizeof(err->msg));
	take_sentence(g, nlh, attrs);
	g->error = err->error;
	g->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *data)
{
	struct ctl_genl *g = data;

	(void)msg;
	g->done = true;
	return NL_STOP;
}

/* The end of a dump may carry an error. */
static int on_finish(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	const char *payload = nlmsg_data(nlh);
	struct ctl_genl *g = data;

	if (nlmsg_datalen(nlh) >= (int)sizeof(g->error)) {
		memcpy(&g->error, payload, sizeof(g->error));
		if (g->error)
			take_sentence(g, nlh, payload + NLMSG_ALIGN(sizeof(g->error)));
	}
	g->done = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct ctl_genl *g = data;

	if (nlh->nlmsg_type == g->family && genlmsg_valid_hdr(nlh, 0) && g->handler && !g->error)
		g->error = g->handler(nlh, g->data);
	return NL_OK;
}

static int on_interrupted(struct nl_msg *msg, void *data)
{
	struct ctl_genl *g = data;

	(void)msg;
	g->interrupted = true;
	return NL_OK;
}

static int any_sequence(struct nl_msg *msg, void *data)
{
	(void)msg, (void)data;
	return NL_OK;
}

static int set_options(struct ctl_genl *g)
{
	static const int options[] = {
		NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK,
	};
	int fd = nl_socket_get_fd(g->sock);
	unsigned int i;
	int one = 1;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, options[i], &one, sizeof(one)))
			return -errno;
	return 0;
}

static int open_family(struct ctl_genl *g)
{
	int ret;

	if (genl_connect(g->sock) < 0)
		return errno ? -errno : -EPROTONOSUPPORT;
	ret = set_options(g);
	if (ret)
		return ret;
	g->family = genl_ctrl_resolve(g->sock, MACHNET_GENL_NAME);
	if (g->family < 0)
		return g->family == -NLE_OBJ_NOTFOUND ? -ENOENT : -EPROTO;
	return 0;
}

int ctl_genl_open(struct ctl_genl *g)
{
	int ret;

	memset(g, 0, sizeof(*g));
	g->sock = nl_socket_alloc();
	g->cb = nl_cb_alloc(NL_CB_DEFAULT);
	ret = g->sock && g->cb ? open_family(g) : -ENOMEM;
	if (ret) {
		ctl_genl_close(g);
		return ret;
	}
	nl_cb_err(g->cb, NL_CB_CUSTOM, on_error, g);
	nl_cb_set(g->cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, g);
	nl_cb_set(g->cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, g);
	nl_cb_set(g->cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, g);
	nl_cb_set(g->cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, g);
	return 0;
}

void ctl_genl_close(struct ctl_genl *g)
{
	nl_cb_put(g->cb);
	nl_socket_free(g->sock);
	g->cb = NULL;
	g->sock = NULL;
}

struct nl_msg *ctl_genl_begin(struct ctl_genl *g, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, g->family, 0, 0, cmd,
				MACHNET_GENL_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

int ctl_genl_request(struct ctl_genl *g, struct nl_msg *msg,
		     int (*handler)(const struct nlmsghdr *nlh, void *data), void *data)
{
	int ret;

	if (!msg)
		return -ENOMEM;
	g->error = 0;
	g->done = false;
	g->interrupted = false;
	g->sentence[0] = '\0';
	g->handler = handler;
	g->data = data;
	ret = nl_send_auto(g->sock, msg);
	nlmsg_free(msg);
	if (ret < 0)
		return -EIO;
	while (!g->done) {
		ret = nl_recvmsgs(g->sock, g->cb);
		if (ret < 0 && !g->done && ret != -NLE_DUMP_INTR)
			return g->error ? g->error : -EIO;
	}
	return g->error;
}

/* Copies of the messages of a dump. */
struct pile {
	struct nlmsghdr **messages;
	size_t n, max;
};

static int pile_add(const struct nlmsghdr *nlh, void *data)
{
	struct pile *pile = data;
	struct nlmsghdr **grown, *copy;

	if (pile->n == pile->max) {
		grown = reallocarray(pile->messages, 2 * pile->max + 64, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		pile->messages = grown;
		pile->max = 2 * pile->max + 64;
	}
	copy = malloc(nlh->nlmsg_len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, nlh, nlh->nlmsg_len);
	pile->messages[pile->n++] = copy;
	return 0;
}

static void pile_clear(struct pile *pile)
{
	while (pile->n)
		free(pile->messages[--pile->n]);
}

static struct nl_msg *begin_dump(struct ctl_genl *g, uint8_t cmd, const struct ctl_filter *filter)
{
	struct nl_msg *msg = ctl_genl_begin(g, cmd);

	if (!msg)
		return NULL;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	if (filter && ctl_filter_put(filter, msg) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int ctl_genl_dump(struct ctl_genl *g, uint8_t cmd, const struct ctl_filter *filter,
		  int (*handler)(const struct nlmsghdr *nlh, void *data), void *data)
{
	struct pile pile = { 0 };
	unsigned int attempt;
	size_t i;
	int ret = 0;

	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		pile_clear(&pile);
		ret = ctl_genl_request(g, begin_dump(g, cmd, filter), pile_add, &pile);
		if (ret || !g->interrupted)
			break;
	}
	for (i = 0; !ret && i < pile.n; i++)
		ret = handler(pile.messages[i], data);
	pile_clear(&pile);
	free(pile.messages);
	return ret;
}

int ctl_genl_listen(struct ctl_genl *g, const char *const *groups, unsigned int n,
		    int (*handler)(const struct nlmsghdr *nlh, void *data), void *data)
{
	int ids[CTL_GENL_GROUPS_MAX];
	unsigned int i;

	if (n > CTL_GENL_GROUPS_MAX)
		return -E2BIG;
	/* All questions before the first subscription: an event is no answer. */
	for (i = 0; i < n; i++) {
		ids[i] = genl_ctrl_resolve_grp(g->sock, MACHNET_GENL_NAME, groups[i]);
		if (ids[i] < 0)
			return -ENOENT;
	}
	g->handler = handler;
	g->data = data;
	nl_cb_set(g->cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	if (nl_socket_set_buffer_size(g->sock, EVENT_SOCKBUF, 0) < 0 ||
	    nl_socket_set_nonblocking(g->sock) < 0)
		return -EIO;
	for (i = 0; i < n; i++)
		if (setsockopt(nl_socket_get_fd(g->sock), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			       &ids[i], sizeof(ids[i])))
			return -errno;
	return 0;
}

int ctl_genl_read_events(struct ctl_genl *g)
{
	int ret;

	g->error = 0;
	do
		ret = nl_recvmsgs(g->sock, g->cb);
	while (ret >= 0 && !g->error);
	if (g->error)
		return g->error;
	if (ret == -NLE_AGAIN)
		return 0;
	/* What libnl makes of ENOBUFS. */
	return ret == -NLE_NOMEM ? -ENOBUFS : -EIO;
}
