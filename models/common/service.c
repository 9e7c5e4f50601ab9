/* SPDX-License-Identifier: MIT */
/* service.c - what a server does with the bytes of its clients: service.h */
#include "service.h"

#include "options.h"

/*
 * echo: every byte goes back as it came. A request is --message bytes; if
 * nobody said how many, what one read brought counts as one.
 */
static uint64_t echo_take(struct conn *c, size_t n)
{
	size_t message = c->opt->message;
	uint64_t done = 1;

	c->out = c->buffer;
	c->out_len = n;
	if (message) {
		done = (c->partial + n) / message;
		c->partial = (c->partial + n) % message;
	}
	return done;
}

static const struct service echo = { .name = "echo", .take = echo_take };

const struct service *const services[] = { &echo, NULL };
