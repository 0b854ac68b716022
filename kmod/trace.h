/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - a tracepoint for each change of state
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM machnet

#if !defined(MACHNET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MACHNET_TRACE_H

#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#include "priv.h"

DECLARE_EVENT_CLASS(machnet_device,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_device *dev),
	TP_ARGS(mn, dev),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u32, ifindex)
		__field(u32, engines)
		__field(u32, portid)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->netns = mn->net->ns.inum;
		__entry->ifindex = dev->config.ifindex;
		__entry->engines = dev->config.engines;
		__entry->portid = dev->owner->portid;
		__entry->reason = dev->reason;
	),
	TP_printk("netns=%u ifindex=%u engines=%u portid=%u reason=%u", __entry->netns,
		  __entry->ifindex, __entry->engines, __entry->portid, __entry->reason)
);

DEFINE_EVENT(machnet_device, machnet_device_add,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_device *dev),
	TP_ARGS(mn, dev));
DEFINE_EVENT(machnet_device, machnet_device_del,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_device *dev),
	TP_ARGS(mn, dev));

DECLARE_EVENT_CLASS(machnet_port,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_port *port, u32 reason),
	TP_ARGS(mn, port, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__array(u8, addr, 16)
		__field(u16, number)
		__field(u32, portid)
		__field(u32, claimer)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->netns = mn->net->ns.inum;
		memcpy(__entry->addr, &port->key.addr, 16);
		__entry->number = port->key.number;
		__entry->portid = port->owner->portid;
		__entry->claimer = port->claimer ? port->claimer->portid : 0;
		__entry->reason = reason;
	),
	TP_printk("netns=%u addr=%pI6c number=%u portid=%u claimer=%u reason=%u", __entry->netns,
		  __entry->addr, __entry->number, __entry->portid, __entry->claimer,
		  __entry->reason)
);

DEFINE_EVENT(machnet_port, machnet_port_lend,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_port *port, u32 reason),
	TP_ARGS(mn, port, reason));
DEFINE_EVENT(machnet_port, machnet_port_claim,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_port *port, u32 reason),
	TP_ARGS(mn, port, reason));
DEFINE_EVENT(machnet_port, machnet_port_release,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_port *port, u32 reason),
	TP_ARGS(mn, port, reason));

DECLARE_EVENT_CLASS(machnet_conn,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_conn *conn, u32 reason),
	TP_ARGS(mn, conn, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u64, id)
		__field(u32, ifindex)
		__array(u8, local, 16)
		__array(u8, remote, 16)
		__field(u16, local_port)
		__field(u16, remote_port)
		__field(u32, state)
		__field(u32, engine)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->netns = mn->net->ns.inum;
		__entry->id = conn->id;
		__entry->ifindex = conn->ifindex;
		memcpy(__entry->local, &conn->local_addr, 16);
		memcpy(__entry->remote, &conn->remote_addr, 16);
		__entry->local_port = conn->path.local_port;
		__entry->remote_port = conn->path.remote_port;
		__entry->state = conn->path.state;
		__entry->engine = conn->path.engine;
		__entry->reason = reason;
	),
	TP_printk("netns=%u id=%llx dev=%u [%pI6c]:%u->[%pI6c]:%u state=%u engine=%u reason=%u",
		  __entry->netns, __entry->id, __entry->ifindex, __entry->local,
		  __entry->local_port, __entry->remote, __entry->remote_port, __entry->state,
		  __entry->engine, __entry->reason)
);

DEFINE_EVENT(machnet_conn, machnet_conn_add,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_conn *conn, u32 reason),
	TP_ARGS(mn, conn, reason));
DEFINE_EVENT(machnet_conn, machnet_conn_set,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_conn *conn, u32 reason),
	TP_ARGS(mn, conn, reason));
DEFINE_EVENT(machnet_conn, machnet_conn_kill,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_conn *conn, u32 reason),
	TP_ARGS(mn, conn, reason));
DEFINE_EVENT(machnet_conn, machnet_conn_del,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_conn *conn, u32 reason),
	TP_ARGS(mn, conn, reason));

DECLARE_EVENT_CLASS(machnet_path,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_path *path, u32 reason),
	TP_ARGS(mn, path, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u64, id)
		__array(u8, local, 16)
		__array(u8, remote, 16)
		__field(u32, engine)
		__field(u32, remote_engine)
		__array(u8, mac, ETH_ALEN)
		__field(u32, mtu)
		__field(u32, state)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->netns = mn->net->ns.inum;
		__entry->id = path->id;
		memcpy(__entry->local, &path->local_addr, 16);
		memcpy(__entry->remote, &path->remote_addr, 16);
		__entry->engine = path->config.engine;
		__entry->remote_engine = path->config.remote_engine;
		memcpy(__entry->mac, path->config.mac, ETH_ALEN);
		__entry->mtu = path->config.mtu;
		__entry->state = path->config.state;
		__entry->reason = reason;
	),
	TP_printk("netns=%u id=%llx %pI6c->%pI6c engine=%u->%u mac=%pM mtu=%u state=%u reason=%u",
		  __entry->netns, __entry->id, __entry->local, __entry->remote, __entry->engine,
		  __entry->remote_engine, __entry->mac, __entry->mtu, __entry->state,
		  __entry->reason)
);

DEFINE_EVENT(machnet_path, machnet_path_add,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_path *path, u32 reason),
	TP_ARGS(mn, path, reason));
DEFINE_EVENT(machnet_path, machnet_path_set,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_path *path, u32 reason),
	TP_ARGS(mn, path, reason));
DEFINE_EVENT(machnet_path, machnet_path_del,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_path *path, u32 reason),
	TP_ARGS(mn, path, reason));

DECLARE_EVENT_CLASS(machnet_route,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_route *route),
	TP_ARGS(mn, route),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__array(u8, dst, 16)
		__field(u32, state)
		__field(u32, ifindex)
		__array(u8, mac, ETH_ALEN)
		__field(u32, mtu)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->netns = mn->net->ns.inum;
		memcpy(__entry->dst, &route->key.dst, 16);
		__entry->state = route->info.state;
		__entry->ifindex = route->info.ifindex;
		memcpy(__entry->mac, route->info.mac, ETH_ALEN);
		__entry->mtu = route->info.mtu;
		__entry->error = route->info.error;
	),
	TP_printk("netns=%u dst=%pI6c state=%u ifindex=%u mac=%pM mtu=%u error=%u",
		  __entry->netns, __entry->dst, __entry->state, __entry->ifindex, __entry->mac,
		  __entry->mtu, __entry->error)
);

DEFINE_EVENT(machnet_route, machnet_route_watch,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_route *route),
	TP_ARGS(mn, route));
DEFINE_EVENT(machnet_route, machnet_route_change,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_route *route),
	TP_ARGS(mn, route));
DEFINE_EVENT(machnet_route, machnet_route_unwatch,
	TP_PROTO(const struct machnet_net *mn, const struct machnet_route *route),
	TP_ARGS(mn, route));

#endif /* MACHNET_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
