/* SPDX-License-Identifier: MIT */
/* print.h - numbers as people read them; the text goes to `to` and is returned */
#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdint.h>

enum { PRINT_SIZE = 32 };

char *print_time(char to[PRINT_SIZE], double ns); /* 81.2 us; -1: "-" */
char *print_count(char to[PRINT_SIZE], double n); /* 1,234,567 */

const char *plural(double n); /* "" or "s", behind what is counted */
const char *were(double n);   /* "was" or "were" */

#endif
