/* SPDX-License-Identifier: MIT */
/* store.c - a run survives crashes, full disks and concurrent access */
#include "tests/unit/test.h"

#include "harness/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

enum { NOBODY = 65534 };

static char top[] = "/tmp/run_store.XXXXXX";
static char folder[256], path[512];
static char why[WHY_SIZE];

/* ------------------------------------------------------------------ fixtures */

static int remove_one(const char *name, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static void remove_all(const char *name)
{
	nftw(name, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_top(void **state)
{
	(void)state;
	strcpy(strrchr(top, '.'), ".XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(folder, sizeof(folder), "%s/results/run", top);
	return 0;
}

static int remove_top(void **state)
{
	(void)state;
	remove_all(top);
	return 0;
}

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *contents(const char *name)
{
	FILE *file = fopen(in_folder(name), "re");
	static char text[1 << 20];
	size_t n;

	if (!file)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void put_contents(const char *name, const char *text, size_t size)
{
	FILE *file = fopen(in_folder(name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static bool exists(const char *name)
{
	return access(in_folder(name), F_OK) == 0;
}

static void check_why(const char *part)
{
	if (!strstr(why, part))
		fail_msg("'%s' is not in '%s'", part, why);
}

/* Hides the warnings about damaged lines. */
static int mute_stderr(void)
{
	int kept = dup(STDERR_FILENO);
	int nothing = open("/dev/null", O_WRONLY);

	fflush(stderr);
	dup2(nothing, STDERR_FILENO);
	close(nothing);
	return kept;
}

static void restore_stderr(int kept)
{
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static void limit_files(rlim_t most)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Count the calls instead of the C library's functions. */
static unsigned syncs, data_syncs;

int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	data_syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

/* ------------------------------------------------------------------------ records */

static const char cell_of_all[] =
	"model:epoll/loop:closed/connections:64/message:64/placement:split";

/* A bout of its own */
static struct record record_of(unsigned index)
{
	struct cell cell;
	struct entry e = {
		.index = index, .block = 1, .bout = index, .cell = &cell
	};
	struct record r;

	assert_true(cell_parse(cell_of_all, &cell));
	record_init(&r, &e);
	r.metric[METRIC_THREADS] = index + 0.5;
	return r;
}

static bool append(struct store *s, unsigned index, json_t *histograms)
{
	struct record r = record_of(index);
	bool written = store_append_bout(s, &r, 1, &histograms, why);

	if (!written)
		record_free(&r);
	return written;
}

/* A closed run with this number of repetitions */
static void make_run(unsigned repetitions)
{
	struct store s;

	if (!store_create(&s, folder, why) ||
	    !store_file(&s, "run.json", "{}\n", why))
		fail_msg("%s", why);
	for (unsigned i = 0; i < repetitions; i++)
		assert_true(append(&s, i, NULL));
	store_close(&s);
}

/* The records 0 to n - 1, in order */
static void check_records(const struct store *s, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(s->records[i].index, i);
		assert_true(s->records[i].metric[METRIC_THREADS] == i + 0.5);
	}
}

static void check_run(size_t n)
{
	struct store s;

	if (!store_open(&s, folder, why))
		fail_msg("%s", why);
	check_records(&s, n);
	store_close(&s);
}

/* ------------------------------------------------------------------- the folder */

static void resume(void **state)
{
	struct store s;

	(void)state;
	make_run(2);
	assert_true(store_open(&s, folder, why));
	check_records(&s, 2);
	assert_true(append(&s, 2, NULL));
	check_records(&s, 3);
	store_close(&s);
	check_run(3);
	assert_false(exists("repetitions.broken"));
}

/* After store_append_bout() and store_file() the data is on disk. */
static void synced_to_disk(void **state)
{
	json_t *times = json_array();
	struct store s;

	(void)state;
	syncs = 0;
	assert_true(store_create(&s, folder, why));
	/* two folders; INCOMPLETE and slices.csv, each with its name; the other
	 * names */
	assert_int_equal(syncs, 7);
	data_syncs = 0;
	assert_true(append(&s, 0, NULL));
	assert_int_equal(data_syncs, 1);
	syncs = 0;
	assert_true(store_file(&s, "cells.csv", "model\n", why));
	assert_int_equal(syncs, 2);
	assert_true(append(&s, 1, times));
	assert_int_equal(syncs, 4);
	store_close(&s);
	json_decref(times);
}

static void last_record_counts(void **state)
{
	struct store s;

	(void)state;
	make_run(3);
	assert_true(store_open(&s, folder, why));
	assert_true(append(&s, 1, NULL));
	assert_null(store_find(&s, 3));
	store_close(&s);
}

static void incomplete_file(void **state)
{
	struct store s;
	char *text;

	(void)state;
	assert_true(store_create(&s, folder, why));
	assert_false(store_is_complete(&s));
	assert_non_null(strstr(contents("INCOMPLETE"), "bin/matrix resume"));
	assert_non_null(strstr(contents("INCOMPLETE"), folder));
	assert_true(store_incomplete(&s, "how to go on\n", why));
	assert_string_equal(contents("INCOMPLETE"), "how to go on\n");
	assert_true(store_complete(&s, why));
	assert_true(store_complete(&s, why));
	assert_true(store_is_complete(&s));
	assert_false(exists("INCOMPLETE"));
	text = store_load_text(&s, "INCOMPLETE", why);
	assert_null(text);
	check_why("INCOMPLETE: No such file");
	store_close(&s);
}

static void never_overwrites(void **state)
{
	struct store s;

	(void)state;
	make_run(1);
	assert_false(store_create(&s, folder, why));
	check_why("bin/matrix resume /tmp/");
	assert_int_equal(unlink(in_folder("INCOMPLETE")), 0);
	assert_false(store_create(&s, folder, why));
	check_why("choose another --out");
	assert_null(strstr(why, "resume"));
	check_run(1);

	snprintf(folder, sizeof(folder), "%s/results", top);
	assert_false(store_create(&s, folder, why));
	check_why("results is not empty");
	assert_true(exists("run/repetitions.jsonl"));
	assert_false(exists("INCOMPLETE"));
}

/* A folder without run.json can be used again. */
static void run_that_never_started(void **state)
{
	struct store s;

	(void)state;
	assert_true(store_create(&s, folder, why));
	assert_true(store_file(&s, "plan.txt", "blocks 3\n", why));
	store_close(&s);
	assert_false(store_open(&s, folder, why));
	check_why("never started");
	assert_false(store_read(&s, folder, why));
	make_run(1);
	check_run(1);
}

static void empty_folder(void **state)
{
	struct store s;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/mine", top);
	assert_int_equal(mkdir(folder, 0777), 0);
	strcat(folder, "//");
	assert_true(store_create(&s, folder, why));
	assert_null(strstr(s.path, "mine/"));
	store_close(&s);
}

static void no_run_there(void **state)
{
	struct store s;

	(void)state;
	assert_false(store_open(&s, folder, why));
	check_why("no such folder");
	assert_false(store_read(&s, folder, why));
	check_why("no such folder");
	assert_false(store_open(&s, top, why));
	check_why("holds no run");
	assert_false(store_create(&s, "", why));
	snprintf(folder, sizeof(folder), "%s", top);
	put_contents("file", "x", 1);
	assert_false(store_create(&s, in_folder("file"), why));
	check_why("file: not a folder");
	assert_false(store_create(&s, in_folder("file/run"), why));
	check_why("Not a directory");
	assert_false(store_open(&s, in_folder("file"), why));
	check_why("not a folder");
}

/* ------------------------------------------------------------------------- bouts */

enum { IN_BOUT = 3, ROUNDS = 4 };

/* Each value differs from all others; some are not available. */
static struct slice slice_of(unsigned index, unsigned round)
{
	double x = index * 1000 + round * 20;

	return (struct slice){ .round = round,
			       .position = (index + round) % IN_BOUT,
			       .counted = round % 2,
			       .requests = x,
			       .answered = x + 1,
			       .window_ns = x + 2,
			       .elapsed_ns = 3e9 + x,
			       .cpu_ns = index == 4 ? NAN : x + 4,
			       .client_cpu_ns = x + 5,
			       .response_p50_ns = x + 6,
			       .response_p99_ns = round == 2 ? NAN : x + 7,
			       .service_p50_ns = x + 8,
			       .service_p99_ns = round == 3 ? NAN : x + 9 };
}

static bool append_bout(struct store *s, unsigned bout)
{
	json_t *histograms[IN_BOUT] = { NULL };
	struct record r[IN_BOUT];
	bool written;

	for (unsigned i = 0; i < IN_BOUT; i++) {
		r[i] = record_of(bout * IN_BOUT + i);
		r[i].bout = bout;
		r[i].n_slices = ROUNDS;
		r[i].slices = calloc(ROUNDS, sizeof(*r[i].slices));
		for (unsigned k = 0; k < ROUNDS; k++)
			r[i].slices[k] = slice_of(r[i].index, k);
	}
	written = store_append_bout(s, r, IN_BOUT, histograms, why);
	for (unsigned i = 0; i < IN_BOUT && !written; i++)
		record_free(&r[i]);
	return written;
}

static void make_bouts(unsigned n)
{
	struct store s;

	make_run(0);
	assert_true(store_open(&s, folder, why));
	for (unsigned bout = 0; bout < n; bout++)
		assert_true(append_bout(&s, bout));
	store_close(&s);
}

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static double value_at(const struct slice *s, size_t at)
{
	double x;

	memcpy(&x, (const char *)s + at, sizeof(x));
	return x;
}

static void check_slices(const struct record *r)
{
	assert_int_equal(r->n_slices, ROUNDS);
	for (unsigned k = 0; k < ROUNDS; k++) {
		const struct slice *a = &r->slices[k];
		struct slice b = slice_of(r->index, k);

		assert_int_equal(a->round, b.round);
		assert_int_equal(a->position, b.position);
		assert_int_equal(a->counted, b.counted);
		for (size_t at = offsetof(struct slice, requests);
		     at < sizeof(b); at += sizeof(double))
			assert_true(same(value_at(a, at), value_at(&b, at)));
	}
}

/* Every record of n bouts has its slices. */
static void check_bouts(const struct store *s, unsigned n)
{
	check_records(s, n * IN_BOUT);
	for (size_t i = 0; i < s->n; i++) {
		assert_int_equal(s->records[i].bout, i / IN_BOUT);
		assert_int_equal(s->records[i].bout_size, IN_BOUT);
		check_slices(&s->records[i]);
	}
}

static void reopen_bouts(unsigned n)
{
	struct store s;
	int kept = mute_stderr();

	if (!store_open(&s, folder, why))
		fail_msg("%s", why);
	restore_stderr(kept);
	check_bouts(&s, n);
	store_close(&s);
}

static size_t count_rows(void)
{
	size_t n = 0;

	for (const char *at = contents("slices.csv"); *at; at++)
		n += *at == '\n';
	return n - 1;
}

static void slices_round_trip(void **state)
{
	struct store s;

	(void)state;
	make_bouts(2);
	assert_non_null(strstr(contents("slices.csv"),
			       "\n0,2,1,0,1,2020,2021,2022,3000002020,2024,"
			       "2025,2026,2027,2028,2029\n"));
	assert_non_null(strstr(contents("slices.csv"),
			       "\n1,4,3,1,1,4060,4061,4062,3000004060,,4065,"
			       "4066,4067,4068,\n"));
	reopen_bouts(2);
	assert_true(store_read(&s, folder, why));
	check_bouts(&s, 2);
	store_close(&s);
}

/* In the order of execution */
static void rows_are_in_order(void **state)
{
	unsigned bout, index, round, position, at = 0;

	(void)state;
	make_bouts(1);
	for (const char *row = strchr(contents("slices.csv"), '\n') + 1; *row;
	     row = strchr(row, '\n') + 1, at++) {
		assert_int_equal(sscanf(row, "%u,%u,%u,%u,", &bout, &index,
					&round, &position),
				 4);
		assert_int_equal(round, at / IN_BOUT);
		assert_int_equal(position, at % IN_BOUT);
	}
	assert_int_equal(at, IN_BOUT * ROUNDS);
}

static void a_bout_counts_as_a_whole(void **state)
{
	struct entry entry[] = { { .index = 0, .bout = 0 },
				 { .index = 1, .bout = 0 },
				 { .index = 2, .bout = 0 },
				 { .index = 3, .bout = 1 } };
	struct blocks b = { entry, LENGTH(entry) };
	struct store s;

	(void)state;
	make_bouts(1);
	assert_true(store_open(&s, folder, why));
	assert_true(store_has_bout(&s, &b, 0));
	assert_false(store_has_bout(&s, &b, 1));
	assert_false(store_has_bout(&s, &b, 2));
	entry[3].bout = 0;
	assert_false(store_has_bout(&s, &b, 0));
	assert_true(append(&s, 3, NULL));
	assert_true(store_has_bout(&s, &b, 0));
	store_close(&s);
}

/* kill -9 anywhere in the lines of a bout: it is gone, with its rows, and can be
 * measured again. */
static void truncated_bouts(void **state)
{
	size_t whole, size;
	char *text, *rows;

	(void)state;
	make_bouts(1);
	whole = strlen(contents("repetitions.jsonl"));
	remove_all(folder);
	make_bouts(2);
	text = strdup(contents("repetitions.jsonl"));
	rows = strdup(contents("slices.csv"));
	size = strlen(text);
	for (size_t end = whole + 1; end < size; end += 1 + end % 97) {
		struct store s;

		put_contents("repetitions.jsonl", text, end);
		put_contents("slices.csv", rows, strlen(rows));
		unlink(in_folder("repetitions.broken"));
		reopen_bouts(1);
		assert_int_equal(strlen(contents("repetitions.jsonl")), whole);
		assert_int_equal(count_rows(), IN_BOUT * ROUNDS);
		assert_memory_equal(contents("repetitions.broken"),
				    text + whole, end - whole);
		assert_true(store_open(&s, folder, why));
		assert_true(append_bout(&s, 1));
		store_close(&s);
		assert_string_equal(contents("slices.csv"), rows);
		reopen_bouts(2);
	}
	free(rows);
	free(text);
}

/* kill -9 anywhere in the rows of a bout, which has no lines yet */
static void truncated_rows(void **state)
{
	size_t whole, size;
	char *rows;

	(void)state;
	make_bouts(2);
	rows = strdup(contents("slices.csv"));
	size = strlen(rows);
	remove_all(folder);
	make_bouts(1);
	whole = strlen(contents("slices.csv"));
	for (size_t end = whole; end <= size; end += 1 + end % 97) {
		struct store s;
		int kept = mute_stderr();

		put_contents("slices.csv", rows, end);
		assert_true(store_read(&s, folder, why));
		restore_stderr(kept);
		check_bouts(&s, 1);
		store_close(&s);
		assert_int_equal(strlen(contents("slices.csv")), end);
		reopen_bouts(1);
		assert_int_equal(strlen(contents("slices.csv")), whole);
	}
	free(rows);
}

static void damaged_rows(void **state)
{
	static const char *const damaged[] = {
		"0,0,1,0\n",
		"0,0,9,0,1,1,2,3,4,5,6,7,8,9\n",
		"0,0,9,0,1,1,2,3,4,5,6,7,8,9,10,11\n",
		"0,0,9,0,1,1,2,3,4,5,6,7,8,9,nan\n",
		"0,0,9,0,1,1,2,3,4,5,6,7,8,9,-10\n",
		"0,0,9,0,1,1,2,3,4,5,6,7,8,9,0x1\n",
		"0,,9,0,1,1,2,3,4,5,6,7,8,9,10\n",
		"0,99999999999,9,0,1,1,2,3,4,5,6,7,8,9,10\n",
		"1,0,9,0,1,1,2,3,4,5,6,7,8,9,10\n", /* of another bout */
		"0,3,9,0,1,1,2,3,4,5,6,7,8,9,10\n", /* of no line */
		"\n",
		",\n",
	};
	char text[1 << 14];

	(void)state;
	make_bouts(1);
	for (size_t i = 0; i < LENGTH(damaged); i++) {
		snprintf(text, sizeof(text), "%s%s", contents("slices.csv"),
			 damaged[i]);
		put_contents("slices.csv", text, strlen(text));
		reopen_bouts(1);
		assert_int_equal(count_rows(), IN_BOUT * ROUNDS);
	}
}

/* Rows without columns cannot be told apart. */
static void other_columns(void **state)
{
	struct store s;

	(void)state;
	make_bouts(1);
	put_contents("slices.csv", "bout,index\n", 11);
	assert_false(store_open(&s, folder, why));
	check_why("slices.csv: the first line is not");
	assert_false(store_read(&s, folder, why));
}

/* The lines do not fit: the rows go, too. */
static void failed_lines_remove_rows(void **state)
{
	struct store s;
	size_t size;
	char *rows;

	(void)state;
	make_bouts(1);
	rows = strdup(contents("slices.csv"));
	size = strlen(contents("repetitions.jsonl"));
	assert_true(strlen(rows) * 2 < size);
	assert_true(store_open(&s, folder, why));
	limit_files(size + 10);
	assert_false(append_bout(&s, 1));
	limit_files(RLIM_INFINITY);
	check_why("repetitions.jsonl: File too large");
	assert_string_equal(contents("slices.csv"), rows);
	assert_int_equal(strlen(contents("repetitions.jsonl")), size);
	limit_files(strlen(rows) + 10);
	assert_false(append_bout(&s, 1));
	limit_files(RLIM_INFINITY);
	check_why("slices.csv: File too large");
	assert_true(append_bout(&s, 1));
	store_close(&s);
	reopen_bouts(2);
	free(rows);
}

static void older_runs(void **state)
{
	static const char older[] =
		"{\"schema\": 1, \"index\": 0, \"attempt\": 1}\n";
	static const char says[] =
		"run: made by an older version of this program: measure again, "
		"or use that version";
	struct store s;

	(void)state;
	make_run(0);
	put_contents("repetitions.jsonl", older, strlen(older));
	assert_false(store_open(&s, folder, why));
	check_why(says);
	assert_false(store_read(&s, folder, why));
	check_why(says);
	assert_string_equal(contents("repetitions.jsonl"), older);
	assert_false(exists("repetitions.broken"));
	put_contents("repetitions.jsonl", "", 0);
	assert_int_equal(unlink(in_folder("slices.csv")), 0);
	assert_false(store_open(&s, folder, why));
	check_why(says);
}

/* ------------------------------------------------------------------ broken lines */

/* A truncated last line is moved to repetitions.broken. */
static void truncated_lines(void **state)
{
	size_t whole, size;
	char *text;

	(void)state;
	make_run(3);
	text = strdup(contents("repetitions.jsonl"));
	assert_non_null(text);
	size = strlen(text);
	text[size - 1] = '\0';
	whole = (size_t)(strrchr(text, '\n') + 1 - text);
	text[size - 1] = '\n';
	for (size_t end = whole + 1; end < size; end += 1 + end % 7) {
		char *broken;
		int kept = mute_stderr();

		put_contents("repetitions.jsonl", text, end);
		unlink(in_folder("repetitions.broken"));
		check_run(2);
		restore_stderr(kept);
		broken = contents("repetitions.broken");
		assert_int_equal(strlen(broken), end - whole + 1);
		assert_memory_equal(broken, text + whole, end - whole);
		assert_int_equal(strlen(contents("repetitions.jsonl")), whole);
	}
	assert_false(exists("repetitions.jsonl.new"));
	free(text);
}

/* Such as zeros after a power failure */
static void damaged_line_in_the_middle(void **state)
{
	struct store s;
	char *text, *second;
	int kept = mute_stderr();
	size_t size;

	(void)state;
	make_run(3);
	text = strdup(contents("repetitions.jsonl"));
	size = strlen(text);
	second = strchr(text, '\n') + 1;
	memset(second, 0, 40);
	put_contents("repetitions.jsonl", text, size);

	assert_true(store_read(&s, folder, why));
	assert_int_equal(s.n, 2);
	store_close(&s);
	assert_false(exists("repetitions.broken"));

	assert_true(store_open(&s, folder, why));
	assert_int_equal(s.n, 2);
	assert_null(store_find(&s, 1));
	assert_true(append(&s, 1, NULL));
	store_close(&s);
	assert_true(store_open(&s, folder, why));
	assert_int_equal(s.n, 3);
	assert_non_null(store_find(&s, 1));
	store_close(&s);
	restore_stderr(kept);
	free(text);
}

static void read_only(void **state)
{
	struct store s, writer;
	char *text;
	size_t size;
	int kept;

	(void)state;
	make_run(2);
	assert_true(store_open(&writer, folder, why));
	text = strdup(contents("repetitions.jsonl"));
	size = strlen(text);
	put_contents("repetitions.jsonl", text, size - 5);
	kept = mute_stderr();
	assert_true(store_read(&s, folder, why));
	restore_stderr(kept);
	check_records(&s, 1);
	store_close(&s);
	assert_int_equal(strlen(contents("repetitions.jsonl")), size - 5);
	assert_false(exists("repetitions.broken"));
	store_close(&writer);
	free(text);
}

/* Lines of a newer version are not removed. */
static void newer_lines(void **state)
{
	static const char newer[] = "{\"schema\": 3, \"of\": \"the future\"}\n";
	struct store s;
	char text[1 << 14];
	int kept = mute_stderr();

	(void)state;
	make_run(1);
	snprintf(text, sizeof(text), "%s%s", contents("repetitions.jsonl"),
		 newer);
	put_contents("repetitions.jsonl", text, strlen(text));
	assert_false(store_open(&s, folder, why));
	check_why("newer version");
	assert_string_equal(contents("repetitions.jsonl"), text);
	assert_true(store_read(&s, folder, why));
	check_records(&s, 1);
	store_close(&s);
	restore_stderr(kept);
}

/* ------------------------------------------------------ disk and permissions */

static void failed_append_leaves_whole_lines(void **state)
{
	struct store s;
	size_t size;

	(void)state;
	make_run(2);
	size = strlen(contents("repetitions.jsonl"));
	assert_true(store_open(&s, folder, why));
	limit_files(size + 100);
	assert_false(append(&s, 2, NULL));
	limit_files(RLIM_INFINITY);
	check_why("repetitions.jsonl: File too large; ");
	assert_int_equal(strlen(contents("repetitions.jsonl")), size);
	check_records(&s, 2);
	assert_true(append(&s, 2, NULL));
	store_close(&s);
	check_run(3);
	assert_false(exists("repetitions.broken"));
}

static void files_are_replaced_atomically(void **state)
{
	static char large[5000];
	struct store s;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	assert_true(store_create(&s, folder, why));
	assert_true(store_file(&s, "cells.csv", "model\n", why));
	limit_files(1000);
	assert_false(store_file(&s, "cells.csv", large, why));
	limit_files(RLIM_INFINITY);
	check_why("cells.csv: File too large");
	assert_string_equal(contents("cells.csv"), "model\n");
	assert_false(exists("cells.csv.new"));
	assert_true(store_file(&s, "cells.csv", large, why));
	assert_string_equal(contents("cells.csv"), large);
	store_close(&s);
}

/* Runs a test in a child that may change its user or namespace. */
static void in_child(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,          \
				__LINE__, #what, why);                         \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/* A disk of 64 KiB gets full within a line. */
static void fill_disk(void)
{
	struct store s;
	unsigned n = 0;
	struct stat st;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", top, "tmpfs", 0, "size=64k") < 0)
		_exit(77);
	CHECK(store_create(&s, folder, why));
	CHECK(store_file(&s, "run.json", "{}\n", why));
	while (append(&s, n, NULL))
		n++;
	CHECK(strstr(why, "No space left on device; "));
	CHECK(n > 10 && s.n == n);
	CHECK(stat(in_folder("repetitions.jsonl"), &st) == 0);
	CHECK(contents("repetitions.jsonl")[st.st_size - 1] == '\n');
	CHECK(!store_file(&s, "cells.csv", contents("repetitions.jsonl"), why));
	CHECK(!exists("cells.csv.new"));
	store_close(&s);
	CHECK(store_read(&s, folder, why) && s.n == n);
	store_close(&s);
	CHECK(mount("none", top, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHECK(!store_open(&s, folder, why));
	CHECK(strstr(why, "Read-only file system; "));
	strcat(folder, "2");
	CHECK(!store_create(&s, folder, why));
	CHECK(strstr(why, "Read-only file system; "));
}

static void disk_full(void **state)
{
	(void)state;
	in_child(fill_disk);
}

static void as_nobody(void)
{
	struct store s;

	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		_exit(77);
	CHECK(chmod(top, 0555) == 0 || errno == EPERM);
	CHECK(!store_create(&s, folder, why));
	CHECK(strstr(why, "Permission denied; choose"));
}

static void no_permission(void **state)
{
	(void)state;
	assert_int_equal(chmod(top, 0755), 0);
	in_child(as_nobody);
	assert_int_equal(chmod(top, 0755), 0);
}

/* ------------------------------------------------------------------------- locks */

static pid_t holder;

static void try_to_open(void)
{
	struct store s;
	char named[64];

	CHECK(!store_open(&s, folder, why));
	snprintf(named, sizeof(named), "process %d (", holder);
	CHECK(strstr(why, named));
	CHECK(!store_create(&s, folder, why));
	CHECK(store_read(&s, folder, why));
	store_close(&s);
}

static void wait_for_lock(void)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	while (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		flock(fd, LOCK_UN);
		usleep(1000);
	}
	close(fd);
}

/* A process that has an unrelated lock, until the pipe is closed. It locks on
 * CPU 0, so that /proc/locks lists it first. */
static pid_t hold_another_lock(int fds[2])
{
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(top, O_RDONLY | O_DIRECTORY);
		cpu_set_t first;

		CPU_ZERO(&first);
		CPU_SET(0, &first);
		sched_setaffinity(0, sizeof(first), &first);
		close(fds[1]);
		while (flock(fd, LOCK_EX) == 0 && read(fds[0], &byte, 1) > 0)
			;
		_exit(0);
	}
	close(fds[0]);
	wait_for_lock();
	return pid;
}

static void one_writer(void **state)
{
	struct store s;
	int fds[2];
	pid_t other;

	(void)state;
	holder = getpid();
	make_run(1);
	assert_true(store_open(&s, folder, why));
	other = hold_another_lock(fds);
	in_child(try_to_open);
	close(fds[1]);
	assert_int_equal(waitpid(other, NULL, 0), other);
	store_close(&s);
	check_run(1);
}

static void try_to_lock(void)
{
	char named[64];

	CHECK(store_lock_machine(why) < 0);
	snprintf(named, sizeof(named), "process %d (", holder);
	CHECK(strstr(why, named));
}

/* A child may lock what its parent has locked; a grandchild may not. */
static void try_in_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		try_to_lock();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void lock_once_more(void)
{
	CHECK(store_lock_machine(why) >= 0);
}

/* In its own network namespace, so that other runs on this machine do not
 * matter */
static void lock_machine(void)
{
	int lock;

	if (unshare(CLONE_NEWNET) < 0)
		_exit(77);
	lock = store_lock_machine(why);
	CHECK(lock >= 0);
	holder = getpid();
	for (int i = 0; i < 20; i++) /* a failed attempt leaves no trace */
		in_child(try_in_child);
	in_child(lock_once_more); /* bin/primitives, started by bin/matrix */
	close(lock);
	in_child(lock_once_more);
	in_child(lock_once_more); /* the lock ended with that process */
}

static void one_run_per_machine(void **state)
{
	(void)state;
	in_child(lock_machine);
}

/* -------------------------------------------------------------------- histograms */

static json_t *unpacked(const char *name)
{
	static char text[1 << 16];
	gzFile file = gzopen(in_folder(name), "re");
	int n;

	assert_non_null(file);
	n = gzread(file, text, sizeof(text));
	assert_int_equal(gzclose(file), Z_OK);
	assert_true(n > 0);
	return json_loadb(text, (size_t)n, 0, NULL);
}

static void histograms_are_lossless(void **state)
{
	json_t *times = json_array(), *again;
	struct store s;

	(void)state;
	for (int i = 0; i < 5000; i++)
		json_array_append_new(times, json_integer(i * 37));
	make_run(1);
	assert_true(store_open(&s, folder, why));
	assert_true(append(&s, 1, times));
	assert_true(append(&s, 1, NULL));
	assert_string_equal(s.records[1].histograms, "histograms/0001.json.gz");
	assert_string_equal(s.records[2].histograms, "");
	again = unpacked(s.records[1].histograms);
	assert_true(json_equal(times, again));
	store_close(&s);
	assert_true(store_open(&s, folder, why));
	assert_string_equal(s.records[1].histograms, "histograms/0001.json.gz");
	store_close(&s);
	json_decref(times);
	json_decref(again);
}

static void failed_append_removes_histograms(void **state)
{
	json_t *times = json_pack("[i, i]", 1, 2);
	struct record r = record_of(0);
	struct store s;

	(void)state;
	make_run(0);
	assert_true(store_open(&s, folder, why));
	limit_files(100); /* the histograms fit, and not the line */
	assert_false(store_append_bout(&s, &r, 1, &times, why));
	limit_files(RLIM_INFINITY);
	check_why("repetitions.jsonl");
	assert_false(exists("histograms/0000.json.gz"));
	assert_string_equal(r.histograms, "");
	assert_int_equal(s.n, 0);
	assert_true(store_append_bout(&s, &r, 1, &times, why));
	assert_true(exists("histograms/0000.json.gz"));
	store_close(&s);
	json_decref(times);
}

/* ---------------------------------------------------------------------- other files */

static void json_files(void **state)
{
	json_t *value = json_pack("{s:f, s:n}", "a", 0.1, "b"), *again;
	struct store s;
	char *text;

	(void)state;
	assert_true(store_create(&s, folder, why));
	assert_true(store_json(&s, "machine.json", value, why));
	text = store_load_text(&s, "machine.json", why);
	assert_string_equal(text, "{\n  \"a\": 0.1,\n  \"b\": null\n}\n");
	again = store_load_json(&s, "machine.json", why);
	assert_true(json_equal(value, again));
	put_contents("machine.json", "{\n\"a\": }", 8);
	assert_null(store_load_json(&s, "machine.json", why));
	check_why("machine.json:2: ");
	store_close(&s);
	json_decref(value);
	json_decref(again);
	free(text);
}

/* ---------------------------------------------------------------------- kill -9 */

/* Appends lines and writes the index of each to the pipe. */
static void append_forever(int to)
{
	json_t *times = json_pack("[i, i]", 1, 2);
	struct store s;

	if (!store_open(&s, folder, why))
		_exit(1);
	for (unsigned i = (unsigned)s.n;; i++)
		if (!append(&s, i, times) || write(to, &i, sizeof(i)) < 0)
			_exit(1);
}

/* Kills the writer `us` after its first line; returns the number it
 * confirmed. */
static unsigned append_and_kill(useconds_t us)
{
	unsigned last, n = 0;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		append_forever(fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &last, sizeof(last)) == sizeof(last)) {
		if (n == 0) {
			usleep(us);
			kill(pid, SIGKILL);
		}
		n = last + 1;
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return n;
}

static void kill_9(void **state)
{
	struct store s;
	size_t n = 0;

	(void)state;
	make_run(0);
	srand(1);
	for (int i = 0; i < 20; i++) {
		size_t said = append_and_kill((unsigned)rand() % 50000);
		int kept = mute_stderr();

		assert_true(store_open(&s, folder, why));
		restore_stderr(kept);
		check_records(&s, s.n);
		assert_true(said > n);
		assert_true(s.n == said || s.n == said + 1);
		n = s.n;
		store_close(&s);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(resume),
		TEST(synced_to_disk),
		TEST(last_record_counts),
		TEST(incomplete_file),
		TEST(never_overwrites),
		TEST(run_that_never_started),
		TEST(empty_folder),
		TEST(no_run_there),
		TEST(slices_round_trip),
		TEST(rows_are_in_order),
		TEST(a_bout_counts_as_a_whole),
		TEST(truncated_bouts),
		TEST(truncated_rows),
		TEST(damaged_rows),
		TEST(other_columns),
		TEST(failed_lines_remove_rows),
		TEST(older_runs),
		TEST(truncated_lines),
		TEST(damaged_line_in_the_middle),
		TEST(read_only),
		TEST(newer_lines),
		TEST(failed_append_leaves_whole_lines),
		TEST(files_are_replaced_atomically),
		TEST(disk_full),
		TEST(no_permission),
		TEST(one_writer),
		TEST(one_run_per_machine),
		TEST(histograms_are_lossless),
		TEST(failed_append_removes_histograms),
		TEST(json_files),
		TEST(kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
