/* SPDX-License-Identifier: MIT */
/* frame.h - Ethernet, IP and UDP around a Machnet packet: taken off and put on */
#ifndef DP_FRAME_H
#define DP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "transport/stack.h"

/* Room in front of the UDP payload for the longest headers (IPv6). */
#define DP_FRAME_HDR_MAX	(14 + 40 + 8)

enum dp_frame_kind {
	DP_FRAME_UDP,		/* a complete UDP datagram: all of struct dp_frame is filled in */
	DP_FRAME_OTHER,		/* anything else that may concern the kernel */
	DP_FRAME_BAD,		/* UDP, but truncated or with a wrong checksum */
};

struct dp_frame {
	struct mn_tuple tuple;	/* as seen from here: remote is the sender */
	struct rte_ether_addr dst_mac;
	const uint8_t *payload;
	uint32_t payload_len;
};

/*
 * Looks at a received frame. Lengths come from the headers, checked against the
 * mbuf; fragments, options of IPv6 and frames in several segments are OTHER.
 * The checksum is verified by dp_frame_checksum_ok(), for those frames alone
 * that turn out to be ours.
 */
enum dp_frame_kind dp_frame_parse(const struct rte_mbuf *m, struct dp_frame *f);

/* IP and UDP checksums of a frame that dp_frame_parse() found to be UDP. */
bool dp_frame_checksum_ok(const struct rte_mbuf *m);

/*
 * Puts headers for the tuple in front of the UDP payload that the mbuf holds. sum: that of the
 * payload (mn_checksum_add()); NULL: the NIC completes the UDP checksum.
 */
void dp_frame_build(struct rte_mbuf *m, const struct mn_tuple *tuple, const uint8_t src_mac[6],
		    const uint16_t *sum);

/* A frame for an engine of this host: it never leaves memory, and needs no UDP checksum. */
static inline void dp_frame_set_intact(struct rte_mbuf *m)
{
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

#endif /* DP_FRAME_H */
