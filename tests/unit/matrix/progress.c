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

/* Three blocks with a bout of each of two settings */
static const char a_plan[] = "blocks 3\nslice 100ms\ncounting no\naa no\n"
			     "baseline no\nidle none\nmodels poll,epoll\n"
			     "cells closed connections 1,64\n";

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

/* The first entry of this model, number of connections, block and role */
static const struct entry *entry_of(const struct screen *v, const char *model,
				    unsigned connections, unsigned block,
				    enum role role)
{
	for (size_t i = 0; i < v->blocks.n; i++) {
		const struct entry *e = &v->blocks.entry[i];

		if (e->role == role && e->block == block &&
		    e->cell->connections == connections &&
		    strcmp(e->cell->model, model) == 0)
			return e;
	}
	fail_msg("no %s", model);
	return NULL;
}

/* What is measured of an entry of a bout */
struct outcome {
	enum status status;
	const char *reason;
};

static const struct outcome good = { STATUS_OK, NULL };

static void fill(struct record *r, const struct entry *e,
		 const struct outcome *o, double took)
{
	record_init(r, e);
	r->status = o->status;
	r->took_s = took;
	r->rounds.counted = 9;
	r->rounds.dropped = e->block == 3;
	r->metric[METRIC_CALLS_PER_REQUEST] = 3.01;
	r->metric[METRIC_RESIDENT_PER_CONNECTION] = 4096;
	if (o->reason)
		record_say(r->reasons, "%s", o->reason);
}

static void end_bout(struct screen *v, const struct entry *first, double took,
		     const struct outcome *o, bool old)
{
	size_t n = bout_length(&v->blocks, first->index);
	const struct record *of[8];
	struct record r[8];

	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++) {
		fill(&r[i], &first[i], &o[i], took / n);
		of[i] = &r[i];
	}
	progress_done(v->progress, of, n, old);
	for (size_t i = 0; i < n; i++)
		record_free(&r[i]);
}

/* The bout of this setting ends. */
static void end(struct screen *v, unsigned connections, unsigned block,
		double took, struct outcome poll, struct outcome epoll)
{
	struct outcome of[] = { poll, epoll };

	end_bout(v, entry_of(v, "poll", connections, block, ROLE_TIMING), took,
		 of, false);
}

static void holds(struct screen *v, const char *expected)
{
	const char *text = printed(v);

	if (!strstr(text, expected))
		fail_msg("'%s': not in '%s'", expected, text);
}

/* -------------------------------------------------------------- a line per bout */

static void prints_a_line_per_bout(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	progress_step(v.progress, &v.blocks.entry[0], "round 1 of 9");
	assert_string_equal(printed(&v), "");
	end(&v, 64, 1, 60, good, good);
	assert_string_equal(printed(&v),
			    "[1/6] closed split 64  block 1  2 servers  "
			    "9 rounds  2 ok  5 min 00 s left\n");
	end(&v, 64, 3, 60, good, good);
	assert_string_equal(printed(&v),
			    "[2/6] closed split 64  block 3  2 servers  "
			    "9 rounds, 1 dropped  2 ok  4 min 00 s left\n");
	closed(&v);
}

static void prints_counts_and_idle_clients(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v,
		  "blocks 1\naa no\nbaseline no\nidle 10\nmodels poll\n"
		  "cells closed\n",
		  false);
	end_bout(&v, entry_of(&v, "poll", 64, 0, ROLE_COUNTING), 2, &good,
		 false);
	holds(&v, "[1/3] closed split 64  counting poll  3.01 calls/req  ok  ");
	end_bout(&v, entry_of(&v, "poll", 0, 0, ROLE_IDLE), 2, &good, false);
	holds(&v, "[2/3] none split idle 10  idle poll  4,096 bytes/client  "
		  "ok  ");
	end_bout(&v, entry_of(&v, "poll", 64, 1, ROLE_TIMING), 2, &good, false);
	holds(&v, "[3/3] closed split 64  block 1  1 server  9 rounds  ok\n");
	closed(&v);
}

