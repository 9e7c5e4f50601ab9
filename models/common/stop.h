/* SPDX-License-Identifier: MIT */
/* stop.h - the stop signals, and how they end every kind of wait */
#ifndef STOP_H
#define STOP_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Set by SIGTERM and SIGINT. Checking it before a wait is not a race, because
 * the handler also shuts down the listening socket. That ends every kind of wait
 * for the socket, a later one included: accept fails with EINVAL, select, poll
 * and epoll report the socket, io_uring completes the accept, O_ASYNC signals.
 */
extern atomic_bool stopping;

void stop_on_signals(int listen_fd);

#endif
