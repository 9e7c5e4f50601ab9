/* SPDX-License-Identifier: MIT */
/* options.c - the command line of bin/matrix: see options.h */
#include "harness/matrix/options.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------- plan keys and Google Benchmark */

static void add_override(struct matrix_options *opt, const char *key,
			 const char *value)
{
	for (size_t i = 0; i < opt->n_overrides; i++)
		if (strcmp(opt->override[i].key, key) == 0)
			die_usage("--%s is given twice", key);
	if (opt->n_overrides == OVERRIDES_MAX)
		die_usage("too many options");
	opt->override[opt->n_overrides++] = (struct override){ key, value };
}

/* Takes the two options that become part of the plan; true: it was one of them. */
static bool take_resolved(struct matrix_options *opt, const char *argument)
{
	static const char filter[] = "--benchmark_filter=";
	static const char blocks[] = "--benchmark_repetitions=";

	if (strncmp(argument, filter, strlen(filter)) == 0)
		opt->filter = argument + strlen(filter);
	else if (strncmp(argument, blocks, strlen(blocks)) == 0)
		add_override(opt, "blocks", argument + strlen(blocks));
	else
		return false;
	opt->resolved = true;
	return true;
}

/* "--benchmark_filter REGEX" is accepted like --benchmark_filter=REGEX. */
static bool wants_value(const char *argument)
{
	return strcmp(argument, "--benchmark_filter") == 0 ||
	       strcmp(argument, "--benchmark_repetitions") == 0;
}

/* Moves the options for Google Benchmark out of argv; returns the new argc. */
static int take_benchmark(int argc, char **argv, struct matrix_options *opt)
{
	int kept = 1;

	opt->benchmark = calloc((size_t)argc + 1, sizeof(*opt->benchmark));
	if (!opt->benchmark)
		die("calloc");
	opt->benchmark[opt->n_benchmark++] = argv[0];
	for (int i = 1; i < argc; i++) {
		char *argument = argv[i];

		if (strncmp(argument, "--benchmark_", 12) != 0) {
			argv[kept++] = argument;
			continue;
		}
		if (wants_value(argument) && i + 1 < argc &&
		    asprintf(&argument, "%s=%s", argv[i], argv[i + 1]) > 0)
			i++;
		if (!take_resolved(opt, argument))
			opt->benchmark[opt->n_benchmark++] = argument;
	}
	argv[kept] = NULL;
	return kept;
}

/* ---------------------------------------------------------------- the options */

static void take_override(const struct arg *arg, const char *text,
			  void *options)
{
	add_override(options, arg->name, text);
}

static const char gate[] = "--fail-on-regression", gate_usual[] = "margin";

static void take_gate(const struct arg *arg, const char *text, void *options)
{
	struct matrix_options *opt = options;
	double percent;

	opt->fail_on_regression = true;
	opt->least = NAN;
	if (strcmp(text, gate_usual) == 0)
		return;
	if (!parse_percent(text, &percent))
		die_usage("--%s '%s': not a percentage, such as 3%%", arg->name,
			  text);
	opt->least = percent / 100;
}

/* Its percentage is optional; it may follow after a blank. */
static void complete_gate(int argc, char **argv)
{
	static char with_usual[sizeof(gate) + sizeof(gate_usual)];
	double ignored;

	snprintf(with_usual, sizeof(with_usual), "%s=%s", gate, gate_usual);
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], gate) == 0 &&
		    (i + 1 == argc || !parse_percent(argv[i + 1], &ignored)))
			argv[i] = with_usual;
}

static const char *const verbs[] = { "run",    "resume",  "report", "list",
				     "doctor", "compare", "claims", NULL };

static enum verb verb_of(const char *word)
{
	const char *meant;

