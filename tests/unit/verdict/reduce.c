/* SPDX-License-Identifier: MIT */
/* reduce.c - from repetitions to tables and sentences: no invalid repetition in a
 * value, no claim without data, nothing left out without a warning */
#include "tests/unit/test.h"

#include "harness/verdict/compare.h"
#include "harness/verdict/describe.h"
#include "harness/verdict/findings.h"
#include "harness/verdict/warnings.h"

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
static struct record *add(const char *cell, enum role role, unsigned block)
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

static struct record *timed(const char *cell, unsigned block, double rate,
			    double cpu)
{
	struct record *r = add(cell, ROLE_TIMING, block);

	r->metric[METRIC_REQUESTS_PER_SECOND] = rate;
	r->metric[METRIC_RESPONSE_P50] = 1e9 / rate;
	r->metric[METRIC_RESPONSE_P99] = 3e9 / rate;
	r->metric[METRIC_SERVER_CPU_PER_REQUEST] = cpu;
	return r;
}

static struct record *again(const char *cell, unsigned block, double rate,
			    double cpu)
{
	struct record *r = timed(cell, block, rate, cpu);

	r->role = ROLE_AA;
	return r;
}

static struct record *idle(const char *model, double share)
{
	char name[CELL_NAME_SIZE];
	struct record *r;

	snprintf(name, sizeof(name), IDLE("%s"), model);
	r = add(name, ROLE_IDLE, 0);
	r->metric[METRIC_SERVER_CPU_SHARE] = share;
	return r;
}

/* A counting repetition with so many calls for 100 requests in a second */
static struct record *counted(const char *cell, const char *const *names,
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

static struct record *bad(struct record *r, enum status status,
			  const char *reason)
{
	r->status = status;
	record_say(r->reasons, "%s", reason);
	return r;
}

static struct reduced run; /* of these records; freed after each test */

/* The last text that was asked for; freed by the next and after each test */
static char *shown;

static char *keep(char *of)
{
	free(shown);
	return shown = of;
}

static int forget(void **state)
{
	(void)state;
	keep(NULL);
	reduced_free(&run);
	while (n_records)
		record_free(&records[--n_records]);
	return 0;
}

static void reduce_records(void)
{
	reduced_free(&run);
	run = reduce(records, n_records);
}

/* --------------------------------------------------------------------- queries */

static const struct row *row_of(const char *cell)
{
	const struct row *row;
	struct cell c;

	assert_true(cell_parse(cell, &c));
	row = reduced_row(&run, &c);
	if (!row)
		fail_msg("no row %s", cell);
	return row;
}

static double median(const char *cell, enum metric m)
{
	return row_of(cell)->metric[m].median;
}

static const struct finding *finding_of(const char *a, enum metric m)
{
	const struct row *row = row_of(a);

	for (size_t i = 0; i < run.n_findings; i++)
		if (run.finding[i].a == row && run.finding[i].metric == m)
			return &run.finding[i];
	return NULL;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not in it: '%s'\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("in it: '%s'\n%s", part, text);
}

/* With one blank wherever a paragraph was broken */
static char *unbroken(char *text)
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

static char *findings(void)
{
	return keep(reduced_findings_csv(&run));
}

static char *summary(void)
{
	return keep(unbroken(reduced_summary(&run, false)));
}

static void summary_has(const char *part)
{
	has(summary(), part);
}

static char *warnings(void)
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

/* ---------------------------------------------------------------- one row a cell */

static void one_value_a_block(void **state)
{
	static const double rates[] = { 300, 100, 200 };
	const char *cell = CLOSED("epoll", "64");
	const struct row *row;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		timed(cell, i + 1, rates[i], 10 * rates[i]);
	reduce_records();
	assert_int_equal(run.n, 1);
	assert_int_equal(run.n_blocks, 3);
	row = row_of(cell);
	assert_int_equal(row->n, 3);
	assert_int_equal(row->invalid, 0);
	assert_int_equal(row->status, STATUS_OK);
	assert_string_equal(row->reason, "");
	assert_string_equal(row->cpu_method, "process");
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].median == 200);
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].lowest == 100);
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].highest == 300);
	assert_int_equal(row->metric[METRIC_REQUESTS_PER_SECOND].interval.rank,
			 0);
	assert_true(row->metric[METRIC_SERVER_CPU_PER_REQUEST].median == 2000);
	assert_true(row->value[METRIC_REQUESTS_PER_SECOND][1] == 100);
	assert_true(isnan(row->again[METRIC_REQUESTS_PER_SECOND][1]));
	assert_true(isnan(row->metric[METRIC_STEAL_SHARE].median));
}

/* The last record of a block replaces the first; both are reported. */
static void the_last_valid_record_counts(void **state)
{
	const char *cell = CLOSED("epoll", "64");
	const struct row *row;

	(void)state;
	timed(cell, 1, 9000, 1);
	timed(cell, 1, 100, 1);
	bad(timed(cell, 2, 9000, 1), STATUS_INVALID, "stolen, 7 %");
	timed(cell, 2, 110, 1);
	bad(timed(cell, 3, 9000, 1), STATUS_INVALID, "stolen, 8 %");
	bad(timed(cell, 3, 9000, 1), STATUS_INVALID, "stolen, 9 %");
	reduce_records();
	row = row_of(cell);
	assert_int_equal(run.n_blocks, 3);
	assert_int_equal(row->n, 2);
	assert_int_equal(row->invalid, 3);
	assert_int_equal(row->status, STATUS_OK);
	assert_string_equal(row->reason, "stolen, 9 %");
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].median == 105);
	assert_int_equal(row->metric[METRIC_REQUESTS_PER_SECOND].missing, 1);
	assert_true(isnan(row->value[METRIC_REQUESTS_PER_SECOND][2]));
	summary_has("excluded: stolen, 7 to 9 % (3 repetitions; epoll; at "
		    "64 connections)");
}

static void cells_without_a_valid_repetition(void **state)
{
	static const struct {
		enum status status;
		const char *model, *says;
	} outcomes[] = {
		{ STATUS_INVALID, "aio", "aio invalid: why 1" },
		{ STATUS_REFUSED, "select", "select refused: why 2" },
		{ STATUS_UNSUPPORTED, "uring", "uring unsupported: why 3" },
		{ STATUS_FAILED, "mine", "mine failed: why 4" },
	};

	(void)state;
	timed(CLOSED("epoll", "64"), 1, 100, 1);
	for (size_t i = 0; i < LENGTH(outcomes); i++) {
		char name[CELL_NAME_SIZE], why[16];

		snprintf(name, sizeof(name), CLOSED("%s", "64"),
			 outcomes[i].model);
		snprintf(why, sizeof(why), "why %d", outcomes[i].status);
		bad(timed(name, 1, 5e6, 1), outcomes[i].status, why);
	}
	reduce_records();
	for (size_t i = 0; i < run.n; i++) {
		if (strcmp(run.row[i].cell.model, "epoll") == 0)
			continue;
		assert_int_equal(run.row[i].n, 0);
		assert_int_equal(run.row[i].invalid, 1);
		assert_true(isnan(
			run.row[i].metric[METRIC_REQUESTS_PER_SECOND].median));
	}
	for (size_t i = 0; i < LENGTH(outcomes); i++)
		summary_has(outcomes[i].says);
	assert_int_equal(row_of(CLOSED("select", "64"))->status,
			 STATUS_REFUSED);
}

