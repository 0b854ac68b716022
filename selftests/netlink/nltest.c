// SPDX-License-Identifier: MIT
/*
 * nltest.c - a client of the "machnet" family over libnl, for tests
 */
#include "nltest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

struct nt_addr nt_addr(const char *text)
{
	struct nt_addr addr = { .len = 4 };

	if (inet_pton(AF_INET, text, addr.b) == 1)
		return addr;
	addr.len = 16;
	if (inet_pton(AF_INET6, text, addr.b) != 1)
		addr.len = 0;
	return addr;
}

static void keep_attrs(struct nt *nt, struct nlmsghdr *nlh)
{
	memset(nt->attrs, 0, sizeof(nt->attrs));
	if (nlh->nlmsg_len > sizeof(nt->buf))
		return;
	memcpy(nt->buf, nlh, nlh->nlmsg_len);
	genlmsg_parse((struct nlmsghdr *)nt->buf, 0, nt->attrs, NT_ATTRS - 1, NULL);
	nt->n_replies++;
}

/* libnl gives the sentence to nobody: read it from the message, offset bytes into its payload. */
static void keep_extack(struct nt *nt, struct nlmsghdr *nlh, int offset)
{
	int left = nlh->nlmsg_len - NLMSG_HDRLEN - offset;
	struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	for (attr = (struct nlattr *)((char *)nlmsg_data(nlh) + offset); nla_ok(attr, left);
	     attr = nla_next(attr, &left)) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			nla_strlcpy(nt->extack, attr, sizeof(nt->extack));
		else if (nla_type(attr) == NLMSGERR_ATTR_MISS_TYPE)
			nt->missing = nla_get_u32(attr);
	}
}

struct run {
	struct nt *nt;
	void (*cb)(struct nt *nt, void *data);
	void *data;
	int result;
	bool done;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct run *run = arg;

	keep_attrs(run->nt, nlmsg_hdr(msg));
	if (run->cb)
		run->cb(run->nt, run->data);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	int offset = sizeof(*err);
	struct run *run = arg;

	(void)from;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	keep_extack(run->nt, nlh, offset);
	run->result = err->error;
	run->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct run *run = arg;

	(void)msg;
	run->done = true;
	return NL_STOP;
}

/* The end of a dump, which may be an error. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct run *run = arg;

	if (nlmsg_datalen(nlh) >= (int)sizeof(int))
		run->result = *(int *)nlmsg_data(nlh);
	keep_extack(run->nt, nlh, sizeof(int));
	run->done = true;
	return NL_STOP;
}

static int run(struct nt *nt, struct nl_msg *msg, void (*cb)(struct nt *nt, void *data),
	       void *data)
{
	struct run r = { .nt = nt, .cb = cb, .data = data };
	struct nl_cb *nlcb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	nt->extack[0] = '\0';
	nt->missing = 0;
	nt->n_replies = 0;
	memset(nt->attrs, 0, sizeof(nt->attrs));
	nl_cb_err(nlcb, NL_CB_CUSTOM, on_error, &r);
	nl_cb_set(nlcb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &r);
	nl_cb_set(nlcb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &r);
	nl_cb_set(nlcb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &r);
	ret = nl_send_auto(nt->sk, msg);
	nlmsg_free(msg);
	while (ret >= 0 && !r.done)
		ret = nl_recvmsgs(nt->sk, nlcb);
	nl_cb_put(nlcb);
	return ret < 0 && !r.done ? -EPROTO : r.result;
}

int nt_open(struct nt *nt)
{
	int one = 1;

	memset(nt, 0, sizeof(*nt));
	nt->sk = nl_socket_alloc();
	if (!nt->sk)
		return -ENOMEM;
	if (genl_connect(nt->sk) < 0)
		return -EIO;
	setsockopt(nl_socket_get_fd(nt->sk), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	nt->family = genl_ctrl_resolve(nt->sk, MACHNET_GENL_NAME);
	if (nt->family >= 0)
		return 0;
	nt_close(nt);
	return -ENOENT;
}

void nt_need_module(void)
{
	const char *why = NULL;
	struct nt nt;

	if (geteuid())
		why = "needs root";
	else if (nt_open(&nt))
		why = "needs the kernel module";
	else
		nt_close(&nt);
	if (!why)
		return;
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

void nt_close(struct nt *nt)
{
	if (nt->sk)
		nl_socket_free(nt->sk);
	nt->sk = NULL;
}

int nt_fd(const struct nt *nt)
{
	return nl_socket_get_fd(nt->sk);
}

int nt_join(struct nt *nt, const char *group)
{
	int id = genl_ctrl_resolve_grp(nt->sk, MACHNET_GENL_NAME, group);
	int fd = nl_socket_get_fd(nt->sk);
	int room = 1 << 20;

	if (id < 0)
		return -ENOENT;
	/* libnl asks for little; who is not root gets what the system allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)))
		return -errno;
	nl_socket_disable_seq_check(nt->sk);
	return nl_socket_add_memberships(nt->sk, id, 0) < 0 ? -EIO : 0;
}

struct nl_msg *nt_msg(struct nt *nt, int cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(NT_MSG_LEN);

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nt->family, 0, NLM_F_ACK, cmd,
		    MACHNET_GENL_VERSION);
	return msg;
}

int nt_do(struct nt *nt, struct nl_msg *msg)
{
	return run(nt, msg, NULL, NULL);
}

int nt_dump(struct nt *nt, int cmd, void (*cb)(struct nt *nt, void *data), void *data)
{
	return nt_dump_msg(nt, nt_msg(nt, cmd), cb, data);
}

int nt_dump_msg(struct nt *nt, struct nl_msg *msg, void (*cb)(struct nt *nt, void *data),
		void *data)
{
	int ret;

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	ret = run(nt, msg, cb, data);
	return ret ? ret : nt->n_replies;
}

int nt_event(struct nt *nt, int timeout_ms)
{
	struct pollfd pfd = { .fd = nl_socket_get_fd(nt->sk), .events = POLLIN };
	unsigned char buf[8192];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	ssize_t len;

	if (poll(&pfd, 1, timeout_ms) != 1)
		return -1;
	/* The module sends one notification per datagram. */
	len = recv(pfd.fd, buf, sizeof(buf), 0);
	if (len < 0 || !nlmsg_ok(nlh, len) || nlh->nlmsg_type != nt->family)
		return -1;
	keep_attrs(nt, nlh);
	return ((struct genlmsghdr *)nlmsg_data(nlh))->cmd;
}

