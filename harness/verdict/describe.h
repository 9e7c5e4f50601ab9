/* SPDX-License-Identifier: MIT */
/* describe.h - settings, numbers and paragraphs as text; plain ASCII */
#ifndef VERDICT_DESCRIBE_H
#define VERDICT_DESCRIBE_H

#include "harness/base/print.h" /* plural() */
#include "harness/store/record.h"

#include <stdio.h>

enum { SETTING_SIZE = 320, NUMBER_SIZE = 48, LINE_WIDTH = 100 };

/* Each writes to `to` and returns it. */

/* "closed loop, server and clients on separate cores, 64 connections, 64 B" */
char *setting_heading(const struct cell *c, char to[SETTING_SIZE]);

/* "at 64 connections (one core, 900 idle)"; defaults are not mentioned */
char *setting_where(const struct cell *c, char to[SETTING_SIZE]);

/* "closed split 16 idle 900": loop, placement, connections, then the parts of the
 * cell's name that are not the default (message 64 is), in their order */
char *setting_key(const struct cell *c, char to[SETTING_SIZE]);

/* Three digits and a unit: "12.3 us", "152 k/s", "5.10 KiB", "2.02"; "-": NAN.
 * Shares are in percent: "0.15 %". */
char *print_metric(enum metric m, double x, char to[NUMBER_SIZE]);

/* A ratio in three digits: "0.713", "1.04", "11.2", "230" */
char *print_ratio(double x, char to[NUMBER_SIZE]);

/* A range of ratios: "9.10 to 11.2", "1.019 to 1.021", "2.00"; with as many decimals
 * as show that it is not 1. NAN is an open end: "at least 1.60", "at most 0.600" */
char *print_range(double low, double high, char to[2 * NUMBER_SIZE]);

/* Adds to the text in `to`, which has room for `size` bytes */
__attribute__((format(printf, 3, 4))) void add_text(char *to, size_t size,
						    const char *format, ...);

/* A stream into `*text`, which is complete after text_close(). To be freed */
FILE *text_open(char **text, size_t *size);
void text_close(FILE *file);

/* A paragraph at most LINE_WIDTH wide; `first` indents the first line, `rest` the
 * others. Control characters and what is not ASCII become '?'. */
void write_paragraph(FILE *to, const char *first, const char *rest,
		     const char *text);

enum style { PLAIN, BOLD, YELLOW, RED };

/* Whether it is a terminal with colors and NO_COLOR is not set */
bool has_color(FILE *file);

void write_style(FILE *to, bool color, enum style style);

/* write_paragraph() in yellow */
void write_warning(FILE *to, bool color, const char *first, const char *rest,
		   const char *text);

/* After a blank line, in bold */
void write_heading(FILE *to, bool color, const char *text);

#endif
