/* SPDX-License-Identifier: MIT */
/* grow.c - memory; the program dies if there is none: see grow.h */
#include "harness/base/grow.h"

#include "harness/base/die.h"

#include <stdlib.h>

void *grow(void *array, size_t n, size_t size)
{
	array = reallocarray(array, n, size);
	if (!array)
		die("reallocarray");
	return array;
}