/* Also in a record that says ok */
static void an_unsustained_load_is_excluded(void **state)
{
	const char *cell = OPEN("epoll", "split");

	(void)state;
	timed(cell, 1, 9000, 1)->load = json_pack("{s:b}", "sustained", 0);
	reduce_records();
	assert_int_equal(row_of(cell)->n, 0);
	assert_int_equal(row_of(cell)->status, STATUS_INVALID);
	summary_has("epoll invalid: the offered load was not sustained");
}

/* The results of block 0 are known before anything is timed. */
static void cells_that_were_only_counted(void **state)
{

	(void)state;
	add(CLOSED("epoll", "64"), ROLE_COUNTING, 0);
	bad(add(CLOSED("uring", "64"), ROLE_COUNTING, 0), STATUS_UNSUPPORTED,
	    "io_uring is disabled");
	reduce_records();
	assert_int_equal(run.n_blocks, 0);
	assert_int_equal(row_of(CLOSED("epoll", "64"))->status, STATUS_OK);
	assert_int_equal(row_of(CLOSED("uring", "64"))->status,
			 STATUS_UNSUPPORTED);
	summary_has("epoll not timed yet");
	summary_has("uring unsupported: io_uring is disabled");
}

static void block_numbers_of_no_plan(void **state)
{

	(void)state;
	timed(CLOSED("epoll", "64"), 1, 100, 1);
	timed(CLOSED("epoll", "64"), 0, 5e6, 1);
	timed(CLOSED("epoll", "64"), 1000000000, 5e6, 1);
	reduce_records();
	assert_int_equal(run.n_blocks, 1);
	assert_int_equal(row_of(CLOSED("epoll", "64"))->n, 1);
	has(warnings(), "not in any plan (2 repetitions;");
}

static void rows_are_in_order(void **state)
{
	static const char *const expected[] = {
		CLOSED("select", "1"),  CLOSED("poll", "1"),
		CLOSED("epoll", "1"),   CLOSED("Zoe", "1"),
		CLOSED("zed", "1"),     CLOSED("baseline", "1"),
		CLOSED("epoll", "64"),  SHARED("epoll"),
		OPEN("epoll", "split"), IDLE("epoll"),
	};

	(void)state;
	idle("epoll", 0);
	for (size_t i = LENGTH(expected) - 1; i--;)
		add(expected[i], i == 5 ? ROLE_BASELINE : ROLE_TIMING, 1);
	reduce_records();
	assert_int_equal(run.n, LENGTH(expected));
	for (size_t i = 0; i < run.n; i++) {
		char name[CELL_NAME_SIZE];

		assert_string_equal(cell_name(&run.row[i].cell, name),
				    expected[i]);
	}
}

/* -------------------------------------------------------------------- counting */

static void counts_are_of_the_counting_repetition(void **state)
{
	const char *cell = CLOSED("epoll", "64");
	char *csv;

	(void)state;
	timed(cell, 1, 100, 1000)->metric[METRIC_CALLS_PER_REQUEST] = 77;
	timed(cell, 2, 100, 1000);
	counted(cell, (const char *[]){ "recvfrom", "epoll_wait" },
		(uint64_t[]){ 150, 50 }, 2)
		->metric[METRIC_SERVER_CPU_PER_REQUEST] = 1030;
	reduce_records();
	assert_true(median(cell, METRIC_CALLS_PER_REQUEST) == 2);
	assert_true(median(cell, METRIC_SERVER_CPU_PER_REQUEST) == 1000);
	assert_true(row_of(cell)->calls_per == 100);
	csv = reduced_calls_csv(&run);
	assert_string_equal(
		csv,
		"cell,model,loop,connections,rate,idle,message,depth,pattern,"
		"work,placement,call,count,per_request,per_second,method\n" CLOSED(
			"epoll",
			"64") ",epoll,closed,64,,0,64,1,steady,none,split,"
			      "recvfrom,150,1.5,150,bpf\n" CLOSED(
				      "epoll",
				      "64") ",epoll,closed,64,,0,64,1,steady,"
					    "none,split,epoll_wait,50,0.5,50,"
					    "bpf\n");
	free(csv);
}

static void counting_that_did_not_work(void **state)
{
	const char *cell = CLOSED("epoll", "64");
	struct record *c;

	(void)state;
	timed(cell, 1, 100, 1000);
	c = add(cell, ROLE_COUNTING, 0);
	c->metric[METRIC_CALLS_PER_REQUEST] = 5;
	bad(c, STATUS_INVALID, "stolen");
	reduce_records();
	assert_true(isnan(median(cell, METRIC_CALLS_PER_REQUEST)));
	assert_int_equal(row_of(cell)->status, STATUS_OK);
	assert_int_equal(row_of(cell)->invalid, 0);
	has(warnings(), "not counted: stolen (1 cell; epoll; at 64 "
			"connections)\n");
}

static void counts_of_different_methods(void **state)
{

	(void)state;
	counted(CLOSED("poll", "64"), (const char *[]){ "poll" },
		(uint64_t[]){ 300 }, 1);
	counted(CLOSED("epoll", "64"), (const char *[]){ "epoll_wait" },
		(uint64_t[]){ 200 }, 1);
	strcpy(records[1].calls_method, "strace");
	reduce_records();
	has(warnings(), "counted by bpf and by strace");
	has(findings(),
	    "calls/closed split 64,system calls were counted by different "
	    "methods");
	has_not(shown, "2.00");
}

/* -------------------------------------------------------------------- spinning */

