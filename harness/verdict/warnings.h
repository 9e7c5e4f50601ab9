/* SPDX-License-Identifier: MIT */
/* warnings.h - what limits the results of a run: see reduce.h */
#ifndef VERDICT_WARNINGS_H
#define VERDICT_WARNINGS_H

#include "harness/verdict/reduce.h"

/* Why a repetition is not valid */
void record_reason(const struct record *r, char *to, size_t size);

/*
 * Sets r->warnings, the most important first. Texts that differ only in their numbers
 * are one warning:
 *
 *	text      "the hypervisor took 1.2 to 31.0 % of the CPU time"
 *	count     12
 *	of        what is counted: repetition, cell, setting or run
 *	models    names as keys
 *	settings  setting_key() as keys, setting_where() as values
 *
 * `ignored`: records that are not among these
 */
void find_warnings(struct reduced *r, const struct record *const *records,
		   size_t n, size_t ignored);

/* One of r->warnings as a sentence: "noisy: ... (2 settings: ...)"; to be freed */
char *warning_sentence(const json_t *warning);

#endif
