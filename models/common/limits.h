/* SPDX-License-Identifier: MIT */
/* limits.h - how many threads and signals this process can still have */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Sets the stack size of threads that the C library creates from now on: `size`
 * bytes, or the minimum of this machine if that is larger.
 */
void set_stack_size(size_t size);

/* The number of threads of this process, those of the library included */
long thread_count(void);

/*
 * Whether this process can have `n` threads beside the main one, and a buffer for
 * the client of each. Found out by creating the missing ones, all at once, and
 * ending them. Other processes of this user can change the answer, so it is kept
 * for a second only.
 */
bool can_have_threads(long n);

/* How many more signals can be queued for this user */
long signals_to_spare(void);

#endif
