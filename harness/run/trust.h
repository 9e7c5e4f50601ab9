/* SPDX-License-Identifier: MIT */
/* trust.h - what is missing from a run, and what limits it: see reduce.h */
#ifndef RUN_TRUST_H
#define RUN_TRUST_H

#include "harness/run/reduce.h"

/* Whether a repetition counts: valid, and what was offered was done */
bool record_counts(const struct record *r);

/* What became of one that does not, and why */
enum status record_outcome(const struct record *r);
void record_reason(const struct record *r, char *to, size_t size);

/* Fills in r->warnings. */
void trust(struct reduced *r, const struct record *records, size_t n);

/* "counting system calls cost 3 % of the server's CPU a request (...)", whatever it
 * is; to be freed */
char *counting_cost(const struct reduced *r);

#endif
