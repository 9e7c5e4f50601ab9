/* SPDX-License-Identifier: MIT */
/* two_runs_data.c - two runs compared, as CSV and JSON: see two_runs.h. The columns are
 * in results/README.md. */
#include "harness/verdict/two_runs.h"

#include "harness/verdict/csv.h"
#include "harness/base/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void head(struct csv *csv)
{
	csv_part_names(csv);
	csv_head(csv,
		 "cell,metric,unit,better,a,b,change,change_low,change_high,"
		 "reference,ratio_a,ratio_b,n_a,n_b,ratio,low,high,p,unsure,"
		 "verdict,why");
	csv_end_row(csv);
}

static void line(struct csv *csv, const struct versus *v,
		 const struct versus_line *l)
{
	static const char *const better[] = { [BETTER_LESS] = "less",
					      [BETTER_MORE] = "more",
					      [BETTER_NEITHER] = "" };
	const struct cell *cell = line_cell(l);
	char name[CELL_NAME_SIZE];

	csv_parts(csv, cell);
	csv_text(csv, cell_name(cell, name));
	csv_text(csv, metrics[l->metric].name);
	csv_text(csv, metrics[l->metric].unit);
	csv_text(csv, better[metrics[l->metric].better]);
	csv_number(csv, line_median(l->a, l->metric));
	csv_number(csv, line_median(l->b, l->metric));
	csv_number(csv, exp(l->change.value));
	csv_number(csv, l->change_range.low);
	csv_number(csv, l->change_range.high);
	csv_text(csv, l->ratio.n ? v->reference : "");
	csv_number(csv, exp(l->of_a.value));
	csv_number(csv, exp(l->of_b.value));
	csv_number(csv, l->a ? l->a->n : 0);
	csv_number(csv, l->b ? l->b->n : 0);
	csv_number(csv, exp(l->ratio.value));
	csv_number(csv, l->range.low);
	csv_number(csv, l->range.high);
	csv_number(csv, mean_p(&l->ratio));
	csv_number(csv, line_is_unsure(l));
	csv_text(csv, versus_words[l->verdict]);
	csv_text(csv, l->why);
	csv_end_row(csv);
}

char *versus_csv(const struct versus *v)
{
	struct csv csv;

	csv_open(&csv);
	head(&csv);
	for (size_t i = 0; i < v->n; i++)
		line(&csv, v, &v->line[i]);
	return csv_close(&csv);
}

static json_t *side(const struct side *s)
{
	return json_pack("{s:s, s:b, s:o}", "folder", s->store.path, "complete",
			 s->complete, "facts", side_facts(s));
}

json_t *versus_json(const struct versus *v)
{
	char *table = versus_csv(v), *summary = versus_summary(v);
	json_t *all = json_pack("{s:i, s:o, s:o, s:O, s:O, s:s, s:s}", "schema",
				RECORD_SCHEMA, "a", side(v->a), "b", side(v->b),
				"differences", v->differences, "notes",
				v->notes, "summary", summary, "table", table);

	if (!all)
		die("json_pack");
	free(summary);
	free(table);
	return all;
}