	for (int i = 0; verbs[i]; i++)
		if (strcmp(word, verbs[i]) == 0)
			return (enum verb)i;
	meant = nearest(word, verbs);
	die_usage(
		"'%s': it takes run, resume, report, list, doctor, compare or claims%s%s%s",
		word, meant ? "; did you mean " : "", meant ? meant : "",
		meant ? "?" : "");
}

/* The verb, then its one or two folders */
static void take_operand(const char *text, void *options)
{
	struct matrix_options *opt = options;

	if (opt->verb == VERB_NONE)
		opt->verb = verb_of(text);
	else if (!opt->what && opt->verb != VERB_RUN &&
		 opt->verb != VERB_DOCTOR && opt->verb != VERB_CLAIMS)
		opt->what = text;
	else if (!opt->with && opt->verb == VERB_COMPARE)
		opt->with = text;
	else
		die_usage("'%s': unexpected argument", text);
}

#define AT(member) .at = offsetof(struct matrix_options, member)
#define PLAN_KEY ARG_OTHER
#define KEY .take = take_override

/* The verbs that take an option */
enum {
	RUN = 1 << VERB_RUN,
	RESUME = 1 << VERB_RESUME,
	REPORT = 1 << VERB_REPORT,
	COMPARE = 1 << VERB_COMPARE,
	CLAIMS = 1 << VERB_CLAIMS,
	PLAN = RUN | 1 << VERB_LIST | 1 << VERB_DOCTOR,
};

static const struct arg table[] = {
	{ ARG_HEADING, .help = "What to measure:" },
	{ ARG_TEXT, "plan", "NAME",
	  "quick, standard, full, ways, workloads or a file (default standard)",
	  AT(plan), .use = PLAN },
	{ PLAN_KEY, "models", "LIST",
	  "models of this suite: all, variants, runtimes or names, with options of their own "
	  "(delayloop:delay=10ms); or LABEL=COMMAND: epoll,mine=./a.out. COMMAND is split "
	  "into words as in a shell ('', \"\", \\), without expansion. With {port} in it, it "
	  "gets a free port there; without, --port 0 --message N, and it prints a ready "
	  "line (CONTRIBUTING.md). A server that already runs on the loopback is "
	  "LABEL=127.0.0.1:7000, measured without CPU time and system calls, or "
	  "'LABEL=127.0.0.1:7000 pid=1234'",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "connections", "LIST",
	  "numbers of connections, instead of the plan's: 1,64,1k", KEY,
	  .use = PLAN },
	{ PLAN_KEY, "blocks", "N",
	  "fresh starts of every server; each gives one value a comparison",
	  KEY, .use = PLAN | CLAIMS },
	{ PLAN_KEY, "bout", "TIME",
	  "time under load of a setting in a block, for all its servers together: 3s",
	  KEY, .use = PLAN | CLAIMS },
	{ PLAN_KEY, "slice", "TIME",
	  "time under load of a server in a round; default: twenty response times of the "
	  "slowest one, 40ms at least",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "reference", "MODEL",
	  "the model that others are compared with (default epoll)", KEY,
	  .use = PLAN | REPORT },
	{ PLAN_KEY, "margin", "PERCENT",
	  "models that differ by less are called equal (default 3%)", KEY,
	  .use = PLAN | REPORT },
	{ PLAN_KEY, "message", "BYTES",
	  "size of a request in cells that do not give one: 64, 4KiB", KEY,
	  .use = PLAN },
	{ PLAN_KEY, "idle", "LIST",
	  "numbers of idle clients whose cost is measured alone: 0,1k; or none",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "counting", "YES|NO", "count system calls", KEY,
	  .use = PLAN },
	{ PLAN_KEY, "baseline", "YES|NO",
	  "measure the baseline server, too: the limit of generator and kernel",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "aa", "YES|NO",
	  "measure the reference twice in each bout: shows what chance can do",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "awake", "YES|NO",
	  "keep idle CPUs from sleeping: waking one takes longer than a request, and varies",
	  KEY, .use = PLAN },
	{ PLAN_KEY, "seed", "N", "seed of the order", KEY,
	  .use = PLAN | CLAIMS },
	{ ARG_HEADING, .help = "How to measure:" },
	{ ARG_TEXT, "server-cpus", "LIST",
	  "CPUs of the server: 0 or 0,2 or 4-7", AT(server_cpus),
	  .use = PLAN | CLAIMS },
	{ ARG_TEXT, "client-cpus", "LIST", "CPUs of the load generator",
	  AT(client_cpus), .use = PLAN | CLAIMS },
	{ ARG_TEXT, "out", "DIR",
	  "a new folder for the results (default in results/); claims: or one that is not "
	  "complete",
	  AT(out), .use = RUN | CLAIMS },
	{ ARG_FLAG, "dry-run", NULL, "print the plan and exit", AT(dry_run),
	  .use = RUN | CLAIMS },
	{ ARG_FLAG, "strict", NULL, "exit with status 6 if there are warnings",
	  AT(strict), .use = RUN | RESUME },
	{ ARG_FLAG, "force", NULL,
	  "resume although machine or programs have changed; the results say so",
	  AT(force), .use = RESUME | CLAIMS },
	{ ARG_FLAG, "quiet", NULL, "print only problems and the final table",
	  AT(quiet), .use = RUN | RESUME | CLAIMS },
	{ ARG_OTHER, "fail-on-regression", "[PERCENT]",
	  "exit with status 1 if a model is worse than the reference (compare: B worse than "
	  "A) by more than this, which the whole interval has to show (default: the margin)",
	  .take = take_gate, .use = RUN | RESUME | COMPARE },
	{ ARG_HEADING, .help = "Options of claims:" },
	{ ARG_TEXT, "only", "LIST",
	  "claims by name, or by where they are taught: idle-cost,1.14,m4",
	  AT(only), .use = CLAIMS },
	{ ARG_TEXT, "run", "DIR",
	  "judge the results in this folder, of any plan; measure nothing",
	  AT(run), .use = CLAIMS },
	{ ARG_FLAG, "controls", NULL,
	  "measure each claim also with a known effect, which has to turn its verdict",
	  AT(controls), .use = CLAIMS },
	{ ARG_HEADING, .help = "Options of compare:" },
	{ ARG_TEXT, "csv", "FILE", "write the comparison as CSV; - is stdout",
	  AT(csv), .use = COMPARE },
	{ ARG_TEXT, "page", "FILE",
	  "write the comparison as an HTML page with charts", AT(page),
	  .use = COMPARE },
};

