/* SPDX-License-Identifier: MIT */
/* screen.h - the live line, for somebody who watches */
#ifndef SCREEN_H
#define SCREEN_H

#include "worker.h"

/* There is none before this, or where stderr is no terminal. */
void screen_open(bool quiet);
bool screen_is_open(void);

/* Only looks at what the workers count anyway; never makes them wait. */
void screen_draw(const struct run *run, const struct worker *workers,
		 int64_t now);
void screen_clear(void);

#endif
