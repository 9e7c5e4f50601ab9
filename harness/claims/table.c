/* SPDX-License-Identifier: MIT */
/* table.c - verdicts as rows and lines: see table.h */
#include "harness/claims/table.h"

#include "harness/claims/needs.h"
#include "harness/verdict/csv.h"
#include "harness/verdict/describe.h"

#include "harness/base/die.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char claims_header[] =
	"claim,topic,taught,verdict,figure,low,high,level,evidence,chart,reason,"
	"title_en,title_ko,correction_en,correction_ko,by_hand,machine,kernel,date,"
	"condition_en,condition_ko,reason_ko,refuted_en,refuted_ko,elsewhere_en,"
	"elsewhere_ko\n";

/* --------------------------------------------------------------------- numbers */

/* Three digits with the unit of the comparison */
static char *number_text(const struct predicate *leaf, double x,
			 char to[NUMBER_SIZE])
{
	const char *unit = figure_unit(leaf);

	if (strcmp(unit, "ns") == 0)
		return print_metric(METRIC_RESPONSE_P50, x, to);
	if (strcmp(unit, "1/s") == 0)
		return print_metric(METRIC_REQUESTS_PER_SECOND, x, to);
	if (strcmp(unit, "bytes") == 0)
		return print_metric(METRIC_RESIDENT, x, to);
	if (strcmp(unit, "share") == 0)
		return print_metric(METRIC_SERVER_CPU_SHARE, x, to);
	if (x == round(x) && fabs(x) < 1e6)
		snprintf(to, NUMBER_SIZE, "%.0f", x);
	else if (x > 0)
		print_ratio(x, to);
	else
		snprintf(to, NUMBER_SIZE, "%.3g", x);
	return to;
}

static const struct finding *deciding(const struct judgement *j)
{
	return j->decides < j->n ? &j->finding[j->decides] : NULL;
}

/* `times`, `dots`: in the characters of the reader */
static char *figure_words(const struct finding *f, const char *times,
			  const char *dots, char to[FIGURE_SIZE])
{
	char value[NUMBER_SIZE], low[NUMBER_SIZE], high[NUMBER_SIZE];
	const struct band *b = &f->band;
	bool crossover = f->leaf->form == FORM_CROSSOVER;
	const char *sign = f->leaf->form == FORM_RATIO ? times : "";

	*to = '\0';
	if (*figure_why(f->figure))
		return to;
	number_text(f->leaf, b->value, value);
	number_text(f->leaf, b->low, low);
	number_text(f->leaf, b->high, high);
	if (crossover && isinf(b->high))
		snprintf(to, FIGURE_SIZE, "no crossover");
	else if (crossover)
		snprintf(to, FIGURE_SIZE, "%s %s %s", low, dots, high);
	else if (b->low == b->high)
		snprintf(to, FIGURE_SIZE, "%s%s", sign, value);
	else if (isinf(b->high))
		snprintf(to, FIGURE_SIZE, "> %s%s", sign, low);
	else if (isinf(b->low))
		snprintf(to, FIGURE_SIZE, "< %s%s", sign, high);
	else
		snprintf(to, FIGURE_SIZE, "%s%s (%s %s %s)", sign, value, low,
			 dots, high);
	return to;
}

char *figure_text(const struct judgement *j, char to[FIGURE_SIZE])
{
	*to = '\0';
	return deciding(j) ? figure_words(deciding(j), "x", "to", to) : to;
}

/* ------------------------------------------------------------------------- rows */

static void put_limit(FILE *to, double x)
{
	fputc('|', to);
	if (isfinite(x))
		fprintf(to, "%.9g", x);
}

static void put_chart(FILE *to, const struct finding *f, size_t *n)
{
	fputs((*n)++ ? " ; " : "", to);
	/* The bar of NAME|NAME would end the field. */
	for (const char *c = f->leaf->quantity; *c; c++)
		fputs(*c == '|' ? " or " : (char[2]){ *c, 0 }, to);
	put_limit(to, *figure_why(f->figure) ? NAN : f->band.value);
	put_limit(to, f->band.low);
	put_limit(to, f->band.high);
	fprintf(to, "|%s", figure_unit(f->leaf));
	put_limit(to, f->leaf->low);
	put_limit(to, f->leaf->high);
}

static void csv_chart(struct csv *csv, const struct judgement *j)
{
	char *text;
	size_t size, n = 0;
	FILE *to = text_open(&text, &size);

	if (deciding(j))
		put_chart(to, deciding(j), &n);
	for (unsigned i = 0; i < j->n; i++)
		if (j->finding[i].figure && i != j->decides)
			put_chart(to, &j->finding[i], &n);
	text_close(to);
	csv_text(csv, text);
	free(text);
}

static const char *const truths[] = { "false", "true", "unknown" };

static void put_finding(FILE *to, const struct finding *f)
{
	unsigned blocks = f->figure ? figure_blocks(f->figure) : 0;
	unsigned rounds = f->figure ? figure_rounds(f->figure) : 0;

	fprintf(to, "%s: %s", f->leaf->text, truths[f->truth]);
	if (blocks)
		fprintf(to, " (%u blocks", blocks);
	if (blocks && rounds)
		fprintf(to, ", %u rounds", rounds);
	fputs(blocks ? ")" : "", to);
}

