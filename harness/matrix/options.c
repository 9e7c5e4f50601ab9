/* SPDX-License-Identifier: MIT */
/* options.c - the command line of bin/matrix: see options.h */
#include "harness/matrix/options.h"

#include "harness/base/nearest.h"

#include "harness/base/die.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

static const char help_text[] =
	"Usage: matrix run [OPTION]...\n"
	"       matrix resume DIR [--repeats PERCENT] [--force]\n"
	"       matrix report DIR\n"
	"       matrix list [models|plans|cells] [OPTION]...\n"
	"       matrix doctor [OPTION]...\n"
	"       matrix compare A B [OPTION]...\n"
	"Measures latency, CPU time and system calls of every model under the same\n"
	"loads, in shuffled blocks, and says what differs and what does not.\n"
	"\n"
	"Examples:\n"
	"  matrix run --plan quick\n"
	"         every model at 1, 64 and 1,000 clients, in about two minutes\n"
	"  matrix run --plan quick --dry-run\n"
	"         only say what would be measured, how long and how much\n"
	"  matrix run --models poll,epoll,mine=./a.out\n"
	"         your own server beside ours, in the standard plan\n"
	"  matrix run --models 'poll,x=node echo.js {port}'\n"
	"         any echo server: it is given a free port in place of {port}\n"
	"  matrix run --plan my.plan --connections 1,500 --out results/mine\n"
	"  matrix resume results/mine\n"
	"         go on after Ctrl-C, a crash or a full disk\n"
	"  matrix resume results/mine --repeats 50%\n"
	"         measure again what was invalid by chance, though it was complete\n"
	"  matrix report results/mine\n"
	"         make tables, charts and page again from the record; what is missing\n"
	"  matrix doctor\n"
	"         what this machine prevents, and the command that mends it\n"
	"  matrix compare results/before results/after --fail-on-regression\n"
	"         cell by cell, what is worse in the second run\n"
	"\n"
	"What to measure:\n"
	"  --plan NAME          quick, standard, full or a file (default standard)\n"
	"  --models LIST        of ours, and of LABEL=COMMAND: epoll,mine=./a.out. Words\n"
	"                       are cut as in a shell ('', \"\", \\), nothing is expanded.\n"
	"                       Without {port} in it, it is run with --port 0 --message N\n"
	"                       and prints a ready line (CONTRIBUTING.md). One that is up\n"
	"                       on the loopback: LABEL=127.0.0.1:7000, then without its CPU\n"
	"                       and system calls, or 'LABEL=127.0.0.1:7000 pid=1234'\n"
	"  --connections LIST   in place of those of the plan: 1,64,1k\n"
	"  --blocks N           how often every cell is measured; 6 is the least that\n"
	"                       can show a difference\n"
	"  --warmup TIME, --window TIME\n"
	"                       before, and what is measured: 500ms, 2s\n"
	"  --message BYTES      of a request where the plan's cells do not say: 64, 4KiB\n"
	"  --idle LIST          also what so many silent clients cost; or none\n"
	"  --counting, --ceiling YES|NO\n"
	"                       count system calls; measure the baseline\n"
	"  --aa all|one|none    pairs of the same model, to see what chance does\n"
	"  --seed N             for the order\n"
	"  --wait TIME          how long, in all, to wait for CPUs that are slower than\n"
	"                       usual (default: a tenth of the plan); none: do not look\n"
	"  --repeats PERCENT    of the plan's time, to measure again what was invalid by\n"
	"                       chance (default 5%; more where others use the machine)\n"
	"  --benchmark_filter REGEX\n"
	"                       only cells whose name it matches (-REGEX: does not);\n"
	"                       matrix list cells has the names\n"
	"\n"
	"How:\n"
	"  --server-cpus LIST, --client-cpus LIST\n"
	"                       where they run: 0 or 0,2 or 4-7 (default: a core each)\n"
	"  --out DIR            a folder that does not exist yet (default: a new one in\n"
	"                       results/)\n"
	"  --dry-run            print the plan and stop\n"
	"  --strict             exit 6 if anything has to be warned of\n"
	"  --force              resume, though machine or programs are not the same;\n"
	"                       the results will say so\n"
	"  --quiet              only problems and the final table\n"
	"  -h, --help, --version\n"
	"\n"
	"Of compare, whose A and B are folders of two runs:\n"
	"  --fail-on-regression\n"
	"                       exit 1 if anything is called worse in B than in A\n"
	"  --least PERCENT      ... by so much at least: 5%\n"
	"  --csv FILE           the comparison as a table; -: to stdout\n"
	"  --page FILE          the comparison as a page of charts: versus.html\n"
	"\n"
	"Google Benchmark drives the run; of its options these are taken, too:\n"
	"  --benchmark_list_tests, --benchmark_out=FILE, --benchmark_out_format,\n"
	"  --benchmark_format, --benchmark_color, --benchmark_context=KEY=VALUE;\n"
	"  --benchmark_repetitions is --blocks. NO_COLOR is respected.\n"
	"\n"
	"A cell is a model under a load; a repetition of it has a fresh server. Results\n"
	"are in DIR, one line a repetition, on the disk when it ends; results/README.md\n"
	"is their dictionary. Ctrl-C loses nothing but the repetition under way.\n"
	"\n"
	"Exit status: 0 nothing failed, though repetitions may be invalid because the\n"
	"machine was busy or the generator at its limit; 1 something failed: a server\n"
	"died, hung, lost a request or sent a wrong byte, the disk was full (compare: a\n"
	"regression, or not all of both runs could be read); 2 bad usage; 6 finished\n"
	"with warnings under --strict; 130 interrupted (and how to go on is printed).\n";

