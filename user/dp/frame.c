// SPDX-License-Identifier: MIT
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "base/checksum.h"
#include "dp/frame.h"

#define FRAME_TTL	64
/* Version 6, no traffic class, no flow label. */
#define FRAME_IP6_VTC	0x60000000u
/* What the sums over data that holds its right checksum come to (RFC 1071). */
#define FRAME_SUM_OK	0xffff

/* The UDP header at off of a frame whose IP header promises end bytes in all. */
static enum dp_frame_kind frame_parse_udp(const struct rte_mbuf *m, struct dp_frame *f,
					  uint32_t off, uint32_t end)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, off);
	uint16_t len;

	if (end < off + sizeof(*udp))
		return DP_FRAME_BAD;
	len = rte_be_to_cpu_16(udp->dgram_len);
	if (len < sizeof(*udp) || len != end - off)
		return DP_FRAME_BAD;
	f->tuple.remote_port = rte_be_to_cpu_16(udp->src_port);
	f->tuple.local_port = rte_be_to_cpu_16(udp->dst_port);
	f->payload = (const uint8_t *)(udp + 1);
	f->payload_len = len - sizeof(*udp);
	return DP_FRAME_UDP;
}

static enum dp_frame_kind frame_parse_ip4(const struct rte_mbuf *m, struct dp_frame *f)
{
	const uint32_t off = sizeof(struct rte_ether_hdr);
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, off);
	uint32_t len, hlen;

	if (m->data_len < off + sizeof(*ip))
		return DP_FRAME_OTHER;
	hlen = rte_ipv4_hdr_len(ip);
	len = rte_be_to_cpu_16(ip->total_length);
	if (ip->version != 4 || hlen < sizeof(*ip) || len < hlen ||
	    ip->next_proto_id != IPPROTO_UDP)
		return DP_FRAME_OTHER;
	if (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return DP_FRAME_OTHER;
	if (off + len > m->data_len)
		return DP_FRAME_BAD;
	f->tuple.remote = mn_addr_from_v4(ip->src_addr);
	f->tuple.local = mn_addr_from_v4(ip->dst_addr);
	return frame_parse_udp(m, f, off + hlen, off + len);
}

static enum dp_frame_kind frame_parse_ip6(const struct rte_mbuf *m, struct dp_frame *f)
{
	const uint32_t off = sizeof(struct rte_ether_hdr);
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, off);
	uint32_t len;

	if (m->data_len < off + sizeof(*ip) || rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6 ||
	    ip->proto != IPPROTO_UDP)
		return DP_FRAME_OTHER;
	len = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (off + len > m->data_len)
		return DP_FRAME_BAD;
	memcpy(f->tuple.remote.b, &ip->src_addr, 16);
	memcpy(f->tuple.local.b, &ip->dst_addr, 16);
	return frame_parse_udp(m, f, off + sizeof(*ip), off + len);
}

enum dp_frame_kind dp_frame_parse(const struct rte_mbuf *m, struct dp_frame *f)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (m->nb_segs != 1 || m->data_len < sizeof(*eth))
		return DP_FRAME_OTHER;
	f->tuple.local_host = false;
	f->tuple.mtu = 0;
	memcpy(f->tuple.mac, &eth->src_addr, sizeof(f->tuple.mac));
	f->dst_mac = eth->dst_addr;
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return frame_parse_ip4(m, f);
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6))
		return frame_parse_ip6(m, f);
	return DP_FRAME_OTHER;
}

/* Of a datagram with its header and the pseudo header's sum; over the length that it states. */
static uint16_t frame_udp_sum(const struct rte_udp_hdr *udp, uint16_t pseudo)
{
	return mn_checksum_add(udp, rte_be_to_cpu_16(udp->dgram_len), pseudo);
}

/*
 * The checksum for a header that has 0 there so far; payload: the sum of what follows the header.
 * In a packet 0 means that there is none (RFC 768).
 */
static rte_be16_t frame_udp_cksum(const struct rte_udp_hdr *udp, uint16_t pseudo, uint16_t payload)
{
	uint16_t cksum = ~mn_checksum_add(udp, sizeof(*udp), (uint32_t)pseudo + payload);

	return cksum ? cksum : 0xffff;
}

