/* SPDX-License-Identifier: MIT */
/* why.c - a sentence that says why something cannot be had: see why.h */
#include "harness/base/why.h"

#include <stdarg.h>
#include <stdio.h>

bool why_not(char why[WHY_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, WHY_SIZE, format, arguments);
	va_end(arguments);
	return false;
}
