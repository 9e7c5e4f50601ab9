/* SPDX-License-Identifier: MIT */
/* listener.h - the listening socket; model.h declares what models call */
#ifndef LISTENER_H
#define LISTENER_H

struct options;

/* Listens on opt->host and opt->port; dies with the cause if that fails. */
int listen_on(const struct options *opt);

#endif
