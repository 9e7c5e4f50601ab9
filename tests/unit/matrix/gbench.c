/* SPDX-License-Identifier: MIT */
/* gbench.c - Google Benchmark for C; each run is in a process of its own */
#include "tests/unit/test.h"

#include "harness/gbench.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The output of a program, and the result of gbench_run() */
struct outcome {
	char *out, *err, *report;
	json_t *json; /* the report */
	json_t *benchmarks;
};

enum { ARGS_MAX = 8 };

static char *text_of(FILE *file)
{
	long size;
	char *text;

	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	text = calloc(1, size + 1);
	rewind(file);
	assert_int_equal(fread(text, 1, size, file), size);
	fclose(file);
	return text;
}

/* Runs the benchmarks that program() registers. */
static struct outcome run(void (*program)(void), const char *const *args)
{
	struct outcome o;
	FILE *out = tmpfile(), *err = tmpfile(), *report = tmpfile();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *argv[ARGS_MAX + 2] = { "/somewhere/matrix" }, why[512];
		int argc = 1;
		char *json;

		while (args && args[argc - 1]) {
			argv[argc] = strdup(args[argc - 1]);
			argc++;
		}
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		if (!gbench_initialize(&argc, argv, NULL, why)) {
			fprintf(stderr, "refused: %s\n", why);
			exit(2);
		}
		program();
		json = gbench_run();
		fputs(json ? json : "", report);
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	o.out = text_of(out);
	o.err = text_of(err);
	o.report = text_of(report);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %x: %s", status, o.err);
	o.json = json_loads(o.report, 0, NULL);
	o.benchmarks = json_object_get(o.json, "benchmarks");
	return o;
}

static void drop(struct outcome *o)
{
	free(o->out);
	free(o->err);
	free(o->report);
	json_decref(o->json);
}

static const char *text(const struct outcome *o, size_t i, const char *key)
{
	return json_string_value(
		json_object_get(json_array_get(o->benchmarks, i), key));
}

static double number(const struct outcome *o, size_t i, const char *key)
{
	json_t *value = json_object_get(json_array_get(o->benchmarks, i), key);

	return value ? json_number_value(value) : NAN;
}

/* ------------------------------------------------------------- the programs */

static unsigned calls;

static void measured(struct gbench_state *state, void *data)
{
	calls++;
	gbench_result(state, calls * 1e-3, calls * 1e-6);
	gbench_counter(state, "call", calls);
	if (data)
		gbench_counter(state, data, 0.5);
	gbench_counter(state, "not_known", NAN);
	gbench_label(state, "closed");
}

static void skipped(struct gbench_state *state, void *data)
{
	calls++;
	gbench_skip(state, data);
}

static void no_cpu_time(struct gbench_state *state, void *data)
{
	(void)data;
	gbench_result(state, 1, NAN);
}

static void silent(struct gbench_state *state, void *data)
{
	(void)state;
	(void)data;
	calls++;
}

static void some(void)
{
	gbench_register("model:b", skipped, "no \x1b \xff \"room\"\n");
	gbench_register("model:a", measured, NULL);
	gbench_register("model:a", measured, "late");
	gbench_register("model:b", silent, NULL);
	gbench_register("model:b", no_cpu_time, NULL);
	gbench_context("plan", "quick");
}

static void many(void)
{
	char name[64];

	for (int i = 0; i < 2500; i++) {
		snprintf(name, sizeof(name), "model:%d", i);
		gbench_register(name, measured, NULL);
	}
}

static void none(void)
{
}

/* Prints whether a child process would inherit the open file. */
static void inherited(struct gbench_state *state, void *data)
{
	struct stat wanted, is;

	if (stat(data, &wanted) != 0)
		return;
	for (int fd = 3; fd < 64; fd++)
		if (fstat(fd, &is) == 0 && is.st_ino == wanted.st_ino &&
		    is.st_dev == wanted.st_dev)
			printf("%s", fcntl(fd, F_GETFD) & FD_CLOEXEC ?
					     "closed" :
					     "inherited");
	gbench_result(state, 1, 1);
}

/* ------------------------------------------------------------------ the tests */

/* Repetitions of a benchmark, and their median; errors are left out */
static void reports_repetitions_and_medians(void **state)
{
	struct outcome o = run(some, NULL);
	json_t *context = json_object_get(o.json, "context");

	(void)state;
	assert_string_equal(o.out, "");
	assert_string_equal(o.err, "");
	assert_int_equal(json_array_size(o.benchmarks), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(text(&o, i, "run_name"), "model:a");
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(text(&o, i, "name"), "model:a");
		assert_string_equal(text(&o, i, "run_type"), "iteration");
		assert_string_equal(text(&o, i, "label"), "closed");
		assert_true(number(&o, i, "repetition_index") == i);
		assert_true(number(&o, i, "repetitions") == 2);
		assert_true(number(&o, i, "iterations") == 1);
		assert_true(number(&o, i, "call") == i + 2);
		assert_true(fabs(number(&o, i, "real_time") - (i + 2) * 1e6) <
			    1);
		assert_true(fabs(number(&o, i, "cpu_time") - (i + 2) * 1e3) <
			    1);
		assert_true(isnan(number(&o, i, "not_known")));
	}
	assert_true(number(&o, 1, "late") == 0.5);
	assert_string_equal(text(&o, 2, "name"), "model:a_median");
	assert_string_equal(text(&o, 2, "run_type"), "aggregate");
	assert_true(fabs(number(&o, 2, "real_time") - 2.5e6) < 1);
	assert_true(fabs(number(&o, 2, "cpu_time") - 2.5e3) < 1);
	assert_string_equal(json_string_value(json_object_get(context, "plan")),
			    "quick");
	drop(&o);
}

