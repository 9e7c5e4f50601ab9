/* SPDX-License-Identifier: MIT */
/*
 * gbench.h - Google Benchmark for C
 *
 * The library drives the run: every repetition is registered as a benchmark, in the
 * order of execution, and is called once. What it calls does the work and hands over
 * times and counters. Benchmarks with the same name are reported as repetitions of
 * one, with their median at the end. So the library's options work as its users know
 * them, and its tools (compare.py) read its JSON.
 *
 * One run a process: a second one crashed with the default reporter of 1.7.1.
 */
#ifndef GBENCH_H
#define GBENCH_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gbench_state;

/* Called once for each benchmark; calls gbench_result() or gbench_skip(). */
typedef void gbench_function(struct gbench_state *state, void *data);

/*
 * Takes the options of Google Benchmark, --benchmark_*, out of the arguments;
 * those after -- are left alone. Its BENCHMARK_* in the environment are taken as
 * if they stood before them. false: one of them is wrong or has no place here (a
 * filter, repetitions and whatever else the caller has to resolve itself have to
 * be gone already), and `why` says which and what to do. The file of
 * --benchmark_out is opened here, and emptied by gbench_run().
 */
bool gbench_initialize(int *argc, char **argv, char why[512]);

/* Of the library, such as "1.7.1"; "unknown" where it does not say */
const char *gbench_version(void);

/* What --benchmark_list_tests asks for: gbench_run() then only prints names. */
bool gbench_wants_list(void);

/* What --benchmark_format=json or csv asks for: stdout is for a program, and nothing
 * else may be printed there. */
bool gbench_wants_stdout(void);

/* A line of the context of its reports */
void gbench_context(const char *key, const char *value);

/* `name` is copied; it is run after what was registered before. What has the name of
 * an earlier one is the next repetition of it. */
void gbench_register(const char *name, gbench_function *function, void *data);

/* Of the one iteration there is: its time, and the CPU time of what was measured
 * (the library's own would be that of this process). Each counter has a name that no
 * field of the library's JSON has; one that is NAN is absent. */
void gbench_result(struct gbench_state *state, double seconds,
		   double cpu_seconds);
void gbench_counter(struct gbench_state *state, const char *name, double value);
void gbench_label(struct gbench_state *state, const char *text);
/* Instead of a result: reported as an error with this reason. Who calls neither, or
 * has NAN for a time, is reported as an error, too. JSON has no errors: the library
 * writes 0 for their times, which its compare.py takes for measured ones. */
void gbench_skip(struct gbench_state *state, const char *why);

/*
 * Runs what is registered. Nothing is printed on stdout, unless
 * --benchmark_format asked for it (or the list is wanted). Returns the report of
 * it as JSON, as --benchmark_out would have it, to be freed; NULL if only the
 * list was wanted. Host name and path of the program are not in it.
 */
char *gbench_run(void);

#ifdef __cplusplus
}
#endif

#endif
