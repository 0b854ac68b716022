/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FRAME_H
#define FUZZ_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Returns the enum dp_frame_kind of it. */
int fuzz_frame_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_FRAME_H */
