/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_LIB_H
#define FUZZ_LIB_H

#include <stddef.h>
#include <stdint.h>

enum fuzz_lib_end {
	FUZZ_LIB_REFUSED,	/* the channel was not taken at all */
	FUZZ_LIB_ENDED,		/* the daemon's lies have ended it */
	FUZZ_LIB_LIVED,
	FUZZ_LIB_ENDS
};

enum fuzz_lib_end fuzz_lib_run(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_LIB_H */
