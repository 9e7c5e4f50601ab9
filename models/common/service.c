/* SPDX-License-Identifier: MIT */
/* service.c - what a server does with the bytes it receives */
#include "service.h"

#include "options.h"

/*
 * echo: returns every byte. A request is --message bytes; without --message it is
 * what one read returned.
 */
static uint64_t echo_take(struct conn *c)
{
	size_t n = c->in_len, message = c->opt->message;
	uint64_t done = n > 0;

	c->out = c->in;
	c->out_len = n;
	c->in_len = 0;
	if (message) {
		done = (c->partial + n) / message;
		c->partial = (c->partial + n) % message;
	}
	return done;
}

static const struct service service_echo = { .name = "echo",
					     .in_place = true,
					     .take = echo_take };

const struct service *const services[] = { &service_echo, &service_http, NULL };
