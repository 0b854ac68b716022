/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - a keyed hash that nobody can make without the key
 *
 * SipHash-2-4: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF",
 * INDOCRYPT 2012.
 */
#ifndef MN_BASE_SIPHASH_H
#define MN_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t mn_siphash(const uint64_t key[2], const void *data, size_t len);

#endif /* MN_BASE_SIPHASH_H */
