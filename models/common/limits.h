/* SPDX-License-Identifier: MIT */
/* limits.h - what this process may still have of what the system rations */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The stack of each thread that the C library makes from now on: `size` bytes,
 * or the least there can be on this machine.
 */
void set_stack_size(size_t size);

/* How many threads this process has, the library's own among them */
long thread_count(void);

/*
 * Whether this process can have `n` threads beside its first, and a buffer for
 * the client of each: those that are missing are made, all at once, and ended.
 * Others of this user may take their places, so this is done anew every second.
 */
bool can_have_threads(long n);

/* How many more signals this user may have waiting to be taken */
long signals_to_spare(void);

#endif
