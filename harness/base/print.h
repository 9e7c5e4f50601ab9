/* SPDX-License-Identifier: MIT */
/* print.h - numbers for people; the text is written to `to`, which is returned */
#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdint.h>

enum { PRINT_SIZE = 32 };

char *print_time(char to[PRINT_SIZE], double ns); /* 81.2 us; -1: "-" */
char *print_count(char to[PRINT_SIZE], double n); /* 1,234,567 */

const char *plural(double n); /* "" or "s" */
const char *were(double n);   /* "was" or "were" */

#endif
