/* SPDX-License-Identifier: MIT */
/* service.h - what a server does with the bytes it receives */
#ifndef SERVICE_H
#define SERVICE_H

#include "conn.h"

#include <stdbool.h>

struct service {
	const char *name; /* as --service takes it */

	bool in_place; /* the reply is the bytes that were read, whatever they are */

	/* Prepares what all clients share; can be NULL. */
	void (*begin)(const struct options *opt);

	/*
	 * Takes bytes from c->in, c->in_len, and sets c->out and c->out_len to a
	 * reply. If it leaves some, there has to be a reply: it is called again
	 * when that was sent, and so until it returns without one. Returns how
	 * many requests were completed. c->last closes the client behind the reply.
	 */
	uint64_t (*take)(struct conn *c);
};

extern const struct service service_http;
extern const struct service *const services[]; /* ends with NULL */

#endif