int64_t nt_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool nt_wait_event(struct nt *nt, int cmd, int timeout_ms)
{
	int64_t end = nt_now_ms() + timeout_ms, left;

	while ((left = end - nt_now_ms()) > 0) {
		if (nt_event(nt, left) == cmd)
			return true;
	}
	return false;
}

void nt_put(struct nl_msg *msg, int attr, const void *data, int len)
{
	nla_put(msg, attr, len, data);
}

void nt_put_u16(struct nl_msg *msg, int attr, uint16_t value)
{
	nla_put_u16(msg, attr, value);
}

void nt_put_u32(struct nl_msg *msg, int attr, uint32_t value)
{
	nla_put_u32(msg, attr, value);
}

void nt_put_u64(struct nl_msg *msg, int attr, uint64_t value)
{
	nla_put_u64(msg, attr, value);
}

void nt_put_addr(struct nl_msg *msg, int attr, const char *text)
{
	struct nt_addr addr = nt_addr(text);

	nla_put(msg, attr, addr.len, addr.b);
}

struct nlattr *nt_nest_begin(struct nl_msg *msg, int attr)
{
	return nla_nest_start(msg, attr | NLA_F_NESTED);
}

void nt_nest_end(struct nl_msg *msg, struct nlattr *nest)
{
	nla_nest_end(msg, nest);
}

uint16_t nt_u16(const struct nt *nt, int attr)
{
	return nt->attrs[attr] ? nla_get_u16(nt->attrs[attr]) : 0;
}

uint32_t nt_u32(const struct nt *nt, int attr)
{
	return nt->attrs[attr] ? nla_get_u32(nt->attrs[attr]) : 0;
}

uint64_t nt_u64(const struct nt *nt, int attr)
{
	return nt->attrs[attr] ? nla_get_u64(nt->attrs[attr]) : 0;
}

const char *nt_str(const struct nt *nt, int attr)
{
	return nt->attrs[attr] ? nla_get_string(nt->attrs[attr]) : "";
}

const char *nt_text(const struct nt *nt, int attr)
{
	const struct nlattr *addr = nt->attrs[attr];
	static char text[INET6_ADDRSTRLEN];

	if (!addr)
		return "";
	return inet_ntop(nla_len(addr) == 4 ? AF_INET : AF_INET6, nla_data(addr), text,
			 sizeof(text)) ?: "";
}

bool nt_is_addr(const struct nt *nt, int attr, const char *text)
{
	struct nt_addr addr = nt_addr(text);

	return nt->attrs[attr] && nla_len(nt->attrs[attr]) == addr.len &&
	       memcmp(nla_data(nt->attrs[attr]), addr.b, addr.len) == 0;
}
