/* SPDX-License-Identifier: MIT */
/* run.h - measures the chosen primitives, driven by Google Benchmark */
#ifndef PRIMITIVES_RUN_H
#define PRIMITIVES_RUN_H

#include "harness/primitives/result.h"

/* SIGINT, SIGTERM and SIGHUP end the run after the repetition that is running. */
void end_on_signals(void);
bool run_interrupted(void);

/*
 * Tries each primitive once, which shows what cannot be measured here, and counts its system
 * calls. Registers the others as benchmarks. `uncounted`: why calls are not counted, or "".
 */
void try_all(struct result *r, size_t n, char uncounted[WHY_SIZE]);

/* For --benchmark_list_tests: registers them without a try. */
void register_all(struct result *r, size_t n);

/* Measures what is registered, and reads the results; the report as JSON, to be freed */
char *measure_all(struct result *r, size_t n);

#endif
