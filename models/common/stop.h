/* SPDX-License-Identifier: MIT */
/* stop.h - how a server is asked to stop, and how every kind of wait ends then */
#ifndef STOP_H
#define STOP_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Set by SIGTERM and SIGINT. Looking at it before a wait would be a race, were
 * it not that the handler also shuts the listening socket down, which ends
 * every kind of wait for that socket, now or later: accept fails with EINVAL,
 * select, poll and epoll report it, io_uring completes it, O_ASYNC signals.
 */
extern atomic_bool stopping;

void stop_on_signals(int listen_fd);

#endif
