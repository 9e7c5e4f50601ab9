/* SPDX-License-Identifier: MIT */
/* reduce.c - from repetitions to rows and files: no invalid repetition in a value,
 * nothing left out without a warning */
#include "tests/unit/verdict/crafted.h"

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
	assert_ptr_equal(row->timed[1], &records[1]);
	assert_null(row->twin[1]);
	assert_int_equal(row->rounds, 3 * ROUNDS);
	assert_true(isnan(row->metric[METRIC_STEAL_SHARE].median));
}

/* A bout that was measured again replaces the first, whatever came of it. */
static void the_last_record_of_a_block_counts(void **state)
{
	const char *cell = CLOSED("epoll", "64");
	const struct row *row;

	(void)state;
	timed(cell, 1, 9000, 1);
	timed(cell, 1, 100, 1);
	bad(timed(cell, 2, 9000, 1), STATUS_FAILED, "stolen, 7 %");
	timed(cell, 2, 110, 1);
	timed(cell, 3, 9000, 1);
	bad(timed(cell, 3, 9000, 1), STATUS_FAILED, "stolen, 9 %");
	bad(timed(cell, 4, 9000, 1), STATUS_FAILED, "stolen, 10 %");
	reduce_records();
	row = row_of(cell);
	assert_int_equal(run.n_blocks, 4);
	assert_int_equal(row->n, 2);
	assert_int_equal(row->invalid, 2);
	assert_int_equal(row->status, STATUS_OK);
	assert_string_equal(row->reason, "stolen, 10 %");
	assert_true(row->metric[METRIC_REQUESTS_PER_SECOND].median == 105);
	assert_int_equal(row->metric[METRIC_REQUESTS_PER_SECOND].missing, 2);
	assert_null(row->timed[2]);
	summary_has("excluded: stolen, 9 to 10 % (2 repetitions; epoll; at "
		    "64 connections)");
}

static void cells_without_a_valid_repetition(void **state)
{
	static const struct {
		enum status status;
		const char *model, *says;
	} outcomes[] = {
		{ STATUS_REFUSED, "select", "select refused: why 1" },
		{ STATUS_UNSUPPORTED, "uring", "uring unsupported: why 2" },
		{ STATUS_FAILED, "mine", "mine failed: why 3" },
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
	has(warnings(), "2 lines of the record are ignored: their block");
}

static void rows_are_in_order(void **state)
{
	static const char *const expected[] = {
		CLOSED("select", "1"),
		CLOSED("poll", "1"),
		CLOSED("epoll", "1"),
		CLOSED("Zoe", "1"),
		CLOSED("delayloop:delay=100us", "1"),
		CLOSED("delayloop:delay=2ms", "1"),
		CLOSED("delayloop:delay=10ms", "1"),
		CLOSED("zed", "1"),
		CLOSED("baseline", "1"),
		CLOSED("epoll", "64"),
		SHARED("epoll"),
		OPEN("epoll", "split"),
		IDLE("epoll"),
	};

	(void)state;
	idle("epoll", 0);
	for (size_t i = LENGTH(expected) - 1; i--;)
		add(expected[i], i == 8 ? ROLE_BASELINE : ROLE_TIMING, 1);
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
		"work,service,placement,call,count,per_request,per_second,method\n" CLOSED(
			"epoll",
			"64") ",epoll,closed,64,,0,64,1,steady,none,echo,split,"
			      "recvfrom,150,1.5,150,bpf\n" CLOSED(
				      "epoll",
				      "64") ",epoll,closed,64,,0,64,1,steady,"
					    "none,echo,split,epoll_wait,50,0.5,50,"
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
	bad(c, STATUS_FAILED, "stolen");
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
}

/* -------------------------------------------------------------------- spinning */

static void servers_that_spin(void **state)
{

	(void)state;
	idle("busypoll", 0.91);
	idle("poll", 0.9);
	bad(idle("aio", 1), STATUS_FAILED, "stolen");
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
	assert_int_equal(comparison(SHARED("busypoll"),
				    METRIC_REQUESTS_PER_SECOND)
				 ->verdict,
			 VERDICT_MISSING);
	assert_int_equal(comparison(CLOSED("busypoll", "64"),
				    METRIC_REQUESTS_PER_SECOND)
				 ->verdict,
			 VERDICT_DIFFERENT);
	summary_has("oversubscribed (spins on the core that its clients need; "
		    "not compared): busypoll");
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

	assert_int_equal(n, 11 + 13 + 5 * METRICS + 2);
	rest = fields(rest, row, &of_row);
	assert_int_equal(of_row, n);
	assert_string_equal(row[column(head, n, "model")], "epoll");
	assert_string_equal(row[column(head, n, "rate")], "");
	assert_string_equal(row[column(head, n, "pattern")], "steady");
	assert_string_equal(row[column(head, n, "service")], "echo");
	assert_string_equal(row[column(head, n, "setting")], "closed split 64");
	assert_string_equal(row[column(head, n, "n")], "9");
	assert_string_equal(row[column(head, n, "rounds")], "36");
	assert_string_equal(row[column(head, n, "state")], "generator limit");
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

		for (unsigned k = 1; k <= 9; k++) {
			struct record *r = timed(CLOSED("epoll", "64"), k,
						 100000 + k / 10.0, 5);

			r->load = json_pack("{s:{s:[s,s]}}", "response_ns",
					    "unsure", "p99", "p99_9");
			r->bound = k > 4;
		}
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
	assert_int_equal(run.n + run.n_comparisons + run.n_blocks, 0);
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
		timed(OPEN("epoll", "shared"), i, 1e-3, 99949 * i);
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
			bad(r, STATUS_FAILED, "stolen, 2 %");
	}
	bad(timed(CLOSED("select", "64"), 1, 1, 1), STATUS_REFUSED, "too many");
	r = add(CLOSED("baseline", "64"), ROLE_BASELINE, 3);
	r->metric[METRIC_REQUESTS_PER_SECOND] = 200e3;
	r = counted(CLOSED("busypoll", "64"), names, (uint64_t[]){ 1, 1200000 },
		    2);
	r->metric[METRIC_SUBMISSIONS_PER_REQUEST] = 1;
	r->metric[METRIC_COMPLETIONS_PER_REQUEST] = 3;
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
	summary_has(
		"busypoll *96.8 k 0.627 to 0.638 10.3 us 31.0 us 335 ns 1.72 "
		"to 2.57 1.20 M/s 6 select refused: too many epoll 152 k "
		"6.60 us 19.8 us 150 ns 2.01 2 baseline 200 k - - - - 1 "
		"whole core (CPU/req depends on the rate; not ranked): "
		"busypoll busypoll: 1.00 io_uring");
	summary_has("busypoll: 1.00 io_uring submissions and 3.00 completions "
		    "per request, epoll: 2.00 and 2.50; these are not system "
		    "calls");
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
	static writer *const writers[] = {
		reduced_cells_csv,    reduced_calls_csv,
		reduced_findings_csv, reduced_comparisons_csv,
		reduced_warnings_csv, plain_summary
	};
	static struct record turned[LENGTH(records)];
	struct reduced q;

	(void)state;
	idle("epoll", 0);
	counted(CLOSED("poll", "64"), (const char *[]){ "poll" },
		(uint64_t[]){ 300 }, 1);
	six_blocks(CLOSED("poll", "64"), 2, CLOSED("epoll", "64"));
	six_blocks(OPEN("mine", "split"), 1.1, OPEN("epoll", "split"));
	for (size_t i = 0; i < n_records; i++)
		turned[i] = records[n_records - 1 - i];
	reduce_records();
	q = reduce(turned, n_records, NULL);
	for (size_t i = 0; i < LENGTH(writers); i++) {
		char *a = writers[i](&run), *b = writers[i](&q);

		assert_string_equal(a, b);
		assert_true(strlen(a) > 30);
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
	b = reduce(&again_read, 1, NULL);
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
		record_say(of->warnings, "read %u.%u ms late", i, i);
		record_say(of->warnings, "p%u of a%ub is unsure", 90 + i % 2,
			   i % 2);
	}
	reduce_records();
	has(warnings(),
	    "the governor is powersave (30 repetitions; poll, epoll; at 64 "
	    "connections, at 64 connections (one core))\n");
	has(warnings(), "read 1.1 to 30.30 ms late (30 repetitions;");
	has(warnings(), "p90 of a0b is unsure (15 repetitions;");
}

