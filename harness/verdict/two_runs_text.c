/* SPDX-License-Identifier: MIT */
/* two_runs_text.c - two runs compared, as text: see two_runs.h */
#include "harness/verdict/two_runs.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL = 10, METRIC = 11, VALUE = 10, RATIO = 9, INTERVAL = 16 };

static const char indent[] = "            ";

struct page {
	FILE *to;
	bool color;
	const struct versus *of;
};

/* --------------------------------------------------------------------- the runs */

static const char *text_of(const json_t *from, const char *key)
{
	return json_string_value(json_object_get(from, key)) ?: "unknown";
}

static void put(json_t *facts, const char *name, json_t *value)
{
	json_array_append_new(facts, json_pack("[s,o]", name, value));
}

static json_t *commit_of(const json_t *build)
{
	bool dirty = json_is_true(json_object_get(build, "dirty"));

	return json_sprintf("%.12s%s", text_of(build, "commit"),
			    dirty ? ", with uncommitted changes" : "");
}

static json_t *seed_of(const json_t *run)
{
	const json_t *seed = json_object_get(run, "seed");

	if (json_is_integer(seed))
		return json_sprintf("%" JSON_INTEGER_FORMAT,
				    json_integer_value(seed));
	return json_string(text_of(run, "seed"));
}

json_t *side_facts(const struct side *s)
{
	const json_t *m = s->machine;
	const json_t *sittings = json_object_get(s->run, "sittings");
	json_t *facts = json_array();

	put(facts, "plan",
	    json_sprintf("%s, %u block%s, %zu repetition%s%s",
			 text_of(s->run, "plan"), s->reduced.n_blocks,
			 plural(s->reduced.n_blocks), s->store.n,
			 plural(s->store.n),
			 s->complete ? "" : ", NOT COMPLETE"));
	put(facts, "started",
	    json_string(text_of(json_array_get(sittings, 0), "started")));
	put(facts, "seed", seed_of(s->run));
	put(facts, "commit", commit_of(json_object_get(m, "build")));
	put(facts, "kernel", json_string(text_of(m, "kernel_release")));
	put(facts, "processor",
	    json_sprintf(
		    "%s, %" JSON_INTEGER_FORMAT " CPUs",
		    text_of(m, "cpu_model"),
		    json_integer_value(json_object_get(m, "cpus_allowed"))));
	return facts;
}

static void write_side(const struct page *p, const char *name,
		       const struct side *s)
{
	json_t *facts = side_facts(s), *fact;
	char *text = NULL;
	size_t size, i;
	FILE *to = text_open(&text, &size);

	fputs(s->store.path, to);
	json_array_foreach(facts, i, fact) {
		fprintf(to, "%s %s %s", i ? ";" : ":",
			json_string_value(json_array_get(fact, 0)),
			json_string_value(json_array_get(fact, 1)));
	}
	text_close(to);
	write_paragraph(p->to, name, "   ", text);
	free(text);
	json_decref(facts);
}

static void write_sentences(const struct page *p, const json_t *sentences)
{
	const json_t *sentence;
	size_t i;

	json_array_foreach(sentences, i, sentence) {
		write_paragraph(p->to, "  ", "    ",
				json_string_value(sentence));
	}
}

/* --------------------------------------------------------------------- the table */

static const char *head_of(enum metric m)
{
	switch (m) {
	case METRIC_REQUESTS_PER_SECOND:
		return "req/s";
	case METRIC_RESPONSE_P50:
		return "p50";
	case METRIC_RESPONSE_P99:
		return "p99";
	case METRIC_SERVICE_P50:
		return "svc p50";
	case METRIC_SERVICE_P99:
		return "svc p99";
	case METRIC_SERVER_CPU_PER_REQUEST:
		return "CPU/req";
	case METRIC_CALLS_PER_REQUEST:
		return "calls/req";
	case METRIC_SERVER_CPU_SHARE:
		return "CPU";
	default:
		return "memory";
	}
}

