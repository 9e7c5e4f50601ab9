/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - from repetitions to cells and verdicts: medians, comparisons, warnings
 *
 * Reads records and nothing else; the same records give the same files. A cell has
 * one value per block, from its last valid record. Invalid repetitions are counted
 * and their reasons reported; nothing is computed from them.
 *
 *	cells.csv	a row per cell; results/README.md explains the columns
 *	calls.csv	a row per system call of each cell, the most frequent first
 *	comparisons.csv	a row per comparison: ratio, interval, verdict, sentence
 *	findings.csv	chart,title,note: the verdicts, the most telling first, and the
 *			finding for each chart, over all settings and for each setting,
 *			such as "server_cpu/closed split 64" (setting_key() of
 *			describe.h)
 *	warnings.csv	the warnings, the most important first
 *	summary.txt	the verdicts, the tables, and what limits trust
 *
 * Reading order: reduce.c makes rows from records, compare.c compares them,
 * warnings.c collects warnings; describe.c formats settings and numbers, findings.c
 * makes sentences and headlines.c chooses among them; csv.c, titles.c and summary.c
 * write the files.
 */
#ifndef VERDICT_REDUCE_H
#define VERDICT_REDUCE_H

#include "harness/store/record.h"
#include "harness/verdict/ratios.h"
#include "harness/verdict/stats.h"

/* NULL, or an empty reference: epoll, else the first model; margin 0: 3 % */
struct reduce_options {
	const char *reference;
	double margin;
};

/* A cell over all its repetitions of one kind */
struct row {
	struct cell cell;
	unsigned n;       /* valid blocks */
	unsigned invalid; /* those that are not */
	unsigned rounds;  /* that count */
	/* ok if any repetition is valid; else that of the last one. For a cell
	 * that was only counted, that of counting it */
	enum status status;
	char reason
		[256]; /* why not ok; if ok, why `invalid` are not valid; "" */
	/* The server used more than 90 % of a CPU with idle clients; false also where
	 * that was not measured */
	bool spins;
	bool oversubscribed; /* it spins, and shares its CPU with the generator */
	bool bound, saturated; /* in most blocks: see struct record */
	/* No slower than the baseline server: see compare() */
	bool at_limit;
	bool unsure
		[METRICS]; /* fewer than 100 requests beyond it, in some block */
	/* Of timing repetitions; calls, submissions and completions of the counting
	 * one */
	struct summary metric[METRICS];
	char calls_method[16], cpu_method[16]; /* "mixed" if they differ */
	const struct call_count *calls;        /* of the counting repetition */
	size_t n_calls;
	double calls_per; /* count / calls_per is per request; 0: no requests */
	const struct record **timed; /* by block, n_blocks of them; or NULL */
	const struct record **twin;  /* the same of its A/A twin */
};

/* In the order in which they are tried */
enum verdict {
	VERDICT_MISSING, /* fewer than two blocks have both */
	VERDICT_BOUND,   /* one side is only known to be at least, or at most */
	VERDICT_EQUAL,   /* the whole interval is within the margin */
	VERDICT_DIFFERENT, /* the interval excludes 1 */
	VERDICT_UNDECIDED,
};
enum { VERDICTS = 5 };

/* What the figures of a cell say less than they seem to */
enum state {
	STATE_NONE,
	STATE_WHOLE_CORE, /* the server spins, or is saturated in an open loop */
	STATE_GENERATOR_LIMIT, /* a lower bound of the rate, an upper one of times */
};
enum { STATES = 3 };

extern const char *const verdict_words[VERDICTS]; /* "missing", ... */
extern const char *const state_words[STATES];     /* "", "whole core", ... */

/* A model against the reference by one metric in one setting */
struct comparison {
	const struct row *a, *with; /* the ratio is a / with */
	enum metric metric;
	struct mean ratio; /* of the ratio's logarithm, over blocks */
	struct mean twin;  /* the same of the reference's A/A twin */
	size_t rounds;     /* behind it */
	double p;          /* NAN: not in the family */
	/* At the level of the family. An end that only a bound is known of is NAN. */
	struct range range, twin_range;
	enum verdict verdict;
	enum state state;
};

struct reduced {
	/* By setting, then by model: ours in reading order, others by name, the
	 * baseline last */
	struct row *row;
	size_t n;
	unsigned n_blocks; /* of timing */
	char reference
		[LABEL_SIZE]; /* the model that others are compared with; "" */
	double margin;
	struct comparison *comparison; /* by setting, metric, model */
	size_t n_comparisons;
	struct family family;
	json_t *warnings; /* see warnings.h */
};

/* `records` must outlive the result. compare.h says what is compared, and how. */
struct reduced reduce(const struct record *records, size_t n,
		      const struct reduce_options *options);
void reduced_free(struct reduced *r);

/* The row of a cell; NULL: none */
const struct row *reduced_row(const struct reduced *r, const struct cell *c);

/* Models, without the baseline, whose whole interval is worse by more than `least`
 * (0.03: 3 %) than the reference: less requests/s, more time or CPU */
size_t reduced_regressions(const struct reduced *r, double least);
bool is_regression(const struct comparison *c, double least);

/* Each returns a whole file, to be freed. */
char *reduced_cells_csv(const struct reduced *r);
char *reduced_calls_csv(const struct reduced *r);
char *reduced_comparisons_csv(const struct reduced *r);
char *reduced_findings_csv(const struct reduced *r);
char *reduced_warnings_csv(const struct reduced *r);
char *reduced_summary(const struct reduced *r, bool color);

#endif
