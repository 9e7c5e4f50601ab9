/* SPDX-License-Identifier: MIT */
/* about.h - the file of a timeline: its events, and what they are about */
#ifndef TIMELINE_ABOUT_H
#define TIMELINE_ABOUT_H

#include "harness/timeline/timeline.h"

/* Writes all rows of a trace, while server and clients are still there. */
void timeline_write(FILE *file, const struct timeline_plan *plan,
		    const struct server *s, const struct clients *c,
		    const struct trace *t);

#endif
