// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"

void mnd_log(int priority, const char *fmt, ...)
{
	char line[640];
	int used = 0;
	va_list ap;

	if (getenv("JOURNAL_STREAM"))
		used = snprintf(line, sizeof(line), "<%d>", priority);
	else
		used = snprintf(line, sizeof(line), "machnetd: ");
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n", line);
}
