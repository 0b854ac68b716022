/* SPDX-License-Identifier: MIT */
/* fault_option.h - the argument of --fault */
#ifndef MND_FAULT_OPTION_H
#define MND_FAULT_OPTION_H

#include <stddef.h>

#include <machnet/dp.h>

/*
 * Reads FAULT[,FAULT]..., for example "loss=1%,stall=0.1%:5ms,seed=7". 0, or -EINVAL and
 * a text that names the part that is wrong and says what it should be.
 */
int mnd_fault_parse(struct machnet_dp_fault *f, const char *text, char *error, size_t size);

#endif /* MND_FAULT_OPTION_H */
