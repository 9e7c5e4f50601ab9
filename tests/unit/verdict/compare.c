/* SPDX-License-Identifier: MIT */
/* compare.c - ratios within rounds, and their verdicts: no claim without data, no
 * figure that says more than was measured */
#include "tests/unit/noise.h"
#include "tests/unit/verdict/crafted.h"

static const enum metric RATE = METRIC_REQUESTS_PER_SECOND;
static const enum metric CPU = METRIC_SERVER_CPU_PER_REQUEST;

static const char *sentence(const char *cell, enum metric m)
{
	static char text[SENTENCE_SIZE];

	return comparison_sentence(&run, comparison(cell, m), text);
}

static void says(const char *cell, enum metric m, enum verdict verdict,
		 const char *text)
{
	assert_string_equal(sentence(cell, m), text);
	assert_int_equal(comparison(cell, m)->verdict, verdict);
}

/* Of this cell, in these blocks */
static void mark(const char *cell, unsigned first, unsigned last,
		 void (*change)(struct record *r))
{
	struct cell c;

	assert_true(cell_parse(cell, &c));
	for (size_t i = 0; i < n_records; i++)
		if (cell_same(&records[i].cell, &c) &&
		    records[i].block >= first && records[i].block <= last)
			change(&records[i]);
}

static void bind(struct record *r)
{
	r->bound = true;
}

static void saturate(struct record *r)
{
	r->saturated = true;
}

static void fail_record(struct record *r)
{
	bad(r, STATUS_FAILED, "it died");
}

static void lose_slices(struct record *r)
{
	r->n_slices = 0;
}

static void use_a_cgroup(struct record *r)
{
	strcpy(r->cpu_method, "cgroup");
}

/* ----------------------------------------------------------------- three answers */

static void different(void **state)
{
	const struct comparison *c;

	(void)state;
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	reduce_records();
	assert_string_equal(run.reference, "epoll");
	assert_int_equal(run.n_comparisons, 2);
	assert_true(run.family.n == 2 && run.family.called == 2);
	c = comparison(CLOSED("poll", "64"), CPU);
	assert_ptr_equal(c->with, row_of(CLOSED("epoll", "64")));
	check_near(exp(c->ratio.value), 2.002, 1e-6);
	assert_int_equal(c->ratio.n, 6);
	assert_int_equal(c->rounds, 6 * ROUNDS);
	assert_int_equal(c->state, STATE_NONE);
	check_near(exp(c->twin.value), 1.002, 1e-6);
	assert_true(c->twin_range.low > 1.001 && c->twin_range.high < 1.003);
	says(CLOSED("poll", "64"), CPU, VERDICT_DIFFERENT,
	     "poll uses 2.00 times as much CPU per request as epoll at 64 "
	     "connections");
	says(CLOSED("poll", "64"), RATE, VERDICT_DIFFERENT,
	     "epoll serves 2.00 times as many requests/s as poll at 64 "
	     "connections");
	keep(reduced_comparisons_csv(&run));
	has(shown,
	    "setting,model,reference,metric,ratio,low,high,blocks,rounds,"
	    "aa_low,aa_high,p,verdict,sentence,state\n"
	    "closed split 64,poll,epoll,requests_per_second,0.499500");
	has(shown, ",6,24,");
	has(shown, ",different,poll uses 2.00 times as much CPU per request as "
		   "epoll at 64 connections,\n");
}

/* The number is the far end of the interval, rounded up. */
static void equal(void **state)
{
	(void)state;
	six_blocks(CLOSED("uring", "64"), 1.005, CLOSED("epoll", "64"));
	six_blocks(CLOSED("poll", "64"), 0.982, CLOSED("epoll", "64"));
	reduce_records();
	says(CLOSED("uring", "64"), RATE, VERDICT_EQUAL,
	     "uring and epoll: equal within 1 % in requests/s at 64 "
	     "connections");
	says(CLOSED("poll", "64"), RATE, VERDICT_EQUAL,
	     "poll and epoll: equal within 2 % in requests/s at 64 "
	     "connections");
	options.margin = 0.0185;
	reduce_records();
	assert_int_equal(comparison(CLOSED("poll", "64"), RATE)->verdict,
			 VERDICT_EQUAL);
	has(sentence(CLOSED("poll", "64"), RATE), "equal within 1.85 % in");
	options.margin = 0.01;
	reduce_records();
	assert_int_equal(comparison(CLOSED("poll", "64"), RATE)->verdict,
			 VERDICT_DIFFERENT);
	assert_int_equal(comparison(CLOSED("uring", "64"), RATE)->verdict,
			 VERDICT_EQUAL);
}

