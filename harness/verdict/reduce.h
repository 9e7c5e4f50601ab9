/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - from repetitions to cells: medians, their spread, what may be said
 *
 * Reads records and nothing else; the same records give the same files. A cell
 * has one value a block, of the repetition that counts: the last valid attempt.
 * What is invalid is counted and named, never averaged in.
 *
 *	cells.csv	a row a cell: results/README.md has the columns
 *	calls.csv	a row for each system call of each cell, the most frequent first
 *	findings.csv	chart,title,note: what the data says, for every drawer; of
 *			a chart over all settings, and of each setting, such as
 *			"server_cpu/closed split 64" (setting_key() of describe.h)
 *	warnings.csv	what limits trust, the most important first
 *	summary.txt	the tables and the sentences that end a run
 *
 * To be read in this order: reduce.c makes rows of records, compare.c compares
 * them, warnings.c says what limits all of it; describe.c has words and numbers for
 * people, csv.c, findings.c and summary.c write them.
 */
#ifndef VERDICT_REDUCE_H
#define VERDICT_REDUCE_H

#include "harness/store/record.h"
#include "harness/verdict/stats.h"

/*
 * What became of a cell, over all its repetitions of one kind
 *
 * Where the generator was the bottleneck it was so because the server was fast: what
 * is left is what was slow. With half of them or more gone so, their median is not
 * among those that are left: then none of them counts, and the cell is invalid.
 */
struct row {
	struct cell cell;
	unsigned n;       /* repetitions that count, one a block */
	unsigned invalid; /* attempts that do not */
	unsigned
		outgrown; /* of these, by a server too fast for the generator */
	enum status
		status; /* ok if any counts; else that of the last attempt. Of a
			       cell that was only counted, that of counting it */
	char reason
		[256]; /* why not ok; or, if ok, why `invalid` do not count; "" */
	bool spins;    /* its server used more than 90 % of a CPU for idle
			     clients; false also where that was not measured */
	bool oversubscribed; /* and it shares its CPU with the generator */
	bool coarse; /* the generator had no CPU of its own: its lateness is in the
			response time, and not in the service time */
	bool unsure
		[METRICS]; /* fewer than 100 requests beyond it, in some block */
	struct summary
		metric[METRICS]; /* of timing repetitions; calls, submissions
			       and completions of the counting one */
	char calls_method[16], cpu_method[16]; /* "mixed" if they differ */
	const struct call_count *calls;        /* of the counting repetition */
	size_t n_calls;
	double calls_per; /* divide counts by this for a request; 0: no requests */
	/* A/A: the second value of those blocks that have one, else NAN */
	double *value[METRICS],
		*again[METRICS]; /* by block, n_blocks of them */
};

/* A comparison that is printed, and its verdict */
struct finding {
	const struct row *a, *b;
	enum metric metric;
	struct verdict verdict;
};

struct reduced {
	struct row *row; /* by setting, then by model: as the models are taught,
			    then others by name, the baseline last */
	size_t n;
	unsigned n_blocks;          /* of timing */
	char reference[LABEL_SIZE]; /* what the others are compared with; "" */
	struct finding *finding;
	size_t n_findings;
	json_t *warnings; /* what limits trust: see warnings.h; empty: nothing does */
};

/*
 * `records` have to outlive it. The comparisons, settled before any number is
 * looked at: in each setting every model with the reference, which is epoll if it
 * takes part, else the first model; closed loop by requests_per_second and
 * server_cpu_per_request, open loop by response_p99 (service_p99 where the
 * generator has no CPU of its own) and server_cpu_per_request. Holm over all of
 * them. Oversubscribed cells are not compared, nor CPU time of different methods.
 * The A/A band is that of the same metric in the same setting.
 */
struct reduced reduce(const struct record *records, size_t n);
void reduced_free(struct reduced *r);

/* Each is the whole file; to be freed. */
char *reduced_cells_csv(const struct reduced *r);
char *reduced_calls_csv(const struct reduced *r);
char *reduced_findings_csv(const struct reduced *r);
char *reduced_warnings_csv(const struct reduced *r);
char *reduced_summary(const struct reduced *r, bool color);

#endif
