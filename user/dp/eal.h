/* SPDX-License-Identifier: MIT */
/* eal.h - starts DPDK's environment once per process, with or without hugepages */
#ifndef DP_EAL_H
#define DP_EAL_H

#include <stdbool.h>

#include <machnet/dp.h>

/*
 * Chooses memory and cores, starts DPDK. The calling thread becomes the main
 * lcore; lcores 1..cfg->engines are the engines'. Does nothing when DPDK runs.
 * -EINVAL (cfg->cores), -ENOMEM, or what rte_eal_init() says; logged.
 */
int dp_eal_init(const struct machnet_dp_config *cfg);
bool dp_eal_hugepages(void);

#endif /* DP_EAL_H */
