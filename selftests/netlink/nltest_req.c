// SPDX-License-Identifier: MIT
/*
 * nltest_req.c - the usual requests of tests
 */
#include "nltest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <netlink/msg.h>

int nt_port_op(struct nt *nt, int cmd, const char *addr, uint16_t number)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_addr(msg, MACHNET_A_PORT_ADDR, addr);
	nt_put_u16(msg, MACHNET_A_PORT_NUMBER, number);
	return nt_do(nt, msg);
}

int nt_lend(struct nt *nt, int fd)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_LEND);

	nt_put_u32(msg, MACHNET_A_PORT_SOCKET, fd);
	return nt_do(nt, msg);
}

int nt_lend_many(struct nt *nt, const int *fds, int n)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_LEND);

	nt_put(msg, MACHNET_A_PORT_SOCKETS, fds, n * sizeof(*fds));
	return nt_do(nt, msg);
}

int nt_open_port(struct nt *nt, const char *addr, uint16_t number)
{
	int fd = nt_bind_udp(addr, number), ret;

	if (fd < 0)
		return fd;
	ret = nt_lend(nt, fd);
	close(fd);
	return ret;
}

int nt_open_ports(struct nt *nt, const char *addr, int n, uint16_t *numbers)
{
	int *fds = calloc(n, sizeof(*fds)), ret = 0, i;

	if (!fds)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		fds[i] = nt_bind_udp(addr, 0);
		if (fds[i] < 0)
			break;
		if (numbers)
			numbers[i] = nt_bound_number(fds[i]);
	}
	ret = i < n ? fds[i] : nt_lend_many(nt, fds, n);
	while (i--)
		close(fds[i]);
	free(fds);
	return ret;
}

int nt_claim(struct nt *nt, const char *addr, uint16_t number, uint64_t cookie)
{
	return nt_claim_for(nt, addr, number, cookie, 0);
}

int nt_claim_for(struct nt *nt, const char *addr, uint16_t number, uint64_t cookie, uint32_t pid)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_CLAIM);

	nt_put_addr(msg, MACHNET_A_PORT_ADDR, addr);
	nt_put_u16(msg, MACHNET_A_PORT_NUMBER, number);
	nt_put_u64(msg, MACHNET_A_PORT_COOKIE, cookie);
	if (pid)
		nt_put_u32(msg, MACHNET_A_PORT_OWNER_PID, pid);
	return nt_do(nt, msg);
}

int nt_release_many(struct nt *nt, const char *addr, const uint16_t *numbers, int n)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_RELEASE);

	nt_put_addr(msg, MACHNET_A_PORT_ADDR, addr);
	nt_put(msg, MACHNET_A_PORT_NUMBERS, numbers, n * sizeof(*numbers));
	return nt_do(nt, msg);
}

struct nl_msg *nt_register_msg(struct nt *nt, uint32_t ifindex)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_DEVICE_REGISTER);

	nt_put_u32(msg, MACHNET_A_DEVICE_IFINDEX, ifindex);
	nt_put(msg, MACHNET_A_DEVICE_MAC, mac, sizeof(mac));
	nt_put_u32(msg, MACHNET_A_DEVICE_MTU, 1500);
	nt_put_u32(msg, MACHNET_A_DEVICE_ENGINES, 4);
	nt_put_u32(msg, MACHNET_A_DEVICE_RSS_CLASS, MACHNET_RSS_CLASS_LABELLED);
	nt_put(msg, MACHNET_A_DEVICE_DRIVER, "net_test", sizeof("net_test"));
	nt_put_u16(msg, MACHNET_A_DEVICE_PATH_PORT_FIRST, 61440);
	nt_put_u32(msg, MACHNET_A_DEVICE_PATH_PORT_COUNT, 64);
	return msg;
}

int nt_register(struct nt *nt, uint32_t ifindex)
{
	return nt_do(nt, nt_register_msg(nt, ifindex));
}

int nt_device_op(struct nt *nt, int cmd, uint32_t ifindex)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_u32(msg, MACHNET_A_DEVICE_IFINDEX, ifindex);
	return nt_do(nt, msg);
}

void nt_put_connection(struct nl_msg *msg, uint64_t id, uint32_t ifindex)
{
	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	nt_put_u32(msg, MACHNET_A_CONNECTION_IFINDEX, ifindex);
	nt_put_addr(msg, MACHNET_A_CONNECTION_LOCAL_ADDR, "10.0.0.1");
	nt_put_u16(msg, MACHNET_A_CONNECTION_LOCAL_PORT, 1000);
	nt_put_addr(msg, MACHNET_A_CONNECTION_REMOTE_ADDR, "10.0.0.2");
	nt_put_u16(msg, MACHNET_A_CONNECTION_REMOTE_PORT, 2000);
	nt_put_u32(msg, MACHNET_A_CONNECTION_STATE, MACHNET_CONNECTION_STATE_CONNECTING);
	nt_put_u32(msg, MACHNET_A_CONNECTION_ENGINE, 3);
}

