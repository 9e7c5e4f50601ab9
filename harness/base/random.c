/* SPDX-License-Identifier: MIT */
/* random.c - random numbers from a seed: see random.h */
#include "harness/base/random.h"

#include "harness/base/die.h"

#include <errno.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Uniform in [0, n) */
static uint64_t below(uint64_t n, uint64_t *state)
{
	uint64_t odd = -n % n; /* numbers below it would bias the result */
	uint64_t x;

	do
		x = random_next(state);
	while (x < odd);
	return x % n;
}

void random_shuffle(void *elements, size_t n, size_t size, uint64_t *state)
{
	char *at = elements, other[64];

	if (size > sizeof(other))
		die_of(EINVAL, "random_shuffle");
	for (size_t i = n; i > 1; i--) {
		char *last = at + (i - 1) * size;
		char *chosen = at + below(i, state) * size;

		memcpy(other, chosen, size);
		memmove(chosen, last, size);
		memcpy(last, other, size);
	}
}
