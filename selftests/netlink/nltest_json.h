/* SPDX-License-Identifier: MIT */
/*
 * nltest_json.h - a notification as a line of JSON, with everything that is in it
 */
#ifndef MACHNET_NLTEST_JSON_H
#define MACHNET_NLTEST_JSON_H

#include <stdio.h>

#include "nltest.h"

/*
 * The last event of nt, which was this command. What differs from run to run,
 * such as the number of a process, is "*".
 */
void nt_json(struct nt *nt, int cmd, FILE *out);

#endif /* MACHNET_NLTEST_JSON_H */
