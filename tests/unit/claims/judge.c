/* SPDX-License-Identifier: MIT */
/* judge.c - verdicts of crafted results, and how often chance makes a wrong one */
#include "tests/unit/noise.h"

#include "harness/claims/table.h"
#include "harness/base/grow.h"

#include <stdio.h>
#include <string.h>

static const char *const models[] = { "poll", "epoll", "uring", NULL };

static const char head[] =
	"claim c\ntaught m4\ntopic t\n"
	"setting one closed split connections 1\n"
	"setting idle open split connections 16 rate 2k idle "
	"0,100,900\n"
	"control epoll delay=1us\n";

/* ------------------------------------------------------------------- the results */

enum { BLOCKS = 6, ROWS = 12, RECORDS = BLOCKS * ROWS };

static struct record record[RECORDS];
static const struct record *timed[RECORDS];
static struct row row[ROWS];
static struct reduced reduced = { .row = row, .n_blocks = BLOCKS };
static struct primitives primitives;
static struct mechanisms mechanisms;

static void forget(void)
{
	reduced.n = 0;
	primitives_free(&primitives);
	mechanisms_free(&mechanisms);
}

/* CPU time per request in each block: `cpu`, times up to 1 +- spread */
static struct row *add_row(const char *model, const char *setting, double cpu,
			   double spread)
{
	struct row *to = &row[reduced.n];
	char name[CELL_NAME_SIZE];

	*to = (struct row){ .n = BLOCKS, .timed = timed + reduced.n * BLOCKS };
	snprintf(name, sizeof(name), "model:%s/%s", model, setting);
	assert_true(cell_parse(name, &to->cell));
	for (int k = 0; k < BLOCKS; k++) {
		struct record *r = &record[reduced.n * BLOCKS + k];

		for (int m = 0; m < METRICS; m++)
			r->metric[m] = NAN;
		r->metric[METRIC_SERVER_CPU_PER_REQUEST] =
			cpu * (1 + spread * (k - 2.5) / 2.5);
		to->timed[k] = r;
	}
	reduced.n++;
	return to;
}

#define ONE "loop:closed/connections:1/message:64/placement:split"
#define IDLE(n)                                                                \
	"loop:open/connections:16/rate:2000" n "/message:64/placement:split"

/* The verdict of a claim whose file ends with these lines */
static struct judgement *judge(struct claim *c, const char *lines)
{
	struct evidence e = { &reduced, &primitives, &mechanisms, NULL, 2, 0 };
	char text[4096], error[PLAN_ERROR_SIZE];
	const struct claim *one = c;

	snprintf(text, sizeof(text), "%s%s\n", head, lines);
	if (!claim_parse(c, text, strlen(text), "x.claim", models, error))
		fail_msg("%s", error);
	return judge_claims(&one, 1, &e);
}

/* Every setting has to be named. */
#define USED " or cpu(poll, idle@0) < 0ns"

static void check_verdict(const char *lines, enum claim_verdict wanted)
{
	struct claim c;
	struct judgement *j = judge(&c, lines);
	struct occasion when = { "m", "k", "d" };
	char *rows = claims_rows(j, 1, &when), *words = claim_lines(j);

	if (j->verdict != wanted)
		fail_msg("%s: %s, not %s (%s)", lines,
			 claim_verdicts[j->verdict], claim_verdicts[wanted],
			 j->reason);
	assert_true((j->verdict == CLAIM_UNKNOWN) == (*j->reason != '\0'));
	free(rows);
	free(words);
	judgements_free(j, 1);
	claim_free(&c);
}

static void both(double poll, double epoll, double spread)
{
	forget();
	add_row("poll", ONE, poll, 0);
	add_row("epoll", ONE, epoll, spread);
	add_row("poll", IDLE(""), 5, 0.01);
}