/* The length was checked by the parser. */
static bool frame_ip4_ok(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const void *)((const uint8_t *)ip + rte_ipv4_hdr_len(ip));

	if (!(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) &&
	    rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) != FRAME_SUM_OK)
		return false;
	if (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	return udp->dgram_cksum != 0 &&
	       frame_udp_sum(udp, rte_ipv4_phdr_cksum(ip, 0)) == FRAME_SUM_OK;
}

bool dp_frame_checksum_ok(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip6 = (const void *)(eth + 1);
	const struct rte_udp_hdr *udp = (const void *)(ip6 + 1);

	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return frame_ip4_ok(m, (const void *)(eth + 1));
	if (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	return udp->dgram_cksum != 0 &&
	       frame_udp_sum(udp, rte_ipv6_phdr_cksum(ip6, 0)) == FRAME_SUM_OK;
}

/* Like rte_pktmbuf_prepend(), for a mbuf of our own whose headroom is known to suffice. */
static void *frame_push(struct rte_mbuf *m, uint16_t len)
{
	m->data_off -= len;
	m->data_len += len;
	m->pkt_len += len;
	return rte_pktmbuf_mtod(m, void *);
}

static void frame_build_udp(struct rte_mbuf *m, const struct mn_tuple *tuple)
{
	struct rte_udp_hdr *udp = frame_push(m, sizeof(*udp));

	udp->src_port = rte_cpu_to_be_16(tuple->local_port);
	udp->dst_port = rte_cpu_to_be_16(tuple->remote_port);
	udp->dgram_len = rte_cpu_to_be_16(m->data_len);
	udp->dgram_cksum = 0;
}

static void frame_build_ip4(struct rte_mbuf *m, const struct mn_tuple *tuple, const uint16_t *sum)
{
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod(m, struct rte_udp_hdr *);
	struct rte_ipv4_hdr *ip = frame_push(m, sizeof(*ip));

	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(m->data_len);
	/* Never fragmented, so that the identification needs no value (RFC 6864). */
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = FRAME_TTL;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = mn_addr_v4(&tuple->local);
	ip->dst_addr = mn_addr_v4(&tuple->remote);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	if (!sum) {
		m->l3_len = sizeof(*ip);
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
		udp->dgram_cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
	} else {
		udp->dgram_cksum = frame_udp_cksum(udp, rte_ipv4_phdr_cksum(ip, 0), *sum);
	}
}

static void frame_build_ip6(struct rte_mbuf *m, const struct mn_tuple *tuple, const uint16_t *sum)
{
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod(m, struct rte_udp_hdr *);
	uint16_t len = m->data_len;
	struct rte_ipv6_hdr *ip = frame_push(m, sizeof(*ip));

	ip->vtc_flow = rte_cpu_to_be_32(FRAME_IP6_VTC);
	ip->payload_len = rte_cpu_to_be_16(len);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = FRAME_TTL;
	memcpy(&ip->src_addr, tuple->local.b, 16);
	memcpy(&ip->dst_addr, tuple->remote.b, 16);
	if (!sum) {
		m->l3_len = sizeof(*ip);
		m->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
		udp->dgram_cksum = rte_ipv6_phdr_cksum(ip, m->ol_flags);
	} else {
		udp->dgram_cksum = frame_udp_cksum(udp, rte_ipv6_phdr_cksum(ip, 0), *sum);
	}
}

void dp_frame_build(struct rte_mbuf *m, const struct mn_tuple *tuple, const uint8_t src_mac[6],
		    const uint16_t *sum)
{
	bool v4 = mn_addr_is_v4(&tuple->local);
	struct rte_ether_hdr *eth;

	frame_build_udp(m, tuple);
	if (v4)
		frame_build_ip4(m, tuple, sum);
	else
		frame_build_ip6(m, tuple, sum);
	m->l2_len = sizeof(*eth);
	eth = frame_push(m, sizeof(*eth));
	memcpy(&eth->src_addr, src_mac, sizeof(eth->src_addr));
	memcpy(&eth->dst_addr, tuple->mac, sizeof(eth->dst_addr));
	eth->ether_type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
}