/* From bouts of the setting, else of the same kind, else from the plan */
static void estimates_the_time_left(void **state)
{
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	end(&v, 64, 1, 60, good, good);
	holds(&v, "  5 min 00 s left\n");
	end(&v, 1, 1, 10, good, good);
	holds(&v, "  2 min 20 s left\n");
	end(&v, 1, 2, 20, good, good);
	holds(&v, "  2 min 15 s left\n");
	end(&v, 64, 2, 60, good, good);
	end(&v, 64, 3, 60, good, good);
	holds(&v, "  15 s left\n");
	end(&v, 1, 3, 60, good, good);
	assert_null(strstr(printed(&v), "left"));
	closed(&v);
}

static void estimates_from_the_plan(void **state)
{
	const struct entry *counted;
	struct screen v;
	char left[32], expected[64];
	double s = 0;

	(void)state;
	open_file(&v,
		  "blocks 2\naa no\nbaseline no\nidle none\n"
		  "models poll,epoll\ncells closed\n",
		  false);
	counted = entry_of(&v, "poll", 64, 0, ROLE_COUNTING);
	for (size_t i = 0; i < v.blocks.n; i += bout_length(&v.blocks, i))
		if (v.blocks.entry[i].block > 0)
			s += bout_estimate(&v.plan, &v.blocks.entry[i],
					   bout_length(&v.blocks, i)) /
			     1e9;
	end_bout(&v, counted, 50, &good, false);
	/* 50 s for the other that is counted, and two bouts */
	progress_time(50 + s, left);
	snprintf(expected, sizeof(expected), "  %s left\n", left);
	holds(&v, expected);
	closed(&v);
}

static void prints_reasons_once_per_model(void **state)
{
	const struct outcome missing = { STATUS_UNSUPPORTED,
					 "no \x1b[31m poll here" };
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	end(&v, 64, 1, 1, missing, good);
	holds(&v, "1 ok 1 skipped  5 s left\n"
		  "  poll  closed split 64  block 1  unsupported\n"
		  "    no  [31m poll here\n");
	end(&v, 64, 2, 1, missing, good);
	holds(&v, "  4 s left\n"
		  "  poll  closed split 64  block 2  unsupported, as before\n");
	end(&v, 64, 3, 1, (struct outcome){ STATUS_FAILED, "it crashed" },
	    missing);
	holds(&v, "0 ok 1 skipped 1 failed  3 s left\n"
		  "  poll  closed split 64  block 3  failed\n"
		  "    it crashed\n"
		  "  epoll  closed split 64  block 3  unsupported\n"
		  "    no  [31m poll here\n");
	closed(&v);
}

static void recorded_bouts_are_counted_only(void **state)
{
	const struct outcome both[] = { good, good };
	struct screen v;

	(void)state;
	open_file(&v, a_plan, false);
	end_bout(&v, entry_of(&v, "poll", 64, 1, ROLE_TIMING), 100, both, true);
	assert_string_equal(printed(&v), "");
	end(&v, 1, 1, 10, good, good);
	holds(&v, "[2/6] ");
	end(&v, 1, 2, 10, good, good);
	holds(&v, "  3 min 30 s left\n");
	closed(&v);
}

