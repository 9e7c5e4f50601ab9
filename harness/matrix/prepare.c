/* SPDX-License-Identifier: MIT */
/* prepare.c - plan, CPUs and counting method of a run: see session_internal.h */
#include "harness/matrix/session.h"
#include "harness/matrix/session_internal.h"

#include "harness/matrix/ask.h"
#include "harness/plan/command.h"
#include "harness/probe/awake.h"
#include "harness/probe/syscalls.h"
#include "harness/doctor/doctor.h"

#include "harness/base/die.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct filter {
	regex_t regex;
	bool keeps; /* whether matching cells stay, or go */
};

static bool keep_cell(const char *name, void *data)
{
	const struct filter *f = data;

	return (regexec(&f->regex, name, 0, NULL, 0) == 0) == f->keeps;
}

/* If the filter drops the reference everywhere, the first model takes its place. */
static void keep_reference(struct plan *p)
{
	for (size_t i = 0; i < p->timing.n; i++)
		if (strcmp(p->timing.cell[i].model, p->reference) == 0)
			return;
	if (p->timing.n)
		memcpy(p->reference, p->timing.cell[0].model,
		       sizeof(p->reference));
}

/* As in Google Benchmark, a leading - excludes what matches. */
void apply_filter(struct plan *p, const char *text)
{
	struct filter f = { .keeps = *text != '-' };
	char message[256];
	int error;

	error = regcomp(&f.regex, text + !f.keeps, REG_EXTENDED | REG_NOSUB);
	if (error) {
		regerror(error, &f.regex, message, sizeof(message));
		die_usage("--benchmark_filter '%s': %s", text, message);
	}
	if (plan_keep(p, keep_cell, &f) == 0)
		die_usage("--benchmark_filter '%s': no cell has a matching "
			  "name; matrix list cells prints all",
			  text);
	keep_reference(p);
	regfree(&f.regex);
}

void apply_overrides(struct plan *p, const struct matrix_options *opt)
{
	char error[PLAN_ERROR_SIZE];

	for (size_t i = 0; i < opt->n_overrides; i++)
		if (!plan_override(p, opt->override[i].key,
				   opt->override[i].value, error))
			die_usage("%s", error);
	if (!plan_check(p, error))
		die_usage("%s", error);
}

void session_plan(const struct matrix_options *opt, const char *bin,
		  const char *fallback, struct plan *p)
{
	char path[CATALOG_PATH_SIZE], error[PLAN_ERROR_SIZE];
	const char *name = opt->plan ? opt->plan : fallback;

	if (!catalog_plan(name, path, error))
		die_usage("--plan %s", error);
	if (!plan_read(p, path, catalog_models(bin), error)) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			error);
		exit(EXIT_USAGE);
	}
	apply_overrides(p, opt);
	if (opt->filter)
		apply_filter(p, opt->filter);
}

void make_schedule(struct session *s)
{
	s->blocks = blocks_of(&s->plan);
	s->estimate = blocks_estimate(&s->plan, &s->blocks);
}

void print_plan(const struct session *s)
{
	const struct plan *p = &s->plan;
	char *text = blocks_summary(p, &s->estimate);

	fputs(text, s->screen);
	if (strcmp(p->reference, p->asked_reference) != 0)
		fprintf(s->screen,
			"  compared with %s, as %s does not take part\n",
			p->reference, p->asked_reference);
	fflush(s->screen);
	free(text);
}

/* Prints what this machine cannot measure, before the run begins. */
void print_unmeasurable(const struct session *s)
{
	struct diagnoses d = doctor(&s->plan, s->bin);

	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].health == HEALTH_FAIL)
			fprintf(s->screen,
				"  not everything can be measured: %s: %s%s%s\n",
				d.list[i].what, d.list[i].found,
				*d.list[i].remedy ? "; " : "",
				d.list[i].remedy);
	diagnoses_free(&d);
}

/* Each cell has its values of these, which measure/server.c passes. An option can be
 * abbreviated. */
static const char *option_of_cells(const struct command *c)
{
	static const char *const set[] = { "--host",    "--port", "--message",
					   "--service", "--work", "--seed" };

	for (size_t i = 1; i < c->words; i++)
		for (size_t j = 0; j < sizeof(set) / sizeof(*set); j++)
			if (strncmp(c->word[i], set[j],
				    strcspn(c->word[i], "=")) == 0)
				return c->word[i];
	return NULL;
}

/* Whether the program of a model takes the options of its label: it says so itself, when
 * --help follows them. */
static bool takes_options(const struct command *c, char why[WHY_SIZE])
{
	char **argv = command_argv(c, 0, 1), said[WHY_SIZE], *advice;
	const char *set = option_of_cells(c);
	int status;

	argv[c->words] = (char *)"--help";
	argv[c->words + 1] = NULL;
	status = ask(argv, STDERR_FILENO, said, sizeof(said));
	command_argv_free(argv, c->words);
	said[strcspn(said, "\n")] = '\0';
	if ((advice = strstr(said, " (see --help)")))
		*advice = '\0';
	if (set)
		return why_not(why,
			       "%s is not an option of a model: a cells line "
			       "sets it, or the harness",
			       set);
	return status == 0 || why_not(why, "%s", said);
}

/* A model that is not built does not stop the run: the others are measured. */
static bool can_serve(const char *bin, const struct model *m,
		      char why[WHY_SIZE])
{
	struct command c;
	bool can;

	if (!m->command)
		command_of_model(&c, bin, m->label);
	else if (!command_parse(&c, m->command, why))
		return false;
	can = m->command ? command_available(&c, why) :
			   c.words == 1 || access(c.word[0], X_OK) < 0 ||
				   takes_options(&c, why);
	command_free(&c);
	return can;
}

/* A command, an address or an option that does not work would fail in every repetition,
 * much later. */
void require_servers(const struct session *s)
{
	const struct plan *p = &s->plan;
	char why[WHY_SIZE];

	for (size_t i = 0; i < p->n_models; i++)
		if (!can_serve(s->bin, &p->models[i], why))
			die_usage("model %s cannot be measured: %s",
				  p->models[i].label, why);
}

/* The method that counts system calls, and why not a better one */
void choose_counting(struct session *s)
{
	static char why[WHY_SIZE];

	s->context.counting = SYSCALLS_NONE;
	s->context.uncounted = "";
	if (!s->plan.counting)
		return;
	s->context.counting = syscalls_choose(why);
	if (s->context.counting == SYSCALLS_NONE) {
		s->context.uncounted = why;
		fprintf(s->screen, "  system calls cannot be counted: %s\n",
			why);
	} else if (*why) {
		fprintf(s->screen, "  system calls are counted by %s: %s\n",
			syscalls_methods[s->context.counting], why);
	}
}

void keep_awake(struct session *s)
{
	int fd;

	snprintf(s->asleep, sizeof(s->asleep), "the plan says so");
	if (!s->plan.awake)
		return;
	fd = awake_open(s->asleep);
	if (fd >= 0 && awake_begin(fd, s->asleep))
		*s->asleep = '\0';
	else
		fprintf(s->screen,
			"  idle CPUs sleep: %s (matrix doctor says more)\n",
			s->asleep);
}

void choose_cpus(struct session *s, const char *server_cpus,
		 const char *client_cpus)
{
	char why[WHY_SIZE];

	if (!cpus_find(&s->cpus, server_cpus, client_cpus, why))
		die_usage("%s", why);
}
