/* SPDX-License-Identifier: MIT */
/* connects.h - applications that connect between two hosts whose NICs are of all kinds */
#ifndef BENCH_STEER_CONNECTS_H
#define BENCH_STEER_CONNECTS_H

#include <stdbool.h>

/* Each prints what became of CONNECTS connections per row; false: some failed or took too long. */
bool connects_print_table(void);
/* Members of an object, without a comma in front. */
bool connects_print_json(void);

#endif /* BENCH_STEER_CONNECTS_H */