static void servers_that_spin(void **state)
{

	(void)state;
	idle("busypoll", 0.91);
	idle("poll", 0.9);
	bad(idle("aio", 1), STATUS_INVALID, "stolen");
	for (unsigned i = 1; i <= 3; i++) {
		timed(SHARED("epoll"), i, 100, 1);
		timed(SHARED("busypoll"), i, 50, 2);
		timed(SHARED("poll"), i, 100, 1);
		timed(SHARED("aio"), i, 100, 1);
		timed(CLOSED("epoll", "64"), i, 100, 1);
		timed(CLOSED("busypoll", "64"), i, 50, 2);
	}
	reduce_records();
	assert_true(row_of(IDLE("busypoll"))->spins);
	assert_true(row_of(SHARED("busypoll"))->oversubscribed);
	assert_true(row_of(CLOSED("busypoll", "64"))->spins);
	assert_false(row_of(CLOSED("busypoll", "64"))->oversubscribed);
	assert_false(row_of(IDLE("busypoll"))->oversubscribed);
	assert_false(row_of(SHARED("poll"))->spins);
	assert_false(row_of(SHARED("aio"))->spins);
	/* Drawn, and not compared */
	assert_true(median(SHARED("busypoll"), METRIC_REQUESTS_PER_SECOND) ==
		    50);
	assert_null(finding_of(SHARED("busypoll"), METRIC_REQUESTS_PER_SECOND));
	assert_non_null(finding_of(CLOSED("busypoll", "64"),
				   METRIC_REQUESTS_PER_SECOND));
	summary_has("busypoll is oversubscribed");
}

static void unknown_whether_servers_spin(void **state)
{

	(void)state;
	timed(SHARED("epoll"), 1, 100, 1);
	reduce_records();
	has(warnings(), "unknown which servers spin");
	idle("epoll", 0);
	reduce_records();
	has_not(warnings(), "unknown which servers spin");
}

/* ------------------------------------------------------------------ comparisons */

/* Every block is somewhat slower than the one before; A/A pairs differ by 1 %. */
static void twelve_blocks(const char *a, double ratio, const char *b)
{
	for (unsigned i = 1; i <= 12; i++) {
		double slow = 1 + i / 10.0, little = 1 + (i % 3) / 1000.0;

		timed(b, i, 1000 / slow, 100 * slow);
		timed(a, i, 1000 / slow / ratio * little,
		      100 * slow * ratio * little);
		again(i % 2 ? a : b, i,
		      1000 / slow / (i % 2 ? ratio : 1) * 1.01,
		      100 * slow * (i % 2 ? ratio : 1) * 1.01);
	}
}

static void a_difference_is_called(void **state)
{
	const struct finding *f;
	char sentence[SENTENCE_SIZE];

	(void)state;
	twelve_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	reduce_records();
	assert_string_equal(run.reference, "epoll");
	assert_int_equal(run.n_findings, 2);
	f = finding_of(CLOSED("poll", "64"), METRIC_SERVER_CPU_PER_REQUEST);
	assert_ptr_equal(f->b, row_of(CLOSED("epoll", "64")));
	assert_int_equal(f->verdict.reason, VERDICT_DIFFERENT);
	assert_int_equal(f->verdict.family, 2);
	assert_true(fabs(f->verdict.pair.ratio - 2.002) < 1e-9);
	assert_int_equal(f->verdict.band.n, 12);
	assert_true(fabs(f->verdict.band.high - 1.01) < 0.002);
	assert_string_equal(finding_sentence(f, sentence),
			    "poll uses 2.00 times as much CPU per request as "
			    "epoll at 64 connections");
	f = finding_of(CLOSED("poll", "64"), METRIC_REQUESTS_PER_SECOND);
	has(finding_sentence(f, sentence), "epoll serves 2.00 times ");
	summary_has("Compared with epoll: 2 of 2 comparisons are significant");
	summary_has("*");
	has(findings(),
	    "\nthroughput,epoll serves 2.00 times as many requests/s as "
	    "poll at 64 connections,\"1 of 1 models differs significantly "
	    "from epoll; poll and epoll: 12 blocks");
}

static void a_difference_that_is_not_significant(void **state)
{
	char sentence[SENTENCE_SIZE];

	(void)state;
	twelve_blocks(CLOSED("uring", "64"), 1.002, CLOSED("epoll", "64"));
	reduce_records();
	for (size_t i = 0; i < run.n_findings; i++)
		assert_int_not_equal(run.finding[i].verdict.reason,
				     VERDICT_DIFFERENT);
	assert_string_equal(finding_sentence(&run.finding[0], sentence),
			    "uring and epoll: no significant difference in "
			    "requests/s at 64 connections");
	summary_has("0 of 2 comparisons are significant");
	has_not(summary(), "*");
	has(findings(),
	    "no significant difference from epoll in requests/s at 64 "
	    "connections");
}

/* Two valid blocks of twelve are not enough for "no significant difference". */
static void too_few_valid_blocks(void **state)
{

	(void)state;
	for (unsigned block = 1; block <= 12; block++) {
		timed(CLOSED("epoll", "64"), block, 1000, 1000);
		if (block <= 2)
			timed(CLOSED("poll", "64"), block, 1001, 1001);
		else
			bad(timed(CLOSED("poll", "64"), block, 1, 1),
			    STATUS_INVALID, "steal");
	}
	reduce_records();
	has(findings(), "\nserver_cpu,observed in 2 of 12 blocks (too few ");
	has_not(shown, "no significant");
}

static void too_few_blocks(void **state)
{

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		timed(CLOSED("epoll", "64"), i, 100, 10);
		timed(CLOSED("busypoll", "64"), i, 100, 50 + 10 * i);
		timed(CLOSED("poll", "64"), i, 100, 20);
	}
	reduce_records();
	has(summary(),
	    "3 blocks are too few for a significance test: one comparison "
	    "needs 6 blocks, the 4 comparisons here need 8.");
	has(shown,
	    "CPU per request relative to epoll at 64 connections: busypoll "
	    "6.00 to 8.00, poll 2.00");
	has_not(shown, "are significant");
	has(findings(),
	    "\nserver_cpu,observed in 3 blocks (too few for a test): "
	    "busypoll uses 6.00 to 8.00 times as much CPU per request as "
	    "epoll at 64 connections,");
	has(shown, "needs at least 8 blocks\n");
}

