/* SPDX-License-Identifier: MIT */
/* method.h - how system calls can be counted here */
#ifndef PROBE_METHOD_H
#define PROBE_METHOD_H

#include "syscalls.h"

/*
 * The best way that works, tried out: by name in the kernel (bpf), the total
 * (perf), strace, or none. `why` is what stands in the way of bpf; "": nothing.
 */
enum syscalls_method counting_choose(char why[WHY_SIZE]);

#endif
