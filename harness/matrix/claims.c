/* SPDX-License-Identifier: MIT */
/* claims.c - bin/matrix claims: measures what claims need, and judges them */
#include "harness/matrix/session.h"
#include "harness/matrix/claims.h"

#include "harness/claims/table.h"
#include "harness/verdict/describe.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What bin/primitives takes for a row, s */
static const double row_seconds = 0.3;

struct claims_run {
	struct all_claims files;
	struct mechanisms mechanisms;
	struct primitives primitives;
	json_t *machine;
	const struct claim **wanted; /* of files, n_wanted */
	bool *printed;               /* likewise: as they fell */
};

/* ------------------------------------------------------------------- the verdicts */

static struct evidence evidence_of(const struct session *s,
				   const struct claims_run *c,
				   const struct reduced *r)
{
	return (struct evidence){
		.reduced = r,
		.primitives = &c->primitives,
		.mechanisms = &c->mechanisms,
		.cpus = (unsigned)json_integer_value(
			json_object_get(c->machine, "cpus_allowed")),
		.blocks = s->plan.blocks,
	};
}

static struct judgement *judge_all(const struct session *s,
				   const struct claims_run *c,
				   const struct reduced *r)
{
	size_t n = c->files.n_wanted;
	struct evidence *e = grow(NULL, n + 1, sizeof(*e));
	struct judgement *j;

	for (size_t i = 0; i < n; i++)
		e[i] = evidence_of(s, c, r);
	j = judge_claims(c->wanted, n, e);
	free(e);
	return j;
}

/* A verdict falls when the last block of its cells is measured. Before that nothing is
 * judged: to look at each block would be to choose the luckiest. */
static void print_fallen(struct session *s, const struct entry *e)
{
	struct claims_run *c = s->claims;
	struct reduced r;
	struct judgement *j;

	if (e->block != s->plan.blocks)
		return;
	r = reduce_all(s);
	j = judge_all(s, c, &r);
	for (size_t i = 0; i < c->files.n_wanted; i++) {
		char *text;

		if (c->printed[i] || j[i].verdict >= CLAIM_UNKNOWN)
			continue;
		c->printed[i] = true;
		text = claim_lines(&j[i]);
		text[strlen(text) - 1] = '\0';
		progress_say(s->progress, "%s", text);
		free(text);
	}
	judgements_free(j, c->files.n_wanted);
	reduced_free(&r);
}

static void print_all(const struct session *s, const struct judgement *j,
		      size_t n)
{
	size_t of[CLAIM_VERDICTS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		char *text = claim_lines(&j[i]);

		of[j[i].verdict]++;
		fprintf(s->screen, "%s\n", text);
		free(text);
	}
	fprintf(s->screen,
		"%zu claim%s: %zu hold, %zu only under a condition, %zu do not hold "
		"here, %zu this run cannot tell, %zu without an experiment\n",
		n, plural(n), of[CLAIM_HOLDS], of[CLAIM_ONLY_WHEN],
		of[CLAIM_FAILS], of[CLAIM_UNKNOWN], of[CLAIM_DOCUMENTED]);
}

/* When the last repetition began; of primitives alone, when they were written */
static void date_of(const struct session *s, char to[32])
{
	struct stat file;
	struct tm utc;

	*to = '\0';
	for (size_t i = 0; i < s->store.n; i++)
		if (strcmp(s->store.records[i].started, to) > 0)
			snprintf(to, 32, "%s", s->store.records[i].started);
	if (!*to && fstatat(s->store.dir, "primitives.csv", &file, 0) == 0)
		strftime(to, 32, "%Y-%m-%dT%H:%M:%SZ",
			 gmtime_r(&file.st_mtime, &utc));
}

static const char *text_in(const json_t *machine, const char *key)
{
	return json_string_value(json_object_get(machine, key)) ?: "";
}

static void write_claims(struct session *s, const struct claims_run *c,
			 const struct judgement *j)
{
	char date[32], why[WHY_SIZE], *old = NULL, *rows, *table;
	struct occasion when = { text_in(c->machine, "cpu_model"),
				 text_in(c->machine, "kernel_release"), date };

	date_of(s, date);
	if (faccessat(s->store.dir, "claims.csv", F_OK, 0) == 0) {
		old = store_load_text(&s->store, "claims.csv", why);
		check(old != NULL, why);
	}
	rows = claims_rows(j, c->files.n_wanted, &when);
	table = claims_table(old, rows);
	if (!table)
		warn("%s/claims.csv has other columns: another version wrote it; move "
		     "it away",
		     s->store.path);
	s->unwritten |= !table;
	if (table)
		write_text(s, "claims.csv", table);
	free(rows);
	free(old);
}

