/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* How many frames it has, and 1 for the packet; 0: it is none. */
uint32_t fuzz_frames_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_FRAMES_H */
