/* SPDX-License-Identifier: MIT */
/* pattern.h - how requests follow each other, for loadgen and plans */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

enum pattern {
	PATTERN_STEADY,
	PATTERN_BURST,  /* several at once, then a pause */
	PATTERN_CONNECT /* a new connection for each request */
};

#endif
