/* SPDX-License-Identifier: MIT */
/*
 * two_runs.h - two runs compared cell by cell
 *
 * Another hour and another machine are in every absolute figure, and in no interval.
 * The ratio to a reference that took turns with the model in the same run has little
 * of them. So what is judged is the ratio of these ratios: B's (model / reference)
 * divided by A's, by the metrics that a run compares. Its interval is Welch's, over
 * the blocks of each run. Absolute figures stand beside it, without a verdict. A
 * change of the reference itself looks like the opposite change of all others.
 *
 * Reading order: two_runs.c compares, two_runs_text.c prints, two_runs_data.c writes
 * CSV and JSON, ../matrix/compare.c is the command.
 */
#ifndef VERDICT_TWO_RUNS_H
#define VERDICT_TWO_RUNS_H

#include "harness/verdict/reduce.h"
#include "harness/store/store.h"

#include <stdio.h>

/* A run; of a damaged folder, what can be read */
struct side {
	struct store store;
	struct reduced reduced;
	/* run.json, with "measured" from plan.txt, and machine.json; NULL: missing */
	json_t *run, *machine;
	bool complete;
	size_t problems; /* reported on stderr */
};

/* `reference` instead of its own, if it was measured; or NULL. false: not a run, or
 * nothing in it can be read */
bool side_open(struct side *s, const char *path, const char *reference,
	       char why[WHY_SIZE]);
void side_close(struct side *s);

enum versus_verdict {
	VERSUS_WORSE, /* in B than in A */
	VERSUS_BETTER,
	VERSUS_DIFFERENT, /* a count that depends on timing */
	VERSUS_EQUAL,     /* within the margin */
	VERSUS_UNDECIDED,
	VERSUS_NOT_JUDGED, /* absolute figures alone */
	VERSUS_NOT_COMPARABLE,
	VERSUS_ONLY_A,
	VERSUS_ONLY_B,
};
enum { VERSUS_VERDICTS = 9, VERSUS_WHY_SIZE = 1024 };

extern const char *const versus_words[VERSUS_VERDICTS]; /* "worse", ... */

/* One metric of a cell in both runs */
struct versus_line {
	const struct row *a, *b; /* one of them may be NULL */
	enum metric metric;
	struct mean change;        /* B / A: absolute, over blocks */
	struct range change_range; /* at 95 % */
	/* The ratio to the reference in each run, and B's divided by A's; without
	 * blocks: not judged */
	struct mean of_a, of_b, ratio;
	struct range range; /* at the level of the family */
	enum versus_verdict verdict;
	char why[VERSUS_WHY_SIZE]; /* a sentence, for every verdict */
};

struct versus {
	const struct side *a, *b;
	struct versus_line
		*line; /* cells of A in its order, then those only in B */
	size_t n;
	size_t cells, in_both;
	const char *reference; /* of both; NULL: they have none in common */
	double margin;         /* the wider of both */
	struct family family;
	size_t verdicts[VERSUS_VERDICTS]; /* how many lines */
	json_t *differences;              /* between the runs, as sentences */
	json_t *notes;                    /* on all ratios, as sentences */
};

/*
 * Shown are, in a closed loop, requests/s, median and p99 of the response time, CPU
 * and system calls per request. In an open loop the plan sets the rate, so it is not
 * shown; where server and clients share a core, it is the service time. With idle
 * clients, CPU and memory, which were measured once.
 */
struct versus versus(const struct side *a, const struct side *b);
void versus_free(struct versus *v);

/* Lines that are worse, with the whole interval beyond this part: 0.05 is 5 % */
size_t versus_regressions(const struct versus *v, double least);

const struct cell *line_cell(const struct versus_line *l);

/* Of one repetition each, so without an interval */
bool line_is_count(const struct versus_line *l);

/* The median in a run, NAN: none, and whether it is unsure */
double line_median(const struct row *row, enum metric m);
bool line_is_unsure(const struct versus_line *l);

/* two_runs_text.c: tables and sentences */
void versus_print(FILE *to, const struct versus *v, bool color);

/* A run's plan, commit, machine ... as an array of [name, value] */
json_t *side_facts(const struct side *s);

/* "Of 12 comparisons in 6 cells (ratios to epoll in the same run; counts of calls): 1
 * worse, 11 equal within 3 %. ..."; to be freed */
char *versus_summary(const struct versus *v);

/* two_runs_data.c: as CSV, and as JSON for the page; to be freed */
char *versus_csv(const struct versus *v);
json_t *versus_json(const struct versus *v);

#endif
