/* SPDX-License-Identifier: MIT */
/* findings.h - comparisons as sentences, and which of them come first */
#ifndef VERDICT_FINDINGS_H
#define VERDICT_FINDINGS_H

#include "harness/verdict/describe.h"
#include "harness/verdict/reduce.h"

enum { SENTENCE_SIZE = 768, HEADLINES = 10 };

/* Each writes to `to` and returns it. */

/* "requests/s", "CPU per request" */
const char *metric_words(enum metric m);

/* "poll, select and uring"; of more than eight, "... and 3 more" */
char *join_models(const char *const *models, size_t n, char to[SENTENCE_SIZE]);

/* "poll uses 9.10 to 11.2 times as much CPU per request as epoll"; an end that is
 * NAN is open: "at least 9.10 times" */
char *ratio_sentence(const char *a, const char *b, enum metric m, double low,
		     double high, char to[SENTENCE_SIZE]);

/* The interval of a difference as a range above 1, of the larger model */
struct range larger_range(const struct range *range, bool *a_is_larger);

/* How far an interval is from 1, in whole percent, rounded up, such as "2"; the margin
 * if that is nearer */
char *within_percent(const struct range *range, double margin,
		     char to[NUMBER_SIZE]);

/* Why there is no ratio: "select has no result (refused): too many clients" */
char *missing_reason(const struct comparison *c, char to[SENTENCE_SIZE]);

/*
 * The verdict as a sentence, in the order of enum verdict:
 *
 *	select and epoll: no comparison in requests/s at 1,000 connections: ...
 *	epoll serves at least 170 k/s at 64 connections: the generator was at its limit
 *	poll and epoll: equal within 2 % in requests/s at 64 connections
 *	thread uses 1.49 to 1.54 times as much CPU per request as epoll at 64 connections
 *	uring and epoll: undecided in requests/s at 64 connections (0.970 to 1.090)
 */
char *comparison_sentence(const struct reduced *r, const struct comparison *c,
			  char to[SENTENCE_SIZE]);

/* Of the comparisons [begin, end): "40 different, 30 equal within 3 %, 10 undecided" */
char *verdicts_list(const struct reduced *r, size_t begin, size_t end,
		    char to[SENTENCE_SIZE]);

/* "Of 84 comparisons with epoll: 40 different, ..." */
char *verdicts_summary(const struct reduced *r, char to[SENTENCE_SIZE]);

/* headlines.c: what models differ and agree in, a sentence for each metric of a
 * setting, verdict and direction */
struct headline {
	const struct comparison *first; /* the largest effect */
	enum verdict verdict;
	double effect; /* DIFFERENT: as a ratio above 1; else how many models */
	char text[SENTENCE_SIZE];
};
enum { GROUP_HEADLINES = 4 };

/* Those of the comparisons [begin, end), which are of one metric in one setting, the
 * most telling first; how many. CPU per request of a server that uses its whole core is
 * in none. */
size_t headlines_of(const struct reduced *r, size_t begin, size_t end,
		    struct headline to[GROUP_HEADLINES]);

/* The comparison after the last of the same metric and setting */
size_t group_end(const struct reduced *r, size_t begin);

/* The most telling ones of the run, which fill HEADLINES lines at most; what is
 * undecided only if there is room */
size_t headlines(const struct reduced *r, struct headline to[HEADLINES]);

#endif
