/* SPDX-License-Identifier: MIT */
/*
 * names.c - each name of Microsoft's interface, in C and C++
 *
 * A program in their style: <machnet.h> alone brings in the system headers, and
 * what it asks of types, layouts and constants is what the public header says.
 * Without machnetd it ends with 3.
 */
#include <machnet.h>
#include <machnet_common.h>

#define SAME(a, b)	typedef char same_##a[(sizeof(struct a) == sizeof(a##_t)) && (b) ? 1 : -1]

struct plain_flow {
	uint32_t src_ip, dst_ip;
	uint16_t src_port, dst_port;
};

struct plain_msg {
	uint32_t msg_size;
	struct plain_flow flow_info;
	void *msg_iov;
	size_t msg_iovlen;
	uint16_t flags;
};

SAME(MachnetFlow, sizeof(struct MachnetFlow) == sizeof(struct plain_flow) &&
     offsetof(struct MachnetFlow, dst_ip) == 4 && offsetof(struct MachnetFlow, src_port) == 8 &&
     offsetof(struct MachnetFlow, dst_port) == 10);
SAME(MachnetListenerInfo, sizeof(struct MachnetListenerInfo) == 8 &&
     offsetof(struct MachnetListenerInfo, port) == 4 &&
     offsetof(struct MachnetListenerInfo, reserved) == 6);
SAME(MachnetIovec, sizeof(struct MachnetIovec) == 2 * sizeof(void *) &&
     offsetof(struct MachnetIovec, len) == sizeof(void *));
SAME(MachnetMsgHdr, sizeof(struct MachnetMsgHdr) == sizeof(struct plain_msg) &&
     offsetof(struct MachnetMsgHdr, flow_info) == offsetof(struct plain_msg, flow_info) &&
     offsetof(struct MachnetMsgHdr, msg_iov) == offsetof(struct plain_msg, msg_iov) &&
     offsetof(struct MachnetMsgHdr, msg_iovlen) == offsetof(struct plain_msg, msg_iovlen) &&
     offsetof(struct MachnetMsgHdr, flags) == offsetof(struct plain_msg, flags));

static bool constants(void)
{
	return KB == 1024 && MB == 1024 * 1024 && PAGE_SIZE == 4096 && CACHE_LINE_SIZE == 64 &&
	       HUGE_PAGE_2M_SIZE == 2097152 && MACHNET_MSG_MAX_LEN == 8388608 &&
	       MACHNET_MSGBUF_NOTIFY_DELIVERY == 128;
}

/* Something of each system header. */
static bool system_headers(void)
{
	char text[8], *map;
	struct stat st;
	int fd = open("/dev/zero", O_RDONLY);

	if (fd < 0 || fstat(fd, &st) || !S_ISCHR(st.st_mode))
		return false;
	map = (char *)mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	assert(map != (char *)MAP_FAILED);
	snprintf(text, sizeof(text), "%d", atoi("7"));
	return !strcmp(text, "7") && !memcmp(map, "\0", 1) && UINT16_MAX == 65535;
}

static bool bind_refuses(void *ctx)
{
	MachnetChannelCtx_t *channel = (MachnetChannelCtx_t *)ctx;
	size_t size = 1;

	if (channel)
		return false;
	channel = machnet_bind(-1, &size);
	return !channel && !size && !machnet_bind(0, NULL);
}

/* All nine calls, as far as an argument that is no channel lets them go. */
static bool calls(void)
{
	MachnetListenerInfo_t where = { 0x0a000001, 888, 0 };
	MachnetFlow_t flow = { 0, 0, 0, 0 };
	MachnetMsgHdr_t msg;
	MachnetIovec_t iov;
	char buf[16] = "";

	iov.base = buf;
	iov.len = sizeof(buf);
	msg.msg_size = sizeof(buf);
	msg.flow_info = flow;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.flags = MACHNET_MSGBUF_NOTIFY_DELIVERY;
	return machnet_listen(NULL, "10.0.0.1", where.port) < 0 &&
	       machnet_connect(NULL, "10.0.0.1", "10.0.0.2", where.port, &flow) < 0 &&
	       machnet_send(NULL, flow, buf, sizeof(buf)) < 0 &&
	       machnet_sendmsg(NULL, &msg) < 0 && !machnet_sendmmsg(NULL, &msg, 1) &&
	       machnet_recvmsg(NULL, &msg) < 0 && machnet_recv(NULL, buf, sizeof(buf), &flow) < 0;
}

int main(void)
{
	void *ctx;

	if (unlikely(!constants() || !system_headers() || !bind_refuses(NULL) || !calls()))
		return 1;
	if (likely(machnet_init() != 0))
		return 3;
	ctx = machnet_attach();
	machnet_detach((MachnetChannelCtx_t *)ctx);
	return ctx ? 0 : 4;
}
