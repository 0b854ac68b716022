/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_WIRE_H
#define FUZZ_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Plays the input against two stacks with a live connection; returns the packets accepted. */
uint64_t fuzz_wire_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_WIRE_H */