/* A significant finding before a larger ratio; the setting with the largest ratio */
static void the_title_with_the_largest_effect(void **state)
{

	(void)state;
	idle("busypoll", 1);
	twelve_blocks(CLOSED("poll", "1000"), 1.5, CLOSED("epoll", "1000"));
	twelve_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	for (unsigned i = 1; i <= 12; i++) {
		timed(CLOSED("thread", "64"), i, i % 4 ? 1e6 : 1, 100);
		timed(CLOSED("aio", "1"), i, i % 4 ? 1e6 : 1, 100);
		timed(CLOSED("epoll", "1"), i, 100, 100);
		timed(SHARED("busypoll"), i, 1, 1);
		timed(SHARED("epoll"), i, 100, 1);
	}
	counted(CLOSED("epoll", "1000"), (const char *[]){ "epoll_wait" },
		(uint64_t[]){ 200 }, 1);
	bad(timed(SHARED("aio"), 1, 1, 1), STATUS_FAILED, "no");
	reduce_records();
	has(findings(),
	    "\nthroughput,epoll serves 2.00 times as many requests/s as "
	    "poll at 64 connections,\"1 of 2 models ");
	has(shown, "; largest effect of 4 settings\"\n");
	has(shown, "\nthroughput/closed split 1000,\"epoll serves 1.50 times ");
	has(shown, "\nthroughput/closed split 1,no significant difference from "
		   "epoll in requests/s at 1 connection,");
	has(shown, "\nthroughput/closed shared 64,\"requests/s: 100/s (epoll, "
		   "100-100) at 64 connections (one core)\",");
	has(shown, "\nresponse_p50/closed shared 64,\"p50: 10.0 ms (epoll, "
		   "10.0-10.0) at 64 connections (one core)\",");
	has(shown, "\ncalls,\"system calls per request: 2.00 (epoll) at 1,000 "
		   "connections\",counted once by bpf;");
	has(shown, "\nidle,\"CPU: 100 % (busypoll) with 1,000 idle clients\",");
	has_not(summary(), "no data");
}

static void an_oversubscribed_reference(void **state)
{

	(void)state;
	idle("epoll", 1);
	add("model:epoll/loop:none/idle:5/message:64/placement:shared",
	    ROLE_IDLE, 0);
	timed(SHARED("epoll"), 1, 100, 10);
	timed(SHARED("poll"), 1, 100, 10);
	reduce_records();
	assert_int_equal(run.n_findings, 0);
	has(warnings(), "epoll, the reference, is oversubscribed (1 setting; "
			"at 64 connections (one core))");
	/* Idle clients need no core. */
	assert_false(row_of("model:epoll/loop:none/idle:5/message:64/"
			    "placement:shared")
			     ->oversubscribed);
}

/* Enough for one comparison, but not for ten */
static void more_comparisons_need_more_blocks(void **state)
{
	static const char *const others[] = {
		CLOSED("thread", "64"), CLOSED("select", "64"),
		CLOSED("poll", "64"), CLOSED("aio", "64"), CLOSED("uring", "64")
	};
	size_t needed;

	(void)state;
	for (unsigned i = 1; i <= 8; i++) {
		timed(CLOSED("epoll", "64"), i, 100, 10);
		again(CLOSED("epoll", "64"), i, 100, 10);
		for (size_t k = 0; k < LENGTH(others); k++)
			timed(others[k], i, 50, 20);
	}
	reduce_records();
	assert_int_equal(run.n_findings, 10);
	assert_false(claims_possible(&run, &needed));
	assert_int_equal(needed, 9);
	summary_has("8 blocks are too few");
}

static void open_loops_are_compared_by_p99(void **state)
{

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		timed(OPEN("epoll", "split"), i, 100, 10);
		timed(OPEN("poll", "split"), i, 100, 10);
		timed(OPEN("epoll", "shared"), i, 100, 10)->load =
			json_pack("{s:b,s:b}", "coarse", 1, "sustained", 1);
		records[n_records - 1].metric[METRIC_SERVICE_P99] = 2e6;
		timed(OPEN("poll", "shared"), i, 100, 10)
			->metric[METRIC_SERVICE_P99] = 1e6;
	}
	reduce_records();
	assert_int_equal(run.n_findings, 4);
	assert_non_null(finding_of(OPEN("poll", "split"), METRIC_RESPONSE_P99));
	assert_non_null(finding_of(OPEN("poll", "split"),
				   METRIC_SERVER_CPU_PER_REQUEST));
	assert_non_null(finding_of(OPEN("poll", "shared"), METRIC_SERVICE_P99));
	assert_null(finding_of(OPEN("poll", "shared"), METRIC_RESPONSE_P99));
	summary_has("model req/s p50 p99 svc p50 CPU/req calls/req n");
	summary_has("model req/s svc p50 svc p99 rsp p50 CPU/req "
		    "calls/req n");
	summary_has("coarse: ");
	has(findings(),
	    "load/open split 64 rate 10000,\"observed in 3 blocks (too few "
	    "for a test): no model above or below epoll");
	has(shown,
	    "load/open shared 64 rate 10000,\"observed in 3 blocks (too few "
	    "for a test): epoll has 2.00 times the p99 service time of "
	    "poll");
}

static void the_reference(void **state)
{

	(void)state;
	timed(CLOSED("mine", "64"), 1, 100, 1);
	reduce_records();
	assert_string_equal(run.reference, "mine");
	summary_has("No comparison: ");
	timed(CLOSED("uring", "64"), 1, 100, 1);
	add(CLOSED("baseline", "64"), ROLE_BASELINE, 1);
	idle("epoll", 0);
	reduce_records();
	assert_string_equal(run.reference, "uring");
	assert_int_equal(run.n_findings, 2); /* not with the baseline */
	timed(CLOSED("epoll", "1"), 1, 100, 1);
	reduce_records();
	assert_string_equal(run.reference, "epoll");
	assert_int_equal(run.n_findings, 0);
	has(warnings(), "epoll, the reference, was not measured (1 setting; "
			"at 64 connections)");
	has_not(warnings(), "at 1 connection");
}

static void a_reference_that_failed(void **state)
{

	(void)state;
	for (unsigned i = 1; i <= 12; i++) {
		timed(CLOSED("poll", "64"), i, 100, 10);
		bad(add(CLOSED("epoll", "64"), ROLE_TIMING, i), STATUS_FAILED,
		    "it died");
	}
	reduce_records();
	assert_int_equal(run.n_findings, 2);
	assert_int_equal(run.finding[0].verdict.reason, VERDICT_NOTHING);
	has(findings(), "throughput/closed split 64,");
	summary_has("epoll failed: it died");
}

static void cpu_of_different_methods(void **state)
{

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		timed(CLOSED("poll", "64"), i, 100, 10);
		timed(CLOSED("epoll", "64"), i, 100, 10);
	}
	strcpy(records[0].cpu_method, "cgroup");
	reduce_records();
	assert_string_equal(row_of(CLOSED("poll", "64"))->cpu_method, "mixed");
	assert_int_equal(run.n_findings, 1);
	assert_int_equal(run.finding[0].metric, METRIC_REQUESTS_PER_SECOND);
	has(warnings(), "(mixed, process) (1 setting; at 64 connections)");
	strcpy(records[2].cpu_method, "cgroup"); /* poll's */
	reduce_records();
	assert_int_equal(run.n_findings, 1);
	has(warnings(), "(cgroup, process)");
	strcpy(records[1].cpu_method, "cgroup"); /* half of epoll's */
	strcpy(records[2].cpu_method, "process");
	reduce_records();
	assert_int_equal(run.n_findings, 1);
	has(warnings(), "(mixed, mixed)");
}