static void undecided(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 6; i++) {
		timed(CLOSED("epoll", "64"), i, 1000, 100);
		timed(CLOSED("uring", "64"), i, 1000, i % 2 ? 103 : 97);
	}
	reduce_records();
	says(CLOSED("uring", "64"), CPU, VERDICT_UNDECIDED,
	     "uring and epoll: undecided in CPU per request at 64 connections "
	     "(0.958 to 1.043)");
	has(findings(),
	    "\nserver_cpu,uring: undecided against epoll in CPU per "
	    "request at 64 connections (0.958 to 1.043),\"1 "
	    "undecided; 6 blocks,");
	summary_has("uring: undecided against epoll in CPU per request at 64 "
		    "connections (0.958 to 1.043)");
}

/* Whatever the reference is called, a ratio is the same. */
static void another_reference(void **state)
{
	double there;

	(void)state;
	six_blocks(CLOSED("poll", "64"), 1.3, CLOSED("epoll", "64"));
	reduce_records();
	there = comparison(CLOSED("poll", "64"), CPU)->ratio.value;
	options.reference = "poll";
	reduce_records();
	assert_string_equal(run.reference, "poll");
	assert_null(comparison(CLOSED("poll", "64"), CPU));
	check_near(comparison(CLOSED("epoll", "64"), CPU)->ratio.value, -there,
		   1e-15);
	assert_int_equal(comparison(CLOSED("epoll", "64"), CPU)->twin.n, 0);
	options.reference = "";
	reduce_records();
	assert_string_equal(run.reference, "epoll");
}

static void the_usual_reference(void **state)
{
	(void)state;
	timed(CLOSED("mine", "64"), 1, 100, 1);
	reduce_records();
	assert_string_equal(run.reference, "mine");
	summary_has("No comparison: it takes two models");
	timed(CLOSED("uring", "64"), 1, 100, 1);
	idle("epoll", 0);
	reduce_records();
	assert_string_equal(run.reference, "uring");
	timed(CLOSED("epoll", "1"), 1, 100, 1);
	reduce_records();
	assert_string_equal(run.reference, "epoll");
	assert_int_equal(run.n_comparisons, 0);
	has(warnings(), "epoll, the reference, was not measured (1 setting; "
			"at 64 connections)");
	has_not(warnings(), "at 1 connection");
}

/* ------------------------------------------------------------------------- rounds */

/* A dropped round, the warm-up, and a round that one of them lacks are in no ratio;
 * of five rounds, the lowest and the highest count less. */
static void rounds_that_count(void **state)
{
	const struct comparison *c;

	(void)state;
	for (unsigned i = 1; i <= 6; i++) {
		struct record *r = timed(CLOSED("epoll", "64"), i, 1000, 100);
		struct slice more = r->slices[1];

		r->slices[3].counted = false;
		r = timed(CLOSED("poll", "64"), i, 1000, 200);
		more.round = 9;
		more.cpu_ns = 7;
		r->slices = grow(r->slices, ROUNDS + 2, sizeof(more));
		r->slices[r->n_slices++] = more;
		r->slices[1].counted = false;
		r->slices[1].cpu_ns = 1e15;
		r->slices[2].cpu_ns = NAN;
	}
	reduce_records();
	c = comparison(CLOSED("poll", "64"), CPU);
	check_near(exp(c->ratio.value), 2, 1e-9);
	assert_int_equal(c->rounds, 6 * (ROUNDS - 3));
	assert_int_equal(comparison(CLOSED("poll", "64"), RATE)->rounds,
			 6 * (ROUNDS - 2));
}