/* ----------------------------------------------------------------------- controls */

/* The folder of the primitives with an effect, in that of the run */
static char *effect_folder(const struct session *s, const char *effect,
			   char to[STORE_PATH_SIZE + 64])
{
	snprintf(to, STORE_PATH_SIZE + 64, "%s/controls/%s", s->store.path,
		 effect);
	return to;
}

static void load_effect(struct primitives *to, const struct session *s,
			const char *effect)
{
	char path[STORE_PATH_SIZE + 64], why[WHY_SIZE];
	struct store folder;

	*to = (struct primitives){ NULL, 0 };
	if (access(effect_folder(s, effect, path), F_OK) < 0)
		return;
	check(store_folder(&folder, path, why), why);
	load_primitives(to, &folder);
	store_close(&folder);
}

/* The verdicts with control k of each claim that has so many */
static struct judgement *judge_controls(const struct session *s,
					const struct claims_run *c,
					const struct reduced *r, unsigned k)
{
	size_t n = c->files.n_wanted;
	struct evidence *e = grow(NULL, n + 1, sizeof(*e));
	struct primitives *with = grow(NULL, n + 1, sizeof(*with));
	struct judgement *j;

	for (size_t i = 0; i < n; i++) {
		const struct claim *claim = c->wanted[i];
		const struct control *control =
			k < claim->n_controls ? &claim->control[k] : NULL;

		with[i] = (struct primitives){ NULL, 0 };
		e[i] = evidence_of(s, c, control ? r : NULL);
		e[i].control = control;
		if (control && !*control->model) {
			load_effect(&with[i], s, control->effect);
			e[i].primitives = &with[i];
		} else if (!control) {
			e[i].primitives = &with[i]; /* nothing: not judged */
		}
	}
	j = judge_claims(c->wanted, n, e);
	for (size_t i = 0; i < n; i++)
		primitives_free(&with[i]);
	free(with);
	free(e);
	return j;
}

static bool is_decided(const struct judgement *j)
{
	return j->verdict < CLAIM_UNKNOWN;
}

/* Prints what the controls of a claim did; false: one was needed, and none turned it. */
static bool print_control(const struct session *s,
			  const struct judgement *plain,
			  struct judgement *const with[CONTROLS_MAX], size_t i)
{
	const struct claim *c = plain[i].claim;
	bool turned = false;

	for (unsigned k = 0; k < c->n_controls; k++) {
		const struct judgement *j = &with[k][i];
		const struct control *of = &c->control[k];
		char before[FIGURE_SIZE], after[FIGURE_SIZE];

		turned |= is_decided(j) && j->verdict != plain[i].verdict;
		fprintf(s->screen, "%s: %s %s: %s (%s) becomes %s (%s)%s%s\n",
			c->name, *of->model ? of->model : "primitive",
			of->effect, claim_verdicts[plain[i].verdict],
			figure_text(&plain[i], before),
			claim_verdicts[j->verdict], figure_text(j, after),
			*j->reason ? ": " : "", j->reason);
	}
	if (turned || c->n_controls == 0)
		return true;
	if (!is_decided(&plain[i])) {
		fprintf(s->screen,
			"%s: not shown, as its verdict is unknown: %s\n",
			c->name, plain[i].reason);
		return true;
	}
	fprintf(s->screen, "%s: NOT TURNED\n", c->name);
	return false;
}

/* false: a verdict did not turn. */
static bool print_controls(const struct session *s, const struct claims_run *c,
			   const struct reduced *r,
			   const struct judgement *plain)
{
	struct judgement *with[CONTROLS_MAX];
	size_t n = c->files.n_wanted, failed = 0;

	for (unsigned k = 0; k < CONTROLS_MAX; k++)
		with[k] = judge_controls(s, c, r, k);
	for (size_t i = 0; i < n; i++)
		failed += !print_control(s, plain, with, i);
	if (failed)
		fprintf(s->screen,
			"%zu verdict%s did not turn: the instrument does not see "
			"that effect, or it is too small\n",
			failed, plural(failed));
	for (unsigned k = 0; k < CONTROLS_MAX; k++)
		judgements_free(with[k], n);
	return failed == 0;
}

/* ---------------------------------------------------------------------- the plan */

