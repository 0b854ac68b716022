/* SPDX-License-Identifier: MIT */
/* log.h - the datapath's words, handed to the program that embeds it */
#ifndef DP_LOG_H
#define DP_LOG_H

#include <syslog.h>

struct machnet_dp_config;

/* priority: syslog(3). Control thread only: engines count, they do not speak. */
void dp_log(const struct machnet_dp_config *cfg, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* DP_LOG_H */
