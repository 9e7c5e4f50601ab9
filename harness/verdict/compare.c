/* SPDX-License-Identifier: MIT */
/* compare.c - which rows are compared, and the verdicts: see compare.h */
#include "harness/verdict/compare.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t setting_start(const struct reduced *r, size_t row)
{
	while (row &&
	       cell_same_setting(&r->row[row].cell, &r->row[row - 1].cell))
		row--;
	return row;
}

size_t setting_end(const struct reduced *r, size_t row)
{
	size_t end = row + 1;

	while (end < r->n &&
	       cell_same_setting(&r->row[row].cell, &r->row[end].cell))
		end++;
	return end;
}

bool setting_is_coarse(const struct reduced *r, size_t row)
{
	size_t end = setting_end(r, row);

	for (row = setting_start(r, row); row < end; row++)
		if (r->row[row].coarse)
			return true;
	return false;
}

void compared_by(const struct reduced *r, size_t row, enum metric m[COMPARED])
{
	m[0] = METRIC_REQUESTS_PER_SECOND;
	m[1] = METRIC_SERVER_CPU_PER_REQUEST;
	if (r->row[row].cell.loop == LOOP_OPEN)
		m[0] = setting_is_coarse(r, row) ? METRIC_SERVICE_P99 :
						   METRIC_RESPONSE_P99;
}

/* From the A/A pairs of every model that can be compared */
struct band setting_band(const struct reduced *r, size_t row, enum metric m,
			 size_t blocks)
{
	double a[STATS_MAX], b[STATS_MAX];
	size_t n = 0, end = setting_end(r, row);

	for (row = setting_start(r, row); row < end; row++) {
		const struct row *of = &r->row[row];

		for (unsigned k = 0; k < r->n_blocks; k++) {
			if (of->oversubscribed || !isfinite(of->again[m][k]) ||
			    n == STATS_MAX)
				continue;
			a[n] = of->value[m][k];
			b[n++] = of->again[m][k];
		}
	}
	return stats_band(a, b, n, blocks);
}

/* ------------------------------------------------------------- which rows */

static bool takes_part(const struct row *row)
{
	return row->cell.loop != LOOP_NONE &&
	       strcmp(row->cell.model, BASELINE) != 0;
}

static void choose_reference(struct reduced *r)
{
	static const char usual[] = "epoll";

	for (size_t i = 0; i < r->n; i++) {
		const char *model = r->row[i].cell.model;

		if (!takes_part(&r->row[i]) || strcmp(r->reference, usual) == 0)
			continue;
		if (!*r->reference || strcmp(model, usual) == 0)
			memcpy(r->reference, model, LABEL_SIZE);
	}
}

/* The method of a row without a valid repetition is unknown. */
bool same_method(const struct row *a, const struct row *b)
{
	return a->n == 0 || b->n == 0 ||
	       (strcmp(a->cpu_method, b->cpu_method) == 0 &&
		strcmp(a->cpu_method, "mixed") != 0);
}

static bool comparable(const struct row *a, const struct row *b, enum metric m)
{
	if (a->oversubscribed || b->oversubscribed)
		return false;
	return m != METRIC_SERVER_CPU_PER_REQUEST || same_method(a, b);
}

static void pair_up(struct reduced *r, size_t first, size_t end)
{
	const struct row *with = NULL;
	enum metric by[COMPARED];

	compared_by(r, first, by);
	for (size_t i = first; i < end; i++)
		if (takes_part(&r->row[i]) &&
		    strcmp(r->row[i].cell.model, r->reference) == 0)
			with = &r->row[i];
	for (size_t k = 0; with && k < COMPARED; k++)
		for (size_t i = first; i < end; i++) {
			const struct row *a = &r->row[i];

			if (a == with || !takes_part(a) ||
			    !comparable(a, with, by[k]))
				continue;
			r->finding[r->n_findings++] = (struct finding){
				.a = a, .b = with, .metric = by[k]
			};
		}
}

/* ----------------------------------------------------------------- the verdicts */

static void judge_all(struct reduced *r)
{
	double *p = grow(NULL, 2 * r->n_findings + 1, sizeof(*p));
	double *adjusted = p + r->n_findings;
	struct paired *pair = grow(NULL, r->n_findings + 1, sizeof(*pair));
	size_t family;

	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = &r->finding[i];

		pair[i] = stats_paired(f->a->value[f->metric],
				       f->b->value[f->metric], r->n_blocks);
		p[i] = pair[i].test.p;
	}
	family = stats_holm(p, adjusted, r->n_findings);
	for (size_t i = 0; i < r->n_findings; i++) {
		struct finding *f = &r->finding[i];
		struct band band = setting_band(r, f->a - r->row, f->metric,
						pair[i].pairs.n);

		f->verdict =
			stats_verdict(&pair[i], &band, adjusted[i], family);
	}
	free(pair);
	free(p);
}

void compare(struct reduced *r)
{
	choose_reference(r);
	r->finding = grow(NULL, COMPARED * r->n + 1, sizeof(*r->finding));
	for (size_t i = 0, end; i < r->n; i = end) {
		end = setting_end(r, i);
		pair_up(r, i, end);
	}
	judge_all(r);
}

bool claims_possible(const struct reduced *r, size_t *needed)
{
	size_t family = r->n_findings ? r->finding[0].verdict.family : 0;

	*needed = stats_blocks_for(family);
	return family && r->n_blocks >= *needed;
}
