/* SPDX-License-Identifier: MIT */
/* progress.c - the progress output of a run */
#include "tests/unit/test.h"

#include "harness/matrix/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const ours[] = { "poll", "epoll", NULL };

/* A file or terminal that progress is printed to; `text` is the output to a file */
struct screen {
	struct plan plan;
	struct blocks blocks;
	struct progress *progress;
	FILE *file;
	char *text;
	size_t size, shown;
	int master; /* of a terminal, or -1 */
};

static const char a_plan[] = "blocks 3\nwarmup 1s\nwindow 8800ms\n"
			     "counting no\naa none\nceiling no\nidle none\n"
			     "models poll,epoll\ncells closed\n";

static void prepare(struct screen *v, const char *text)
{
	char error[PLAN_ERROR_SIZE];

	*v = (struct screen){ .master = -1 };
	if (!plan_parse(&v->plan, text, strlen(text), "my.plan", ours, error))
		fail_msg("%s", error);
	v->blocks = blocks_of(&v->plan);
}

static void open_file(struct screen *v, const char *text, bool quiet)
{
	prepare(v, text);
	v->file = open_memstream(&v->text, &v->size);
	v->progress = progress_open(v->file, &v->blocks, &v->plan, quiet);
}

static void open_terminal(struct screen *v, unsigned columns, bool quiet)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int slave;

	prepare(v, a_plan);
	v->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(v->master >= 0);
	assert_int_equal(grantpt(v->master), 0);
	assert_int_equal(unlockpt(v->master), 0);
	slave = open(ptsname(v->master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	v->file = fdopen(slave, "w");
	v->progress = progress_open(v->file, &v->blocks, &v->plan, quiet);
}

/* The output since the last call */
static const char *printed(struct screen *v)
{
	static char text[16384];
	ssize_t n = 0, got;

	if (v->master < 0) {
		fflush(v->file);
		snprintf(text, sizeof(text), "%s", v->text + v->shown);
		v->shown = v->size;
		return text;
	}
	while ((got = read(v->master, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	text[n] = '\0';
	return text;
}

static void closed(struct screen *v)
{
	progress_close(v->progress);
	fclose(v->file);
	free(v->text);
	if (v->master >= 0)
		close(v->master);
	blocks_free(&v->blocks);
	plan_free(&v->plan);
}

/* The n-th entry of this model and role */
static const struct entry *entry_of(const struct screen *v, const char *model,
				    enum role role, unsigned n)
{
	for (size_t i = 0; i < v->blocks.n; i++)
		if (v->blocks.entry[i].role == role &&
		    strcmp(v->blocks.entry[i].cell->model, model) == 0 &&
		    n-- == 0)
			return &v->blocks.entry[i];
	fail_msg("no %s", model);
	return NULL;
}

static void end(struct screen *v, const struct entry *e, enum status status,
		double took, const char *reason)
{
	struct record r;

	record_init(&r, e);
	r.status = status;
	r.took_s = took;
	if (reason)
		record_say(r.reasons, "%s", reason);
	r.metric[METRIC_RESPONSE_P50] = 4e5;
	r.metric[METRIC_RESPONSE_P99] = 1.2e6;
	if (e->role == ROLE_TIMING)
		r.metric[METRIC_REQUESTS_PER_SECOND] = 152000;
	r.metric[METRIC_CALLS_PER_REQUEST] = 3.01;
	progress_done(v->progress, &r, false);
	record_free(&r);
}

static void holds(struct screen *v, const char *expected)
{
	const char *text = printed(v);

	if (!strstr(text, expected))
		fail_msg("'%s': not in '%s'", expected, text);
}

/* -------------------------------------------------------- a line per repetition */

static void prints_a_line_per_repetition(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	progress_step(v.progress, &v.blocks.entry[0], "window");
	assert_string_equal(printed(&v), "");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_OK, 60, NULL);
	assert_string_equal(
		printed(&v),
		"[1/6] model:poll/loop:closed/connections:64/message:64/"
		"placement:split block 1 timing  p50 400 us  p99 1.20 ms  "
		"152,000 req/s  ok  5 min 00 s left\n");
	closed(&v);
}

/* From repetitions of the cell, else of the role, else from the plan */
static void estimates_the_time_left(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_OK, 60, NULL);
	holds(&v, "  5 min 00 s left\n");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 0), STATUS_OK, 10, NULL);
	holds(&v, "  2 min 20 s left\n");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 1), STATUS_OK, 20, NULL);
	holds(&v, "  2 min 15 s left\n");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 1), STATUS_OK, 60, NULL);
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 2), STATUS_OK, 60, NULL);
	holds(&v, "  15 s left\n");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 2), STATUS_OK, 60, NULL);
	assert_null(strstr(printed(&v), "left"));
	closed(&v);

	open_file(&v,
		  "blocks 2\nwarmup 1s\nwindow 8800ms\naa all\nceiling no\n"
		  "idle none\nmodels poll,epoll\ncells closed\n",
		  false);
	/* 2 counted, 4 timed and 2 for A/A, 10 s each */
	end(&v, entry_of(&v, "poll", ROLE_COUNTING, 0), STATUS_OK, 2, NULL);
	holds(&v, "  3.01 calls/req  ok  1 min 02 s left\n");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_OK, 3, NULL);
	holds(&v, "  17 s left\n");
	closed(&v);
}

