/* SPDX-License-Identifier: MIT */
/* run_files.c - the files of a run beside its record: see session_internal.h */
#include "harness/matrix/session_internal.h"

#include "harness/gbench.h"
#include "harness/matrix/ask.h"
#include "harness/store/provenance.h"

#include "harness/base/die.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void check(bool good, const char *why)
{
	if (good)
		return;
	warn("%s", why);
	exit(EXIT_FAILED);
}

/* One that is not whole is measured again, so it is missing. */
struct bouts count_bouts(const struct session *s)
{
	struct bouts of = { 0, 0 };

	for (size_t i = 0; i < s->blocks.n; i += bout_length(&s->blocks, i)) {
		of.planned++;
		of.missing += !store_has_bout(&s->store, &s->blocks,
					      s->blocks.entry[i].bout);
	}
	return of;
}

json_t *machine_of(const struct session *s)
{
	json_t *machine = provenance_machine();

	json_object_set_new(machine, "idle_cpus",
			    json_string(*s->asleep ? "asleep" : "awake"));
	return machine;
}

/* A link starts an interpreter (models/runtimes/start): its version says more than a
 * hash of the script. */
static void put_version(json_t *programs, const char *bin, const char *label)
{
	char path[CATALOG_PATH_SIZE + LABEL_SIZE], name[LABEL_SIZE], said[128];
	char *argv[] = { path, "--version", NULL };
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", bin, cell_program(label, name));
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return;
	if (ask(argv, STDOUT_FILENO, said, sizeof(said)) != 0)
		*said = '\0';
	said[strcspn(said, "\n")] = '\0';
	json_object_set_new(programs, label,
			    *said ? json_string(said) : json_null());
}

/* The programs in run.json */
json_t *programs_of(const struct session *s)
{
	json_t *programs = provenance_programs(&s->plan, s->bin);

	for (size_t i = 0; i < s->plan.n_models; i++)
		if (!s->plan.models[i].command)
			put_version(programs, s->bin, s->plan.models[i].label);
	return programs;
}

struct reduced reduce_all(const struct session *s)
{
	struct reduce_options how = { .reference = s->plan.reference,
				      .margin = s->plan.margin };

	return reduce(s->store.records, s->store.n, &how);
}

/* After the first failure nothing more is written: the disk is full. */
void write_text(struct session *s, const char *name, char *text)
{
	char why[WHY_SIZE];

	if (!s->stopped && !s->unwritten &&
	    !store_file(&s->store, name, text, why)) {
		warn("%s", why);
		s->unwritten = true;
	}
	free(text);
}

const char reduced_files[] =
	"cells.csv, comparisons.csv, calls.csv, findings.csv, warnings.csv, "
	"summary.txt";

/* The files that are derived from the record; report makes them again. */
void write_reduced(struct session *s, const struct reduced *r)
{
	write_text(s, "cells.csv", reduced_cells_csv(r));
	write_text(s, "comparisons.csv", reduced_comparisons_csv(r));
	write_text(s, "calls.csv", reduced_calls_csv(r));
	write_text(s, "comparisons.csv", reduced_comparisons_csv(r));
	write_text(s, "findings.csv", reduced_findings_csv(r));
	write_text(s, "warnings.csv", reduced_warnings_csv(r));
	write_text(s, "summary.txt", reduced_summary(r, false));
}

static char *now_text(char to[32])
{
	time_t now = time(NULL);
	struct tm utc;

	strftime(to, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return to;
}

/* When a run or resume began, and the differences that --force accepted */
static json_t *sitting(const struct session *s)
{
	char now[32];
	json_t *none = json_array();
	json_t *to = json_pack("{s:s, s:O}", "started", now_text(now),
			       "forced_differences",
			       s->differences ? s->differences : none);

	json_decref(none);
	return to;
}

void write_run(const struct session *s)
{
	char why[WHY_SIZE];

	json_array_append_new(json_object_get(s->run, "sittings"), sitting(s));
	check(store_json(&s->store, "run.json", s->run, why), why);
}

/* jansson's integers end at 2^63 - 1. */
static json_t *seed_json(uint64_t seed)
{
	if (seed <= INT64_MAX)
		return json_integer((json_int_t)seed);
	return json_sprintf("%" PRIu64, seed);
}

json_t *describe_run(const struct session *s)
{
	const struct matrix_options *opt = s->opt;

	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:f, s:s?, s:s?, s:s?, s:s, s:O, "
		"s:O, s:s, s:[]}",
		"schema", RECORD_SCHEMA, "program", "matrix", "version",
		VERSION, "method", "turns", "plan", s->plan.name, "blocks",
		(json_int_t)s->plan.blocks, "seed", seed_json(s->plan.seed),
		"reference", s->plan.reference, "margin", s->plan.margin,
		"filter", opt->filter, "server_cpus", opt->server_cpus,
		"client_cpus", opt->client_cpus, "counting",
		syscalls_methods[s->context.counting], "places", s->cpus.facts,
		"programs", s->programs, "benchmark", gbench_version(),
		"sittings");
}

/* results/2026-11-21T154500-quick, beside bin/ */
char *default_out(const struct session *s, char path[STORE_PATH_SIZE])
{
	char here[STORE_PATH_SIZE], above[CATALOG_PATH_SIZE];
	char *slash;
	time_t now = time(NULL);
	struct tm utc;
	char when[32];

	snprintf(above, sizeof(above), "%s", s->bin);
	slash = strrchr(above, '/');
	if (slash)
		*slash = '\0';
	strftime(when, sizeof(when), "%Y-%m-%dT%H%M%S", gmtime_r(&now, &utc));
	if (getcwd(here, sizeof(here)) && strcmp(here, above) == 0)
		snprintf(path, STORE_PATH_SIZE, "results/%s-%s", when,
			 s->plan.name);
	else
		snprintf(path, STORE_PATH_SIZE, "%.3900s/results/%s-%.60s",
			 above, when, s->plan.name);
	return path;
}

/* Quoted for a shell */
static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./-+=:@%,";

	if (word[strspn(word, plain)] == '\0') {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	fputc('\'', to);
}

/* The command that resumes this run; to be freed */
char *resume_command(const struct session *s)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	put_word(to, program_invocation_name);
	fputs(" resume ", to);
	put_word(to, s->store.path);
	if (fclose(to) != 0)
		die("open_memstream");
	return text;
}

void mark_incomplete(const struct session *s)
{
	char why[WHY_SIZE], how[2 * STORE_PATH_SIZE];
	char *command = resume_command(s);

	snprintf(how, sizeof(how),
		 "This run is not complete. To continue it:\n\n    %s\n",
		 command);
	free(command);
	check(store_incomplete(&s->store, how, why), why);
}
