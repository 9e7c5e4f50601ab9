/* SPDX-License-Identifier: MIT */
/*
 * damage.h - what happened to bytes that came back wrong
 *
 * No two places of a stream look alike, so bytes that do not belong here are
 * searched for in the stream. If they belong further ahead, the bytes between were
 * lost; if they belong further back, they are duplicates or an overtaken reply. If
 * most of the next bytes are right where they are, only some were changed.
 */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "payload.h"

#include <stdbool.h>
#include <stddef.h>

struct verdict {
	enum {
		VERDICT_WAIT,    /* too few bytes to tell: wait for more */
		VERDICT_MOVED,   /* they belong at `place` */
		VERDICT_CHANGED, /* the first `n` are in place, but are wrong */
		VERDICT_UNASKED  /* they belong nowhere, and none are due */
	} kind;
	struct place place;
	/* Moved: the part of the reply that was read before is the same at `place`,
	 * so the whole reply may belong there. */
	bool whole_reply;
	size_t n;
};

/*
 * Judges `n` bytes, of which the first is wrong at `in`; `due` bytes are expected
 * from there on. With `last`, no more bytes will come: the verdict is never to
 * wait. `searches` counts the searches of a connection, and limits them.
 */
struct verdict damage_judge(const struct payload *p, struct place in,
			    size_t due, const char *bytes, size_t n, bool last,
			    unsigned *searches);

#endif
