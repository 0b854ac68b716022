/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_PATHS_H
#define FUZZ_PATHS_H

#include <stddef.h>
#include <stdint.h>

/* How many of the peer's frames the attacked stack has looked at. */
uint64_t fuzz_paths_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_PATHS_H */
