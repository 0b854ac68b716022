/* SPDX-License-Identifier: MIT */
/* facts.h - what there is to know about this daemon, as "key=value" */
#ifndef MND_FACTS_H
#define MND_FACTS_H

#include <stddef.h>

#include "daemon/daemon.h"

/* Fact number index, from 0 on; the keys are in channel/app_proto.h. -ENOENT: no more. */
int mnd_fact(const struct mnd_daemon *d, unsigned int index, char *buf, size_t size);

/* Answers PORTS: number index of the ports that applications listen on. -ENOENT: no more. */
int mnd_fact_port(const struct mnd_daemon *d, uint32_t index, struct mn_app_msg *ans);

#endif /* MND_FACTS_H */
