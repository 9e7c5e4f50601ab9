/* SPDX-License-Identifier: MIT */
/* method.h - how system calls can be counted here */
#ifndef PROBE_METHOD_H
#define PROBE_METHOD_H

#include "syscalls.h"

/*
 * Tries bpf (by name), perf (the total) and strace, and returns the first that
 * works, or none. `why` says why bpf does not; "" if it does.
 */
enum syscalls_method counting_choose(char why[WHY_SIZE]);

#endif
