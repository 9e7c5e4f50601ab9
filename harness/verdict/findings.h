/* SPDX-License-Identifier: MIT */
/* findings.h - comparisons as sentences */
#ifndef VERDICT_FINDINGS_H
#define VERDICT_FINDINGS_H

#include "harness/verdict/reduce.h"

enum { SENTENCE_SIZE = 512 };

/* Each writes to `to` and returns it. */

/* "requests/s", "CPU per request" */
const char *metric_words(enum metric m);

/* "poll uses 9.10 to 11.2 times as much CPU per request as epoll" */
char *ratio_sentence(const char *a, const char *b, enum metric m, double low,
		     double high, char to[SENTENCE_SIZE]);

/*
 * The verdict, with the interval of the ratio, the larger model first: "poll uses
 * 9.10 to 11.2 times as much CPU per request as epoll at 1,000 connections". Or
 * "epoll and uring: no significant difference in requests/s at 64 connections", or
 * what is missing. It never says that two models are equal.
 */
char *finding_sentence(const struct finding *f, char to[SENTENCE_SIZE]);

/* The figures behind a verdict: "the confidence interval of the ratio, 0.97 to 1.04,
 * includes 1" */
char *verdict_figures(const struct verdict *v, char to[SENTENCE_SIZE]);

/* "0.71 to 0.75": the lowest and the highest ratio of any block; "": none */
char *finding_seen(const struct finding *f, char to[SENTENCE_SIZE]);

/* How many comparisons are significant */
size_t findings_called(const struct reduced *r);

/* Why no comparison can be significant, such as too few blocks, to be freed; NULL:
 * one can. */
char *no_claims(const struct reduced *r);

#endif
