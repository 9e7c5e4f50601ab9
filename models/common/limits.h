/* SPDX-License-Identifier: MIT */
/* limits.h - how many threads and signals this process can still have */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives threads that are created without attributes a small stack instead of
 * 8 MiB. glibc creates some of its AIO threads so, and the others with the stack
 * that is set here: of one size, because glibc keeps the stack of a thread that
 * ended for the next thread, unless that needs a larger one.
 */
void set_small_stacks(void);

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
