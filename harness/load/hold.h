/* SPDX-License-Identifier: MIT */
/*
 * hold.h - --hold, a program that observes a run
 *
 * The observer reads the server's counters at both edges of the window, while all
 * clients are connected. So it is told the window in advance, and the clients stay
 * connected until it has read.
 */
#ifndef HOLD_H
#define HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* These do nothing with a descriptor of -1. */

/* Announces the window: ns of CLOCK_MONOTONIC. */
void hold_window(int fd, int64_t from, int64_t to);

/* Announces the end of the run. */
void hold_done(int fd);

/* Waits for a byte or the end of the socket. False: one of these signals, which are
 * blocked, ended the wait and is pending. */
bool hold_wait(int fd, const sigset_t *signals);

#endif
