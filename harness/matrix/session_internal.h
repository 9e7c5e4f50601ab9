/* SPDX-License-Identifier: MIT */
/* session_internal.h - what run, resume and report share */
#ifndef MATRIX_SESSION_INTERNAL_H
#define MATRIX_SESSION_INTERNAL_H

#include "harness/matrix/options.h"
#include "harness/matrix/progress.h"
#include "harness/plan/catalog.h"
#include "harness/verdict/reduce.h"
#include "harness/measure/bout.h"
#include "harness/store/store.h"

#include <signal.h>
#include <stdio.h>

struct session {
	const struct matrix_options *opt;
	FILE *screen; /* stdout; stderr if Google Benchmark writes to stdout */
	char bin[CATALOG_PATH_SIZE];
	struct plan plan;
	struct blocks blocks;
	struct estimate estimate;
	struct cpus cpus;
	struct store store;
	struct run_context context;
	struct progress *progress;
	json_t *run; /* run.json */
	json_t *programs;
	json_t *differences; /* accepted by --force; NULL */
	/* Why idle CPUs could sleep; "": they could not */
	char asleep[WHY_SIZE];
	bool only_reads; /* report: nothing is measured */
	bool stopped;    /* a bout could not be written */
	bool unwritten;  /* a derived file could not be written */
	/* Called after each bout that was measured; or NULL */
	void (*bout_done)(struct session *s, const struct entry *e);
	void *claims;     /* for bout_done(): see claims.c */
	sigset_t signals; /* signal mask during waits */
};

/* signals.c: SIGINT, SIGTERM and SIGHUP */
void catch_signals(struct session *s);
bool was_interrupted(void);

/* prepare.c: plan, CPUs and counting method */
void apply_overrides(struct plan *p, const struct matrix_options *opt);
void apply_filter(struct plan *p, const char *text);
void make_schedule(struct session *s);
void print_plan(const struct session *s);
void print_unmeasurable(const struct session *s);
void choose_counting(struct session *s);
void keep_awake(struct session *s);            /* until the program ends */
void require_servers(const struct session *s); /* or ends the program */
void choose_cpus(struct session *s, const char *server_cpus,
		 const char *client_cpus);

/* benchmarks.c: entries as benchmarks, in order; to be freed after the run */
struct benchmark;
struct benchmark *register_benchmarks(struct session *s);

/* run_files.c: the files of a run beside its record */
json_t *machine_of(const struct session *s); /* machine.json */
json_t *programs_of(const struct session *s);
void check(bool good, const char *why); /* or ends the program */
struct bouts {
	size_t planned, missing;
};
struct bouts count_bouts(const struct session *s);
struct reduced reduce_all(const struct session *s);
void write_text(struct session *s, const char *name, char *text);
extern const char reduced_files[]; /* their names, for a message */
void write_reduced(struct session *s, const struct reduced *r);
void write_run(const struct session *s);
json_t *describe_run(const struct session *s);
char *default_out(const struct session *s, char path[STORE_PATH_SIZE]);
char *resume_command(const struct session *s); /* to be freed */
void mark_incomplete(const struct session *s);

/* requests.c: request.csv, unless the folder has it: the calls of one request of each
 * model */
void record_requests(struct session *s);

/* resume.c: plan.txt, to which every line of the record has to belong */
bool read_plan(struct session *s, char why[WHY_SIZE]);
/* Ends the program if machine or programs have changed, unless --force. */
void check_identity(struct session *s);
const char *text_of_run(const struct session *s, const char *key);

/* session.c: what run, resume and claims share */
void start_benchmark(struct session *s);
void create_run(struct session *s); /* the folder, with all but its results */
bool any_failed(const struct session *s);
void lock_machine(void);
void run_benchmarks(struct session *s);
int finish(struct session *s);

#endif