static void prints_reasons_once_per_model(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_UNSUPPORTED, 1,
	    "no \x1b[31m poll here");
	holds(&v, "  unsupported  5 s left\n    no  [31m poll here\n");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 1), STATUS_UNSUPPORTED, 1,
	    "no \x1b[31m poll here");
	holds(&v, "  unsupported, as before  4 s left\n");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 2), STATUS_FAILED, 1,
	    "it crashed");
	holds(&v, "  failed  3 s left\n    it crashed\n");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 0), STATUS_UNSUPPORTED, 1,
	    "no \x1b[31m poll here");
	holds(&v, "  unsupported  2 s left\n    no  [31m poll here\n");
	closed(&v);
}

static void repeat_is_not_counted_twice(void **state)
{
	struct screen v;
	const struct entry *e;
	struct record r;

	(void)state;
	open_file(&v, a_plan, false);
	e = entry_of(&v, "poll", ROLE_TIMING, 0);
	end(&v, e, STATUS_INVALID, 1, "disturbed");
	holds(&v, "[1/6] ");
	record_init(&r, e);
	r.took_s = 1;
	progress_done(v.progress, &r, false);
	record_free(&r);
	holds(&v, "[1/6] model:poll/loop:closed/connections:64/message:64/"
		  "placement:split block 1 timing  ok  5 s left\n");
	closed(&v);
}

static void recorded_repetitions_are_counted_only(void **state)
{
	struct screen v;
	struct record r;

	(void)state;
	open_file(&v, a_plan, false);
	record_init(&r, entry_of(&v, "poll", ROLE_TIMING, 0));
	r.took_s = 100;
	progress_done(v.progress, &r, true);
	record_free(&r);
	assert_string_equal(printed(&v), "");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 0), STATUS_OK, 10, NULL);
	holds(&v, "[2/6] ");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 1), STATUS_OK, 10, NULL);
	holds(&v, "  3 min 30 s left\n");
	closed(&v);
}

static void quiet_prints_problems_only(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, true);
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_OK, 1, NULL);
	assert_string_equal(printed(&v), "");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 1), STATUS_FAILED, 1, "no");
	holds(&v, "\n    no\n");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 2), STATUS_FAILED, 1, "no");
	assert_string_equal(printed(&v), "");
	progress_say(v.progress, "%d warnings", 3);
	assert_string_equal(printed(&v), "3 warnings\n");
	closed(&v);
}

