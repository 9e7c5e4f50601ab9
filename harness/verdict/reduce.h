/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - from repetitions to cells: medians, their spread, comparisons, warnings
 *
 * Reads records and nothing else; the same records give the same files. A cell has
 * one value per block. Invalid repetitions are counted
 * and their reasons reported; they never enter a median.
 *
 *	cells.csv	a row per cell; results/README.md explains the columns
 *	calls.csv	a row per system call of each cell, the most frequent first
 *	findings.csv	chart,title,note: the finding for each chart, over all
 *			settings and for each setting, such as "server_cpu/closed
 *			split 64" (setting_key() of describe.h)
 *	warnings.csv	the warnings, the most important first
 *	summary.txt	the tables and sentences at the end of a run
 *
 * Reading order: reduce.c makes rows from records, compare.c compares them,
 * warnings.c collects warnings; describe.c formats settings and numbers; csv.c,
 * findings.c and summary.c write the files.
 */
#ifndef VERDICT_REDUCE_H
#define VERDICT_REDUCE_H

#include "harness/store/record.h"
#include "harness/verdict/stats.h"

/* A cell over all its repetitions of one kind */
struct row {
	struct cell cell;
	unsigned n;       /* valid repetitions, one per block */
	unsigned invalid; /* those that are not */
	/* ok if any repetition is valid; else that of the last one. For a cell
	 * that was only counted, that of counting it */
	enum status status;
	char reason
		[256]; /* why not ok; if ok, why `invalid` are not valid; "" */
	/* The server used more than 90 % of a CPU with idle clients; false also where
	 * that was not measured */
	bool spins;
	bool oversubscribed; /* it spins, and shares its CPU with the generator */
	/* The generator had no CPU of its own: its send lag is in the response time,
	 * not in the service time */
	bool coarse;
	bool unsure
		[METRICS]; /* fewer than 100 requests beyond it, in some block */
	/* Of timing repetitions; calls, submissions and completions of the counting
	 * one */
	struct summary metric[METRICS];
	char calls_method[16], cpu_method[16]; /* "mixed" if they differ */
	const struct call_count *calls;        /* of the counting repetition */
	size_t n_calls;
	double calls_per; /* count / calls_per is per request; 0: no requests */
	double *value[METRICS]; /* by block, n_blocks of them; NAN: none */
	double *again[METRICS]; /* the same of A/A repetitions */
};

/* A comparison that is printed, and its verdict */
struct finding {
	const struct row *a, *b;
	enum metric metric;
	struct verdict verdict;
};

struct reduced {
	/* By setting, then by model: ours in reading order, others by name, the
	 * baseline last */
	struct row *row;
	size_t n;
	unsigned n_blocks; /* of timing */
	char reference
		[LABEL_SIZE]; /* the model that others are compared with; "" */
	struct finding *finding;
	size_t n_findings;
	json_t *warnings; /* see warnings.h */
};

/*
 * `records` must outlive the result. The comparisons are fixed before any value is
 * read: in each setting, every model with the reference, which is epoll if it takes
 * part, else the first model. Closed loop: requests_per_second and
 * server_cpu_per_request. Open loop: response_p99 (service_p99 where the generator
 * has no CPU of its own) and server_cpu_per_request. Holm's correction covers all of
 * them. Oversubscribed cells and CPU time of different methods are not compared. The
 * A/A band is that of the same metric in the same setting.
 */
struct reduced reduce(const struct record *records, size_t n);
void reduced_free(struct reduced *r);

/* The row of a cell; NULL: none */
const struct row *reduced_row(const struct reduced *r, const struct cell *c);

/* Each returns a whole file, to be freed. */
char *reduced_cells_csv(const struct reduced *r);
char *reduced_calls_csv(const struct reduced *r);
char *reduced_findings_csv(const struct reduced *r);
char *reduced_warnings_csv(const struct reduced *r);
char *reduced_summary(const struct reduced *r, bool color);

#endif
