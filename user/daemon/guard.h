/* SPDX-License-Identifier: MIT */
/*
 * guard.h - a process that gives the NIC back when the daemon dies without having done so
 *
 * A signal that cannot be caught, a fault, the kernel's out-of-memory killer: the daemon can do
 * nothing then, and the machine may have no other NIC. The guard is a child that waits for the
 * daemon's end, in a session of its own, so that what is sent to the daemon's terminal or process
 * group does not reach it, and with no descriptor of the daemon's.
 */
#ifndef MND_GUARD_H
#define MND_GUARD_H

#include <sys/types.h>

/* Before the process has threads. argv: its memory gets the guard's name. The guard, or -errno. */
pid_t mnd_guard_start(int argc, char **argv);
/* The daemon has given back everything itself. */
void mnd_guard_stop(pid_t guard);

#endif /* MND_GUARD_H */