static void an_odd_round_is_trimmed(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 6; i++) {
		for (int k = 0; k < 2; k++) {
			struct record *r = timed(k ? CLOSED("poll", "64") :
						     CLOSED("epoll", "64"),
						 i, 1000, k ? 200 : 100);

			r->slices[0].round = ROUNDS + 1; /* five */
			r->slices[0].counted = true;
			r->slices[0].cpu_ns = k ? 1e9 : 1;
		}
	}
	reduce_records();
	check_near(exp(comparison(CLOSED("poll", "64"), CPU)->ratio.value), 2,
		   1e-9);
}

static void dropped_rounds_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++)
		for (int k = 0; k < 2; k++) {
			struct record *r = timed(k ? CLOSED("poll", "64") :
						     CLOSED("epoll", "64"),
						 i, 1000, 100);

			r->rounds.dropped = 2;
			r->rounds.why[DROP_STEAL] = 1;
			r->rounds.why[DROP_FOREIGN] = 1;
		}
	reduce_records();
	has(warnings(),
	    "4 of 12 rounds were dropped, each for all servers "
	    "(steal time 2, machine suspended 0, other programs 2)\n");
}

/* ------------------------------------------------------------------------- missing */

static void what_is_missing(void **state)
{
	const char *poll = CLOSED("poll", "64");

	(void)state;
	six_blocks(poll, 2, CLOSED("epoll", "64"));
	mark(poll, 3, 6, fail_record);
	reduce_records();
	assert_int_equal(comparison(poll, CPU)->verdict, VERDICT_DIFFERENT);
	assert_int_equal(comparison(poll, CPU)->ratio.n, 2);
	mark(poll, 2, 2, fail_record);
	reduce_records();
	says(poll, RATE, VERDICT_MISSING,
	     "poll and epoll: no comparison in requests/s at 64 connections: 1 "
	     "block with rounds of both; it takes two");
	assert_int_equal(run.family.n, 0);
	has(warnings(), "poll and epoll are not compared: 1 block with rounds");
	mark(poll, 1, 1, fail_record);
	reduce_records();
	says(poll, RATE, VERDICT_MISSING,
	     "poll and epoll: no comparison in requests/s at 64 connections: "
	     "poll has no result (failed): it died");
	has_not(warnings(), "are not compared");
	has(findings(),
	    "throughput/closed split 64,requests/s: 1.00 k/s (epoll) at ");
}

static void a_reference_that_failed(void **state)
{
	(void)state;
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	mark(CLOSED("epoll", "64"), 1, 6, fail_record);
	reduce_records();
	assert_int_equal(run.n_comparisons, 2);
	has(sentence(CLOSED("poll", "64"), CPU),
	    "epoll has no result (failed): it died");
	summary_has("Of 2 comparisons with epoll: 2 missing");
	summary_has("epoll failed: it died");
}

static void lost_slices(void **state)
{
	(void)state;
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	mark(CLOSED("epoll", "64"), 1, 6, lose_slices);
	reduce_records();
	has(sentence(CLOSED("poll", "64"), CPU),
	    "0 blocks with rounds of both");
}

static void cpu_of_different_methods(void **state)
{
	const char *poll = CLOSED("poll", "64");

	(void)state;
	six_blocks(poll, 2, CLOSED("epoll", "64"));
	mark(poll, 2, 2, use_a_cgroup);
	reduce_records();
	assert_string_equal(row_of(poll)->cpu_method, "mixed");
	assert_int_equal(comparison(poll, RATE)->verdict, VERDICT_DIFFERENT);
	has(sentence(poll, CPU), "by different methods (mixed, process)");
	has(warnings(), "by different methods (mixed, process) (1 setting;");
	mark(poll, 1, 6, use_a_cgroup);
	reduce_records();
	has(sentence(poll, CPU), "by different methods (cgroup, process)");
	mark(CLOSED("epoll", "64"), 1, 6, use_a_cgroup);
	reduce_records();
	assert_int_equal(comparison(poll, CPU)->verdict, VERDICT_DIFFERENT);
}

