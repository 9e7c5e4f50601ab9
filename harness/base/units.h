/* SPDX-License-Identifier: MIT */
/*
 * units.h - numbers with units, as users write them
 *
 * Each function parses all of `text`. false: it is no such number, or out of range.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

bool parse_number(const char *text, uint64_t *number); /* 1000 */
bool parse_count(const char *text, uint64_t *count);   /* 1000, 10k, 1M */
bool parse_rate(const char *text, double *rate);       /* 500, 20k, 2.5 */
bool parse_bytes(const char *text, uint64_t *bytes); /* 64, 64B, 16KiB, 1MiB */
bool parse_time(const char *text, int64_t *ns);      /* 100us, 1.5ms, 2s */
bool parse_percent(const char *text, double *percent); /* 1%, 0.1% */

#endif
