/* SPDX-License-Identifier: MIT */
/* pattern.h - how requests follow each other, for loadgen and plans */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>

enum pattern {
	PATTERN_STEADY,
	PATTERN_BURST,    /* several at once, then a pause */
	PATTERN_CONNECT,  /* a new connection for each request */
	PATTERN_STORM,    /* the same, all clients at once, then a pause */
	PATTERN_SLOW_READ /* beside others that take their replies slowly */
};

static inline bool pattern_connects(enum pattern pattern)
{
	return pattern == PATTERN_CONNECT || pattern == PATTERN_STORM;
}

#endif
