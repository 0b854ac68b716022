// SPDX-License-Identifier: GPL-2.0-only
/*
 * port.c - UDP ports reserved for Machnet, each held by a lent socket
 */
#include "port.h"

#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat.h"
#include "lent.h"
#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "trace.h"

const struct rhashtable_params machnet_port_params = {
	.key_len = sizeof(struct machnet_port_key),
	.key_offset = offsetof(struct machnet_port, key),
	.head_offset = offsetof(struct machnet_port, node),
	.automatic_shrinking = true,
};

struct rhlist_head *machnet_port_find(struct machnet_net *mn, const struct in6_addr *addr,
				      u16 number)
{
	struct machnet_port_key key = { .addr = *addr, .number = number };

	return machnet_table_find(&mn->ports, &key, &machnet_port_params);
}

struct machnet_port *machnet_port_new(struct net *net, u32 fd, struct netlink_ext_ack *extack)
{
	struct machnet_port *port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!port)
		return ERR_PTR(-ENOMEM);
	port->lent = machnet_lent_get(net, fd, &port->key, extack);
	if (IS_ERR(port->lent)) {
		ret = PTR_ERR(port->lent);
		kfree(port);
		return ERR_PTR(ret);
	}
	port->cookie = get_random_u64();
	INIT_LIST_HEAD(&port->claim_link);
	machnet_process_current(&port->process);
	return port;
}

static void port_free_rcu(struct rcu_head *rcu)
{
	struct machnet_port *port = container_of(rcu, struct machnet_port, rcu);

	machnet_process_put(&port->process);
	kfree(port);
}

void machnet_port_free(struct machnet_port *port)
{
	machnet_lent_put(port->lent);
	call_rcu(&port->rcu, port_free_rcu);
}

/* Sockets that are bound to one address and port need not be of one program. */
static int check_shared(struct machnet_net *mn, const struct machnet_port *port,
			struct netlink_ext_ack *extack)
{
	struct rhlist_head *list, *node;
	struct machnet_port *other;

	list = machnet_port_find(mn, &port->key.addr, port->key.number);
	machnet_table_for_each(other, node, list) {
		if (!machnet_lent_share(port->lent, other->lent)) {
			NL_SET_ERR_MSG(extack, "another socket has been lent for this port");
			return -EADDRINUSE;
		}
	}
	return 0;
}

int machnet_port_add(struct machnet_net *mn, struct machnet_port *port,
		     struct machnet_owner *owner, struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&mn->lock);
	ret = check_shared(mn, port, extack);
	if (!ret)
		ret = machnet_table_insert(&mn->ports, &port->node, port, &port->index,
					   &machnet_port_params);
	if (ret)
		return ret;
	port->owner = owner;
	list_add_tail(&port->owner_link, &owner->ports);
	return 0;
}

void machnet_port_remove(struct machnet_net *mn, struct machnet_port *port)
{
	lockdep_assert_held(&mn->lock);
	machnet_table_remove(&mn->ports, &port->node, port->index, &machnet_port_params);
	list_del(&port->owner_link);
}

void machnet_port_announce(struct machnet_net *mn, const struct machnet_port *port)
{
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS);
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS_RESERVED);
	trace_machnet_port_lend(mn, port, 0);
	machnet_notify_port(mn, port, MACHNET_CMD_PORT_ADD_NTF, 0);
}

void machnet_port_del(struct machnet_net *mn, struct machnet_port *port, u32 reason)
{
	machnet_port_remove(mn, port);
	machnet_stat_dec(mn, MACHNET_A_STATS_PORTS);
	trace_machnet_port_release(mn, port, reason);
	machnet_notify_port(mn, port, MACHNET_CMD_PORT_DEL_NTF, reason);
	if (port->claimer) {
		list_del(&port->claim_link);
		if (port->claimer != port->owner)
			machnet_owner_settle(mn, port->claimer);
	}
	machnet_owner_settle(mn, port->owner);
	machnet_port_free(port);
}

static int check_claim(struct machnet_port *port, u32 pid, struct netlink_ext_ack *extack)
{
	if (!port) {
		NL_SET_ERR_MSG(extack, "the cookie is not the one of this port");
		return -EKEYREJECTED;
	}
	if (pid && !machnet_process_is(&port->process, pid)) {
		NL_SET_ERR_MSG(extack, "another process has lent the port");
		return -EKEYREJECTED;
	}
	if (port->claimer) {
		NL_SET_ERR_MSG(extack, "a datapath has claimed the port already");
		return -EBUSY;
	}
	return 0;
}

/* The one of these with the cookie, or NULL. */
static struct machnet_port *find_cookie(struct rhlist_head *list, u64 cookie)
{
	struct machnet_port *port, *found = NULL;
	struct rhlist_head *node;

	machnet_table_for_each(port, node, list) {
		if (!crypto_memneq(&cookie, &port->cookie, sizeof(cookie)))
			found = port;
	}
	return found;
}

int machnet_port_claim(struct machnet_net *mn, struct rhlist_head *list,
		       struct machnet_owner *owner, u64 cookie, u32 pid,
		       struct netlink_ext_ack *extack)
{
	struct machnet_port *port = find_cookie(list, cookie);
	int ret = check_claim(port, pid, extack);

	lockdep_assert_held(&mn->lock);
	if (ret) {
		machnet_stat_inc(mn, MACHNET_A_STATS_CLAIMS_REFUSED);
		return ret;
	}
	list_add_tail(&port->claim_link, &owner->claims);
	WRITE_ONCE(port->claimer, owner);
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS_CLAIMED);
	trace_machnet_port_claim(mn, port, 0);
	return 0;
}

void machnet_port_unclaim(struct machnet_port *port)
{
	list_del_init(&port->claim_link);
	WRITE_ONCE(port->claimer, NULL);
}
