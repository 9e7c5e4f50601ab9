/* SPDX-License-Identifier: MIT */
/* stop.h - the stop signals, and how they end every kind of wait */
#ifndef STOP_H
#define STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Set by SIGTERM and SIGINT. Checking it before a wait is not a race, because
 * the handler also shuts down the listening socket. That ends every kind of wait
 * for the socket, a later one included: accept fails with EINVAL, select, poll
 * and epoll report the socket, io_uring completes the accept, O_ASYNC signals.
 */
extern atomic_bool stopping;

void stop_on_signals(int listen_fd);

/*
 * For a process that `parent` has forked: it is to stop when that ends, even if it
 * was killed. The signals shut down the socket that this process waits for: it
 * calls stop_on_signals() again.
 */
void stop_with(pid_t parent);

#endif
