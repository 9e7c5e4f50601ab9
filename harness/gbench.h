/* SPDX-License-Identifier: MIT */
/*
 * gbench.h - Google Benchmark for C
 *
 * The library drives the run, in one of two ways, so that its options work as
 * documented and its tools (compare.py) read the JSON:
 *
 * - The caller repeats (bin/matrix): each cell of a block is registered as a
 *   benchmark, in execution order, and called once. The called function
 *   measures, unless it was measured together with one before, and passes times
 *   and counters. Benchmarks with the same name are reported as repetitions of
 *   one, with their median.
 * - The library repeats (bin/primitives): it calls the function of a benchmark
 *   once for each repetition, with a number of iterations that takes
 *   --benchmark_min_time, in random order if it is told so.
 *
 * One run per process: a second one crashes the default reporter of 1.7.1.
 */
#ifndef GBENCH_H
#define GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gbench_state;

/* Called once per benchmark; must call gbench_result() or gbench_skip(). */
typedef void gbench_function(struct gbench_state *state, void *data);

/*
 * Removes the options of Google Benchmark, --benchmark_*, from the arguments
 * before "--". Variables BENCHMARK_* of the environment are processed first.
 * false: an option is wrong or not supported, and `why` says which and what to
 * do instead. Opens the file of --benchmark_out; gbench_run() truncates it.
 *
 * `defaults`: the library repeats, and these are its options where none is
 * given, such as "--benchmark_repetitions=9"; NULL at the end. Without it the
 * caller repeats, and must have removed the options that it handles: filter,
 * repetitions.
 */
bool gbench_initialize(int *argc, char **argv, const char *const *defaults,
		       char why[512]);

/* The version of the library, such as "1.7.1", or "unknown" */
const char *gbench_version(void);

/* --benchmark_list_tests: gbench_run() only prints the names. */
bool gbench_wants_list(void);

/* The value of an option such as "repetitions", as a number; 0: not given */
double gbench_number(const char *option);

/* --benchmark_format=json or csv: nothing else may be printed to stdout. */
bool gbench_wants_stdout(void);

/* Adds a pair to the context of the reports. */
void gbench_context(const char *key, const char *value);

/* Whether --benchmark_filter selects this name, where the library repeats */
bool gbench_selects(const char *name);

/* Benchmarks run in the order of registration. The same name again is the next
 * repetition, where the caller repeats. `name` is copied. */
void gbench_register(const char *name, gbench_function *function, void *data);

/* How often to do what is measured: 1 where the caller repeats */
uint64_t gbench_iterations(const struct gbench_state *state);

/* The time of all iterations together, and the CPU time of the server (the library
 * would take that of this process). A counter must not have the name of a JSON
 * field of the library; NAN is left out. */
void gbench_result(struct gbench_state *state, double seconds,
		   double cpu_seconds);
void gbench_counter(struct gbench_state *state, const char *name, double value);
void gbench_label(struct gbench_state *state, const char *text);
/* Reports an error with this reason instead of a result. Calling neither
 * function, or passing NAN as a time, is an error, too. Errors are left out of
 * the JSON: the library writes 0 as their times, and its compare.py takes 0 for
 * measured. */
void gbench_skip(struct gbench_state *state, const char *why);

/*
 * Runs the benchmarks. Prints to stdout only with --benchmark_format or
 * --benchmark_list_tests. Returns the JSON report without host name and program
 * path; free it. NULL: only the list was requested.
 */
char *gbench_run(void);

#ifdef __cplusplus
}
#endif

#endif
