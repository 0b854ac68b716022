/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_CHANNEL_H
#define FUZZ_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool fuzz_channel_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_CHANNEL_H */
