/* SPDX-License-Identifier: MIT */
/* warnings.h - what limits the results of a run: see reduce.h */
#ifndef VERDICT_WARNINGS_H
#define VERDICT_WARNINGS_H

#include "harness/verdict/reduce.h"

/* Whether a repetition enters the results: valid, and the offered load was sustained */
bool record_counts(const struct record *r);

/* The status of one that does not, and why */
enum status record_outcome(const struct record *r);
void record_reason(const struct record *r, char *to, size_t size);

/*
 * Sets r->warnings, the most important first. Texts that differ only in their numbers
 * are one warning:
 *
 *	text      "the hypervisor took 1.2 to 31.0 % of the CPU time"
 *	count     12
 *	of        what is counted: repetition, cell or setting
 *	models    names as keys
 *	settings  setting_key() as keys, setting_where() as values
 */
void find_warnings(struct reduced *r, const struct record *records, size_t n);

/* One of r->warnings as a sentence: "noisy: ... (2 settings: ...)"; to be freed */
char *warning_sentence(const json_t *warning);

#endif