/* --------------------------------------------------------------------- A and A */

static void the_band_is_of_its_setting(void **state)
{
	struct band band;

	(void)state;
	idle("busypoll", 1);
	for (unsigned i = 1; i <= 9; i++) {
		timed(CLOSED("epoll", "1"), i, 100, 10);
		again(CLOSED("epoll", "1"), i, 101, 10);
		timed(CLOSED("epoll", "64"), i, 100, 10);
		again(CLOSED("epoll", "64"), i, i == 1 ? 500 : 130, 10);
		timed(SHARED("epoll"), i, 100, 10);
		timed(SHARED("busypoll"), i, 100, 10);
		again(i < 5 ? SHARED("epoll") : SHARED("busypoll"), i,
		      i < 5 ? 105 : 900, 10);
	}
	bad(&records[2], STATUS_INVALID, "stolen"); /* an A/A one */
	reduce_records();
	band = setting_band(&run, row_of(CLOSED("epoll", "1")) - run.row,
			    METRIC_REQUESTS_PER_SECOND, 9);
	assert_int_equal(band.n, 8);
	assert_true(fabs(band.high - 1.01) < 1e-9);
	/* Oversubscribed models are not in it. */
	band = setting_band(&run, row_of(SHARED("epoll")) - run.row,
			    METRIC_REQUESTS_PER_SECOND, 9);
	assert_int_equal(band.n, 4);
	assert_true(fabs(band.farthest - 1.05) < 1e-9);
	has(warnings(),
	    "requests/s differs between A/A pairs, at most by a "
	    "factor of 1.30 (9 pairs) (1 setting; at 64 connections)");
	has_not(warnings(), "(2 settings");
	has_not(warnings(), "one core");
}

/* Invalid A/A repetitions are none of the row's own. */
static void an_excluded_pair(void **state)
{
	const struct row *row;

	(void)state;
	timed(CLOSED("epoll", "64"), 1, 100, 10);
	bad(again(CLOSED("epoll", "64"), 1, 5e6, 10), STATUS_INVALID, "no");
	reduce_records();
	row = &run.row[0];
	assert_int_equal(row->n, 1);
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].median == 100);
	assert_true(isnan(row->again[METRIC_REQUESTS_PER_SECOND][0]));
	has(warnings(), "A/A repetitions excluded: no (1 repetition; epoll; "
			"at 64 connections)\n");
}

/* ----------------------------------------------------------------------- files */

/* The fields of one row, quotes undone; what follows the row is returned. */
static const char *fields(const char *csv, char to[][400], size_t *n)
{
	bool quoted = false;
	size_t length = 0;

	for (*n = 0;; csv++) {
		if (*csv == '"' && quoted && csv[1] == '"')
			to[*n][length++] = *++csv;
		else if (*csv == '"')
			quoted = !quoted;
		else if (quoted || (*csv != ',' && *csv != '\n'))
			to[*n][length++] = *csv;
		assert_true(*csv && length < 399);
		to[*n][length] = '\0';
		if (!quoted && (*csv == ',' || *csv == '\n')) {
			++*n;
			length = 0;
		}
		if (!quoted && *csv == '\n')
			return csv + 1;
	}
}

static size_t column(char head[][400], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(head[i], name) == 0)
			return i;
	fail_msg("no column %s", name);
	return 0;
}

static char head[300][400], row[300][400];

static void check_cells(const char *csv, const char *reason)
{
	size_t n, of_row;
	const char *rest = fields(csv, head, &n);

	assert_int_equal(n, 10 + 9 + 5 * METRICS + 2);
	rest = fields(rest, row, &of_row);
	assert_int_equal(of_row, n);
	assert_string_equal(row[column(head, n, "model")], "epoll");
	assert_string_equal(row[column(head, n, "rate")], "");
	assert_string_equal(row[column(head, n, "pattern")], "steady");
	assert_string_equal(row[column(head, n, "n")], "9");
	assert_string_equal(row[column(head, n, "spins")], "0");
	assert_string_equal(row[column(head, n, "requests_per_second")],
			    "100000.5");
	assert_string_equal(row[column(head, n, "requests_per_second_low")],
			    "100000.2");
	assert_string_equal(row[column(head, n, "requests_per_second_highest")],
			    "100000.9");
	assert_string_equal(row[column(head, n, "steal_share")], "");
	assert_string_equal(row[column(head, n, "unsure")],
			    "response_p99_ns response_p99_9_ns");
	rest = fields(rest, row, &of_row);
	assert_int_equal(of_row, n);
	assert_string_equal(row[column(head, n, "n")], "0");
	assert_string_equal(row[column(head, n, "invalid")], "1");
	assert_string_equal(row[column(head, n, "status")], "failed");
	assert_string_equal(row[column(head, n, "reason")], reason);
	assert_string_equal(row[column(head, n, "requests_per_second")], "");
	assert_string_equal(rest, "");
}

static void cells_with_odd_reasons(void **state)
{
	static const char *const odd[] = {
		"it said \"no\", and\nthen, \"bye\"\r\n",
		"two\nlines",
		"a\rreturn",
		"a, comma",
		"a \"quote",
	};

	for (size_t i = 0; i < LENGTH(odd); i++) {
		char *csv;

		for (unsigned k = 1; k <= 9; k++)
			timed(CLOSED("epoll", "64"), k, 100000 + k / 10.0, 5)
				->load =
				json_pack("{s:{s:[s,s]}}", "response_ns",
					  "unsure", "p99", "p99_9");
		bad(timed(CLOSED("mine", "64"), 1, 1, 1), STATUS_FAILED,
		    odd[i]);
		reduce_records();
		csv = reduced_cells_csv(&run);
		check_cells(csv, odd[i]);
		free(csv);
		summary_has("?30.0 us");
		forget(state);
	}
}

static void no_records(void **state)
{
	char *text;
	size_t n;

	(void)state;
	reduce_records();
	assert_int_equal(run.n + run.n_findings + run.n_blocks, 0);
	assert_int_equal(json_array_size(run.warnings), 0);
	text = reduced_summary(&run, true);
	assert_string_equal(text, "No repetitions recorded.\n");
	free(text);
	text = reduced_cells_csv(&run);
	assert_string_equal(fields(text, head, &n), "");
	free(text);
	text = reduced_calls_csv(&run);
	assert_string_equal(fields(text, head, &n), "");
	free(text);
	text = reduced_findings_csv(&run);
	assert_string_equal(text, "chart,title,note\n");
	free(text);
}

