/* SPDX-License-Identifier: MIT */
/* service.h - what a server does with the bytes of its clients */
#ifndef SERVICE_H
#define SERVICE_H

#include "conn.h"

struct service {
	const char *name; /* as --service takes it */

	/*
	 * Takes the `n` bytes just read to c->buffer, sets c->out and c->out_len
	 * to what is to be sent for them, and returns how many requests ended
	 * in them.
	 */
	uint64_t (*take)(struct conn *c, size_t n);
};

extern const struct service *const services[]; /* NULL ends it */

#endif