/* ------------------------------------------------------------- bounds and limits */

static void a_lower_bound_of_the_reference(void **state)
{
	const char *thread = CLOSED("thread", "64"),
		   *poll = CLOSED("poll", "64");
	const char *uring = CLOSED("uring", "64");

	(void)state;
	six_blocks(thread, 1.6, CLOSED("epoll", "64"));
	six_blocks(poll, 0.999, CLOSED("epoll", "64"));
	six_blocks(uring, 0.8, CLOSED("epoll", "64"));
	mark(CLOSED("epoll", "64"), 1, 4, bind);
	reduce_records();
	assert_true(row_of(CLOSED("epoll", "64"))->bound);
	says(thread, RATE, VERDICT_DIFFERENT,
	     "epoll serves at least 1.60 times as many requests/s as thread at "
	     "64 connections (generator at its limit with epoll)");
	assert_true(isnan(comparison(thread, RATE)->range.low));
	assert_true(comparison(thread, RATE)->range.high < 1);
	says(poll, RATE, VERDICT_BOUND,
	     "epoll serves at least 1.00 k/s at 64 connections: the generator "
	     "was at its limit");
	/* uring is faster than what is known of epoll. */
	assert_int_equal(comparison(uring, RATE)->verdict, VERDICT_BOUND);
	assert_true(comparison(uring, RATE)->p == 1);
	assert_int_equal(comparison(thread, RATE)->state,
			 STATE_GENERATOR_LIMIT);
	/* CPU time is a measurement. */
	says(thread, CPU, VERDICT_DIFFERENT,
	     "thread uses 1.60 times as much CPU per request as epoll at 64 "
	     "connections");
	summary_has("thread *624 at most 0.625 1.60 ms");
	summary_has("epoll >1.00 k");
	summary_has(
		"generator limit (at least so many requests/s, at most such "
		"times): epoll");
	keep(reduced_comparisons_csv(&run));
	has(shown, ",different,epoll serves at least 1.60 times as many "
		   "requests/s as thread at 64 connections (generator at its "
		   "limit with epoll),generator limit\n");
}

static void bounds_of_both(void **state)
{
	const char *poll = CLOSED("poll", "64");

	(void)state;
	six_blocks(poll, 0.5, CLOSED("epoll", "64"));
	mark(poll, 1, 6, bind);
	reduce_records();
	says(poll, RATE, VERDICT_DIFFERENT,
	     "poll serves at least 2.00 times as many requests/s as epoll at 64 "
	     "connections (generator at its limit with poll)");
	mark(CLOSED("epoll", "64"), 1, 6, bind);
	reduce_records();
	says(poll, RATE, VERDICT_BOUND,
	     "poll serves at least 2.00 k/s, epoll serves at least 1.00 k/s at "
	     "64 connections: the generator was at its limit");
	assert_true(isnan(comparison(poll, RATE)->p));
	assert_int_equal(run.family.n, 1);
}

/* In three of six blocks: not most */
static void a_bound_in_few_blocks(void **state)
{
	(void)state;
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	mark(CLOSED("epoll", "64"), 1, 3, bind);
	reduce_records();
	assert_false(row_of(CLOSED("epoll", "64"))->bound);
	assert_int_equal(comparison(CLOSED("poll", "64"), RATE)->state,
			 STATE_NONE);
}