static void formats_times(void **state)
{
	static const struct {
		double s;
		const char *text;
	} times[] = {
		{ -1, "0 s" },
		{ 0.4, "0 s" },
		{ 59.4, "59 s" },
		{ 59.6, "1 min 00 s" },
		{ 62, "1 min 02 s" },
		{ 3599.4, "59 min 59 s" },
		{ 3599.6, "1 h 00 min" },
		{ 8040, "2 h 14 min" },
		{ 100 * 3600, "100 h 00 min" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char to[32];

		progress_time(times[i].s, to);
		assert_string_equal(to, times[i].text);
	}
}

/* ---------------------------------------------------------------- on a terminal */

static void wait_for_next_draw(void)
{
	usleep(120000);
}

static void draws_one_line_on_a_terminal(void **state)
{
	struct screen v;

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	open_terminal(&v, 160, false);
	progress_step(v.progress, entry_of(&v, "poll", ROLE_TIMING, 0),
		      "warm-up");
	assert_string_equal(printed(&v),
			    "\r[0/6] poll  closed split 64x64  block 1  "
			    "warm-up  0 ok  1 min 00 s left\x1b[K");
	progress_step(v.progress, entry_of(&v, "poll", ROLE_TIMING, 0),
		      "window");
	assert_string_equal(printed(&v), ""); /* too soon */
	wait_for_next_draw();
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_OK, 60, NULL);
	assert_string_equal(printed(&v),
			    "\r[1/6] poll  closed split 64x64  block 1  "
			    "p99 1.20 ms  1 ok  5 min 00 s left\x1b[K");
	progress_say(v.progress, "beware");
	assert_string_equal(printed(&v),
			    "\r\x1b[Kbeware\r\n"
			    "\r[1/6] poll  closed split 64x64  block 1  "
			    "p99 1.20 ms  1 ok  5 min 00 s left\x1b[K");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 0), STATUS_FAILED, 60, "no");
	holds(&v, "1.20 ms  152,000 req/s  \x1b[31mfailed\x1b[m  "
		  "4 min 00 s left\r\n    no\r\n\r[2/6] epoll  "
		  "closed split 64x64  block 1  failed  1 ok 1 failed  4 min");
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 1), STATUS_REFUSED, 60,
	    "full");
	wait_for_next_draw();
	end(&v, entry_of(&v, "epoll", ROLE_TIMING, 2), STATUS_INVALID, 60,
	    "lag");
	holds(&v, "  1 ok 1 invalid 1 skipped 1 failed  2 min");
	progress_step(v.progress, entry_of(&v, "poll", ROLE_TIMING, 1),
		      "window");
	closed(&v);
}

/* The least important part goes first, and the last column stays free. */
static void shortens_the_line(void **state)
{
	static const char *const lines[] = {
		"[1/6] poll  closed split 64x64  block 1  starting  "
		"0 ok 1 invalid  1 min 15 s left",
		"[1/6] poll  closed split 64x64  block 1  starting  "
		"0 ok 1 failed  1 min 15 s left",
		"[1/6] poll  closed split 64x64  starting  0 ok 1 failed  "
		"1 min 15 s left",
		"[1/6] poll  closed split 64x64  0 ok 1 failed  1 min 15 s left",
		"[1/6] poll  0 ok 1 failed  1 min 15 s left",
		"[1/6] poll  1 min 15 s left",
		"[1/6]  1 min 15 s left",
	};
	size_t last = sizeof(lines) / sizeof(*lines) - 1;

	(void)state;
	for (unsigned columns = 100, i = 0; columns > 1; columns--) {
		struct screen v;
		struct record r;
		char expected[128];

		open_terminal(&v, columns, false);
		record_init(&r, entry_of(&v, "epoll", ROLE_TIMING, 0));
		r.status = STATUS_INVALID;
		r.took_s = 15;
		progress_done(v.progress, &r, true);
		record_free(&r);
		progress_step(v.progress, entry_of(&v, "poll", ROLE_TIMING, 0),
			      "starting");
		while (i < last && strlen(lines[i]) >= columns)
			i++;
		snprintf(expected, sizeof(expected), "\r%.*s\x1b[K",
			 (int)columns - 1, lines[i]);
		assert_string_equal(printed(&v), expected);
		closed(&v);
	}
}

static void respects_no_color_and_dumb_terminals(void **state)
{
	struct screen v;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	open_terminal(&v, 80, false);
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_FAILED, 1, "no");
	assert_null(strstr(printed(&v), "\x1b[3"));
	closed(&v);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	open_terminal(&v, 80, false);
	progress_step(v.progress, &v.blocks.entry[0], "window");
	end(&v, entry_of(&v, "poll", ROLE_TIMING, 0), STATUS_FAILED, 1, "no");
	assert_null(strchr(printed(&v), '\x1b'));
	closed(&v);
	setenv("TERM", "xterm", 1);
	open_terminal(&v, 80, true);
	progress_step(v.progress, &v.blocks.entry[0], "window");
	assert_string_equal(printed(&v), "");
	closed(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_a_line_per_repetition),
		cmocka_unit_test(estimates_the_time_left),
		cmocka_unit_test(prints_reasons_once_per_model),
		cmocka_unit_test(repeat_is_not_counted_twice),
		cmocka_unit_test(recorded_repetitions_are_counted_only),
		cmocka_unit_test(quiet_prints_problems_only),
		cmocka_unit_test(formats_times),
		cmocka_unit_test(draws_one_line_on_a_terminal),
		cmocka_unit_test(shortens_the_line),
		cmocka_unit_test(respects_no_color_and_dumb_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