static void write_head(const struct page *p)
{
	fprintf(p->to, "%-*s%-*s%*s%*s%*s%*s  %-*s%s\n", MODEL, "model", METRIC,
		"", VALUE, "A", VALUE, "B", RATIO, "B/A", RATIO, "relative",
		INTERVAL, "interval", "B is");
}

static void print_value(const struct versus_line *l, const struct row *row,
			char to[NUMBER_SIZE])
{
	char number[NUMBER_SIZE];

	print_metric(l->metric, line_median(row, l->metric), number);
	number[strcspn(number, "/")] = '\0'; /* "/s" is in the head */
	snprintf(to, NUMBER_SIZE, "%s%.40s", line_is_unsure(l) ? "?" : "",
		 number);
}

/* Three decimals: most ratios are close to 1. */
static void write_times(const struct page *p, double x)
{
	if (!isfinite(x))
		fprintf(p->to, "%*s", RATIO, "");
	else
		fprintf(p->to, "%*.*f", RATIO, x < 10 ? 3 : 0, x);
}

static void write_numbers(const struct page *p, const struct versus_line *l)
{
	char a[NUMBER_SIZE], b[NUMBER_SIZE], range[2 * NUMBER_SIZE] = "";

	print_value(l, l->a, a);
	print_value(l, l->b, b);
	if (l->ratio.n)
		print_range(l->range.low, l->range.high, range);
	fprintf(p->to, "%*s%*s", VALUE, a, VALUE, b);
	write_times(p, exp(l->change.value));
	write_times(p, exp(l->ratio.value));
	fprintf(p->to, "  %-*s", INTERVAL,
		line_is_count(l) ? "(a count)" : range);
}

static void write_verdict(const struct page *p, const struct versus_line *l)
{
	bool worse = l->verdict == VERSUS_WORSE;

	write_style(p->to, p->color,
		    worse                          ? RED :
		    l->verdict == VERSUS_BETTER    ? BOLD :
		    l->verdict == VERSUS_DIFFERENT ? YELLOW :
						     PLAIN);
	if (l->verdict != VERSUS_NOT_JUDGED)
		fputs(worse ? "WORSE" : versus_words[l->verdict], p->to);
	write_style(p->to, p->color, PLAIN);
	fputc('\n', p->to);
}

static void write_line(const struct page *p, const struct versus_line *l)
{
	fprintf(p->to, "%-*s", METRIC, head_of(l->metric));
	write_numbers(p, l);
	write_verdict(p, l);
	if (l->verdict == VERSUS_NOT_COMPARABLE)
		write_warning(p->to, p->color, indent, indent, l->why);
}

/* Instead of numbers */
static void write_reason(const struct page *p, const struct versus_line *l)
{
	bool alone = l->verdict != VERSUS_NOT_COMPARABLE;
	char label[LABEL_SIZE + 16], text[VERSUS_WHY_SIZE + 32];

	snprintf(label, sizeof(label), "%-*s ", MODEL - 1, line_cell(l)->model);
	snprintf(text, sizeof(text), "%s%s%s", versus_words[l->verdict],
		 alone ? "" : ": ", alone ? "" : l->why);
	write_warning(p->to, p->color, label, indent, text);
}

static void write_lines(const struct page *p)
{
	const struct versus_line *before = NULL;
	char text[SETTING_SIZE];

	for (size_t i = 0; i < p->of->n; before = &p->of->line[i++]) {
		const struct versus_line *l = &p->of->line[i];
		const struct cell *c = line_cell(l);
		bool first = !before || line_cell(before) != c;
		bool empty = !l->a || !l->b || !l->a->n || !l->b->n;

		if (!before || !cell_same_setting(line_cell(before), c)) {
			write_heading(p->to, p->color,
				      setting_heading(c, text));
			write_head(p);
		}
		if (empty && first)
			write_reason(p, l);
		if (empty)
			continue;
		/* A long label has a line of its own. */
		if (first && strlen(c->model) >= MODEL)
			fprintf(p->to, "%s\n%-*s", c->model, MODEL, "");
		else
			fprintf(p->to, "%-*s", MODEL, first ? c->model : "");
		write_line(p, l);
	}
}

