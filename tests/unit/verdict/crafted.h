/* SPDX-License-Identifier: MIT */
/* crafted.h - records of a run that was not measured, and what reduce() makes of them;
 * for the tests of this folder */
#ifndef CRAFTED_H
#define CRAFTED_H

#include "tests/unit/test.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"
#include "harness/verdict/warnings.h"
#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define CLOSED(model, n)                                                       \
	"model:" model "/loop:closed/connections:" n                           \
	"/message:64/placement:split"
#define SHARED(model)                                                          \
	"model:" model "/loop:closed/connections:64/message:64/placement:shared"
#define OPEN(model, placement)                                                 \
	"model:" model "/loop:open/connections:64/rate:10000/message:64/"      \
	"placement:" placement
#define IDLE(model)                                                            \
	"model:" model "/loop:none/idle:1000/message:64/placement:split"

/* --------------------------------------------------------------------- records */

static struct record records[2000];
static size_t n_records;

/* A valid repetition; the caller sets its metrics. */
static inline struct record *add(const char *cell, enum role role,
				 unsigned block)
{
	struct record *r = &records[n_records];
	struct cell of;
	struct entry e = { .index = (unsigned)n_records,
			   .block = block,
			   .cell = &of,
			   .role = role };

	assert_true(n_records < LENGTH(records));
	assert_true(cell_parse(cell, &of));
	record_init(r, &e);
	strcpy(r->cpu_method, "process");
	n_records++;
	return r;
}

enum { ROUNDS = 4 };

/* Every round is faster or slower than the one before, for all servers of a bout. */
static inline double drift(unsigned block, unsigned round)
{
	return 1 + (block * 7 + round * 3) % 5 / 4.0;
}

/* The same, with slices: a warm-up round, and ROUNDS that count */
static inline struct record *timed(const char *cell, unsigned block,
				   double rate, double cpu)
{
	struct record *r = add(cell, ROLE_TIMING, block);

	r->metric[METRIC_REQUESTS_PER_SECOND] = rate;
	r->metric[METRIC_RESPONSE_P50] = 1e9 / rate;
	r->metric[METRIC_RESPONSE_P99] = 3e9 / rate;
	r->metric[METRIC_SERVICE_P50] = 5e8 / rate;
	r->metric[METRIC_SERVER_CPU_PER_REQUEST] = cpu;
	r->n_slices = ROUNDS + 1;
	r->rounds.counted = ROUNDS;
	r->slices = grow(NULL, r->n_slices, sizeof(*r->slices));
	for (unsigned k = 0; k <= ROUNDS; k++) {
		double slow = drift(block, k);

		r->slices[k] = (struct slice){
			.round = k,
			.counted = k > 0,
			.requests = 5000,
			.answered = k ? rate / slow * 0.04 : 7,
			.window_ns = 4e7,
			.cpu_ns = k ? 5000 * cpu * slow : 7,
			.response_p50_ns = 1e9 / rate * slow,
			.service_p50_ns = 5e8 / rate * slow,
		};
	}
	return r;
}

/* The twin */
static inline struct record *again(const char *cell, unsigned block,
				   double rate, double cpu)
{
	struct record *r = timed(cell, block, rate, cpu);

	r->role = ROLE_AA;
	return r;
}

/* Blocks of a that are `ratio` times as slow as b, with a little noise, and the twin
 * of b, which is 0.2 % off on average */
static inline void six_blocks(const char *a, double ratio, const char *b)
{
	for (unsigned i = 1; i <= 6; i++) {
		double little = 1 + (i % 3) / 1000.0;

		timed(b, i, 1000, 100);
		timed(a, i, 1000 / ratio / little, 100 * ratio * little);
		again(b, i, 1000 / little / 1.001, 100 * little * 1.001);
	}
}

static inline struct record *idle(const char *model, double share)
{
	char name[CELL_NAME_SIZE];
	struct record *r;

	snprintf(name, sizeof(name), IDLE("%s"), model);
	r = add(name, ROLE_IDLE, 0);
	r->metric[METRIC_SERVER_CPU_SHARE] = share;
	return r;
}

/* A counting repetition with so many calls for 100 requests in a second */
static inline struct record *counted(const char *cell, const char *const *names,
				     const uint64_t *counts, size_t n)
{
	struct record *r = add(cell, ROLE_COUNTING, 0);
	double sum = 0;

	strcpy(r->calls_method, "bpf");
	r->calls = calloc(n, sizeof(*r->calls));
	r->n_calls = n;
	for (size_t i = 0; i < n; i++) {
		strcpy(r->calls[i].name, names[i]);
		r->calls[i].count = counts[i];
		sum += (double)counts[i];
	}
	r->metric[METRIC_CALLS_PER_REQUEST] = sum / 100;
	r->metric[METRIC_CALLS_PER_SECOND] = sum;
	return r;
}

static inline struct record *bad(struct record *r, enum status status,
				 const char *reason)
{
	r->status = status;
	record_say(r->reasons, "%s", reason);
	return r;
}

static struct reduced run; /* of these records; freed after each test */
static struct reduce_options options;

/* The last text that was asked for; freed by the next and after each test */
static char *shown;

static inline char *keep(char *of)
{
	free(shown);
	return shown = of;
}

static inline int forget(void **state)
{
	(void)state;
	keep(NULL);
	options = (struct reduce_options){ NULL, 0 };
	reduced_free(&run);
	while (n_records)
		record_free(&records[--n_records]);
	return 0;
}

static inline void reduce_records(void)
{
	reduced_free(&run);
	run = reduce(records, n_records, &options);
}

/* --------------------------------------------------------------------- queries */

static inline const struct row *row_of(const char *cell)
{
	const struct row *row;
	struct cell c;

	assert_true(cell_parse(cell, &c));
	row = reduced_row(&run, &c);
	if (!row)
		fail_msg("no row %s", cell);
	return row;
}

static inline double median(const char *cell, enum metric m)
{
	return row_of(cell)->metric[m].median;
}

static inline const struct comparison *comparison(const char *a, enum metric m)
{
	return comparison_of(&run, row_of(a), m);
}

static inline void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not in it: '%s'\n%s", part, text);
}

static inline void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("in it: '%s'\n%s", part, text);
}

/* With one blank wherever a paragraph was broken */
static inline char *unbroken(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		bool blank = *c == ' ' || *c == '\n';

		if (!blank || (to > text && to[-1] != ' '))
			*to++ = blank ? ' ' : *c;
	}
	*to = '\0';
	return text;
}

static inline char *findings(void)
{
	return keep(reduced_findings_csv(&run));
}

static inline char *summary(void)
{
	return keep(unbroken(reduced_summary(&run, false)));
}

static inline void summary_has(const char *part)
{
	has(summary(), part);
}

static inline char *warnings(void)
{
	static char all[20000];
	const json_t *one;
	size_t i;

	*all = '\0';
	json_array_foreach(run.warnings, i, one) {
		char *sentence = warning_sentence(one);

		strcat(strcat(all, sentence), "\n");
		free(sentence);
	}
	return all;
}

#endif
