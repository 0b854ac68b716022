// SPDX-License-Identifier: GPL-2.0-only
/*
 * port.c - UDP ports reserved for Machnet
 *
 * A UDP socket of the kernel holds each port, so that the host's own rules say
 * who gets it, and everybody sees that it is taken. The socket is no channel
 * for data: a datapath takes the packets before they get here. Those that do
 * come are absorbed and counted, and nobody is told that the port is closed.
 */
#include "port.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>

#include "compat.h"
#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "route.h"
#include "stats.h"
#include "trace.h"

const struct rhashtable_params machnet_port_params = {
	.key_len = sizeof(struct machnet_port_key),
	.key_offset = offsetof(struct machnet_port, key),
	.head_offset = offsetof(struct machnet_port, node),
	.automatic_shrinking = true,
};

/* How many ports a user has; it exists while there are any. */
struct port_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int n_ports;
};

static struct port_user *find_port_user(struct machnet_net *mn, kuid_t uid)
{
	struct port_user *user;

	hash_for_each_possible(mn->users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid))
			return user;
	}
	return NULL;
}

static int charge_user(struct machnet_net *mn, kuid_t uid, bool unlimited,
		       struct netlink_ext_ack *extack)
{
	struct port_user *user = find_port_user(mn, uid);

	if (!unlimited && (user ? user->n_ports : 0) >= READ_ONCE(mn->max_ports_per_user)) {
		NL_SET_ERR_MSG(extack,
			       "this user has net.machnet.max_ports_per_user ports already");
		return -EDQUOT;
	}
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
		if (!user)
			return -ENOMEM;
		user->uid = uid;
		hash_add(mn->users, &user->node, __kuid_val(uid));
	}
	user->n_ports++;
	return 0;
}

static void uncharge_user(struct machnet_net *mn, kuid_t uid)
{
	struct port_user *user = find_port_user(mn, uid);

	if (--user->n_ports)
		return;
	hash_del(&user->node);
	kfree(user);
}

/* Softirq, under RCU; the checksum has been verified. */
static int absorb(struct sock *sk, struct sk_buff *skb)
{
	struct machnet_port *port = rcu_dereference_sk_user_data(sk);

	if (port) {
		atomic64_inc(&port->stray);
		machnet_stat_inc(machnet_net(sock_net(sk)), MACHNET_A_STATS_STRAY_PACKETS);
	}
	consume_skb(skb);
	return 0;
}

/* The header that comes before the packet that it is about, which skb's headers point to. */
static bool says_too_big(const struct sk_buff *skb)
{
	const void *packet = skb_network_header(skb);
	const struct icmp6hdr *icmp6 = packet - sizeof(*icmp6);
	const struct icmphdr *icmp = packet - sizeof(*icmp);

	if (skb->protocol == htons(ETH_P_IP))
		return icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;
	return icmp6->icmp6_type == ICMPV6_PKT_TOOBIG;
}

/*
 * An ICMP error about one of our packets: the kernel is about to learn the
 * path's MTU of it. 0: it is indeed for this socket. Softirq, under RCU.
 */
static int heed_error(struct sock *sk, struct sk_buff *skb)
{
	if (says_too_big(skb))
		machnet_route_mtu_changes(machnet_net(sock_net(sk)));
	return 0;
}

static void explain_bind(int error, struct netlink_ext_ack *extack)
{
	switch (error) {
	case -EADDRINUSE:
		NL_SET_ERR_MSG(extack, "the port is held by another socket of this host");
		break;
	case -EADDRNOTAVAIL:
		NL_SET_ERR_MSG(extack, "the address is not one of this host");
		break;
	case -EACCES:
		NL_SET_ERR_MSG(extack, "a privileged port needs CAP_NET_BIND_SERVICE");
		break;
	default:
		NL_SET_ERR_MSG(extack, "the kernel refused a UDP socket on this address and port");
		break;
	}
}

static int open_socket(struct machnet_net *mn, struct machnet_port *port,
		       struct netlink_ext_ack *extack)
{
	struct udp_tunnel_sock_cfg tunnel = {
		.sk_user_data = port,
		.encap_type = 1,
		.encap_rcv = absorb,
		.encap_err_lookup = heed_error,
	};
	struct udp_port_cfg config = {
		.local_udp_port = htons(port->key.number),
		.use_udp_checksums = 1,
		.use_udp6_rx_checksums = 1,
		.use_udp6_tx_checksums = 1,
		.ipv6_v6only = 1,
	};
	int ret;

	if (ipv6_addr_v4mapped(&port->key.addr)) {
		config.family = AF_INET;
		config.local_ip.s_addr = port->key.addr.s6_addr32[3];
	} else {
		config.family = AF_INET6;
#if IS_ENABLED(CONFIG_IPV6)
		config.local_ip6 = port->key.addr;
#endif
	}
	ret = udp_sock_create(mn->net, &config, &port->sock);
	if (ret) {
		explain_bind(ret, extack);
		return ret;
	}
	port->key.number = ntohs(inet_sk(port->sock->sk)->inet_sport);
	setup_udp_tunnel_sock(mn->net, port->sock, &tunnel);
	return 0;
}

/*
 * Not udp_tunnel_sock_release(), which waits for a grace period per socket. The
 * socket is freed after one, and so is the port.
 */
static void close_socket(struct machnet_port *port)
{
	rcu_assign_sk_user_data(port->sock->sk, NULL);
	kernel_sock_shutdown(port->sock, SHUT_RDWR);
	sock_release(port->sock);
}

struct machnet_port *machnet_port_find(struct machnet_net *mn, const struct in6_addr *addr,
				       u16 number)
{
	struct machnet_port_key key = { .addr = *addr, .number = number };

	return rhashtable_lookup_fast(&mn->ports.hash, &key, machnet_port_params);
}

