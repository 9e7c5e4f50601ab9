/* SPDX-License-Identifier: MIT */
/* service.h - what a server does with the bytes it receives */
#ifndef SERVICE_H
#define SERVICE_H

#include "conn.h"

struct service {
	const char *name; /* as --service takes it */

	/*
	 * Takes the `n` bytes just read to c->buffer, sets c->out and c->out_len
	 * to the reply, and returns how many requests these bytes completed.
	 */
	uint64_t (*take)(struct conn *c, size_t n);
};

extern const struct service *const services[]; /* ends with NULL */

#endif
