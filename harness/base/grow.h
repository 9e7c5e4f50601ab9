/* SPDX-License-Identifier: MIT */
/* grow.h - memory, or the end of the program */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stddef.h>

/* reallocarray(), which dies instead of returning NULL */
void *grow(void *array, size_t n, size_t size);

#endif