static void put_primitives(FILE *to, const struct value *v)
{
	char name[128];

	for (unsigned i = 0; v && i < v->n; i++)
		if (v->source == SOURCE_PRIMITIVE)
			fprintf(to, "; primitive %s",
				row_name(&v->row[i], name));
}

static void csv_evidence(struct csv *csv, const struct judgement *j)
{
	char *text, name[CELL_NAME_SIZE];
	size_t size, n;
	FILE *to = text_open(&text, &size);
	struct cell *cells = claim_cells(j->claim, false, &n);

	fputs(j->claim->documented ?: "", to);
	for (unsigned i = 0; i < j->n; i++) {
		fputs(i ? "; " : "", to);
		put_finding(to, &j->finding[i]);
	}
	for (size_t i = 0; i < n; i++)
		fprintf(to, "; %s", cell_name(&cells[i], name));
	for (unsigned i = 0; i < j->n; i++) {
		put_primitives(to, j->finding[i].leaf->left);
		put_primitives(to, j->finding[i].leaf->right);
	}
	text_close(to);
	csv_text(csv, text);
	free(text);
	free(cells);
}

static void csv_figure(struct csv *csv, const struct judgement *j)
{
	const struct finding *f = deciding(j);
	char text[FIGURE_SIZE];

	csv_text(csv, f ? figure_words(f, "×", "…", text) : "");
	csv_number(csv, f && isfinite(f->band.low) ? f->band.low : NAN);
	csv_number(csv, f && isfinite(f->band.high) ? f->band.high : NAN);
	csv_number(csv, j->level);
}

static void csv_pair(struct csv *csv, const struct claim *c, enum text text)
{
	csv_text(csv, c->text[text] ?: "");
	csv_text(csv, c->korean[text] ?: "");
}

/* On which side of its condition a claim holds */
static void csv_reason(struct csv *csv, const struct judgement *j)
{
	const struct claim *c = j->claim;
	char text[WHY_SIZE];

	if (c->documented)
		csv_text(csv, c->text[TEXT_WHY]);
	else if (j->verdict == CLAIM_ONLY_WHEN && j->holds == TRUTH_FALSE) {
		why_not(text, "it holds only where this is not so: %s",
			c->text[TEXT_ONLY_WHEN]);
		csv_text(csv, text);
	} else
		csv_text(csv, j->reason);
}

static void csv_row(struct csv *csv, const struct judgement *j,
		    const struct occasion *when)
{
	const struct claim *c = j->claim;

	csv_text(csv, c->name);
	csv_text(csv, c->topic);
	csv_text(csv, c->taught);
	csv_text(csv, claim_verdicts[j->verdict]);
	csv_figure(csv, j);
	csv_evidence(csv, j);
	csv_chart(csv, j);
	csv_reason(csv, j);
	csv_pair(csv, c, TEXT_CLAIM);
	csv_pair(csv, c, TEXT_CORRECTION);
	csv_text(csv, c->by_hand ?: "");
	csv_text(csv, when->machine);
	csv_text(csv, when->kernel);
	csv_text(csv, when->date);
	csv_pair(csv, c, TEXT_ONLY_WHEN);
	csv_text(csv, c->korean[TEXT_WHY] ?: "");
	csv_pair(csv, c, TEXT_REFUTED);
	csv_pair(csv, c, TEXT_ELSEWHERE);
	csv_end_row(csv);
}

char *claims_rows(const struct judgement *j, size_t n,
		  const struct occasion *when)
{
	struct csv csv;

	csv_open(&csv);
	for (size_t i = 0; i < n; i++)
		csv_row(&csv, &j[i], when);
	return csv_close(&csv);
}

char *claims_table(const char *old, const char *rows)
{
	size_t head = strlen(claims_header), more = strlen(rows), length;
	char *table;

	if (old && strncmp(old, claims_header, head) != 0)
		return NULL;
	old = old ?: claims_header;
	length = strlen(old);
	if (length >= head + more && strcmp(old + length - more, rows) == 0)
		rows = "";
	if (asprintf(&table, "%s%s", old, rows) < 0)
		die("asprintf");
	return table;
}

/* ------------------------------------------------------------------------ lines */

static const char *const verdict_phrases[] = { "holds", "holds only when",
					       "does not hold here",
					       "this run cannot tell",
					       "no experiment" };

char *claim_lines(const struct judgement *j)
{
	const struct claim *c = j->claim;
	char figure[FIGURE_SIZE], *text;
	size_t size;
	FILE *to = text_open(&text, &size);

	fprintf(to, "%s (%s, %s)\n    %s", c->text[TEXT_CLAIM], c->name,
		c->taught, verdict_phrases[j->verdict]);
	if (j->verdict == CLAIM_ONLY_WHEN)
		fprintf(to, " %s%s",
			j->holds == TRUTH_FALSE ? "this is not so: " : "",
			c->text[TEXT_ONLY_WHEN]);
	if (*figure_text(j, figure))
		fprintf(to, ": %s = %s", deciding(j)->leaf->quantity, figure);
	if (j->verdict == CLAIM_UNKNOWN)
		fprintf(to, "\n    %s", j->reason);
	fputc('\n', to);
	text_close(to);
	return text;
}