static void report_has_no_host_and_path(void **state)
{
	const char *args[] = { "--benchmark_context=host_name=mine", NULL };
	struct outcome o = run(some, args);
	json_t *context = json_object_get(o.json, "context");

	(void)state;
	assert_null(json_object_get(context, "host_name"));
	assert_true(json_object_size(context) > 3);
	assert_null(strstr(o.report, "somewhere"));
	drop(&o);
}

static void runs_2500_benchmarks(void **state)
{
	struct outcome o = run(many, NULL);

	(void)state;
	assert_int_equal(json_array_size(o.benchmarks), 2500);
	for (size_t i = 0; i < 2500; i++)
		assert_true(number(&o, i, "call") == i + 1);
	drop(&o);
	o = run(none, NULL);
	assert_string_equal(o.err, "");
	assert_non_null(o.benchmarks);
	assert_int_equal(json_array_size(o.benchmarks), 0);
	drop(&o);
}

static void lists_names(void **state)
{
	const char *args[] = { "--benchmark_list_tests",
			       "--benchmark_format=json", NULL };
	struct outcome o = run(some, args);

	(void)state;
	assert_string_equal(o.out, "model:b\nmodel:a\n");
	assert_string_equal(o.report, "");
	drop(&o);
	args[0] = "--benchmark_list_tests=no";
	o = run(some, args);
	assert_int_equal(json_array_size(o.benchmarks), 3);
	drop(&o);
}

static void prints_json_and_console(void **state)
{
	struct outcome o;
	json_t *json;

	(void)state;
	o = run(some, (const char *[]){ "--benchmark_format=json", NULL });
	json = json_loads(o.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "benchmarks")),
			 3);
	json_decref(json);
	assert_string_equal(o.err, "");
	drop(&o);
	o = run(some, (const char *[]){ "--benchmark_format=console",
					"--benchmark_color=true",
					"--benchmark_time_unit=ms", NULL });
	assert_non_null(strstr(o.out, "model:a_median "));
	assert_non_null(strstr(o.out, " 3.00 ms"));
	assert_non_null(strstr(o.out, "'no   ? \"room\" '"));
	assert_non_null(strstr(o.out, "'no result'"));
	assert_non_null(strstr(o.out, "\x1b["));
	assert_null(strstr(o.out, "WARNING"));
	assert_string_equal(o.err, "");
	drop(&o);
}

/* The library's own reporter ends the program if the first benchmark lacks a counter. */
static void csv_has_every_counter(void **state)
{
	struct outcome o =
		run(some, (const char *[]){ "--benchmark_format=csv", NULL });

	(void)state;
	assert_non_null(strstr(o.out, ",\"call\",\"late\"\n"));
	assert_non_null(strstr(o.out, "\"model:a\",1,2e+06,2000,"));
	assert_non_null(strstr(o.out, ",2,\n"));
	assert_non_null(strstr(o.out, ",3,0.5\n"));
	assert_non_null(strstr(o.out, "no result"));
	assert_string_equal(o.err, "");
	drop(&o);
}

static char path[] = "/tmp/gbench-XXXXXX", out_option[64];

static void program_inherits(void)
{
	gbench_register("model:a", inherited, path);
}

static char *file_text(void)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	return text_of(file);
}

/* The file of --benchmark_out is written by the library itself. */
static void writes_the_file(void **state)
{
	struct outcome o;
	char *written;
	int fd = mkstemp(path);

	(void)state;
	snprintf(out_option, sizeof(out_option), "--benchmark_out=%s", path);
	assert_true(write(fd, "before", 6) == 6);
	close(fd);
	o = run(some, (const char *[]){ out_option,
					"--benchmark_list_tests=true", NULL });
	drop(&o);
	written = file_text();
	assert_string_equal(written, "before");
	free(written);
	o = run(program_inherits, (const char *[]){ out_option, NULL });
	assert_string_equal(o.out, "closed");
	drop(&o);
	written = file_text();
	assert_int_equal(written[0], '{');
	assert_non_null(strstr(written, "host_name"));
	assert_non_null(strstr(written, "/somewhere/matrix"));
	free(written);
	o = run(some, (const char *[]){ out_option,
					"--benchmark_out_format=csv", NULL });
	assert_string_equal(o.out, "");
	drop(&o);
	written = file_text();
	assert_non_null(strstr(written, ",\"call\",\"late\"\n"));
	free(written);
	unlink(path);
}