/* At most a dozen lines of the summary; it says where the others are. */
static void the_most_important_warnings_come_first(void **state)
{
	const char *text, *last;
	size_t lines = 0;

	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		for (char word = 'a'; word <= 'z'; word++)
			record_say(timed(CLOSED("epoll", "64"), i, 100, 10)
					   ->warnings,
				   "the %c governor is powersave", word);
	record_say(records[2 * 26 + 25].warnings, RECORD_FORCED "a kernel");
	bad(timed(CLOSED("poll", "64"), 1, 1, 1), STATUS_FAILED, "it died");
	bad(timed(CLOSED("epoll", "64"), 4, 1, 1), STATUS_FAILED, "stolen");
	for (size_t i = 0; i < n_records; i++)
		if (i % 26 != 25 && i < 78) /* of a bout measured again */
			json_array_extend(records[i - i % 26 + 25].warnings,
					  records[i].warnings);
	reduce_records();
	text = keep(reduced_summary(&run, false));
	last = strstr(text, "\nWhat limits trust in this run\n") + 1;
	for (const char *at = strchr(last, '\n') + 1; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 12);
	has(unbroken(shown),
	    "no result (failed): it died (1 cell; poll; at 64 connections) " RECORD_FORCED
	    "a kernel (1 repetition; epoll; at 64 connections) "
	    "repetitions excluded: stolen (1 repetition; epoll; at 64 "
	    "connections) the a governor is powersave (3 repetitions; epoll; at "
	    "64 connections)");
	has(shown, "... and 18 more in warnings.csv");
	keep(reduced_warnings_csv(&run));
	has(shown, "\nno result (failed): it died,1,cell,poll,closed "
		   "split 64\n" RECORD_FORCED "a kernel,1,repetition,epoll,"
		   "closed split 64\n");
	has(shown, "\nthe z governor is powersave,3,repetition,epoll,closed "
		   "split 64\n");
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
		check_table(reduced_comparisons_csv(&run));
		check_table(reduced_warnings_csv(&run));
		text = reduced_summary(&run, false);
		check_page(text, 200); /* of absurd numbers */
		free(text);
		forget(state);
	}
}

#define TEST(f) cmocka_unit_test_teardown(f, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_value_a_block),
		TEST(the_last_record_of_a_block_counts),
		TEST(cells_without_a_valid_repetition),
		TEST(cells_that_were_only_counted),
		TEST(block_numbers_of_no_plan),
		TEST(rows_are_in_order),
		TEST(counts_are_of_the_counting_repetition),
		TEST(counting_that_did_not_work),
		TEST(counts_of_different_methods),
		TEST(servers_that_spin),
		TEST(unknown_whether_servers_spin),
		TEST(cells_with_odd_reasons),
		TEST(no_records),
		TEST(a_page_of_a_hundred_columns),
		TEST(tables),
		TEST(same_records_same_files),
		TEST(lines_give_the_same_rows),
		TEST(warnings_are_grouped),
		TEST(the_most_important_warnings_come_first),
		TEST(random_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
