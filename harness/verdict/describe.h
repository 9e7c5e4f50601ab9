/* SPDX-License-Identifier: MIT */
/* describe.h - settings, numbers and text for people; plain ASCII */
#ifndef VERDICT_DESCRIBE_H
#define VERDICT_DESCRIBE_H

#include "harness/base/print.h" /* plural() */
#include "harness/store/record.h"
#include "harness/verdict/stats.h"

#include <stdio.h>

enum { SETTING_SIZE = 320, NUMBER_SIZE = 48, LINE_WIDTH = 100 };

/* Each writes to `to` and returns it. */

/* "closed loop, server and clients on a core each, 64 connections, 64 B" */
char *setting_heading(const struct cell *c, char to[SETTING_SIZE]);

/* "at 64 connections (one core, 900 silent)": what is usual is not said. */
char *setting_where(const struct cell *c, char to[SETTING_SIZE]);

/* "closed split 16 idle 900": loop, placement, connections, then the parts of the
 * cell's name that are not usual (message 64 is), in their order */
char *setting_key(const struct cell *c, char to[SETTING_SIZE]);

/* Three digits and a unit: "12.3 us", "152 k/s", "5.10 KiB", "2.02"; "-": NAN.
 * Shares are in percent: "0.15 %". */
char *print_metric(enum metric m, double x, char to[NUMBER_SIZE]);

/* "11.9-12.8", in the unit that print_metric() gives the median; "78us-0.2s" where
 * it takes others. Ten characters */
char *print_spread(enum metric m, double median, double low, double high,
		   char to[NUMBER_SIZE]);

/* Three digits, such as a ratio has: "0.713", "1.04", "11.2", "230" */
char *print_ratio(double x, char to[NUMBER_SIZE]);

/* The interval of the median, or lowest and highest where there is none; false:
 * there is one value or none. */
bool spread_of(const struct summary *s, double *low, double *high);

/* A paragraph that begins with `first` and goes on with `rest`, at most LINE_WIDTH
 * wide. What a terminal would obey or cannot show becomes '?'. */
void write_paragraph(FILE *to, const char *first, const char *rest,
		     const char *text);

enum style { PLAIN, BOLD, YELLOW, RED };

/* Whether it is a terminal that has colors, of somebody who wants them (NO_COLOR) */
bool has_color(FILE *file);

void write_style(FILE *to, bool color, enum style style);

/* After a blank line, in bold */
void write_heading(FILE *to, bool color, const char *text);

#endif
