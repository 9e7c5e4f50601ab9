/* SPDX-License-Identifier: MIT */
/* screen.h - the live line on a terminal */
#ifndef SCREEN_H
#define SCREEN_H

#include "worker.h"

/* Enables the live line if stderr is a terminal. */
void screen_open(bool quiet);
bool screen_is_open(void);

/* Reads the counters of the workers without making them wait. */
void screen_draw(const struct run *run, const struct worker *workers,
		 int64_t now);
void screen_clear(void);

#endif
