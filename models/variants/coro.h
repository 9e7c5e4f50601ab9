/* SPDX-License-Identifier: MIT */
/*
 * coro.h - a function that stops at an await and goes on there when called again
 *
 * The body of a coroutine stands between CORO_BEGIN and CORO_END. AWAIT returns to
 * the caller; the next call jumps back to it. A local variable does not keep its
 * value across an await: what has to last is in a struct. There is at most one
 * AWAIT a line, and none inside a switch.
 */
#ifndef CORO_H
#define CORO_H

#include <stdint.h>

struct coro {
	int line;        /* of the await at which it stopped */
	uint32_t awaits; /* events of epoll(7); 0: it has ended */
};

#define CORO_BEGIN(me)                                                         \
	switch ((me)->line) {                                                  \
	case 0:

#define AWAIT(me, events)                                                      \
	do {                                                                   \
		(me)->line = __LINE__;                                         \
		(me)->awaits = (events);                                       \
		return;                                                        \
	case __LINE__:;                                                        \
	} while (0)

#define CORO_END(me)                                                           \
	}                                                                      \
	(me)->awaits = 0

#endif