int nt_connect(struct nt *nt, uint64_t id, uint32_t ifindex)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_ADD);

	nt_put_connection(msg, id, ifindex);
	return nt_do(nt, msg);
}

void nt_put_entry(struct nl_msg *msg, uint64_t id, uint32_t ifindex)
{
	struct nlattr *nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_ENTRY);

	nt_put_connection(msg, id, ifindex);
	nt_nest_end(msg, nest);
}

void nt_put_end(struct nl_msg *msg, uint64_t id, uint32_t reason)
{
	struct nlattr *nest = nt_nest_begin(msg, MACHNET_A_CONNECTION_END);

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	nt_put_u32(msg, MACHNET_A_CONNECTION_REASON, reason);
	nt_nest_end(msg, nest);
}

int nt_connect_batch(struct nt *nt, uint64_t first, int n, uint32_t ifindex)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_ADD_BATCH);
	int i;

	for (i = 0; i < n; i++)
		nt_put_entry(msg, first + i, ifindex);
	return nt_do(nt, msg);
}

int nt_end_batch(struct nt *nt, uint64_t first, int n, uint32_t reason)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_CONNECTION_DEL_BATCH);
	int i;

	for (i = 0; i < n; i++)
		nt_put_end(msg, first + i, reason);
	return nt_do(nt, msg);
}

int nt_conn_op(struct nt *nt, int cmd, uint64_t id)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	if (cmd == MACHNET_CMD_CONNECTION_DEL)
		nt_put_u32(msg, MACHNET_A_CONNECTION_REASON, MACHNET_REASON_PEER_CLOSED);
	return nt_do(nt, msg);
}

int nt_path_to(struct nt *nt, uint64_t id, uint32_t ifindex, const char *remote)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PATH_ADD);

	nt_put_u64(msg, MACHNET_A_PATH_ID, id);
	nt_put_u32(msg, MACHNET_A_PATH_IFINDEX, ifindex);
	nt_put_addr(msg, MACHNET_A_PATH_LOCAL_ADDR, "10.0.0.1");
	nt_put_addr(msg, MACHNET_A_PATH_REMOTE_ADDR, remote);
	nt_put_u16(msg, MACHNET_A_PATH_TX_LOCAL_PORT, 61441);
	nt_put_u16(msg, MACHNET_A_PATH_TX_REMOTE_PORT, 61442);
	nt_put_u16(msg, MACHNET_A_PATH_RX_LOCAL_PORT, 61443);
	nt_put_u16(msg, MACHNET_A_PATH_RX_REMOTE_PORT, 61444);
	nt_put_u32(msg, MACHNET_A_PATH_ENGINE, 3);
	nt_put_u32(msg, MACHNET_A_PATH_REMOTE_ENGINE, 5);
	nt_put(msg, MACHNET_A_PATH_MAC, mac, sizeof(mac));
	nt_put_u32(msg, MACHNET_A_PATH_MTU, 1500);
	nt_put_u32(msg, MACHNET_A_PATH_STATE, MACHNET_PATH_STATE_OPEN);
	return nt_do(nt, msg);
}

int nt_path(struct nt *nt, uint64_t id, uint32_t ifindex)
{
	return nt_path_to(nt, id, ifindex, "10.0.0.2");
}

int nt_path_op(struct nt *nt, int cmd, uint64_t id)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_u64(msg, MACHNET_A_PATH_ID, id);
	if (cmd == MACHNET_CMD_PATH_DEL)
		nt_put_u32(msg, MACHNET_A_PATH_REASON, MACHNET_REASON_PEER_CLOSED);
	return nt_do(nt, msg);
}

int nt_route_get(struct nt *nt, const char *dst, bool watch)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_ROUTE_GET);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, dst);
	if (watch)
		nt_put(msg, MACHNET_A_ROUTE_WATCH, NULL, 0);
	return nt_do(nt, msg);
}

int nt_route_op(struct nt *nt, int cmd, const struct nt_route *route)
{
	struct nl_msg *msg = nt_msg(nt, cmd);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, route->dst);
	if (route->from)
		nt_put_addr(msg, MACHNET_A_ROUTE_FROM, route->from);
	if (route->vrf)
		nt_put_u32(msg, MACHNET_A_ROUTE_VRF, route->vrf);
	if (route->watch)
		nt_put(msg, MACHNET_A_ROUTE_WATCH, NULL, 0);
	return nt_do(nt, msg);
}

int nt_stats(struct nt *nt, uint64_t *stats)
{
	int ret = nt_do(nt, nt_msg(nt, MACHNET_CMD_STATS_GET)), i;

	for (i = 0; i <= MACHNET_A_STATS_MAX; i++)
		stats[i] = nt_u64(nt, i);
	return ret;
}
