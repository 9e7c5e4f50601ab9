/* SPDX-License-Identifier: MIT */
/* nearest.c - words in a list: see nearest.h */
#include "harness/base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { LETTERS_MAX = 63 };

int word_index(const char *word, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein distance (optimal string alignment), ignoring case; of
 * the first LETTERS_MAX letters */
static unsigned distance_of(const char *a, const char *b)
{
	size_t rows = strnlen(a, LETTERS_MAX),
	       columns = strnlen(b, LETTERS_MAX);
	/* d[i][j]: from the first i letters of a to the first j of b */
	static unsigned d[LETTERS_MAX + 1][LETTERS_MAX + 1];

	for (size_t j = 0; j <= columns; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= rows; i++) {
		d[i][0] = i;
		for (size_t j = 1; j <= columns; j++) {
			bool equal = same(a[i - 1], b[j - 1]);

			d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least(d[i][j], d[i - 1][j - 1] + !equal);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[rows][columns];
}

const char *nearest(const char *word, const char *const *names)
{
	size_t length = strlen(word);
	const char *best = NULL;
	unsigned least_so_far = 0;

	for (; *names; names++) {
		size_t longer = strlen(*names);
		unsigned distance = distance_of(word, *names);
		bool begins =
			length >= 2 && strncasecmp(word, *names, length) == 0;

		longer = longer > length ? longer : length;
		if (begins && distance > 1)
			distance = 1;
		else if (distance > (longer + 1) / 3)
			continue;
		if (!best || distance < least_so_far) {
			best = *names;
			least_so_far = distance;
		}
	}
	return best;
}
