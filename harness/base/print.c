/* SPDX-License-Identifier: MIT */
/* print.c - numbers for people: see print.h */
#include "harness/base/print.h"

#include <stdio.h>
#include <string.h>

char *print_time(char to[PRINT_SIZE], double ns)
{
	static const char *const unit[] = { "ns", "us", "ms", "s" };
	int i = 0;

	if (ns < 0)
		return strcpy(to, "-");
	while (i < 3 && ns >= 999.5) {
		ns /= 1000;
		i++;
	}
	snprintf(to, PRINT_SIZE, "%.*f %s",
		 i == 0 || ns >= 99.95 ? 0 :
		 ns >= 9.995           ? 1 :
					 2,
		 ns, unit[i]);
	return to;
}

const char *plural(double n)
{
	return n == 1 ? "" : "s";
}

const char *were(double n)
{
	return n == 1 ? "was" : "were";
}

/* Fractions below 1,000 get one or two decimals. */
char *print_count(char to[PRINT_SIZE], double n)
{
	char plain[PRINT_SIZE];
	size_t length, j = 0;

	if (n < 999.95 && n != (int64_t)n) {
		snprintf(to, PRINT_SIZE, n < 9.995 ? "%.2f" : "%.1f", n);
		return to;
	}
	length = snprintf(plain, sizeof(plain), "%.0f", n);
	for (size_t i = 0; i < length && j < PRINT_SIZE - 2; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			to[j++] = ',';
		to[j++] = plain[i];
	}
	to[j] = '\0';
	return to;
}
