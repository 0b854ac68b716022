/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_STACK_H
#define FUZZ_STACK_H

#include <stddef.h>
#include <stdint.h>

/* Plays the input; returns how often the hostile application was thrown out. */
uint64_t fuzz_stack_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_STACK_H */