static void reports_write_errors(void **state)
{
	struct outcome o = run(
		some, (const char *[]){ "--benchmark_out=/dev/full", NULL });
	char *once = strstr(o.err, "No space left on device");

	(void)state;
	assert_non_null(once);
	assert_null(strstr(once + 1, "No space"));
	assert_int_equal(json_array_size(o.benchmarks), 3);
	drop(&o);
}

/* ------------------------------------------------------------- what is refused */

static void check_why(char *const *args, const char *expected)
{
	char *argv[ARGS_MAX] = { "matrix" }, why[512] = "";
	int argc = 1;

	while (args[argc - 1]) {
		argv[argc] = args[argc - 1];
		argc++;
	}
	if (gbench_initialize(&argc, argv, NULL, why))
		fail_msg("%s: taken", args[0]);
	if (!strstr(why, expected))
		fail_msg("'%s': not in '%s'", expected, why);
}

static void refuses_options_with_a_reason(void **state)
{
	static char *const refused[][2] = {
		{ "--benchmark_filter=poll",
		  "--benchmark_filter=poll: bin/matrix" },
		{ "--benchmark_repetitions=3", "bin/matrix" },
		{ "--benchmark_enable_random_interleaving", "shuffle" },
		{ "--benchmark_enable_random_interleaving=false", "shuffle" },
		{ "--benchmark_min_time=2", "--bout" },
		{ "--benchmark_min_warmup_time=2", "warmup" },
		{ "--benchmark_report_aggregates_only=true", "medians" },
		{ "--benchmark_display_aggregates_only", "medians" },
		{ "--benchmark_perf_counters=CYCLES", "servers" },
		{ "--benchmark_dry_run", "--dry-run" },
		{ "--benchmark_format=xml",
		  "--benchmark_format=xml: allowed: console, json or csv" },
		{ "--benchmark_format", "console, json or csv" },
		{ "--benchmark_list_tests=maybe", "true, false" },
		{ "--benchmark_color=", "auto" },
		{ "--benchmark_out=", "value" },
		{ "--benchmark_out=/no/such/file", "No such file" },
		{ "--benchmark_context=a", "KEY=VALUE" },
		{ "--benchmark_context=a=b,", "KEY=VALUE" },
		{ "--benchmark_context=a=b=c", "KEY=VALUE" },
		{ "--benchmark_fromat=json",
		  "did you mean --benchmark_format?" },
		{ "--benchmark-format=json",
		  "did you mean --benchmark_format?" },
		{ "--benchmark_min_tme=1",
		  "did you mean --benchmark_min_time?" },
		{ "--benchmark_zzzzzzzzz", "list_tests, format, out" },
		{ "--benchmark", "unknown option" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		check_why((char *[]){ refused[i][0], NULL }, refused[i][1]);
}

/* The library reads it before main() begins. */
static void refuses_environment_variables(void **state)
{
	static char *const nothing[] = { NULL };

	(void)state;
	setenv("BENCHMARK_FILTER", "", 1);
	check_why(nothing, "BENCHMARK_FILTER= (environment): bin/matrix");
	unsetenv("BENCHMARK_FILTER");
	setenv("BENCHMARK_ENABLE_RANDOM_INTERLEAVING", "1", 1);
	check_why(nothing, "shuffle");
	unsetenv("BENCHMARK_ENABLE_RANDOM_INTERLEAVING");
	setenv("BENCHMARK_FORMAT", "xml", 1);
	check_why(nothing, "BENCHMARK_FORMAT=xml (environment): ");
	unsetenv("BENCHMARK_FORMAT");
}

static void leaves_other_options(void **state)
{
	char *argv[] = { "matrix",
			 "run",
			 "--help",
			 "--benchmark_color=no",
			 "--v=3",
			 "--",
			 "--benchmark_filter=x",
			 NULL };
	int argc = 7;
	char why[512];

	(void)state;
	assert_true(gbench_initialize(&argc, argv, NULL, why));
	assert_int_equal(argc, 6);
	assert_string_equal(argv[2], "--help");
	assert_string_equal(argv[3], "--v=3");
	assert_string_equal(argv[5], "--benchmark_filter=x");
	assert_null(argv[6]);
	assert_false(gbench_wants_list());
	assert_true(strlen(gbench_version()) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_repetitions_and_medians),
		cmocka_unit_test(report_has_no_host_and_path),
		cmocka_unit_test(runs_2500_benchmarks),
		cmocka_unit_test(lists_names),
		cmocka_unit_test(prints_json_and_console),
		cmocka_unit_test(csv_has_every_counter),
		cmocka_unit_test(writes_the_file),
		cmocka_unit_test(reports_write_errors),
		cmocka_unit_test(refuses_options_with_a_reason),
		cmocka_unit_test(refuses_environment_variables),
		cmocka_unit_test(leaves_other_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
