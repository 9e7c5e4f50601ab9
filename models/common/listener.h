/* SPDX-License-Identifier: MIT */
/* listener.h - the listening socket; the model's side of it is in model.h */
#ifndef LISTENER_H
#define LISTENER_H

struct options;

/* Listens as the options say, and dies with the reason where that fails. */
int listen_on(const struct options *opt);

#endif