static const struct args args = {
	.usage = "run\n"
		 "resume DIR\n"
		 "report DIR\n"
		 "list [models|plans|cells]\n"
		 "doctor\n"
		 "compare A B\n"
		 "claims",
	.about =
		"matrix - compares the models under the same loads\n\n"
		"Measures throughput, latency, CPU time and system calls, and says which models "
		"differ, which are equal, and where the run cannot tell.\n\n"
		"Examples:\n"
		"  matrix run --plan quick\n"
		"         every model at 1, 64 and 1,000 clients, in less than three minutes\n"
		"  matrix run --plan quick --dry-run\n"
		"         only print what would be measured, how long and how exactly\n"
		"  matrix run --models poll,epoll,mine=./a.out\n"
		"         your own server beside ours, in the plan standard\n"
		"  matrix run --models 'poll,x=node echo.js {port}'\n"
		"         any echo server; {port} becomes a free port\n"
		"  matrix run --models epoll,old=path/to/epoll --reference old \\\n"
		"             --fail-on-regression 3%\n"
		"         a gate for a CI: status 1 if the new build is worse by more than 3 %\n"
		"  matrix resume results/mine\n"
		"         continue after Ctrl-C, a crash or a full disk\n"
		"  matrix report results/mine\n"
		"         make tables, charts and page again from the record\n"
		"  matrix doctor\n"
		"         what this machine prevents, and the command that allows it\n"
		"  matrix compare results/before results/after --fail-on-regression\n"
		"         what is worse in the second run\n"
		"  matrix claims\n"
		"         a verdict for everything that textbooks say, in about six minutes\n",
	.notes =
		"Google Benchmark drives the run. These of its options are accepted: "
		"--benchmark_filter=REGEX (of the names that 'matrix list cells' prints; "
		"-REGEX excludes), --benchmark_list_tests, --benchmark_out=FILE, "
		"--benchmark_out_format, --benchmark_format, --benchmark_color, "
		"--benchmark_context=KEY=VALUE; --benchmark_repetitions is --blocks.\n\n"
		"A cell is a model under a load, a setting is the load alone. In each block every "
		"setting has a bout: fresh servers of all its models, which take turns in rounds. "
		"Each cell of a bout is a line in DIR, on disk when the bout ends; "
		"results/README.md explains every column. Ctrl-C loses only the bout that is "
		"running.\n\n"
		"Exit status: 0 all is measured, also where the run cannot tell two models apart; "
		"1 something failed: a server died, hung, lost a request or sent a wrong byte, "
		"the disk was full, or --fail-on-regression found one (compare: or a run that "
		"could not be read completely); 2 bad usage; 6 warnings under --strict; 130 "
		"interrupted.",
	.arg = table,
	.n = sizeof(table) / sizeof(*table),
	.operand = take_operand,
};

