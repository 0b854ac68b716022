/* SPDX-License-Identifier: MIT */
/* For programs that include the header of Microsoft's Machnet by this name. */
#include <machnet/machnet.h>