static void check_page(const char *text, size_t widest)
{
	for (size_t width = 0; *text; text++) {
		assert_true(*text == '\n' || (*text >= ' ' && *text <= '~'));
		width = *text == '\n' ? 0 : width + 1;
		if (width > widest)
			fail_msg("too wide: %.100s", text - 100);
	}
}

/* The widest numbers there are, and what would move a terminal's cursor */
static void a_page_of_a_hundred_columns(void **state)
{
	const char *longest = CLOSED("a234567890123456789012345678901", "64");
	char word[201];
	char *text;

	(void)state;
	memset(word, 'w', 200);
	word[200] = '\0';
	for (unsigned i = 1; i <= 12; i++) {
		struct record *of = timed(longest, i, 999499, 999499);

		of->metric[METRIC_RESPONSE_P50] = i < 3 ? 1234 : 9.99e11;
		of->metric[METRIC_RESPONSE_P99] = i < 9 ? 99940 : 9.99e11;
		timed(CLOSED("epoll", "64"), i, 12340 + i, 123400 + 1000 * i);
		timed(OPEN("epoll", "split"), i, 99949 * i, 99949 * i)
			->metric[METRIC_SERVICE_P50] = 1e5;
		timed(OPEN("epoll", "shared"), i, 1e-3, 99949 * i)->load =
			json_pack("{s:b}", "coarse", 1);
	}
	bad(timed(CLOSED("uring", "64"), 1, 1, 1), STATUS_FAILED,
	    "\033[2J\a \303\244 \tblank");
	bad(timed(CLOSED("aio", "64"), 1, 1, 1), STATUS_FAILED, word);
	record_say(records[0].warnings, "%s \033[1m %s", word, word);
	reduce_records();
	text = reduced_summary(&run, false);
	check_page(text, LINE_WIDTH);
	has(text, "\na234567890123456789012345678901\n ");
	has(text, "failed: ?[2J? ?? blank");
	free(text);
	text = reduced_summary(&run, true);
	has(text, "\033[1m");
	has_not(text, "\033[2J");
	free(text);
}

/* A row of each kind */
static void a_small_run(void)
{
	static const char *const names[] = { "epoll_wait", "recvfrom" };
	struct record *r;

	for (unsigned i = 1; i <= 6; i++) {
		timed(CLOSED("busypoll", "64"), i, 95000 + 500 * i,
		      300 + 10 * i);
		r = timed(CLOSED("epoll", "64"), i, 150e3 + 1e3 * i, 150);
		if (i > 2)
			bad(r, STATUS_INVALID, "stolen, 2 %");
	}
	bad(timed(CLOSED("select", "64"), 1, 1, 1), STATUS_REFUSED, "too many");
	r = add(CLOSED("baseline", "64"), ROLE_BASELINE, 3);
	r->metric[METRIC_REQUESTS_PER_SECOND] = 200e3;
	counted(CLOSED("busypoll", "64"), names, (uint64_t[]){ 1, 1200000 }, 2);
	r = counted(CLOSED("epoll", "64"), names, (uint64_t[]){ 100, 101 }, 2);
	r->metric[METRIC_SUBMISSIONS_PER_REQUEST] = 2;
	r->metric[METRIC_COMPLETIONS_PER_REQUEST] = 2.5;
	r = idle("busypoll", 0.998);
	r->metric[METRIC_CALLS_PER_SECOND] = 1.3e6;
	r = idle("epoll", 0);
	r->metric[METRIC_CALLS_PER_SECOND] = 0;
	r->metric[METRIC_RESIDENT_PER_CONNECTION] = 5222;
	r->metric[METRIC_THREADS] = 1001;
}

/* The rows of the tables, with their columns */
static void tables(void **state)
{

	(void)state;
	a_small_run();
	reduce_records();
	summary_has("busypoll 96.8 k 95.5-98.0 10.3 us 10.2-10.5 31.0 us "
		    "30.6-31.4 335 ns 310-360 1.20 M/s 6 select refused: too "
		    "many epoll 152 k 151-152 6.60 us 6.58-6.62 19.8 us "
		    "19.7-19.9 150 ns 150-150 2.01 2 (baseline) 200 k - - - - "
		    "1 ");
	summary_has("epoll: 2.00 io_uring submissions and 2.50 completions");
	summary_has("busypoll 99.8 % 1.30 M/s - - spins epoll 0 % 0/s 5.10 "
		    "KiB 1001 ");
}

typedef char *writer(const struct reduced *r);

static char *plain_summary(const struct reduced *r)
{
	return reduced_summary(r, false);
}

/* Results do not depend on the order of measurement. */
static void same_records_same_files(void **state)
{
	static writer *const writers[] = { reduced_cells_csv, reduced_calls_csv,
					   reduced_findings_csv,
					   plain_summary };
	static struct record turned[LENGTH(records)];
	struct reduced q;

	(void)state;
	idle("epoll", 0);
	counted(CLOSED("poll", "64"), (const char *[]){ "poll" },
		(uint64_t[]){ 300 }, 1);
	twelve_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	twelve_blocks(OPEN("mine", "split"), 1.1, OPEN("epoll", "split"));
	for (size_t i = 0; i < n_records; i++)
		turned[i] = records[n_records - 1 - i];
	reduce_records();
	q = reduce(turned, n_records);
	for (size_t i = 0; i < LENGTH(writers); i++) {
		char *a = writers[i](&run), *b = writers[i](&q);

		assert_string_equal(a, b);
		assert_true(strlen(a) > 100);
		free(a);
		free(b);
	}
	reduced_free(&q);
}

/* A record that was written and read gives the same row. */
static void lines_give_the_same_rows(void **state)
{
	struct record *r = timed(CLOSED("epoll", "64"), 1, 100, 10), again_read;
	struct reduced b;
	char why[WHY_SIZE], *x, *y;
	json_t *line;

	(void)state;
	r->load = json_pack("{s:{s:[s]}}", "response_ns", "unsure", "p99");
	line = record_json(r);
	assert_true(record_read(&again_read, line, why));
	reduce_records();
	b = reduce(&again_read, 1);
	x = reduced_cells_csv(&run);
	y = reduced_cells_csv(&b);
	assert_string_equal(x, y);
	free(x);
	free(y);
	reduced_free(&b);
	record_free(&again_read);
	json_decref(line);
}

/* Texts that differ only in numbers are one warning with ranges; digits in a word are
 * not a number. */
