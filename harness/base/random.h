/* SPDX-License-Identifier: MIT */
/* random.h - random numbers from a seed: the same on every machine */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64 */
uint64_t random_next(uint64_t *state);

/* Fisher-Yates, of n elements of at most 64 bytes each */
void random_shuffle(void *elements, size_t n, size_t size, uint64_t *state);

#endif
