/* SPDX-License-Identifier: MIT */
/*
 * provenance.h - what a run was measured with, and differences to another run
 *
 * machine.json and run.json describe kernel, build, limits and plan. A resume
 * compares them with the present. They have no host name, user name or path.
 */
#ifndef STORE_PROVENANCE_H
#define STORE_PROVENANCE_H

#include "harness/plan/plan.h"

#include <jansson.h>

/*
 * machine.json: machine_facts(), and "build": { "commit" (or null), "dirty" (or
 * null), "compiler", "flags", "version", "packages": { "liburing": "2.3", ... }
 * }. Commit and compiler are recorded at build time.
 */
json_t *provenance_machine(void);

/*
 * A hash of each program of the plan, and of loadgen and baseline in `bin`: {
 * "epoll": "fnv:0123456789abcdef", ..., "loadgen": ..., "baseline": ... }.
 * null: the program cannot be read.
 */
json_t *provenance_programs(const struct plan *p, const char *bin);

/*
 * Differences that affect results, as an array of sentences: kernel,
 * mitigations, processor, CPUs, governor, limits, io_uring state, programs.
 */
json_t *provenance_differences(const json_t *machine_then,
			       const json_t *machine_now,
			       const json_t *programs_then,
			       const json_t *programs_now);

/*
 * Differences between two runs, as an array of sentences: "kernel: 6.1 in A,
 * 6.12 in B". Compares all of machine.json (NULL: unknown), and what affects
 * results in run.json, such as the builds of programs.
 */
json_t *provenance_between(const json_t *machine_a, const json_t *machine_b,
			   const json_t *run_a, const json_t *run_b);

/* true: processor, CPUs or virtualization differ. false does not prove that
 * both are one machine. */
bool provenance_other_machine(const json_t *machine_a, const json_t *machine_b);

#endif
