/* SPDX-License-Identifier: MIT */
/* slices.c - slices.csv: see slices.h */
#include "harness/store/slices.h"

#include "harness/store/files.h"
#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/print.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char slices_name[] = "slices.csv";
const char slices_header[] =
	"bout,index,round,position,counted,requests,answered,window_ns,"
	"elapsed_ns,cpu_ns,client_cpu_ns,response_p50_ns,response_p99_ns,"
	"service_p50_ns,service_p99_ns\n";

/* The columns after `counted` */
static const size_t measured[] = {
	offsetof(struct slice, requests),
	offsetof(struct slice, answered),
	offsetof(struct slice, window_ns),
	offsetof(struct slice, elapsed_ns),
	offsetof(struct slice, cpu_ns),
	offsetof(struct slice, client_cpu_ns),
	offsetof(struct slice, response_p50_ns),
	offsetof(struct slice, response_p99_ns),
	offsetof(struct slice, service_p50_ns),
	offsetof(struct slice, service_p99_ns),
};
enum { MEASURED = sizeof(measured) / sizeof(*measured) };

static double *value_of(struct slice *s, int column)
{
	void *at = (char *)s + measured[column];

	return at;
}

/* -------------------------------------------------------------------- writing */

struct turn {
	const struct record *r;
	struct slice slice;
};

static int by_time(const void *a, const void *b)
{
	const struct slice *x = &((const struct turn *)a)->slice;
	const struct slice *y = &((const struct turn *)b)->slice;

	if (x->round != y->round)
		return x->round < y->round ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static void write_row(FILE *to, struct turn *t)
{
	fprintf(to, "%u,%u,%u,%u,%d", t->r->bout, t->r->index, t->slice.round,
		t->slice.position, t->slice.counted);
	for (int i = 0; i < MEASURED; i++) {
		double x = *value_of(&t->slice, i);

		fprintf(to, isfinite(x) ? ",%.0f" : ",", x);
	}
	fputc('\n', to);
}

char *slices_rows(const struct record *r, size_t n)
{
	struct turn *turns = NULL;
	size_t n_turns = 0, size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	for (size_t i = 0; i < n; i++) {
		turns = grow(turns, n_turns + r[i].n_slices + 1,
			     sizeof(*turns));
		for (size_t k = 0; k < r[i].n_slices; k++)
			turns[n_turns++] =
				(struct turn){ &r[i], r[i].slices[k] };
	}
	if (n_turns)
		qsort(turns, n_turns, sizeof(*turns), by_time);
	for (size_t i = 0; i < n_turns; i++)
		write_row(to, &turns[i]);
	free(turns);
	if (fclose(to) != 0)
		die("open_memstream");
	return text;
}

/* -------------------------------------------------------------------- reading */

/* A field and the character after it; an empty one is NAN. */
static bool read_field(const char **at, char after, double *x)
{
	size_t length = strspn(*at, "0123456789");

	*x = length ? strtod(*at, NULL) : NAN;
	*at += length;
	return *(*at)++ == after;
}

struct row {
	double bout, index;
	struct slice slice;
};

/* `at` is a whole line. */
static bool read_row(struct row *row, const char *at)
{
	double x[5];

	for (int i = 0; i < 5; i++)
		if (!read_field(&at, ',', &x[i]) || !(x[i] <= UINT_MAX))
			return false;
	*row = (struct row){ .bout = x[0],
			     .index = x[1],
			     .slice = { .round = (unsigned)x[2],
					.position = (unsigned)x[3],
					.counted = x[4] == 1 } };
	for (int i = 0; i < MEASURED; i++)
		if (!read_field(&at, i == MEASURED - 1 ? '\n' : ',',
				value_of(&row->slice, i)))
			return false;
	return true;
}

/* The records by index, to find that of a row */
struct by_index {
	struct record **record;
	size_t n;
};

static int compare_index(const void *a, const void *b)
{
	const struct record *x = *(struct record *const *)a;
	const struct record *y = *(struct record *const *)b;

	return (x->index > y->index) - (x->index < y->index);
}

static struct by_index index_records(struct store *s)
{
	struct by_index by = {
		grow(NULL, s->n + 1, sizeof(*by.record)),
		s->n,
	};

	for (size_t i = 0; i < s->n; i++)
		by.record[i] = &s->records[i];
	qsort(by.record, by.n, sizeof(*by.record), compare_index);
	return by;
}

static bool give(const struct by_index *by, const struct row *row)
{
	struct record like = { .index = (unsigned)row->index }, *key = &like;
	struct record **found = bsearch(&key, by->record, by->n,
					sizeof(*by->record), compare_index);
	struct record *r = found ? *found : NULL;

	if (!r || r->bout != row->bout)
		return false;
	r->slices = grow(r->slices, r->n_slices + 1, sizeof(*r->slices));
	r->slices[r->n_slices++] = row->slice;
	return true;
}

size_t slices_take(struct store *s, char *text, size_t size, size_t *left_out)
{
	struct by_index by = index_records(s);
	size_t kept = strlen(slices_header);
	char *end = text + size, *next;

	*left_out = 0;
	for (char *at = text + kept; at < end; at = next) {
		char *line_end = memchr(at, '\n', (size_t)(end - at));
		struct row row;

		next = line_end ? line_end + 1 : end;
		if (line_end && read_row(&row, at) && give(&by, &row)) {
			memmove(text + kept, at, (size_t)(next - at));
			kept += (size_t)(next - at);
		} else {
			++*left_out;
		}
	}
	free(by.record);
	return kept;
}

static bool take(struct store *s, char *text, size_t size, bool repairing,
		 char why[WHY_SIZE])
{
	size_t kept, left_out;

	if (strncmp(text, slices_header, strlen(slices_header)) != 0)
		return why_not(why,
			       "%.300s/%s: the first line is not that of this "
			       "version",
			       s->path, slices_name);
	kept = slices_take(s, text, size, &left_out);
	if (left_out == 0)
		return true;
	warn("%.300s/%s: %zu row%s left out: damaged, or of a bout that was "
	     "not completed",
	     s->path, slices_name, left_out, plural(left_out));
	return !repairing || file_put(s, slices_name, text, kept, why);
}

bool slices_read(struct store *s, bool repairing, char why[WHY_SIZE])
{
	size_t size;
	bool fine;
	char *text;

	if (!file_exists(s, slices_name))
		return file_too_old(s, why);
	text = file_get(s, slices_name, &size, why);
	fine = text && take(s, text, size, repairing, why);
	free(text);
	return fine;
}
