/* SPDX-License-Identifier: MIT */
/*
 * provenance.h - whether two halves of a run may stand in one table
 *
 * What machine.json and run.json say of kernel, build, limits and plan; resume
 * compares it with what is there now. No host name, no user name, no path.
 */
#ifndef STORE_PROVENANCE_H
#define STORE_PROVENANCE_H

#include "harness/plan/plan.h"

#include <jansson.h>

/*
 * machine.json: machine_facts() of the probes, and "build": { "commit" (or null),
 * "dirty" (or null), "compiler", "flags", "version", "packages": { "liburing":
 * "2.3", ... } }. Commit and compiler are those of the build (made by the
 * Makefile into a header or -D), not of the moment.
 */
json_t *provenance_machine(void);

/*
 * The programs that are measured and measure: { "epoll": "fnv:0123456789abcdef",
 * ..., "loadgen": ..., "baseline": ... }, a hash of the contents of each. The models
 * of `p`, whose program is p->models[i].command or BIN/LABEL (and "baseline",
 * "loadgen", from BIN). A program that cannot be read is null.
 */
json_t *provenance_programs(const struct plan *p, const char *bin);

/*
 * What differs between then and now that results depend on, as sentences: kernel,
 * mitigations, processor, CPUs, governor, limits, io_uring state; programs. An
 * empty array: nothing.
 */
json_t *provenance_differences(const json_t *machine_then,
			       const json_t *machine_now,
			       const json_t *programs_then,
			       const json_t *programs_now);

/*
 * What differs between two runs, as sentences: "kernel: 6.1 in A, 6.12 in B". Of
 * their machine.json (NULL: not known) everything, of their run.json what numbers
 * depend on, builds of programs among it, and what is "measured" how.
 */
json_t *provenance_between(const json_t *machine_a, const json_t *machine_b,
			   const json_t *run_a, const json_t *run_b);

/* Whether processor, CPUs or virtualization say that these are two machines; that
 * they are one, nothing here can say. */
bool provenance_other_machine(const json_t *machine_a, const json_t *machine_b);

#endif