static struct machnet_port *port_alloc(const struct machnet_port_request *req)
{
	struct machnet_port *port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);

	if (!port)
		return NULL;
	port->key.addr = req->addr;
	port->key.number = req->number;
	port->portid = req->portid;
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

/* A packet may be in absorb(), a reader may look at it. */
static void port_free(struct machnet_port *port)
{
	call_rcu(&port->rcu, port_free_rcu);
}

/* Reserves without a word to anybody. */
static struct machnet_port *port_create(struct machnet_net *mn,
					const struct machnet_port_request *req,
					struct netlink_ext_ack *extack)
{
	struct machnet_owner *owner;
	struct machnet_port *port;
	int ret;

	port = port_alloc(req);
	if (!port)
		return ERR_PTR(-ENOMEM);
	ret = charge_user(mn, port->process.uid, req->unlimited, extack);
	if (ret)
		goto err_free;
	ret = open_socket(mn, port, extack);
	if (ret)
		goto err_charge;
	owner = machnet_owner_get(mn, req->portid);
	if (IS_ERR(owner)) {
		ret = PTR_ERR(owner);
		goto err_socket;
	}
	ret = machnet_table_insert(&mn->ports, &port->node, port, &port->index,
				   &machnet_port_params);
	if (ret)
		goto err_owner;
	list_add_tail(&port->owner_link, &owner->ports);
	return port;

err_owner:
	machnet_owner_settle(mn, req->portid);
err_socket:
	close_socket(port);
err_charge:
	uncharge_user(mn, port->process.uid);
err_free:
	port_free(port);
	return ERR_PTR(ret);
}

/* The opposite; the number is free, the memory is to be freed by port_free(). */
static void port_remove(struct machnet_net *mn, struct machnet_port *port)
{
	machnet_table_remove(&mn->ports, &port->node, port->index, &machnet_port_params);
	close_socket(port);
	uncharge_user(mn, port->process.uid);
	if (port->claimer) {
		list_del_init(&port->claim_link);
		machnet_owner_settle(mn, port->claimer);
	}
	list_del(&port->owner_link);
	machnet_owner_settle(mn, port->portid);
}

static void port_announce(struct machnet_net *mn, const struct machnet_port *port)
{
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS);
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS_RESERVED);
	trace_machnet_port_reserve(mn, port, 0);
	machnet_notify_port(mn, port, MACHNET_CMD_PORT_ADD_NTF, 0);
}

struct machnet_port *machnet_port_add(struct machnet_net *mn,
				      const struct machnet_port_request *req,
				      struct netlink_ext_ack *extack)
{
	struct machnet_port *port;

	lockdep_assert_held(&mn->lock);
	port = port_create(mn, req, extack);
	if (!IS_ERR(port))
		port_announce(mn, port);
	return port;
}

int machnet_port_add_many(struct machnet_net *mn, const struct machnet_port_request *req,
			  u16 *numbers, unsigned int n, struct netlink_ext_ack *extack)
{
	struct machnet_port *port;
	unsigned int i;
	int error;

	lockdep_assert_held(&mn->lock);
	for (i = 0; i < n; i++) {
		port = port_create(mn, req, extack);
		if (IS_ERR(port))
			goto err_undo;
		numbers[i] = port->key.number;
	}
	for (i = 0; i < n; i++)
		port_announce(mn, machnet_port_find(mn, &req->addr, numbers[i]));
	return 0;

err_undo:
	error = PTR_ERR(port);
	while (i--) {
		port = machnet_port_find(mn, &req->addr, numbers[i]);
		port_remove(mn, port);
		port_free(port);
	}
	return error;
}

void machnet_port_del(struct machnet_net *mn, struct machnet_port *port, u32 reason)
{
	lockdep_assert_held(&mn->lock);
	port_remove(mn, port);
	machnet_stat_dec(mn, MACHNET_A_STATS_PORTS);
	trace_machnet_port_release(mn, port, reason);
	machnet_notify_port(mn, port, MACHNET_CMD_PORT_DEL_NTF, reason);
	port_free(port);
}

static int check_claim(const struct machnet_port *port, const struct machnet_port_claim *claim,
		       struct netlink_ext_ack *extack)
{
	if (crypto_memneq(&claim->cookie, &port->cookie, sizeof(port->cookie))) {
		NL_SET_ERR_MSG(extack, "the cookie is not the one of this port");
		return -EKEYREJECTED;
	}
	if (claim->owner_pid && !machnet_process_is(&port->process, claim->owner_pid)) {
		NL_SET_ERR_MSG(extack, "another process has reserved the port");
		return -EKEYREJECTED;
	}
	if (port->claimer) {
		NL_SET_ERR_MSG(extack, "a datapath has claimed the port already");
		return -EBUSY;
	}
	return 0;
}

int machnet_port_claim(struct machnet_net *mn, struct machnet_port *port,
		       const struct machnet_port_claim *claim, struct netlink_ext_ack *extack)
{
	struct machnet_owner *owner;
	int ret;

	lockdep_assert_held(&mn->lock);
	ret = check_claim(port, claim, extack);
	if (ret) {
		machnet_stat_inc(mn, MACHNET_A_STATS_CLAIMS_REFUSED);
		return ret;
	}
	owner = machnet_owner_get(mn, claim->portid);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	list_add_tail(&port->claim_link, &owner->claims);
	WRITE_ONCE(port->claimer, claim->portid);
	machnet_stat_inc(mn, MACHNET_A_STATS_PORTS_CLAIMED);
	trace_machnet_port_claim(mn, port, 0);
	return 0;
}

void machnet_port_unclaim(struct machnet_port *port)
{
	list_del_init(&port->claim_link);
	WRITE_ONCE(port->claimer, 0);
}
