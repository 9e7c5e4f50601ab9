/* SPDX-License-Identifier: MIT */
/* why.c - the reason why a call failed, as text: see why.h */
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