/* Of the wanted claims alone: a bout has the fewer servers, and is the shorter. */
static void make_plan(struct session *s, const struct claims_run *c)
{
	const char *const *models = catalog_models(s->bin);
	char error[PLAN_ERROR_SIZE];
	char *text = claims_plan(c->wanted, c->files.n_wanted, s->opt->controls,
				 models);

	if (!text)
		die_usage(
			"no claim needs a cell: bin/primitives --out DIR, then "
			"claims --run DIR");
	if (!plan_parse(&s->plan, text, strlen(text),
			s->opt->controls ? "controls" : "claims", models,
			error))
		die_usage("the plan of the claims: %s", error);
	free(text);
	apply_overrides(&s->plan, s->opt);
	make_schedule(s);
}

static bool is_needed(const struct session *s, const struct claims_run *c,
		      const struct cell *cell)
{
	bool found = false;

	for (size_t i = 0; i < c->files.n_wanted && !found; i++) {
		size_t n;
		struct cell *cells =
			claim_cells(c->wanted[i], s->opt->controls, &n);

		for (size_t k = 0; k < n; k++)
			found |= cell_same(&cells[k], cell);
		free(cells);
	}
	return found;
}

/* Bouts in which a wanted claim has a cell; their entries keep their numbers. */
static struct blocks needed_blocks(const struct session *s,
				   const struct claims_run *c)
{
	const struct blocks *all = &s->blocks;
	struct blocks b = { grow(NULL, all->n + 1, sizeof(*b.entry)), 0 };

	for (size_t i = 0, n; i < all->n; i += n) {
		bool needed = false;

		n = bout_length(all, i);
		for (size_t k = i; k < i + n && !needed; k++)
			needed = is_needed(s, c, all->entry[k].cell);
		if (!needed)
			continue;
		memcpy(b.entry + b.n, all->entry + i, n * sizeof(*b.entry));
		b.n += n;
	}
	return b;
}

static void print_extent(const struct session *s, const struct claims_run *c,
			 const struct blocks *needed)
{
	struct estimate e = blocks_estimate(&s->plan, needed);
	size_t rows = count_rows(&c->files, &c->primitives);
	struct bouts bouts = { 0, 0 };
	char time[32];

	for (size_t i = 0; i < needed->n; i += bout_length(needed, i)) {
		bouts.planned++;
		bouts.missing += !store_has_bout(&s->store, needed,
						 needed->entry[i].bout);
	}
	progress_time(((double)e.ns / 1e9 +
		       1e-9) * (bouts.planned ? (double)bouts.missing /
							(double)bouts.planned :
						0) +
			      row_seconds * (double)rows,
		      time);
	fprintf(s->screen,
		"%zu of %zu claims: %zu of %zu bouts and %zu primitives to be "
		"measured, about %s\n",
		c->files.n_wanted, c->files.n, bouts.missing, bouts.planned,
		rows, time);
}

/* --------------------------------------------------------------------- measuring */

static bool folder_has_run(const char *path)
{
	char file[STORE_PATH_SIZE + 16];

	snprintf(file, sizeof(file), "%s/run.json", path);
	return access(file, F_OK) == 0;
}

/* The plan of the folder stays; a claim with a cell that is not in it is unknown. */
static void reopen(struct session *s)
{
	char why[WHY_SIZE];

	if (s->opt->n_overrides)
		die_usage("%s has a plan already: without --%s", s->opt->out,
			  s->opt->override[0].key);
	check(store_open(&s->store, s->opt->out, why), why);
	check(read_plan(s, why), why);
}

static void measure_all_primitives(struct session *s, struct claims_run *c)
{
	int status = measure_primitives(s->bin, &c->files, NULL, &c->primitives,
					s->store.path);

	for (size_t i = 0; s->opt->controls && i < c->files.n_wanted; i++)
		for (unsigned k = 0; k < c->wanted[i]->n_controls; k++) {
			const struct control *of = &c->wanted[i]->control[k];
			char path[STORE_PATH_SIZE + 64];
			struct primitives have;

			if (*of->model || status != EXIT_SUCCESS)
				continue;
			load_effect(&have, s, of->effect);
			effect_folder(s, of->effect, path);
			status = measure_primitives(s->bin, &c->files,
						    of->effect, &have, path);
			primitives_free(&have);
		}
	if (status != EXIT_SUCCESS) {
		warn("bin/primitives did not measure all (see above); to continue: "
		     "bin/matrix claims --out %s",
		     s->store.path);
		exit(status == EXIT_INTERRUPTED ? status : EXIT_FAILED);
	}
	primitives_free(&c->primitives);
	load_primitives(&c->primitives, &s->store);
}

