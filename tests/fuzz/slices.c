// SPDX-License-Identifier: MIT
/*
 * slices.c - a row is left out, or survives writing and reading again
 *
 * An input is the rows of slices.csv, of a run with a few lines.
 */
#include "fuzz.h"

#include "harness/store/slices.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 4 };

/* Two bouts of two */
static void begin(struct store *s, struct record r[RECORDS])
{
	*s = (struct store){ .records = r, .n = RECORDS };
	for (unsigned i = 0; i < RECORDS; i++)
		r[i] = (struct record){ .index = 10 - i, .bout = i / 2 };
}

static char *with_header(const char *rows, size_t n, size_t *size)
{
	size_t header = strlen(slices_header);
	char *text = malloc(header + n + 1);

	HOLDS(text);
	memcpy(text, slices_header, header);
	memcpy(text + header, rows, n);
	text[header + n] = '\0';
	*size = header + n;
	return text;
}

static bool same(const struct slice *a, const struct slice *b)
{
	if (a->round != b->round || a->position != b->position ||
	    a->counted != b->counted)
		return false;
	for (size_t at = offsetof(struct slice, requests); at < sizeof(*a);
	     at += sizeof(double)) {
		double x, y;

		memcpy(&x, (const char *)a + at, sizeof(x));
		memcpy(&y, (const char *)b + at, sizeof(y));
		/* A number that overflows is not available. */
		if (x != y && !(isnan(y) && !isfinite(x)))
			return false;
	}
	return true;
}

static void check_again(struct record r[RECORDS], size_t rows)
{
	struct record again[RECORDS];
	size_t size, left_out, found = 0;
	struct store s;
	char *written, *text;

	/* The writer sorts: so only one row of each round and position. */
	for (int i = 0; i < RECORDS; i++)
		if (r[i].n_slices > 1)
			r[i].n_slices = 1;
	written = slices_rows(r, RECORDS);
	text = with_header(written, strlen(written), &size);
	begin(&s, again);
	HOLDS(slices_take(&s, text, size, &left_out) == size);
	HOLDS(left_out == 0);
	for (int i = 0; i < RECORDS; i++) {
		HOLDS(again[i].n_slices == r[i].n_slices);
		if (r[i].n_slices)
			HOLDS(same(r[i].slices, again[i].slices));
		found += r[i].n_slices;
		free(again[i].slices);
	}
	HOLDS(found <= rows);
	free(text);
	free(written);
}

static size_t count_rows(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = strlen(slices_header); i < size; i++)
		n += text[i] == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r[RECORDS];
	size_t length, kept, left_out, rows = 0;
	char *text = with_header((const char *)data, size, &length);
	struct store s;

	begin(&s, r);
	kept = slices_take(&s, text, length, &left_out);
	HOLDS(kept <= length && kept >= strlen(slices_header));
	HOLDS(left_out > 0 || kept == length);
	for (int i = 0; i < RECORDS; i++)
		rows += r[i].n_slices;
	HOLDS(count_rows(text, kept) == rows);
	check_again(r, rows);
	for (int i = 0; i < RECORDS; i++)
		free(r[i].slices);
	free(text);
	return 0;
}