/* A saturated server makes its clients wait as long as the load lasts. */
static void saturated_servers(void **state)
{
	const char *select = OPEN("select", "split"),
		   *poll = OPEN("poll", "split");
	const enum metric p50 = METRIC_RESPONSE_P50;

	(void)state;
	six_blocks(select, 40, OPEN("epoll", "split"));
	six_blocks(poll, 3, OPEN("epoll", "split"));
	mark(select, 1, 6, saturate);
	reduce_records();
	says(select, p50, VERDICT_DIFFERENT,
	     "select has at least 40.0 times the median response time of epoll "
	     "at 64 connections (open loop at 10,000/s) (select is "
	     "saturated)");
	has(sentence(select, CPU), "(select uses its whole core)");
	assert_int_equal(comparison(select, CPU)->state, STATE_WHOLE_CORE);
	has(findings(), "server_cpu,\"poll uses 3.00 to 3.01 times ");
	has(shown, "load,\"poll has 3.00 to 3.01 times ");
	mark(OPEN("epoll", "split"), 1, 6, saturate);
	reduce_records();
	has(sentence(select, p50),
	    "select has a median response time of at least 40.0 ms, epoll has a "
	    "median response time of at least 1.00 ms at 64 connections");
	has(sentence(select, p50), ": they are saturated");
}

static void generator_limits_of_times(void **state)
{
	const char *poll = OPEN("poll", "split");

	(void)state;
	six_blocks(poll, 2, OPEN("epoll", "split"));
	mark(OPEN("epoll", "split"), 1, 6, bind);
	reduce_records();
	has(sentence(poll, METRIC_RESPONSE_P50),
	    "poll has at least 2.00 times the median response time of epoll");
	mark(poll, 1, 6, bind);
	reduce_records();
	has(sentence(poll, METRIC_RESPONSE_P50),
	    "poll has a median response time of at most 2.00 ms, epoll has a "
	    "median response time of at most 1.00 ms");
}

static void servers_that_use_their_whole_core(void **state)
{
	(void)state;
	idle("busypoll", 1);
	six_blocks(CLOSED("busypoll", "64"), 9, CLOSED("epoll", "64"));
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	six_blocks(SHARED("busypoll"), 9, SHARED("epoll"));
	reduce_records();
	says(CLOSED("busypoll", "64"), CPU, VERDICT_DIFFERENT,
	     "busypoll uses 9.00 to 9.02 times as much CPU per request as epoll "
	     "at 64 connections (busypoll uses its whole core)");
	assert_int_equal(comparison(CLOSED("busypoll", "64"), RATE)->state,
			 STATE_NONE);
	says(SHARED("busypoll"), CPU, VERDICT_MISSING,
	     "busypoll and epoll: no comparison in CPU per request at 64 "
	     "connections (one core): busypoll is oversubscribed: it spins on "
	     "the core that its clients need");
	has(findings(), "\nserver_cpu,poll uses 2.00 times ");
	has_not(findings(), "busypoll uses");
	summary_has("epoll serves 9.00 to 9.02 times as many requests/s as "
		    "busypoll at 64 connections; as poll 2.00");
}

/* ----------------------------------------------------- what a setting is judged by */

/* Where server and clients share a core: service time, whatever the generator says */
static void one_latency_measure(void **state)
{
	(void)state;
	six_blocks(OPEN("poll", "split"), 2, OPEN("epoll", "split"));
	six_blocks(OPEN("poll", "shared"), 2, OPEN("epoll", "shared"));
	records[0].load = json_pack("{s:b}", "coarse", 1);
	reduce_records();
	assert_int_equal(run.n_comparisons, 4);
	assert_true(is_coarse(&row_of(OPEN("poll", "shared"))->cell));
	assert_false(is_coarse(&row_of(OPEN("poll", "split"))->cell));
	assert_non_null(comparison(OPEN("poll", "split"), METRIC_RESPONSE_P50));
	assert_non_null(comparison(OPEN("poll", "split"), CPU));
	assert_non_null(comparison(OPEN("poll", "shared"), METRIC_SERVICE_P50));
	assert_non_null(comparison(OPEN("poll", "shared"), CPU));
	has(warnings(),
	    "the delay of its wake-ups is in the response times (1 ");
	summary_has("model req/s p50 ratio p99 CPU/req ratio calls/req n");
	summary_has("model req/s svc p50 ratio svc p99 CPU/req ratio calls/req "
		    "n");
	has(findings(),
	    "load/open split 64 rate 10000,\"poll has 2.00 times the "
	    "median response time of epoll ");
	has(shown, "load/open shared 64 rate 10000,\"poll has 2.00 times the "
		   "median service time of epoll ");
}

