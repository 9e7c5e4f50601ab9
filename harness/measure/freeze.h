/* SPDX-License-Identifier: MIT */
/*
 * freeze.h - stops a server between its slices, with all its processes and threads
 *
 * SIGSTOP stops every thread of a process, a polling kernel thread of io_uring
 * included. It is sent to the processes of the server's cgroup or, without one, to
 * all descendants of its keeper, until no thread of them runs. SIGCONT cannot be
 * ignored.
 *
 * COST: stopping and continuing takes CPU time of the server, about 15 us for each
 * thread. So a server is frozen only if it would use CPU time while it has no load.
 *
 * SIGKILL ends a frozen process as any other: keepers need not thaw it.
 */
#ifndef MEASURE_FREEZE_H
#define MEASURE_FREEZE_H

#include "harness/probe/reading.h"

/* Returns when all threads are stopped. false: they were not, after a second. */
bool freeze(const struct probed *p);

void thaw(const struct probed *p);

#endif
