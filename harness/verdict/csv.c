/* SPDX-License-Identifier: MIT */
/* csv.c - CSV, and the tables cells.csv, calls.csv, comparisons.csv and
 * warnings.csv: see csv.h and reduce.h */
#include "harness/verdict/csv.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void csv_open(struct csv *csv)
{
	*csv = (struct csv){ .text = NULL };
	csv->file = text_open(&csv->text, &csv->size);
}

char *csv_close(struct csv *csv)
{
	text_close(csv->file);
	return csv->text;
}

void csv_end_row(struct csv *csv)
{
	fputc('\n', csv->file);
	csv->begun = false;
}

static void separate(struct csv *csv)
{
	if (csv->begun)
		fputc(',', csv->file);
	csv->begun = true;
}

void csv_head(struct csv *csv, const char *names)
{
	separate(csv);
	fputs(names, csv->file);
}

void csv_text(struct csv *csv, const char *text)
{
	separate(csv);
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, csv->file);
		return;
	}
	fputc('"', csv->file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', csv->file);
		fputc(*text, csv->file);
	}
	fputc('"', csv->file);
}

void csv_number(struct csv *csv, double x)
{
	separate(csv);
	if (isfinite(x))
		fprintf(csv->file, "%.9g", x);
}

/* ------------------------------------------------------------------ the columns */

void csv_part_names(struct csv *csv)
{
	for (const struct part *p = cell_parts; p->name; p++)
		csv_text(csv, p->name);
}

/* Defaults, which are not in a cell's name, are written out. */
void csv_parts(struct csv *csv, const struct cell *c)
{
	csv_text(csv, c->model);
	for (const struct part *p = cell_parts + 1; p->name; p++) {
		char value[CELL_NAME_SIZE];

		p->print(c, value, sizeof(value));
		if (strcmp(p->name, "pattern") == 0 && !*value)
			csv_text(csv, "steady");
		else if (strcmp(p->name, "service") == 0 && !*value)
			csv_text(csv, "echo");
		else if (strcmp(p->name, "work") == 0)
			csv_text(csv, c->work);
		else if (strcmp(p->name, "idle") == 0)
			csv_number(csv, c->idle);
		else if (strcmp(p->name, "depth") == 0)
			csv_number(csv, c->depth);
		else
			csv_text(csv, value);
	}
}

static void metric_names(struct csv *csv)
{
	static const char *const ends[] = { "", "_low", "_high", "_lowest",
					    "_highest" };

	for (int m = 0; m < METRICS; m++)
		for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
			char name[128];

			snprintf(name, sizeof(name), "%s%s", metrics[m].name,
				 ends[i]);
			csv_text(csv, name);
		}
}

static void cells_head(struct csv *csv)
{
	csv_part_names(csv);
	csv_head(csv, "cell,setting,n,invalid,rounds,status,reason,state,bound,"
		      "spins,oversubscribed,cpu_method,calls_method");
	metric_names(csv);
	csv_head(csv, "coarse,unsure");
	csv_end_row(csv);
}

/* Percentiles that rest on too few requests */
static void unsure(struct csv *csv, const struct row *row)
{
	char names[METRICS * 40] = "";

	for (int m = 0; m < METRICS; m++)
		if (row->unsure[m])
			strcat(strcat(names, *names ? " " : ""),
			       metrics[m].name);
	csv_text(csv, names);
}

static void cells_row(struct csv *csv, const struct row *row)
{
	char name[CELL_NAME_SIZE], key[SETTING_SIZE];

	csv_parts(csv, &row->cell);
	csv_text(csv, cell_name(&row->cell, name));
	csv_text(csv, setting_key(&row->cell, key));
	csv_number(csv, row->n);
	csv_number(csv, row->invalid);
	csv_number(csv, row->rounds);
	csv_text(csv, status_names[row->status]);
	csv_text(csv, row->reason);
	csv_text(csv, state_words[row_state(row)]);
	csv_number(csv, row->bound);
	csv_number(csv, row->spins);
	csv_number(csv, row->oversubscribed);
	csv_text(csv, row->cpu_method);
	csv_text(csv, row->calls_method);
	for (int m = 0; m < METRICS; m++) {
		const struct summary *s = &row->metric[m];

		csv_number(csv, s->median);
		csv_number(csv, s->interval.low);
		csv_number(csv, s->interval.high);
		csv_number(csv, s->lowest);
		csv_number(csv, s->highest);
	}
	csv_number(csv, is_coarse(&row->cell));
	unsure(csv, row);
	csv_end_row(csv);
}