static void quiet_prints_problems_only(void **state)
{
	const struct outcome bad = { STATUS_FAILED, "no" };
	struct screen v;

	(void)state;
	open_file(&v, a_plan, true);
	end(&v, 64, 1, 1, good, good);
	assert_string_equal(printed(&v), "");
	end(&v, 64, 2, 1, bad, good);
	assert_string_equal(printed(&v),
			    "  poll  closed split 64  block 2  failed\n"
			    "    no\n");
	end(&v, 64, 3, 1, bad, good);
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
	const struct outcome bad = { STATUS_FAILED, "no" };
	const struct entry *poll;
	struct screen v;

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	open_terminal(&v, 160, false);
	end(&v, 64, 1, 60, good, good);
	assert_string_equal(printed(&v), "\r[1/6] closed split 64  block 1  "
					 "2 ok  5 min 00 s left\x1b[K");
	wait_for_next_draw();
	poll = entry_of(&v, "poll", 1, 1, ROLE_TIMING);
	progress_step(v.progress, poll, "round 2 of 9");
	assert_string_equal(printed(&v),
			    "\r[1/6] closed split 1  block 1  round 2 of 9  "
			    "2 ok  5 min 00 s left\x1b[K");
	progress_step(v.progress, poll, "round 3 of 9");
	assert_string_equal(printed(&v), ""); /* too soon */
	progress_say(v.progress, "beware");
	holds(&v, "\r\x1b[Kbeware\r\n\r[1/6] closed split 1  block 1  "
		  "round 3 of 9  2 ok  ");
	end(&v, 1, 1, 60, bad, good);
	holds(&v, "\r\x1b[K  poll  closed split 1  block 1  "
		  "\x1b[31mfailed\x1b[m\r\n    no\r\n"
		  "\r[2/6] closed split 1  block 1  3 ok 1 failed  4 min");
	wait_for_next_draw();
	end(&v, 1, 2, 60, (struct outcome){ STATUS_REFUSED, "full" }, good);
	holds(&v, "\x1b[33mrefused\x1b[m");
	wait_for_next_draw();
	progress_step(v.progress, entry_of(&v, "poll", 1, 3, ROLE_TIMING), "x");
	holds(&v, "  x  4 ok 1 skipped 1 failed  3 min");
	closed(&v);
	setenv("NO_COLOR", "1", 1);
}

/* The least important part goes first, and the last column stays free. */
static void shortens_the_line(void **state)
{
	static const char *const lines[] = {
		"[1/6] closed split 1  block 1  starting  1 ok 1 failed  "
		"1 min 15 s left",
		"[1/6] closed split 1  starting  1 ok 1 failed  1 min 15 s left",
		"[1/6] closed split 1  starting  1 min 15 s left",
		"[1/6] closed split 1  1 min 15 s left",
		"[1/6]  1 min 15 s left",
	};
	const struct outcome of[] = { { STATUS_FAILED, "no" },
				      { STATUS_OK, NULL } };
	size_t last = sizeof(lines) / sizeof(*lines) - 1;

	(void)state;
	for (unsigned columns = 100, i = 0; columns > 1; columns--) {
		struct screen v;
		char expected[128];

		open_terminal(&v, columns, false);
		end_bout(&v, entry_of(&v, "poll", 64, 1, ROLE_TIMING), 15, of,
			 true);
		progress_step(v.progress,
			      entry_of(&v, "poll", 1, 1, ROLE_TIMING),
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
	const struct outcome bad = { STATUS_FAILED, "no" };
	struct screen v;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	open_terminal(&v, 80, false);
	end(&v, 64, 1, 1, bad, good);
	assert_null(strstr(printed(&v), "\x1b[3"));
	closed(&v);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	open_terminal(&v, 80, false);
	progress_step(v.progress, &v.blocks.entry[0], "starting");
	end(&v, 64, 1, 1, bad, good);
	assert_null(strchr(printed(&v), '\x1b'));
	closed(&v);
	setenv("TERM", "xterm", 1);
	open_terminal(&v, 80, true);
	progress_step(v.progress, &v.blocks.entry[0], "starting");
	assert_string_equal(printed(&v), "");
	closed(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_a_line_per_bout),
		cmocka_unit_test(prints_counts_and_idle_clients),
		cmocka_unit_test(estimates_the_time_left),
		cmocka_unit_test(estimates_from_the_plan),
		cmocka_unit_test(prints_reasons_once_per_model),
		cmocka_unit_test(recorded_bouts_are_counted_only),
		cmocka_unit_test(quiet_prints_problems_only),
		cmocka_unit_test(formats_times),
		cmocka_unit_test(draws_one_line_on_a_terminal),
		cmocka_unit_test(shortens_the_line),
		cmocka_unit_test(respects_no_color_and_dumb_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