static void the_baseline_server(void **state)
{
	const char *lean = CLOSED("baseline", "64");
	const struct comparison *c;

	(void)state;
	six_blocks(CLOSED("poll", "64"), 1.3, CLOSED("epoll", "64"));
	six_blocks(CLOSED("uring", "64"), 0.9, CLOSED("epoll", "64"));
	for (unsigned i = 1; i <= 6; i++)
		timed(lean, i, 1000 + i % 3 - 1.0, 90)->role = ROLE_BASELINE;
	reduce_records();
	c = comparison(lean, RATE);
	assert_true(isnan(c->p));
	assert_int_equal(run.family.n, 4);
	has(sentence(lean, CPU),
	    "epoll uses 1.11 times as much CPU per request "
	    "as the baseline server at");
	assert_true(row_of(CLOSED("epoll", "64"))->at_limit);
	assert_true(row_of(CLOSED("uring", "64"))->at_limit);
	assert_false(row_of(CLOSED("poll", "64"))->at_limit);
	has(warnings(),
	    "not slower than the baseline server, so at the limit of "
	    "generator and kernel: epoll and uring (1 setting; at 64 "
	    "connections)\n");
	summary_has("Of 4 comparisons with epoll: 4 different");
}

static void a_noisy_twin(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 6; i++) {
		timed(CLOSED("epoll", "64"), i, 1000, 100);
		timed(CLOSED("poll", "64"), i, 1000, 100);
		timed(CLOSED("uring", "64"), i, 1000, 100);
		again(CLOSED("epoll", "64"), i, i % 2 ? 950 : 1050, 100);
	}
	reduce_records();
	has(warnings(), "noisy: epoll and its A/A twin differ by up to 10 % in "
			"requests/s (1 setting; at 64 connections)\n");
	has_not(warnings(), "in CPU per request");
	for (size_t i = 0; i < n_records; i++)
		if (records[i].role == ROLE_AA)
			fail_record(&records[i]);
	reduce_records();
	has_not(warnings(), "noisy");
	has(warnings(), "A/A repetitions excluded: it died (6 repetitions;");
}

/* -------------------------------------------------------------------- regressions */

static void regressions(void **state)
{
	(void)state;
	six_blocks(CLOSED("poll", "64"), 1.05, CLOSED("epoll", "64"));
	six_blocks(CLOSED("uring", "64"), 0.9, CLOSED("epoll", "64"));
	six_blocks(OPEN("poll", "split"), 1.05, OPEN("epoll", "split"));
	for (unsigned i = 1; i <= 6; i++)
		timed(CLOSED("baseline", "64"), i, 500, 200)->role =
			ROLE_BASELINE;
	reduce_records();
	assert_int_equal(reduced_regressions(&run, 0.03), 4);
	assert_true(
		is_regression(comparison(CLOSED("poll", "64"), RATE), 0.03));
	assert_false(
		is_regression(comparison(CLOSED("uring", "64"), RATE), 0.03));
	assert_int_equal(reduced_regressions(&run, 0.0505), 0);
}

/* ---------------------------------------------------------------------- headlines */

