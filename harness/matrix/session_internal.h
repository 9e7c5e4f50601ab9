/* SPDX-License-Identifier: MIT */
/* session_internal.h - what the parts of a session share; for these parts only */
#ifndef MATRIX_SESSION_INTERNAL_H
#define MATRIX_SESSION_INTERNAL_H

#include "harness/matrix/options.h"
#include "harness/matrix/progress.h"
#include "harness/plan/catalog.h"
#include "harness/verdict/reduce.h"
#include "harness/measure/repetition.h"
#include "harness/store/store.h"

#include <signal.h>
#include <stdio.h>

struct session {
	const struct matrix_options *opt;
	FILE *people; /* stdout, or stderr where that is for a program */
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
	json_t *differences;          /* of a forced resume; NULL */
	double repeats_s;             /* time that repeats may still take */
	struct speed_history history; /* of the CPUs */
	bool only_reads;              /* report: nothing is measured */
	bool stopped;                 /* the store cannot be written any more */
	bool unwritten;   /* of what is made from the lines, at the end */
	sigset_t signals; /* outside of waits */
};

/* signals.c: Ctrl-C and its like */
void catch_signals(struct session *s);
bool was_interrupted(void);

/* prepare.c: what is to be measured, and how it can be here */
void apply_filter(struct plan *p, const char *text);
void lay_out(struct session *s);
void print_plan(const struct session *s);
void print_obstacles(const struct session *s);
void choose_counting(struct session *s);
void require_servers(const struct plan *p); /* ends the program */
void find_places(struct session *s, const char *server_cpus,
		 const char *client_cpus);

/* benchmarks.c: repetitions as benchmarks, in order; to be freed after the run */
struct step;
struct step *register_all(struct session *s);

/* run_files.c: what a session leaves beside its lines */
void check(bool good, const char *why);        /* or the end of the program */
size_t count_missing(const struct session *s); /* planned and not recorded */
void put_text(struct session *s, const char *name, char *text);
extern const char reduced_files[]; /* their names, for people */
void write_reduced(struct session *s, const struct reduced *r);
void write_run(const struct session *s);
json_t *describe_run(const struct session *s);
char *default_out(const struct session *s, char path[STORE_PATH_SIZE]);
char *resume_command(const struct session *s); /* to be freed */
void say_incomplete(const struct session *s);

/* resume.c: the plan in the folder, with which every line of the record has to agree */
bool read_plan_again(struct session *s, char why[STORE_WHY_SIZE]);

/* session.c: what run and resume have in common */
void start_benchmark(struct session *s);
void take_lock(void);
void carry_out(struct session *s);
int finish(struct session *s);

#endif