enum { OPT_OVERRIDE = 256 };

static const struct option long_options[] = {
	{ "plan", required_argument, NULL, 'p' },
	{ "out", required_argument, NULL, 'o' },
	{ "server-cpus", required_argument, NULL, 's' },
	{ "client-cpus", required_argument, NULL, 'c' },
	{ "dry-run", no_argument, NULL, 'd' },
	{ "strict", no_argument, NULL, 'S' },
	{ "force", no_argument, NULL, 'f' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "fail-on-regression", no_argument, NULL, 'r' },
	{ "least", required_argument, NULL, 'l' },
	{ "csv", required_argument, NULL, 't' },
	{ "page", required_argument, NULL, 'g' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	/* keys of a plan */
	{ "models", required_argument, NULL, OPT_OVERRIDE },
	{ "connections", required_argument, NULL, OPT_OVERRIDE },
	{ "blocks", required_argument, NULL, OPT_OVERRIDE },
	{ "warmup", required_argument, NULL, OPT_OVERRIDE },
	{ "window", required_argument, NULL, OPT_OVERRIDE },
	{ "message", required_argument, NULL, OPT_OVERRIDE },
	{ "idle", required_argument, NULL, OPT_OVERRIDE },
	{ "counting", required_argument, NULL, OPT_OVERRIDE },
	{ "ceiling", required_argument, NULL, OPT_OVERRIDE },
	{ "aa", required_argument, NULL, OPT_OVERRIDE },
	{ "seed", required_argument, NULL, OPT_OVERRIDE },
	{ "wait", required_argument, NULL, OPT_OVERRIDE },
	{ "repeats", required_argument, NULL, OPT_OVERRIDE },
	{ NULL, 0, NULL, 0 }
};

/* --------------------------------------------------------- wrong in every way */

static _Noreturn void die_of_option(const char *given)
{
	const char *names[sizeof(long_options) / sizeof(*long_options)];
	char word[64];
	const char *meant;
	size_t n = 0;

	for (; long_options[n].name; n++)
		names[n] = long_options[n].name;
	names[n] = NULL;
	snprintf(word, sizeof(word), "%.60s", given + strspn(given, "-"));
	word[strcspn(word, "=")] = '\0';
	meant = nearest(word, names);
	if (meant)
		die_usage("unknown option '%s'; did you mean --%s?", given,
			  meant);
	die_usage("unknown option '%s'", given);
}

static enum verb verb_of(const char *word)
{
	static const char *const verbs[] = { "run",  "resume", "report",
					     "list", "doctor", "compare",
					     NULL };
	const char *meant;

	for (int i = 0; verbs[i]; i++)
		if (strcmp(word, verbs[i]) == 0)
			return (enum verb)i;
	meant = nearest(word, verbs);
	die_usage(
		"'%s': it takes run, resume, report, list, doctor or compare%s%s%s",
		word, meant ? "; did you mean " : "", meant ? meant : "",
		meant ? "?" : "");
}

/* ----------------------------------------------------- what is not ours to read */

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

/* Of the two that are resolved into the plan; true: it was one of them. */
static bool take_resolved(struct matrix_options *opt, const char *argument)
{
	static const char filter[] = "--benchmark_filter=";
	static const char blocks[] = "--benchmark_repetitions=";

	if (strncmp(argument, filter, strlen(filter)) == 0) {
		opt->filter = argument + strlen(filter);
		return true;
	}
	if (strncmp(argument, blocks, strlen(blocks)) == 0) {
		add_override(opt, "blocks", argument + strlen(blocks));
		return true;
	}
	return false;
}

/* "--benchmark_filter REGEX" is what people write, too. */
static bool wants_value(const char *argument)
{
	return strcmp(argument, "--benchmark_filter") == 0 ||
	       strcmp(argument, "--benchmark_repetitions") == 0;
}

/* Moves what is for Google Benchmark out of argv; returns what is left. */
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

/* "5%", or 5; as a part of 1 */
static double read_percent(const char *text)
{
	char *end;
	double x = strtod(text, &end);

	end += *end == '%';
	if (end == text || *end || !(x >= 0 && x <= 1000))
		die_usage("--least '%s': not a percentage, such as 5%%", text);
	return x / 100;
}

static void take_option(int option, const char *name,
			struct matrix_options *opt)
{
	switch (option) {
	case 'p':
		opt->plan = optarg;
		break;
	case 'o':
		opt->out = optarg;
		break;
	case 's':
		opt->server_cpus = optarg;
		break;
	case 'c':
		opt->client_cpus = optarg;
		break;
	case 'd':
		opt->dry_run = true;
		break;
	case 'S':
		opt->strict = true;
		break;
	case 'f':
		opt->force = true;
		break;
	case 'q':
		opt->quiet = true;
		break;
	case 'r':
		opt->fail_on_regression = true;
		break;
	case 'l':
		opt->least = read_percent(optarg);
		break;
	case 't':
		opt->csv = optarg;
		break;
	case 'g':
		opt->page = optarg;
		break;
	case OPT_OVERRIDE:
		add_override(opt, name, optarg);
		break;
	case 'h':
		fputs(help_text, stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		printf("matrix (io-models) %s\n", VERSION);
		exit(EXIT_SUCCESS);
	}
}

/* A resumed run is what it was: nothing of it can be said anew, but how much time
 * there is for repeats. */
static void check_resume(const struct matrix_options *opt)
{
	bool only_repeats = true;

	for (size_t i = 0; i < opt->n_overrides; i++)
		if (strcmp(opt->override[i].key, "repeats") != 0)
			only_repeats = false;
	if (!opt->what)
		die_usage("resume: which run? matrix resume results/...");
	if (opt->plan || !only_repeats || opt->out || opt->filter ||
	    opt->server_cpus || opt->client_cpus || opt->dry_run)
		die_usage("resume takes the plan, its cells and CPUs from %s; "
			  "for others, begin a new run",
			  opt->what);
}

/* All it needs is in the folder. */
static void check_report(const struct matrix_options *opt)
{
	if (!opt->what)
		die_usage("report: which run? matrix report results/...");
	if (opt->plan || opt->n_overrides || opt->out || opt->filter ||
	    opt->server_cpus || opt->client_cpus || opt->dry_run ||
	    opt->strict || opt->quiet || opt->n_benchmark > 1)
		die_usage("report takes a folder, and no options");
}

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

/* What has been measured cannot be asked for anew. */
static void check_compare(const struct matrix_options *opt)
{
	if (!opt->with)
		die_usage("compare: which two runs? matrix compare results/A "
			  "results/B");
	if (opt->plan || opt->n_overrides || opt->out || opt->filter ||
	    opt->server_cpus || opt->client_cpus || opt->dry_run ||
	    opt->strict || opt->quiet || opt->n_benchmark > 1)
		die_usage("compare takes two folders, --fail-on-regression, "
			  "--least, --csv and --page");
	if (opt->least > 0 && !opt->fail_on_regression)
		die_usage("--least is for --fail-on-regression");
}

static void check_together(const struct matrix_options *opt)
{
	if (opt->verb == VERB_RESUME)
		check_resume(opt);
	else if (opt->force)
		die_usage("--force is for resume");
	if (opt->verb == VERB_COMPARE)
		check_compare(opt);
	else if (opt->fail_on_regression || opt->least > 0 || opt->csv ||
		 opt->page)
		die_usage("--fail-on-regression, --least, --csv and --page are "
			  "for compare");
	if (opt->verb == VERB_REPORT)
		check_report(opt);
	if (opt->verb == VERB_COMPARE || opt->verb == VERB_REPORT)
		return;
	if (opt->verb == VERB_LIST)
		check_list(opt);
	else if (opt->verb != VERB_RESUME && opt->what)
		die_usage("'%s': nothing takes it", opt->what);
}

void matrix_options(int argc, char **argv, struct matrix_options *opt)
{
	int option, index = 0;

	*opt = (struct matrix_options){ .verb = VERB_RUN };
	argc = take_benchmark(argc, argv, opt);
	if (argc == 1)
		die_usage(
			"what to do? run, resume, report, list, doctor or compare; matrix run "
			"--plan quick is a good beginning");
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, &index)) !=
	       -1) {
		if (option == '?')
			die_of_option(argv[optind - 1]);
		if (option == ':')
			die_usage("%s needs a value", argv[optind - 1]);
		take_option(option, long_options[index].name, opt);
	}
	if (optind == argc)
		die_usage(
			"what to do? run, resume, report, list, doctor or compare");
	opt->verb = verb_of(argv[optind++]);
	if (optind < argc)
		opt->what = argv[optind++];
	if (optind < argc && opt->verb == VERB_COMPARE)
		opt->with = argv[optind++];
	if (optind < argc)
		die_usage("'%s': nothing takes it", argv[optind]);
	check_together(opt);
}
