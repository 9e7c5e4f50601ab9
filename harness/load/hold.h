/* SPDX-License-Identifier: MIT */
/*
 * hold.h - a program that looks on while a run lasts: --hold
 *
 * It reads what the server used at both edges of the window, and at each of them
 * all clients are still to be there. So it is told beforehand when the window is,
 * and the clients stay until it has read.
 */
#ifndef HOLD_H
#define HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* These do nothing with a descriptor of -1. */

/* Says when the window is: ns of CLOCK_MONOTONIC. */
void hold_window(int fd, int64_t from, int64_t to);

/* Says that the run is over. */
void hold_done(int fd);

/* Waits for a byte or the end from the other side. False if one of these signals,
 * which are blocked, ended the wait: it is still to be taken. */
bool hold_wait(int fd, const sigset_t *signals);

#endif
