/* SPDX-License-Identifier: MIT */
/* fuzz.h - an input is read as numbers; what has to hold is checked */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer keeps the input for which a program aborts. */
#define HOLDS(x)                                                               \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
				__FILE__, __LINE__, #x);                       \
			abort();                                               \
		}                                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

/* After its end an input goes on with zeros. */
static inline uint8_t next_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static inline uint64_t next_number(struct input *in, int bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | next_byte(in);
	return n;
}

#endif
