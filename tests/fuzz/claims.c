// SPDX-License-Identifier: MIT
/*
 * claims.c - a claim is refused with a reason, or gets a verdict from some results
 *
 * An input is a claim file; and primitives.csv, and the file mechanisms.
 */
#include "fuzz.h"

#include "harness/claims/needs.h"
#include "harness/claims/table.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { BLOCKS = 6, ROWS = 2 };

static const char *const ours[] = { "poll", "epoll", NULL };

static struct record record[ROWS][BLOCKS];
static const struct record *timed[ROWS][BLOCKS];
static struct row row[ROWS];
static struct reduced reduced = { .row = row, .n = ROWS, .n_blocks = BLOCKS };
static struct primitive_result list[] = {
	{ { "wait", "epoll", { 10, 1, NAN } }, "ns", 2, 1, 3, 9, 1, "" },
	{ { "wait", "epoll", { 100, 1, NAN } }, "ns", 2, 1, 3, 9, 1, "" },
	{ { "signal", "standard", { NAN, NAN, 9 } },
	  "count",
	  1,
	  1,
	  1,
	  9,
	  1,
	  "" },
};
static const struct primitives primitives = { list, 3 };

/* Values of all kinds: positive, zero, negative, missing */
static void make_results(const uint8_t *data, size_t size)
{
	static const char *const cell[ROWS] = {
		"model:poll/loop:closed/connections:1/message:64/placement:split",
		"model:epoll/loop:closed/connections:1/message:64/placement:split",
	};
	struct input in = { data, data + size };

	for (int i = 0; i < ROWS; i++) {
		row[i] = (struct row){ .n = BLOCKS, .timed = timed[i] };
		HOLDS(cell_parse(cell[i], &row[i].cell));
		for (int k = 0; k < BLOCKS; k++) {
			double x = (double)next_byte(&in) - 40;

			timed[i][k] = &record[i][k];
			for (int m = 0; m < METRICS; m++)
				record[i][k].metric[m] = x > 200 ? NAN : x * 9;
		}
		row[i].bound = next_byte(&in) % 16 == 0;
	}
}

static void check_error(const char *error)
{
	size_t length = strnlen(error, PLAN_ERROR_SIZE);

	HOLDS(length > strlen("my.claim:") && length < PLAN_ERROR_SIZE);
	HOLDS(strncmp(error, "my.claim:", strlen("my.claim:")) == 0);
	for (; *error; error++)
		HOLDS(!iscntrl((unsigned char)*error));
}

static void check_judgement(const struct judgement *j)
{
	HOLDS(j->verdict <= CLAIM_DOCUMENTED && j->n == j->claim->leaves);
	HOLDS(j->verdict != CLAIM_UNKNOWN || *j->reason);
	for (unsigned i = 0; i < j->n; i++) {
		const struct finding *f = &j->finding[i];

		HOLDS(f->truth <= TRUTH_UNKNOWN);
		HOLDS(!(f->band.low > f->band.high));
		HOLDS(f->truth != TRUTH_UNKNOWN || *f->why);
	}
}

static void judge(const struct claim *c)
{
	struct mechanisms none = { NULL, 0 };
	struct evidence e = { &reduced, &primitives, &none, NULL, 2, 0 };
	struct occasion when = { "m", "k", "d" };
	struct judgement *j = judge_claims(&c, 1, &e);
	char *rows = claims_rows(j, 1, &when), *lines = claim_lines(j);

	check_judgement(j);
	free(rows);
	free(lines);
	judgements_free(j, 1);
}

/* What is derived is a plan. */
static void check_plan(const struct claim *c)
{
	char error[PLAN_ERROR_SIZE];
	char *text = claims_plan(&c, 1, true, ours);
	struct plan p;

	if (!text)
		return;
	if (!plan_parse(&p, text, strlen(text), "p", ours, error)) {
		fprintf(stderr, "%s\n%s\n", text, error);
		abort();
	}
	plan_free(&p);
	free(text);
}

static void check_others(const uint8_t *data, size_t size)
{
	char error[PLAN_ERROR_SIZE], why[WHY_SIZE];
	char *text = strndup((const char *)data, size);
	struct mechanisms m;
	struct primitives p;

	HOLDS(text);
	if (mechanisms_parse(&m, (const char *)data, size, "m", ours, error))
		mechanisms_free(&m);
	if (primitives_parse(&p, text, why))
		primitives_free(&p);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[PLAN_ERROR_SIZE];
	struct claim c;

	check_others(data, size);
	if (!claim_parse(&c, (const char *)data, size, "my.claim", ours,
			 error)) {
		check_error(error);
		return 0;
	}
	make_results(data, size);
	judge(&c);
	check_plan(&c);
	claim_free(&c);
	return 0;
}