/* ------------------------------------------------------------------ the verdicts */

static void write_found(const struct page *p, enum versus_verdict verdict,
			const char *title)
{
	if (p->of->verdicts[verdict] == 0)
		return;
	write_heading(p->to, p->color, title);
	for (size_t i = 0; i < p->of->n; i++) {
		const struct versus_line *l = &p->of->line[i];
		char where[SETTING_SIZE], text[VERSUS_WHY_SIZE + 512];

		if (l->verdict != verdict)
			continue;
		snprintf(text, sizeof(text), "%s %s: %s", line_cell(l)->model,
			 setting_where(line_cell(l), where), l->why);
		write_paragraph(p->to, "  ", "    ", text);
	}
}

char *versus_summary(const struct versus *v)
{
	char *text = NULL;
	size_t size, all = 0;
	FILE *to = text_open(&text, &size);
	const char *between = ": ";

	for (int i = 0; i < VERSUS_VERDICTS; i++)
		all += i == VERSUS_NOT_JUDGED ? 0 : v->verdicts[i];
	fprintf(to, "Of %zu comparison%s in %zu cell%s", all, plural(all),
		v->cells, plural(v->cells));
	if (v->reference)
		fprintf(to, " (ratios to %s in the same run; counts of calls)",
			v->reference);
	else
		fprintf(to, " (counts of calls alone: the runs have no "
			    "reference in common)");
	for (int i = 0; i < VERSUS_VERDICTS; i++) {
		if (v->verdicts[i] == 0 || i == VERSUS_NOT_JUDGED)
			continue;
		fprintf(to, "%s%zu %s", between, v->verdicts[i],
			versus_words[i]);
		if (i == VERSUS_EQUAL)
			fprintf(to, " within %.15g %%", 100 * v->margin);
		between = ", ";
	}
	fprintf(to, ". %zu figure%s more without a verdict.",
		v->verdicts[VERSUS_NOT_JUDGED],
		plural(v->verdicts[VERSUS_NOT_JUDGED]));
	text_close(to);
	return text;
}

static void write_caption(const struct page *p)
{
	char text[1024], relative[256] = "";

	if (p->of->reference)
		snprintf(
			relative, sizeof(relative),
			"relative: B / A of the ratios to %s in the same run, "
			"with its interval at %.4g %% (Welch, over blocks); of "
			"those called worse or better, 5 %% at most are not. ",
			p->of->reference, 100 * p->of->family.level);
	snprintf(text, sizeof(text),
		 "A and B are medians over blocks, B/A their ratio, in which "
		 "drift between the runs is included: no verdict rests on it. "
		 "%sSystem calls are counted once in each run, so they have no "
		 "interval and must differ by 1 %%; only a whole number is "
		 "called worse or better. ?: fewer than 100 requests beyond "
		 "this percentile.",
		 relative);
	fputc('\n', p->to);
	write_paragraph(p->to, "", "", text);
}

void versus_print(FILE *to, const struct versus *v, bool color)
{
	const struct page p = { to, color, v };
	char *summary = versus_summary(v);

	write_side(&p, "A  ", v->a);
	write_side(&p, "B  ", v->b);
	write_heading(p.to, p.color, summary);
	write_found(&p, VERSUS_WORSE, "Worse in B");
	write_found(&p, VERSUS_BETTER, "Better in B");
	write_found(&p, VERSUS_DIFFERENT, "Different in B");
	write_heading(p.to, p.color,
		      json_array_size(v->differences) ?
			      "Differences between the runs" :
			      "No recorded differences between the runs");
	write_sentences(&p, v->differences);
	write_heading(p.to, p.color, "Notes on all ratios");
	write_sentences(&p, v->notes);
	write_caption(&p);
	write_lines(&p);
	free(summary);
}
