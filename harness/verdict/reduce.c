/* SPDX-License-Identifier: MIT */
/* reduce.c - from repetitions to rows, one per cell: see reduce.h */
#include "harness/verdict/reduce.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/warnings.h"
#include "harness/base/grow.h"
#include "harness/base/units.h"
#include "harness/base/die.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double spinning = 0.9; /* of a CPU, with idle clients */

/* ----------------------------------------------------------------------- order */

static const char *const taught[] = { "thread", "busypoll", "select", "poll",
				      "epoll",  "aio",      "uring" };
enum { TAUGHT = sizeof(taught) / sizeof(*taught) };

static int rank(const char *model)
{
	int i = 0;

	while (i < TAUGHT && strcmp(model, taught[i]) != 0)
		i++;
	return i + (strcmp(model, BASELINE) == 0);
}

#define COMPARE(part) ((a->part > b->part) - (a->part < b->part))

/* The time where two labels differ, ns: delay=100us is before delay=1ms. */
static bool time_at(const char *label, size_t differs, int64_t *ns)
{
	char value[LABEL_SIZE];

	while (differs > 0 && label[differs - 1] != '=')
		differs--;
	snprintf(value, sizeof(value), "%.*s",
		 (int)strcspn(label + differs, ":"), label + differs);
	return parse_time(value, ns);
}

static int compare_labels(const char *a, const char *b)
{
	size_t differs = 0;
	int64_t x, y;

	while (a[differs] && a[differs] == b[differs])
		differs++;
	if (time_at(a, differs, &x) && time_at(b, differs, &y) && x != y)
		return x < y ? -1 : 1;
	return strverscmp(a, b); /* workers=2 is before workers=16 */
}

static int compare_models(const char *a, const char *b)
{
	int x = rank(a), y = rank(b);

	return x != y ? x - y : compare_labels(a, b);
}

/* 0: the same cell */
static int compare_cells(const struct cell *a, const struct cell *b)
{
	const int by[] = {
		COMPARE(loop),
		COMPARE(placement),
		COMPARE(message),
		COMPARE(depth),
		COMPARE(pattern),
		COMPARE(burst),
		COMPARE(slow),
		strcmp(a->work, b->work),
		COMPARE(service),
		COMPARE(rate),
		COMPARE(idle),
		COMPARE(connections),
		compare_models(a->model, b->model),
	};

	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++)
		if (by[i])
			return by[i];
	return 0;
}

/* Records of one cell stay in the order of measurement. */
static int compare_records(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a;
	const struct record *y = *(const struct record *const *)b;
	int cells = compare_cells(&x->cell, &y->cell);

	return cells ? cells : (x > y) - (x < y);
}

/* ------------------------------------------------------------- one cell's records */

/* Timing blocks are numbered from 1 (order.h); a damaged file may have others. */
static bool in_a_block(const struct record *r)
{
	return r->role == ROLE_COUNTING || r->role == ROLE_IDLE ||
	       (r->block >= 1 && r->block <= STATS_MAX);
}

static void join_method(char to[16], const char *method)
{
	snprintf(to, 16, "%s",
		 !*to || strcmp(to, method) == 0 ? method : "mixed");
}

