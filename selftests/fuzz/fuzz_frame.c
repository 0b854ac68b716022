// SPDX-License-Identifier: MIT
/* fuzz_frame.c - any bytes as a received Ethernet frame */
#include <stdlib.h>
#include <string.h>

#include "dp/frame.h"
#include "fuzz_frame.h"

int fuzz_frame_run(const uint8_t *data, size_t len)
{
	/* Exactly as large as the frame, so that a sanitizer sees the first byte read behind it. */
	uint8_t *copy = malloc(len ? len : 1);
	struct rte_mbuf m = {
		.buf_addr = copy,
		.buf_len = len,
		.data_len = len,
		.pkt_len = len,
		.nb_segs = 1,
	};
	struct dp_frame f;
	int kind;

	if (!copy || len > UINT16_MAX) {
		free(copy);
		return DP_FRAME_OTHER;
	}
	memcpy(copy, data, len);
	kind = dp_frame_parse(&m, &f);
	if (kind == DP_FRAME_UDP) {
		if (f.payload < copy || f.payload + f.payload_len > copy + len)
			abort();
		dp_frame_checksum_ok(&m);
	}
	free(copy);
	return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_frame_run(data, len);
	return 0;
}
