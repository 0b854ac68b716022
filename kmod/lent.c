// SPDX-License-Identifier: GPL-2.0-only
/*
 * lent.c - UDP sockets that their owners have lent
 *
 * A socket holds its port by being bound, so that the kernel's own rules say who may have it. A
 * datapath takes the packets before they get here; those that do come are absorbed and counted.
 */
#include "lent.h"

#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>

#include "compat.h"
#include "netlink-req.h"
#include "netns.h"
#include "route.h"

static void count_stray(struct sock *sk, struct machnet_lent *lent, struct sk_buff *skb)
{
	atomic64_inc(&lent->stray);
	machnet_stat_inc(machnet_net(sock_net(sk)), MACHNET_A_STATS_STRAY_PACKETS);
	kfree_skb(skb);
}

/* Softirq, under RCU; the checksum has been verified. 1: to the socket's queue after all. */
static int absorb(struct sock *sk, struct sk_buff *skb)
{
	struct machnet_lent *lent = rcu_dereference_sk_user_data(sk);

	if (!lent)
		return 1;
	count_stray(sk, lent, skb);
	return 0;
}

/* An ICMP error about a packet of ours, maybe on a path's MTU. 0: it is. Softirq, under RCU. */
static int heed_error(struct sock *sk, struct sk_buff *skb)
{
	struct in6_addr dst;

	if (skb->protocol == htons(ETH_P_IP))
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &dst);
	else
		dst = ipv6_hdr(skb)->daddr;
	machnet_route_mtu_changes(machnet_net(sock_net(sk)), &dst);
	return 0;
}

static int check_kind(const struct sock *sk, struct net *net, struct netlink_ext_ack *extack)
{
	if ((sk->sk_family != AF_INET && sk->sk_family != AF_INET6) ||
	    sk->sk_type != SOCK_DGRAM || sk->sk_protocol != IPPROTO_UDP) {
		NL_SET_ERR_MSG(extack, "the socket is not a UDP socket");
		return -EPROTONOSUPPORT;
	}
	if (!net_eq(sock_net(sk), net)) {
		NL_SET_ERR_MSG(extack, "the socket is of another network namespace");
		return -EXDEV;
	}
	return 0;
}

/* Under its lock: where the socket is bound, if that is fit for a port. */
static int check_bound(struct sock *sk, struct machnet_port_key *key,
		       struct netlink_ext_ack *extack)
{
	const char *why = NULL;

	memset(key, 0, sizeof(*key));
	key->number = ntohs(inet_sk(sk)->inet_sport);
	if (sk->sk_family == AF_INET)
		ipv6_addr_set_v4mapped(inet_sk(sk)->inet_rcv_saddr, &key->addr);
#if IS_ENABLED(CONFIG_IPV6)
	else
		key->addr = sk->sk_v6_rcv_saddr;
#endif
	if (!key->number)
		why = "the socket is not bound";
	else if (sk->sk_reuse)
		why = "SO_REUSEADDR would let other sockets have the port";
	else if (sk->sk_family == AF_INET6 &&
		 (!ipv6_only_sock(sk) || ipv6_addr_v4mapped(&key->addr)))
		why = "an IPv6 socket needs IPV6_V6ONLY";
	else if (!machnet_addr_is_any(&key->addr) && !machnet_addr_is_unicast(&key->addr))
		why = "the address is not a unicast address of global scope";
	if (why) {
		if (extack)
			extack->_msg = why;
		return -EINVAL;
	}
	if (sk->sk_state == TCP_ESTABLISHED) {
		NL_SET_ERR_MSG(extack, "the socket is connected");
		return -EISCONN;
	}
	return 0;
}

/* Under both locks of the socket: ours already, or made so. NULL: another user's. */
static struct machnet_lent *attach(struct sock *sk, struct machnet_lent *fresh)
{
	struct machnet_lent *lent = __locked_read_sk_user_data_with_flags(sk, 0);
	struct udp_sock *up = udp_sk(sk);