/* Percentiles with too few requests beyond them, as bin/loadgen reports them */
static void note_unsure(struct row *row, const struct record *r)
{
	static const struct {
		const char *times, *percentile;
		enum metric metric;
	} known[] = {
		{ "response_ns", "p50", METRIC_RESPONSE_P50 },
		{ "response_ns", "p90", METRIC_RESPONSE_P90 },
		{ "response_ns", "p99", METRIC_RESPONSE_P99 },
		{ "response_ns", "p99_9", METRIC_RESPONSE_P99_9 },
		{ "service_ns", "p50", METRIC_SERVICE_P50 },
		{ "service_ns", "p99", METRIC_SERVICE_P99 },
		{ "send_lag_ns", "p99", METRIC_SEND_LAG_P99 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const json_t *times = json_object_get(r->load, known[i].times);
		const json_t *name;
		size_t k;

		json_array_foreach(json_object_get(times, "unsure"), k, name) {
			if (strcmp(json_string_value(name) ?: "",
				   known[i].percentile) == 0)
				row->unsure[known[i].metric] = true;
		}
	}
}

/* Everything but the metrics that a valid repetition adds to its row */
static void take_notes(struct row *row, const struct record *r)
{
	join_method(row->cpu_method, r->cpu_method);
	note_unsure(row, r);
}

/* -------------------------------------------------------------------- one row */

static bool is_counted(int m)
{
	return m == METRIC_CALLS_PER_REQUEST || m == METRIC_CALLS_PER_SECOND ||
	       m == METRIC_SUBMISSIONS_PER_REQUEST ||
	       m == METRIC_COMPLETIONS_PER_REQUEST;
}

/* Idle clients have one repetition, which has all metrics. */
static void summarize(struct row *row, const struct record *counted,
		      const struct record *idle, unsigned n_blocks)
{
	for (int m = 0; m < METRICS; m++) {
		const struct record *one =
			idle || !is_counted(m) ? idle : counted;
		double x[STATS_MAX] = { one ? one->metric[m] : NAN };
		bool single = one || is_counted(m);

		for (unsigned b = 0; b < n_blocks && !single; b++)
			x[b] = row->timed[b] ? row->timed[b]->metric[m] : NAN;
		row->metric[m] = stats_summary(x, single ? 1 : n_blocks);
	}
}

static void take_counts(struct row *row, const struct record *counted)
{
	const double *metric = counted->metric;
	double sum = 0;

	memcpy(row->calls_method, counted->calls_method,
	       sizeof(row->calls_method));
	row->calls = counted->calls;
	row->n_calls = counted->n_calls;
	for (size_t i = 0; i < counted->n_calls; i++)
		sum += (double)counted->calls[i].count;
	if (metric[METRIC_CALLS_PER_REQUEST] > 0)
		row->calls_per = sum / metric[METRIC_CALLS_PER_REQUEST];
}

/* `bad`: the last block that is not valid; `only`: of a cell that was not timed */
static void take_status(struct row *row, const struct record *bad,
			const struct record *only)
{
	if (!bad && !row->n && only && only->status != STATUS_OK)
		bad = only;
	row->invalid += bad && bad == only;
	if (bad)
		record_reason(bad, row->reason, sizeof(row->reason));
	if (bad && !row->n)
		row->status = bad->status;
	else if (!row->n)
		snprintf(row->reason, sizeof(row->reason), "not timed yet");
}

/* What its blocks say; those that are not valid are removed. Returns the last of
 * these. */
static const struct record *take_blocks(struct row *row, unsigned n_blocks)
{
	const struct record *bad = NULL;
	unsigned bound = 0, saturated = 0;

	for (unsigned b = 0; b < n_blocks; b++) {
		const struct record *r = row->timed[b], *twin = row->twin[b];

		if (twin && twin->status != STATUS_OK)
			row->twin[b] = NULL;
		if (!r)
			continue;
		if (r->status != STATUS_OK) {
			row->timed[b] = NULL;
			row->invalid++;
			bad = r;
			continue;
		}
		take_notes(row, r);
		row->n++;
		row->rounds += r->rounds.counted;
		bound += r->bound;
		saturated += r->saturated;
	}
	row->bound = 2 * bound > row->n;
	row->saturated = 2 * saturated > row->n;
	return bad;
}

static void make_row(struct row *row, const struct record *const *of, size_t n,
		     unsigned n_blocks)
{
	const struct record *counted = NULL, *idle = NULL, *bad;

	*row = (struct row){ .cell = of[0]->cell };
	row->timed = grow(NULL, 2 * n_blocks + 1, sizeof(*row->timed));
	row->twin = row->timed + n_blocks;
	memset(row->timed, 0, 2 * n_blocks * sizeof(*row->timed));
	for (size_t i = 0; i < n; i++) {
		if (of[i]->role == ROLE_COUNTING)
			counted = of[i];
		else if (of[i]->role == ROLE_IDLE)
			idle = of[i];
		else if (of[i]->role == ROLE_AA)
			row->twin[of[i]->block - 1] = of[i];
		else
			row->timed[of[i]->block - 1] = of[i];
	}
	bad = take_blocks(row, n_blocks);
	if (idle && idle->status == STATUS_OK) {
		row->n = 1;
		take_notes(row, idle);
		counted = idle;
	}
	take_status(row, bad, idle ? idle : counted);
	if (counted && counted->status != STATUS_OK)
		counted = NULL;
	summarize(row, counted, row->n && idle ? idle : NULL, n_blocks);
	if (counted)
		take_counts(row, counted);
}

/* -------------------------------------------------------------------- all of it */

/* Measured again: the last record of a block counts, as in the store. */
static bool superseded(const struct record *const *of, size_t n)
{
	for (size_t i = 1; i < n && cell_same(&of[0]->cell, &of[i]->cell); i++)
		if (of[i]->role == of[0]->role && of[i]->block == of[0]->block)
			return true;
	return false;
}

static const struct record **sorted(const struct record *records, size_t n,
				    size_t *kept)
{
	const struct record **to = grow(NULL, n + 1, sizeof(*to));
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		if (in_a_block(&records[i]))
			to[all++] = &records[i];
	qsort(to, all, sizeof(*to), compare_records);
	*kept = 0;
	for (size_t i = 0; i < all; i++)
		if (!superseded(to + i, all - i))
			to[(*kept)++] = to[i];
	return to;
}

static size_t cell_length(const struct record *const *of, size_t n)
{
	size_t length = 1;

	while (length < n && cell_same(&of[0]->cell, &of[length]->cell))
		length++;
	return length;
}

static void make_rows(struct reduced *r, const struct record *const *of,
		      size_t n)
{
	size_t rows = 0;

	for (size_t i = 0; i < n; i += cell_length(of + i, n - i), rows++)
		;
	for (size_t i = 0; i < n; i++)
		if (of[i]->role != ROLE_COUNTING && of[i]->role != ROLE_IDLE &&
		    of[i]->block > r->n_blocks)
			r->n_blocks = of[i]->block;
	r->row = grow(NULL, rows + 1, sizeof(*r->row));
	for (size_t i = 0, length; i < n; i += length) {
		length = cell_length(of + i, n - i);
		make_row(&r->row[r->n++], of + i, length, r->n_blocks);
	}
}

static bool model_spins(const struct reduced *r, const char *model)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];

		if (row->cell.loop == LOOP_NONE &&
		    strcmp(row->cell.model, model) == 0 &&
		    row->metric[METRIC_SERVER_CPU_SHARE].median > spinning)
			return true;
	}
	return false;
}

static void find_spinners(struct reduced *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct row *row = &r->row[i];

		row->spins = model_spins(r, row->cell.model);
		row->oversubscribed = row->spins &&
				      row->cell.loop != LOOP_NONE &&
				      row->cell.placement == PLACEMENT_SHARED;
	}
}

struct reduced reduce(const struct record *records, size_t n,
		      const struct reduce_options *options)
{
	struct reduced r = { .warnings = json_array() };
	size_t kept, ignored = 0;
	const struct record **of = sorted(records, n, &kept);

	for (size_t i = 0; i < n; i++)
		ignored += !in_a_block(&records[i]);
	make_rows(&r, of, kept);
	find_spinners(&r);
	compare(&r, options);
	find_warnings(&r, of, kept, ignored);
	free(of);
	return r;
}

const struct row *reduced_row(const struct reduced *r, const struct cell *c)
{
	for (size_t i = 0; i < r->n; i++)
		if (cell_same(&r->row[i].cell, c))
			return &r->row[i];
	return NULL;
}

void reduced_free(struct reduced *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->row[i].timed); /* and twin */
	free(r->row);
	free(r->comparison);
	json_decref(r->warnings);
	*r = (struct reduced){ 0 };
}
