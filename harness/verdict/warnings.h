/* SPDX-License-Identifier: MIT */
/* warnings.h - what is missing from a run, and what limits it: see reduce.h */
#ifndef VERDICT_WARNINGS_H
#define VERDICT_WARNINGS_H

#include "harness/verdict/reduce.h"

/* Whether a repetition counts: valid, and what was offered was done */
bool record_counts(const struct record *r);

/* What became of one that does not, and why */
enum status record_outcome(const struct record *r);
void record_reason(const struct record *r, char *to, size_t size);

/*
 * Fills in r->warnings, those first that limit most what can be concluded. What
 * differs in its numbers only is one warning:
 *
 *	text      "the hypervisor gave 1.2 to 31.0 % of the CPUs' time to others"
 *	count     12
 *	of        what is counted: repetition, cell or setting
 *	models    names as keys
 *	settings  setting_key() as keys, setting_where() as values
 */
void trust(struct reduced *r, const struct record *records, size_t n);

/* One of r->warnings for people: "noisy: ... (2 settings: ...)"; to be freed */
char *warning_sentence(const json_t *warning);

#endif
