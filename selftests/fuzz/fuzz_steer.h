/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_STEER_H
#define FUZZ_STEER_H

#include <stddef.h>
#include <stdint.h>

/* Returns how many questions had an answer. */
uint32_t fuzz_steer_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_STEER_H */