/* The largest effect first; a line for each metric of a setting and direction */
static void the_most_telling_first(void **state)
{
	const char *text;
	size_t lines = 0;

	(void)state;
	for (unsigned k = 1; k <= 4; k++) {
		char cell[6][CELL_NAME_SIZE];
		static const char *const models[] = { "epoll",  "aio",
						      "thread", "poll",
						      "uring",  "mine" };
		static const double slow[] = { 1, 9, 1.5, 1.004, 0.9 };

		for (int m = 0; m < 6; m++)
			snprintf(cell[m], sizeof(cell[m]),
				 "model:%s/loop:closed/connections:%u/"
				 "message:64/placement:split",
				 models[m], k);
		for (int m = 1; m < 5; m++)
			six_blocks(cell[m], m == 1 ? slow[m] + k : slow[m],
				   cell[0]);
		for (unsigned b = 1; b <= 6; b++)
			timed(cell[5], b, 1000, b % 2 ? 150 : 70);
	}
	reduce_records();
	text = strchr(keep(reduced_summary(&run, false)), '\n') + 1;
	for (const char *at = text; *at == ' '; at = strchr(at, '\n') + 1)
		lines++;
	assert_int_equal(lines, 10);
	has(unbroken(shown),
	    "Of 40 comparisons with epoll: 24 different, 12 equal within 3 %, 4 "
	    "undecided "
	    "epoll serves 13.0 times as many requests/s as aio at 4 connections; "
	    "as thread 1.50 aio uses 13.0 times as much CPU per request as epoll "
	    "at 4 connections; thread 1.50 epoll serves 12.0 times");
	has(shown,
	    "poll and mine: equal to epoll within 1 % in requests/s at 1 "
	    "connection");
	has_not(shown, "undecided against");
	has(findings(),
	    "\nverdicts,\"Of 40 comparisons with epoll: 24 different, "
	    "12 equal within 3 %, 4 undecided\",\"6 blocks, intervals of the "
	    "ratio at 96 %; ");
	has(shown, "\nverdicts/1,epoll serves 13.0 times as many requests/s as "
		   "aio at 4 connections; as thread 1.50,");
	has(shown, "\nserver_cpu/closed split 1,aio uses 10.0 times ");
}

/* ------------------------------------------------------------ a run of one model */

static struct record *noisy(const char *cell, unsigned block, double slower)
{
	double start = 1 + 0.007 * normal();
	struct record *r = timed(cell, block, 1000, 100 * slower);

	for (size_t k = 0; k < r->n_slices; k++)
		r->slices[k].cpu_ns *= start * (1 + 0.01 * heavy());
	return r;
}

/* Six models of which the last is slower, with noise as in ratios.c */
static void false_and_true_claims(void **state)
{
	static const char *const others[] = {
		CLOSED("thread", "64"), CLOSED("select", "64"),
		CLOSED("poll", "64"),   CLOSED("aio", "64"),
		CLOSED("uring", "64"),  CLOSED("slow", "64")
	};
	size_t wrong = 0, found = 0;

	(void)state;
	for (size_t k = 0; k < runs(100); k++) {
		bool any = false;

		for (unsigned b = 1; b <= 6; b++) {
			noisy(CLOSED("epoll", "64"), b, 1);
			for (size_t m = 0; m < 6; m++)
				noisy(others[m], b, m == 5 ? 1.05 : 1);
		}
		reduce_records();
		for (size_t m = 0; m < 5; m++)
			any |= comparison(others[m], CPU)->verdict ==
			       VERDICT_DIFFERENT;
		wrong += any;
		found += comparison(others[5], CPU)->verdict ==
			 VERDICT_DIFFERENT;
		forget(state);
	}
	printf("of %zu runs, one model 5 %% slower: found in %zu; any other "
	       "called different in %zu\n",
	       runs(100), found, wrong);
	assert_true(wrong <= 5 * runs(100) / 100);
	assert_true(found >= 90 * runs(100) / 100);
}

#define TEST(f) cmocka_unit_test_teardown(f, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(different),
		TEST(equal),
		TEST(undecided),
		TEST(another_reference),
		TEST(the_usual_reference),
		TEST(rounds_that_count),
		TEST(an_odd_round_is_trimmed),
		TEST(dropped_rounds_are_reported),
		TEST(what_is_missing),
		TEST(a_reference_that_failed),
		TEST(lost_slices),
		TEST(cpu_of_different_methods),
		TEST(a_lower_bound_of_the_reference),
		TEST(bounds_of_both),
		TEST(a_bound_in_few_blocks),
		TEST(saturated_servers),
		TEST(generator_limits_of_times),
		TEST(servers_that_use_their_whole_core),
		TEST(one_latency_measure),
		TEST(the_baseline_server),
		TEST(a_noisy_twin),
		TEST(regressions),
		TEST(the_most_telling_first),
		TEST(false_and_true_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
