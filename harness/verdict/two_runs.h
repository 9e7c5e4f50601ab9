/* SPDX-License-Identifier: MIT */
/*
 * two_runs.h - two runs, cell by cell: what is worse in B than in A, and what cannot
 * be said
 *
 * Nothing is paired: blocks of two runs have nothing in common (stats_two.h). What
 * drifted between the runs, such as the clock rate, is in every ratio. The A/A band
 * does not contain it: its pairs are moments apart.
 *
 * To be read in this order: two_runs.c compares, two_runs_text.c has it for people,
 * two_runs_data.c for programs, harness/matrix/compare.c is the command.
 */
#ifndef VERDICT_TWO_RUNS_H
#define VERDICT_TWO_RUNS_H

#include "harness/verdict/reduce.h"
#include "harness/verdict/stats_two.h"
#include "harness/store/store.h"

#include <stdio.h>

/* A run as it was read. A folder that lacks something is read as far as it goes. */
struct side {
	struct store store;
	struct reduced reduced;
	/* run.json, with how it was "measured" of plan.txt, and machine.json; NULL:
	 * not there */
	json_t *run, *machine;
	bool complete;
	size_t problems; /* said on stderr */
};

/* false: it is no run, or nothing in it can be read */
bool side_open(struct side *s, const char *path, char why[STORE_WHY_SIZE]);
void side_close(struct side *s);

enum versus_verdict {
	VERSUS_WORSE, /* in B than in A */
	VERSUS_BETTER,
	VERSUS_DIFFERENT, /* a count that depends on timing, too */
	VERSUS_NOISE,
	VERSUS_FEW, /* too few repetitions, or A/A pairs, for any claim */
	VERSUS_NOT_COMPARABLE,
	VERSUS_ONLY_A,
	VERSUS_ONLY_B,
};
enum { VERSUS_VERDICTS = 8, VERSUS_LINES = 5, VERSUS_WHY_SIZE = 512 };

extern const char *const versus_words[VERSUS_VERDICTS]; /* "worse", ... */

/* One number of a cell in both runs */
struct versus_line {
	enum metric metric;
	bool count;  /* of one repetition each: without interval */
	double a, b; /* medians; NAN */
	bool unsure;
	struct two two;
	struct band band; /* the wider of both */
	double adjusted_p;
	enum versus_verdict verdict;
	char why[VERSUS_WHY_SIZE]; /* a sentence, whatever the verdict is */
};

struct versus_cell {
	const struct row *a, *b; /* one of them may be NULL */
	/* Why none of its lines is compared; "" */
	enum versus_verdict verdict;
	char why[VERSUS_WHY_SIZE];
	struct versus_line line[VERSUS_LINES];
	size_t n;
};

struct versus {
	const struct side *a, *b;
	struct versus_cell
		*cell; /* those of A in its order, then those of B alone */
	size_t n;
	size_t in_both;
	size_t family;                 /* comparisons that Holm corrects for */
	size_t lines[VERSUS_VERDICTS]; /* how many have each verdict */
	json_t *differences;           /* between the runs, as sentences */
	json_t *notes;                 /* what limits all of it */
};

/*
 * Compared are, in a closed loop, requests/s, the median and the 99th percentile of
 * the response time, CPU and system calls a request. In an open loop the rate is what
 * was asked for, so it is not; where the generator has no CPU of its own it is the
 * service time. Of silent clients CPU and memory, which were measured once.
 */
struct versus versus(const struct side *a, const struct side *b);
void versus_free(struct versus *v);

/* By how much B differs from A: 0.05 is 5 % of A. NAN: not known */
double versus_change(const struct versus_line *l);

/* Lines that are worse by this much at least */
size_t versus_regressions(const struct versus *v, double least);

const struct cell *versus_cell_of(const struct versus_cell *c);

/* two_runs_text.c: the tables and sentences, with color or without */
void versus_print(FILE *to, const struct versus *v, bool color);

/* What a run is: an array of [name, value] */
json_t *side_facts(const struct side *s);

/* "Of 12 comparisons: 1 worse, 11 within noise"; to be freed */
char *versus_summary(const struct versus *v);

/* two_runs_data.c: as CSV, and all that a page is made of; to be freed */
char *versus_csv(const struct versus *v);
json_t *versus_json(const struct versus *v);

#endif