	if (lent) {
		if (READ_ONCE(up->encap_rcv) != absorb)
			return NULL;
		lent->users++;
		return lent;
	}
	if (up->encap_type || up->encap_rcv)
		return NULL;
	fresh->users = 1;
	rcu_assign_sk_user_data(sk, fresh);
	WRITE_ONCE(up->encap_err_lookup, heed_error);
	WRITE_ONCE(up->encap_rcv, absorb);
	WRITE_ONCE(up->encap_type, 1);
	return fresh;
}

/* What came between bind() and now. */
static void drain(struct sock *sk, struct machnet_lent *lent)
{
	struct sk_buff *skb;
	int error;

	while ((skb = skb_recv_udp(sk, MSG_DONTWAIT, &error)))
		count_stray(sk, lent, skb);
}

static struct machnet_lent *lend(struct socket *sock, struct machnet_lent *fresh,
				 struct machnet_port_key *key, struct netlink_ext_ack *extack)
{
	struct sock *sk = sock->sk;
	struct machnet_lent *lent;
	int ret;

	fresh->sock = sock;
	lock_sock(sk);
	ret = check_bound(sk, key, extack);
	if (ret) {
		release_sock(sk);
		return ERR_PTR(ret);
	}
	machnet_encap_enable(sock);
	write_lock_bh(&sk->sk_callback_lock);
	lent = attach(sk, fresh);
	write_unlock_bh(&sk->sk_callback_lock);
	/* Without it connect(AF_UNSPEC) gives up a port that the kernel chose. */
	if (lent)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	release_sock(sk);
	if (lent)
		return lent;
	NL_SET_ERR_MSG(extack, "the socket has an encapsulation or another user in the kernel");
	return ERR_PTR(-EBUSY);
}

struct machnet_lent *machnet_lent_get(struct net *net, u32 fd, struct machnet_port_key *key,
				      struct netlink_ext_ack *extack)
{
	struct machnet_lent *lent, *fresh;
	struct socket *sock;
	int ret;

	sock = sockfd_lookup(fd, &ret);
	if (!sock) {
		NL_SET_ERR_MSG(extack, "the file descriptor is not one of a socket");
		return ERR_PTR(ret);
	}
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	ret = fresh ? check_kind(sock->sk, net, extack) : -ENOMEM;
	lent = ret ? ERR_PTR(ret) : lend(sock, fresh, key, extack);
	if (lent == fresh) {
		drain(sock->sk, lent);
		return lent;
	}
	/* It is held already, or must not be. */
	kfree(fresh);
	sockfd_put(sock);
	return lent;
}

/* Not under lock_sock(): see priv.h. A setsockopt(UDP_ENCAP) of the owner's is undone, too. */
static bool detach(struct sock *sk, struct machnet_lent *lent)
{
	struct udp_sock *up = udp_sk(sk);
	bool last;

	write_lock_bh(&sk->sk_callback_lock);
	last = !--lent->users;
	if (last) {
		WRITE_ONCE(up->encap_type, 0);
		WRITE_ONCE(up->encap_rcv, NULL);
		WRITE_ONCE(up->encap_err_lookup, NULL);
		rcu_assign_sk_user_data(sk, NULL);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return last;
}

/* The file goes at once, for the number to be free: the handlers have the sock under RCU. */
void machnet_lent_put(struct machnet_lent *lent)
{
	if (detach(lent->sock->sk, lent)) {
		sockfd_put(lent->sock);
		kfree_rcu(lent, rcu);
	}
}

bool machnet_lent_share(const struct machnet_lent *a, const struct machnet_lent *b)
{
	const void *group = rcu_access_pointer(a->sock->sk->sk_reuseport_cb);

	return a == b || (group && group == rcu_access_pointer(b->sock->sk->sk_reuseport_cb));
}
