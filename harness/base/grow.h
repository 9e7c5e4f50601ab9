/* SPDX-License-Identifier: MIT */
/* grow.h - memory; the program dies if there is none */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stddef.h>

/* reallocarray(), which dies instead of returning NULL */
void *grow(void *array, size_t n, size_t size);

#endif
