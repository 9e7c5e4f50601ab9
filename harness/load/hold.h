/* SPDX-License-Identifier: MIT */
/*
 * hold.h - --hold: the lines between the generator and a program that observes it
 *
 * README.md describes the protocol. Here is only its form: slices.c follows it.
 */
#ifndef HOLD_H
#define HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_kind {
	ORDER_SLICE,
	ORDER_KEEP,
	ORDER_DROP,
	ORDER_END,    /* the observer is gone */
	ORDER_SIGNAL, /* a signal came, and is pending */
};

struct order {
	enum order_kind kind;
	uint64_t slice;
	int64_t head, window; /* ns */
};

enum { HOLD_LINE = 128 };

struct hold {
	int fd, signal_fd;
	size_t n;
	char text[HOLD_LINE + 1]; /* received, and not taken yet */
};

/* Reads a line without its end; false: it is no order. */
bool order_parse(const char *line, struct order *order);

/* The signals are blocked. */
void hold_open(struct hold *h, int fd, const sigset_t *signals);
void hold_close(struct hold *h);

/* Waits for the next order. Ends the program if what comes is none. */
struct order hold_next(struct hold *h);

/* Does nothing if the observer is gone. */
void hold_say(struct hold *h, const char *line);

#endif