static void intervals(void **state)
{
	static const char more[] =
		"holds cpu(poll, one) / cpu(epoll, one) > 1.5" USED;
	static const char equal[] =
		"holds cpu(poll, one) / cpu(epoll, one) = 1 within 20%" USED;

	(void)state;
	both(200, 100, 0.02);
	check_verdict(more, CLAIM_HOLDS);
	check_verdict(equal, CLAIM_FAILS);
	both(100, 100, 0.02);
	check_verdict(more, CLAIM_FAILS);
	check_verdict(equal, CLAIM_HOLDS);
	both(150, 100, 0.5);
	check_verdict(more, CLAIM_UNKNOWN);
	both(1000, 100, 0.6); /* far away, but too wide */
	check_verdict(equal, CLAIM_FAILS);
	forget();
	check_verdict(more, CLAIM_UNKNOWN);
}

static void conditions(void **state)
{
	static const char lines[] =
		"holds cpu(poll, idle@900) / cpu(epoll, idle@900) > 1.5\n"
		"but-not cpu(poll, one) / cpu(epoll, one) > 1.5\n"
		"only-when most are idle";

	(void)state;
	both(100, 100, 0.02);
	add_row("poll", IDLE("/idle:900"), 300, 0.02);
	add_row("epoll", IDLE("/idle:900"), 100, 0.03);
	check_verdict(lines, CLAIM_ONLY_WHEN);
	row[3].cell.idle = 901; /* it is not measured */
	check_verdict(lines, CLAIM_UNKNOWN);
	both(300, 100, 0.02);
	add_row("poll", IDLE("/idle:900"), 300, 0.02);
	add_row("epoll", IDLE("/idle:900"), 100, 0.03);
	check_verdict(lines, CLAIM_HOLDS);
	both(100, 100, 0.02);
	add_row("poll", IDLE("/idle:900"), 100, 0.02);
	add_row("epoll", IDLE("/idle:900"), 100, 0.03);
	check_verdict(lines, CLAIM_FAILS);
}

static void sweeps(void **state)
{
	static const char slope[] =
		"holds slope(cpu(epoll, idle)) < 1ns or cpu(poll, one) < 0ns";
	static const char crossing[] =
		"holds crossover(cpu(poll, idle), cpu(epoll, idle)) in 0 to 500 or "
		"cpu(poll, one) < 0ns";
	static const char *const at[] = { IDLE(""), IDLE("/idle:100"),
					  IDLE("/idle:900") };
	static const double poll[] = { 80, 200, 900 };

	(void)state;
	for (int steep = 0; steep < 2; steep++) {
		both(100, 100, 0);
		reduced.n--;
		for (int i = 0; i < 3; i++) {
			add_row("epoll", at[i],
				steep ? poll[i] * (i ? 2 : 1.5) : 100, 0.01);
			add_row("poll", at[i], poll[i], 0.02);
		}
		check_verdict(slope, steep ? CLAIM_FAILS : CLAIM_HOLDS);
		check_verdict(crossing, steep ? CLAIM_FAILS : CLAIM_HOLDS);
	}
}

static void mechanism(void **state)
{
	static struct call_count calls[] = { { "io_uring_enter", 2000 },
					     { "recvfrom", 1000 } };
	static const char file[] = "uring io_uring_enter !recvfrom\n";
	static const char lines[] =
		"holds calls(uring, one) = 2 or cpu(poll, idle@0) < 0ns";
	char error[PLAN_ERROR_SIZE];
	struct row *uring;

	(void)state;
	both(100, 100, 0);
	assert_true(mechanisms_parse(&mechanisms, file, strlen(file), "m",
				     models, error));
	uring = add_row("uring", ONE, 100, 0);
	check_verdict(lines, CLAIM_UNKNOWN); /* nothing was counted */
	uring->calls = calls;
	uring->calls_per = 1000;
	uring->n_calls = 1;
	uring->metric[METRIC_CALLS_PER_REQUEST].median = 2.0003;
	check_verdict(lines, CLAIM_HOLDS);
	uring->n_calls = 2; /* it called recv */
	check_verdict(lines, CLAIM_UNKNOWN);
	uring->n_calls = 1;
	uring->metric[METRIC_CALLS_PER_REQUEST].median = 2.3; /* by chance */
	check_verdict("holds calls(uring, one) > 2 or cpu(poll, idle@0) < 0ns",
		      CLAIM_UNKNOWN);
	uring->n = 0;
	uring->status = STATUS_UNSUPPORTED;
	check_verdict(lines, CLAIM_UNKNOWN);
}