static void warnings_are_grouped(void **state)
{
	static const char *const models[] = { CLOSED("poll", "64"),
					      CLOSED("epoll", "64"),
					      SHARED("epoll") };

	(void)state;
	for (unsigned i = 1; i <= 30; i++) {
		struct record *of = timed(models[i % 3], i, 100, 10);

		record_say(of->warnings, "the governor is powersave");
		record_say(of->warnings, "read %u us late", 90 * i);
		record_say(of->warnings, "read %u.%u ms late", i, i);
		record_say(of->warnings, "p%u of a%ub is unsure", 90 + i % 2,
			   i % 2);
	}
	reduce_records();
	has(warnings(),
	    "the governor is powersave (30 repetitions; epoll, poll; at 64 "
	    "connections, at 64 connections (one core))\n");
	has(warnings(), "read 90 us to 30.30 ms late (60 repetitions;");
	has(warnings(), "p90 of a0b is unsure (15 repetitions;");
}

/* The summary has three and says where the others are. */
static void the_most_important_warnings_come_first(void **state)
{
	char *text;

	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		record_say(timed(CLOSED("epoll", "64"), i, 100, 10)->warnings,
			   "the governor is powersave");
	record_say(records[0].warnings, RECORD_FORCED "another kernel");
	bad(timed(CLOSED("poll", "64"), 1, 1, 1), STATUS_FAILED, "it died");
	bad(timed(CLOSED("epoll", "64"), 4, 1, 1), STATUS_INVALID, "stolen");
	reduce_records();
	text = unbroken(reduced_summary(&run, false));
	has(text, "no result (failed): it died (1 cell; poll; at 64 "
		  "connections) " RECORD_FORCED "another kernel (1 repetition; "
		  "epoll; at 64 connections) repetitions excluded: stolen (1 "
		  "repetition; epoll; at 64 connections) ... and 1 more in "
		  "warnings.csv");
	free(text);
	text = reduced_warnings_csv(&run);
	has(text,
	    "\nno result (failed): it died,1,cell,poll,closed "
	    "split 64\n" RECORD_FORCED "another kernel,1,repetition,epoll,"
	    "closed split 64\n");
	has(text, "\nthe governor is powersave,3,repetition,epoll,closed split "
		  "64\n");
	free(text);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
}

static void add_any(uint64_t *state)
{
	static const char *const cells[] = {
		CLOSED("epoll", "64"),    CLOSED("poll", "64"),
		CLOSED("baseline", "64"), CLOSED("a-b_c", "1"),
		SHARED("epoll"),          SHARED("busypoll"),
		OPEN("epoll", "split"),   OPEN("mine", "shared"),
		IDLE("busypoll"),         IDLE("epoll"),
	};
	static const double values[] = { NAN,  INFINITY, 0,   -1, 1,
					 0.95, 5e-324,   1e9, 7,  1.7e308 };
	struct record *r = add(cells[next_random(state) % LENGTH(cells)],
			       next_random(state) % ROLES,
			       (unsigned)next_random(state) % 9);

	for (int m = 0; m < METRICS; m++)
		r->metric[m] = values[next_random(state) % LENGTH(values)];
	if (next_random(state) % 4 == 0)
		r->status = next_random(state) % STATUSES;
	if (next_random(state) % 2)
		record_say(r->reasons, "reason, \"%u\"\n", r->index);
	if (next_random(state) % 2)
		r->load = json_pack("{s:b,s:b,s:n}", "coarse",
				    (int)next_random(state) % 2, "sustained",
				    (int)next_random(state) % 2, "service_ns");
	strcpy(r->calls_method, next_random(state) % 2 ? "bpf" : "perf");
}

/* Every row has as many fields as the header. */
static void check_table(char *csv)
{
	size_t columns, n;

	for (const char *rest = fields(csv, head, &columns); *rest;) {
		rest = fields(rest, row, &n);
		assert_int_equal(n, columns);
	}
	free(csv);
}

static void random_records(void **state)
{
	uint64_t chance = 1;

	for (int i = 0; i < 300; i++) {
		char *text;

		for (uint64_t n = next_random(&chance) % 150; n; n--)
			add_any(&chance);
		reduce_records();
		check_table(reduced_cells_csv(&run));
		check_table(reduced_calls_csv(&run));
		check_table(reduced_findings_csv(&run));
		text = reduced_summary(&run, false);
		check_page(text, 200); /* of absurd numbers */
		free(text);
		forget(state);
	}
}

/* ----------------------------------------------------------------------- words */

static void numbers(void **state)
{
	static const struct {
		enum metric m;
		double x;
		const char *says;
	} numbers[] = {
		{ METRIC_RESPONSE_P50, 12345, "12.3 us" },
		{ METRIC_RESPONSE_P50, 1.02e6, "1.02 ms" },
		{ METRIC_RESPONSE_P50, 9994, "9.99 us" },
		{ METRIC_RESPONSE_P50, 9996, "10.0 us" },
		{ METRIC_RESPONSE_P50, 999.4, "999 ns" },
		{ METRIC_RESPONSE_P50, 999.6, "1.00 us" },
		{ METRIC_RESPONSE_P50, 99960, "100 us" },
		{ METRIC_RESPONSE_P50, 0, "0 ns" },
		{ METRIC_RESPONSE_P50, 2.5e12, "2500 s" },
		{ METRIC_RESPONSE_P50, NAN, "-" },
		{ METRIC_REQUESTS_PER_SECOND, 152000, "152 k/s" },
		{ METRIC_REQUESTS_PER_SECOND, 950, "950/s" },
		{ METRIC_REQUESTS_PER_SECOND, 1.23e6, "1.23 M/s" },
		{ METRIC_RESIDENT, 1536, "1.50 KiB" },
		{ METRIC_RESIDENT_PER_CONNECTION, -2048, "-2.00 KiB" },
		{ METRIC_SERVER_CPU_SHARE, 0.9987, "99.9 %" },
		{ METRIC_SERVER_CPU_SHARE, 0.00042, "0.042 %" },
		{ METRIC_CALLS_PER_REQUEST, 2.0155, "2.02" },
		{ METRIC_VOLUNTARY_PER_REQUEST, 2.5e-5, "<0.001" },
	};
	char text[NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++)
		assert_string_equal(print_metric(numbers[i].m, numbers[i].x,
						 text),
				    numbers[i].says);
}

