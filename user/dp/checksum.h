/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - the Internet checksum (RFC 1071) over packets of any size
 *
 * rte_raw_cksum() adds 16 bits at a time, which over large packets costs more
 * than copying them. This one adds whole vectors.
 */
#ifndef DP_CHECKSUM_H
#define DP_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * One's complement sum of len bytes as 16-bit words in memory order, folded to 16 bits and
 * not inverted; an odd last byte is padded with zero. sum: of what precedes, 0 for nothing.
 */
uint16_t dp_checksum_add(const void *data, size_t len, uint32_t sum);

#endif /* DP_CHECKSUM_H */