static void rows_of_primitives(void **state)
{
	static const char table[] =
		"primitive,method,watched,ready,count,unit,value,low,high,"
		"repetitions,calls,why\n"
		"wait,epoll,10,1,,ns,200,190,210,9,1,\n"
		"wait,epoll,1000,1,,ns,205,190,220,9,1,\n"
		"wait,poll,1000,1,,ns,20000,19000,21000,9,1,\n"
		"signal,standard,,,1000,count,1,1,1,9,,\n"
		"wait,aio,1000,1,,ns,,,,,,\"no, \"\"never\"\"\"\n";
	char copy[sizeof(table)], why[WHY_SIZE];

	(void)state;
	both(100, 100, 0);
	memcpy(copy, table, sizeof(table));
	assert_true(primitives_parse(&primitives, copy, why));
	assert_int_equal(primitives.n, 5);
	assert_string_equal(primitives.list[4].why, "no, \"never\"");
#define P(x) "holds " x " or cpu(poll, one) < 0ns" USED
	check_verdict(P("primitive(wait, poll, watched 1000, ready 1) / "
			"primitive(wait, epoll, watched 1000, ready 1) > 20"),
		      CLAIM_HOLDS);
	check_verdict(
		P("slope(primitive(wait, epoll, watched 10 1000, ready 1)) "
		  "= 0 within 0.5ns"),
		CLAIM_HOLDS);
	check_verdict(P("primitive(signal, standard, count 1000) = 1000"),
		      CLAIM_FAILS);
	check_verdict(P("primitive(wait, aio, watched 1000, ready 1) > 1us"),
		      CLAIM_UNKNOWN);
}

/* -------------------------------------------------------------------- mistakes */