static void begin_run(struct session *s)
{
	if (s->run) {
		keep_awake(s);
		check_identity(s);
		choose_counting(s);
		write_run(s);
	} else {
		create_run(s);
	}
}

static int conclude_claims(struct session *s, struct claims_run *c)
{
	struct bouts bouts = count_bouts(s);
	struct reduced r = reduce_all(s);
	struct judgement *j = judge_all(s, c, &r);
	bool turned = true;
	char why[WHY_SIZE];

	write_claims(s, c, j);
	if (!s->opt->run) {
		write_reduced(s, &r);
		if (bouts.missing == 0 && !s->unwritten)
			check(store_complete(&s->store, why), why);
	}
	if (s->opt->controls)
		turned = print_controls(s, c, &r, j);
	else
		print_all(s, j, c->files.n_wanted);
	fprintf(s->screen, "\nResults: %s/claims.csv\n", s->store.path);
	judgements_free(j, c->files.n_wanted);
	reduced_free(&r);
	if (was_interrupted() || s->stopped || s->unwritten) {
		fprintf(stderr,
			"\n%s: incomplete; to continue: bin/matrix claims --out %s\n",
			program_invocation_short_name, s->store.path);
		return was_interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED;
	}
	return turned && (s->opt->run || !any_failed(s)) ? EXIT_SUCCESS :
							   EXIT_FAILED;
}

static int measure(struct session *s, struct claims_run *c)
{
	struct blocks all, needed;
	int status;

	s->screen = stdout;
	if (s->opt->out && folder_has_run(s->opt->out))
		reopen(s);
	else
		make_plan(s, c);
	if (s->run)
		load_primitives(&c->primitives, &s->store);
	start_benchmark(s);
	choose_cpus(
		s, s->run ? text_of_run(s, "server_cpus") : s->opt->server_cpus,
		s->run ? text_of_run(s, "client_cpus") : s->opt->client_cpus);
	require_servers(s);
	needed = needed_blocks(s, c);
	print_extent(s, c, &needed);
	if (s->opt->dry_run)
		return EXIT_SUCCESS;
	begin_run(s);
	c->machine = machine_of(s);
	measure_all_primitives(s, c);
	lock_machine();
	all = s->blocks;
	s->blocks = needed;
	s->claims = c;
	s->bout_done = print_fallen;
	if (needed.n)
		run_benchmarks(s);
	s->blocks = all;
	status = conclude_claims(s, c);
	blocks_free(&needed);
	store_close(&s->store);
	return status;
}

/* ------------------------------------------------------------------------- --run */

/* A folder with primitives alone is no run, but can be judged. */
static void open_to_read(struct session *s)
{
	char why[WHY_SIZE], file[STORE_PATH_SIZE + 16];

	snprintf(file, sizeof(file), "%s/primitives.csv", s->opt->run);
	if (!folder_has_run(s->opt->run) && access(file, F_OK) == 0) {
		check(store_folder(&s->store, s->opt->run, why), why);
	} else {
		check(store_read(&s->store, s->opt->run, why), why);
		if (!read_plan(s, why))
			warn("%s; so what was planned is unknown", why);
	}
	check(store_lock(&s->store, why), why);
}

static int judge_stored(struct session *s, struct claims_run *c)
{
	char why[WHY_SIZE];
	int status;

	s->screen = stdout;
	s->only_reads = true;
	open_to_read(s);
	c->machine = store_load_json(&s->store, "machine.json", why);
	if (!c->machine)
		warn("%s", why);
	load_primitives(&c->primitives, &s->store);
	status = conclude_claims(s, c);
	store_close(&s->store);
	return status;
}

int matrix_claims(const struct matrix_options *opt)
{
	static struct session s;
	static struct claims_run c;
	size_t n = 0;

	s.opt = opt;
	catalog_bin(s.bin);
	read_claims(&c.files, s.bin);
	read_mechanisms(&c.mechanisms, s.bin);
	check_rows(&c.files);
	choose_claims(&c.files, opt->only);
	c.wanted = grow(NULL, c.files.n_wanted, sizeof(*c.wanted));
	c.printed = calloc(c.files.n_wanted, sizeof(*c.printed));
	if (!c.printed)
		die("calloc");
	for (size_t i = 0; i < c.files.n; i++)
		if (c.files.wanted[i])
			c.wanted[n++] = &c.files.claim[i];
	return opt->run ? judge_stored(&s, &c) : measure(&s, &c);
}
