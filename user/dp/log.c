// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include <machnet/dp.h>
#include "dp/log.h"

void dp_log(const struct machnet_dp_config *cfg, int priority, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!cfg->log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cfg->log(cfg->ctx, priority, text);
}