static void check_list(const struct matrix_options *opt)
{
	static const char *const lists[] = { "models", "plans", "cells", NULL };
	const char *meant;

	if (!opt->what)
		return;
	for (int i = 0; lists[i]; i++)
		if (strcmp(opt->what, lists[i]) == 0)
			return;
	meant = nearest(opt->what, lists);
	die_usage("list '%s': it takes models, plans or cells%s%s%s", opt->what,
		  meant ? "; did you mean " : "", meant ? meant : "",
		  meant ? "?" : "");
}

static void check_use(const struct matrix_options *opt, uint64_t given)
{
	const char *verb = verbs[opt->verb];

	for (size_t i = 0; i < args.n; i++)
		if (given >> i & 1 && !(table[i].use >> opt->verb & 1))
			die_usage(
				"--%s is not for %s%s", table[i].name, verb,
				opt->verb == VERB_RESUME ?
					", which takes plan and CPUs from its folder; "
					"to change them begin a new run" :
					"");
	if (!(PLAN >> opt->verb & 1) &&
	    (opt->resolved ||
	     (opt->n_benchmark > 1 && opt->verb != VERB_RESUME)))
		die_usage("%s does not take options of Google Benchmark", verb);
}

static void check_together(const struct matrix_options *opt, uint64_t given)
{
	check_use(opt, given);
	if (opt->verb == VERB_LIST)
		check_list(opt);
	else if ((opt->verb == VERB_RESUME || opt->verb == VERB_REPORT) &&
		 !opt->what)
		die_usage("%s: missing folder, such as results/NAME",
			  verbs[opt->verb]);
	else if (opt->verb == VERB_COMPARE && !opt->with)
		die_usage("compare: it takes two folders: matrix compare "
			  "results/A results/B");
	if (opt->run && (opt->out || opt->controls || opt->dry_run))
		die_usage(
			"--run measures nothing: without --out, --controls and "
			"--dry-run");
}

void matrix_options(int argc, char **argv, struct matrix_options *opt)
{
	uint64_t given;

	*opt = (struct matrix_options){ .verb = VERB_NONE };
	argc = take_benchmark(argc, argv, opt);
	complete_gate(argc, argv);
	given = args_parse(&args, argc, argv, opt);
	if (opt->verb == VERB_NONE)
		die_usage(
			"missing command: run, resume, report, list, doctor, compare or claims; a "
			"first run: matrix run --plan quick");
	check_together(opt, given);
}