char *reduced_cells_csv(const struct reduced *r)
{
	struct csv csv;

	csv_open(&csv);
	cells_head(&csv);
	for (size_t i = 0; i < r->n; i++)
		cells_row(&csv, &r->row[i]);
	return csv_close(&csv);
}

/* ----------------------------------------------------------------------- calls */

static void calls_row(struct csv *csv, const struct row *row,
		      const struct call_count *call, double sum)
{
	double per_second = row->metric[METRIC_CALLS_PER_SECOND].median;
	char name[CELL_NAME_SIZE];

	csv_text(csv, cell_name(&row->cell, name));
	csv_parts(csv, &row->cell);
	csv_text(csv, call->name);
	csv_number(csv, (double)call->count);
	csv_number(csv,
		   row->calls_per > 0 ? call->count / row->calls_per : NAN);
	csv_number(csv, sum > 0 ? per_second * call->count / sum : NAN);
	csv_text(csv, row->calls_method);
	csv_end_row(csv);
}

char *reduced_calls_csv(const struct reduced *r)
{
	struct csv csv;

	csv_open(&csv);
	csv_head(&csv, "cell");
	csv_part_names(&csv);
	csv_head(&csv, "call,count,per_request,per_second,method");
	csv_end_row(&csv);
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->row[i];
		double sum = 0;

		for (size_t k = 0; k < row->n_calls; k++)
			sum += (double)row->calls[k].count;
		for (size_t k = 0; k < row->n_calls; k++)
			calls_row(&csv, row, &row->calls[k], sum);
	}
	return csv_close(&csv);
}

/* ----------------------------------------------------------------- comparisons */

static void comparisons_row(struct csv *csv, const struct reduced *r,
			    const struct comparison *c)
{
	char text[SENTENCE_SIZE];

	csv_text(csv, setting_key(&c->a->cell, text));
	csv_text(csv, c->a->cell.model);
	csv_text(csv, c->with->cell.model);
	csv_text(csv, metrics[c->metric].name);
	csv_number(csv, exp(c->ratio.value));
	csv_number(csv, c->range.low);
	csv_number(csv, c->range.high);
	csv_number(csv, (double)c->ratio.n);
	csv_number(csv, (double)c->rounds);
	csv_number(csv, c->twin_range.low);
	csv_number(csv, c->twin_range.high);
	csv_number(csv, c->p);
	csv_text(csv, verdict_words[c->verdict]);
	csv_text(csv, comparison_sentence(r, c, text));
	csv_text(csv, state_words[c->state]);
	csv_end_row(csv);
}

char *reduced_comparisons_csv(const struct reduced *r)
{
	struct csv csv;

	csv_open(&csv);
	csv_head(&csv, "setting,model,reference,metric,ratio,low,high,blocks,"
		       "rounds,aa_low,aa_high,p,verdict,sentence,state");
	csv_end_row(&csv);
	for (size_t i = 0; i < r->n_comparisons; i++)
		comparisons_row(&csv, r, &r->comparison[i]);
	return csv_close(&csv);
}

/* -------------------------------------------------------------------- warnings */

static void csv_keys(struct csv *csv, json_t *set)
{
	char *text = NULL;
	size_t size, n = 0;
	FILE *to = text_open(&text, &size);
	const char *key;
	json_t *value;

	json_object_foreach(set, key, value) {
		fprintf(to, "%s%s", n++ ? "; " : "", key);
	}
	text_close(to);
	csv_text(csv, text);
	free(text);
}

char *reduced_warnings_csv(const struct reduced *r)
{
	const json_t *one;
	struct csv csv;
	size_t i;

	csv_open(&csv);
	csv_head(&csv, "warning,count,of,models,settings");
	csv_end_row(&csv);
	json_array_foreach(r->warnings, i, one) {
		csv_text(&csv, json_string_value(json_object_get(one, "text")));
		csv_number(&csv, (double)json_integer_value(
					 json_object_get(one, "count")));
		csv_text(&csv, json_string_value(json_object_get(one, "of")));
		csv_keys(&csv, json_object_get(one, "models"));
		csv_keys(&csv, json_object_get(one, "settings"));
		csv_end_row(&csv);
	}
	return csv_close(&csv);
}