static void mistakes(void **state)
{
	static const struct {
		const char *line, *part; /* of the error */
	} known[] = {
		{ "holds cpu(pol, one) > 1us", "'poll'" },
		{ "holds cpu(poll, on) > 1us", "'one'" },
		{ "holds cpv(poll, one) > 1us", "'cpu'" },
		{ "holds cpu(poll, one) > 1", "a time" },
		{ "holds cpu(poll, one) > 1MiB", "a time" },
		{ "holds cpu(poll, idle) > 1us", "sweep" },
		{ "holds cpu(poll, idle@7) > 1us", "0, 100, 900" },
		{ "holds calls(poll, one, recvform) > 1", "recvfrom" },
		{ "holds cpu(poll, one) / rate(poll, one) > 1", "a rate" },
		{ "holds slope(cpu(poll, one)) > 1us", "sweep" },
		{ "holds (cpu(poll, one) > 1us", "')'" },
		{ "holds cpu(poll, one) > 1us and", "the end" },
		{ "holds cpu(poll, one) = 1us within", "margin" },
		{ "hold cpu(poll, one) > 1us", "'holds'" },
		{ "holds primitive(wat, epoll) > 1us", "'wait'" },
		{ "holds cpu(poll, one) > 1us\n", "no predicate names it" },
		{ "control epoll scam=2us", "'scan'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		char text[4096], error[PLAN_ERROR_SIZE];
		struct claim c;

		snprintf(text, sizeof(text), "%s%s", head, known[i].line);
		assert_false(claim_parse(&c, text, strlen(text), "x.claim",
					 models, error));
		if (!strstr(error, known[i].part) ||
		    strncmp(error, "x.claim:", 8) != 0)
			fail_msg("%s: %s", known[i].line, error);
	}
}

/* ----------------------------------------------------------------- many together */

/* Each claim is just false, and chance may let it hold. */
static size_t wrong_runs(double (*noise)(void), size_t n_runs)
{
	enum { CLAIMS = 40 };
	static struct claim claim[CLAIMS];
	const struct claim *all[CLAIMS];
	struct evidence e[CLAIMS],
		of = { &reduced, &primitives, &mechanisms, NULL, 2, 0 };
	static struct reduced own[CLAIMS];
	static struct row rows[CLAIMS][2];
	static struct record r[CLAIMS][2][BLOCKS];
	static const struct record *at[CLAIMS][2][BLOCKS];
	size_t wrong = 0;

	both(100, 100, 0);
	for (int i = 0; i < CLAIMS; i++) {
		char text[1024], error[PLAN_ERROR_SIZE];

		snprintf(text, sizeof(text),
			 "claim c\ntaught t\ntopic t\ncontrol epoll calls=1\n"
			 "setting one closed split connections 1\n"
			 "holds cpu(poll, one) / cpu(epoll, one) > 1\n");
		assert_true(claim_parse(&claim[i], text, strlen(text), "c",
					models, error));
		all[i] = &claim[i];
		for (int m = 0; m < 2; m++) {
			rows[i][m] = row[m];
			rows[i][m].timed = at[i][m];
			for (int k = 0; k < BLOCKS; k++)
				at[i][m][k] = &r[i][m][k];
		}
		own[i] = (struct reduced){ .row = rows[i],
					   .n = 2,
					   .n_blocks = BLOCKS };
		e[i] = of;
		e[i].reduced = &own[i];
	}
	for (size_t run = 0; run < n_runs; run++) {
		struct judgement *j;
		bool any = false;

		/* Half of them are clear, so that Holm's level rises. */
		for (int i = 0; i < CLAIMS; i++)
			for (int m = 0; m < 2; m++)
				for (int k = 0; k < BLOCKS; k++)
					r[i][m][k].metric
						[METRIC_SERVER_CPU_PER_REQUEST] =
						exp(0.02 * noise() +
						    (i % 2 && m == 0));
		j = judge_claims(all, CLAIMS, e);
		for (int i = 0; i < CLAIMS; i += 2)
			any |= j[i].verdict != CLAIM_UNKNOWN;
		for (int i = 1; i < CLAIMS; i += 2)
			any |= j[i].verdict == CLAIM_FAILS;
		wrong += any;
		judgements_free(j, CLAIMS);
	}
	for (int i = 0; i < CLAIMS; i++)
		claim_free(&claim[i]);
	return wrong;
}

/* Two sides can err here, as the truth is on the limit: either verdict is wrong. */
static void any_wrong_verdict(void **state)
{
	size_t n = runs(300),
	       allowed = n / 20 + 3 * (size_t)sqrt((double)n / 20);

	(void)state;
	check_near(holm_level(40, 0), 1 - 0.05 / 40, 1e-12);
	check_near(holm_level(40, 20), 1 - 0.05 / 20, 1e-12);
	assert_in_range(wrong_runs(normal, n), 0, allowed);
	assert_in_range(wrong_runs(heavy, n), 0, allowed);
	if (getenv("STATS_RUNS"))
		printf("any wrong verdict of 40, 20 of them on the limit: normal "
		       "%.1f %%, heavy-tailed %.1f %%\n",
		       100.0 * (double)wrong_runs(normal, n) / (double)n,
		       100.0 * (double)wrong_runs(heavy, n) / (double)n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals),
		cmocka_unit_test(conditions),
		cmocka_unit_test(sweeps),
		cmocka_unit_test(mechanism),
		cmocka_unit_test(rows_of_primitives),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(any_wrong_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