static void spreads(void **state)
{
	static const struct {
		enum metric m;
		double median, low, high;
		const char *says;
	} spreads[] = {
		{ METRIC_RESPONSE_P50, 12345, 11900, 12800, "11.9-12.8" },
		{ METRIC_RESPONSE_P50, 80000, 78100, 2e7, "78us-20ms" },
		{ METRIC_RESPONSE_P50, 1e9, 2e5, 1e9, "0.2ms-1.0s" },
		{ METRIC_VOLUNTARY_PER_REQUEST, 0.011, 0.0098, 0.02,
		  "0.0098-0.02" },
		{ METRIC_VOLUNTARY_PER_REQUEST, 2.5e-5, 0, 6.1e-5, "0-<0.001" },
		{ METRIC_REQUESTS_PER_SECOND, 152e3, 148e3, 155e3, "148-155" },
		{ METRIC_REQUESTS_PER_SECOND, 152e3, 90, 155e3, "90-0.2M" },
	};
	static const double nine[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct summary s = stats_summary(nine, 9);
	char text[NUMBER_SIZE];
	double low, high;

	(void)state;
	assert_true(spread_of(&s, &low, &high) && low == 2 && high == 8);
	s = stats_summary(nine, 5);
	assert_true(spread_of(&s, &low, &high) && low == 1 && high == 5);
	s = stats_summary(nine, 1);
	assert_false(spread_of(&s, &low, &high));
	for (size_t i = 0; i < LENGTH(spreads); i++)
		assert_string_equal(
			print_spread(spreads[i].m, spreads[i].median,
				     spreads[i].low, spreads[i].high, text),
			spreads[i].says);
}

static void settings(void **state)
{
	static const char *const known[][4] = {
		{ CLOSED("epoll", "64"),
		  "closed loop, server and clients on separate cores, 64 "
		  "connections, 64 B",
		  "at 64 connections", "closed split 64" },
		{ OPEN("epoll", "shared"),
		  "open loop, 10,000 requests/s offered, server and clients on "
		  "one core, 64 connections, 64 B",
		  "at 64 connections (open loop at 10,000/s, one core)",
		  "open shared 64 rate 10000" },
		{ "model:a/loop:closed/connections:1/idle:900/message:16384/"
		  "depth:16/work:sleep:20ms@1%/placement:split",
		  NULL,
		  "at 1 connection (900 idle, 16 KiB, depth 16, work "
		  "sleep:20ms@1%)",
		  "closed split 1 idle 900 message 16384 depth 16 work "
		  "sleep:20ms@1%" },
		{ "model:a/loop:open/connections:64/rate:2.5/message:100/"
		  "pattern:burst:100/placement:split",
		  NULL,
		  "at 64 connections (open loop at 2.50/s, 100 B, bursts of "
		  "100)",
		  "open split 64 rate 2.5 message 100 pattern burst:100" },
		{ IDLE("a"),
		  "server and clients on separate cores, 1,000 idle clients",
		  "with 1,000 idle clients", "none split idle 1000" },
	};
	char text[SETTING_SIZE];
	struct cell c;

	(void)state;
	for (size_t i = 0; i < LENGTH(known); i++) {
		assert_true(cell_parse(known[i][0], &c));
		if (known[i][1])
			assert_string_equal(setting_heading(&c, text),
					    known[i][1]);
		assert_string_equal(setting_where(&c, text), known[i][2]);
		assert_string_equal(setting_key(&c, text), known[i][3]);
	}
}

/* A range of ratios never looks like 1 if it is not. */
static void ranges(void **state)
{
	static const struct {
		double low, high;
		const char *says;
	} known[] = {
		{ 9.1, 11.21, "9.10 to 11.2" },
		{ 2, 2, "2.00" },
		{ 1.019, 1.021, "1.019 to 1.021" },
		{ 1, 1, "1.000" },
		{ 1.0001, 1.00012, "1.000100 to 1.000120" },
		{ 0.713, 0.75, "0.713 to 0.750" },
		{ 1149, 1326, "1149 to 1326" },
	};
	char text[2 * NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH(known); i++)
		assert_string_equal(print_range(known[i].low, known[i].high,
						text),
				    known[i].says);
}

/* ------------------------------------------------------------- a committed plan */

static void standard_can_claim(void **state)
{
	static const char *const ours[] = { "thread", "busypoll", "select",
					    "poll",   "epoll",    "aio",
					    "uring",  NULL };
	char error[PLAN_ERROR_SIZE];
	struct blocks b;
	struct plan p;
	size_t needed;

	(void)state;
	assert_true(plan_read(&p, "harness/plans/standard.plan", ours, error));
	b = blocks_of(&p);
	for (size_t i = 0; i < b.n; i++) {
		char name[CELL_NAME_SIZE];
		double value = 100 + b.entry[i].block;
		struct record *of = add(cell_name(b.entry[i].cell, name),
					b.entry[i].role, b.entry[i].block);

		for (int m = 0; m < METRICS; m++)
			of->metric[m] = of->role == ROLE_IDLE ? 0 : value;
	}
	reduce_records();
	assert_int_equal(run.n_findings, 6 * 7 * 2);
	assert_int_equal(run.n_blocks, p.blocks);
	assert_true(claims_possible(&run, &needed));
	for (size_t i = 0; i < run.n_findings; i++)
		assert_true(run.finding[i].verdict.band.rank > 0);
	blocks_free(&b);
	plan_free(&p);
}

#define TEST(f) cmocka_unit_test_teardown(f, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_value_a_block),
		TEST(the_last_valid_record_counts),
		TEST(cells_without_a_valid_repetition),
		TEST(an_unsustained_load_is_excluded),
		TEST(cells_that_were_only_counted),
		TEST(block_numbers_of_no_plan),
		TEST(rows_are_in_order),
		TEST(counts_are_of_the_counting_repetition),
		TEST(counting_that_did_not_work),
		TEST(counts_of_different_methods),
		TEST(servers_that_spin),
		TEST(unknown_whether_servers_spin),
		TEST(a_difference_is_called),
		TEST(a_difference_that_is_not_significant),
		TEST(too_few_valid_blocks),
		TEST(too_few_blocks),
		TEST(the_title_with_the_largest_effect),
		TEST(an_oversubscribed_reference),
		TEST(more_comparisons_need_more_blocks),
		TEST(open_loops_are_compared_by_p99),
		TEST(the_reference),
		TEST(a_reference_that_failed),
		TEST(cpu_of_different_methods),
		TEST(the_band_is_of_its_setting),
		TEST(an_excluded_pair),
		TEST(cells_with_odd_reasons),
		TEST(no_records),
		TEST(a_page_of_a_hundred_columns),
		TEST(tables),
		TEST(same_records_same_files),
		TEST(lines_give_the_same_rows),
		TEST(warnings_are_grouped),
		TEST(the_most_important_warnings_come_first),
		TEST(random_records),
		TEST(numbers),
		TEST(spreads),
		TEST(settings),
		TEST(ranges),
		TEST(standard_can_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
