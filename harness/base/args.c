/* SPDX-License-Identifier: MIT */
/* args.c - a command line whose options are each declared once: see args.h */
#include "harness/base/args.h"

#include "harness/base/die.h"
#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <argp.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above the characters, which are short options */
enum { KEY_VERSION = 256, KEY_FIRST };
enum { TEXT_SIZE = 64 };

/* ------------------------------------------------------------- ranges as text */

/* 1000000 as "1M", 1073741824 as "1GiB": the largest unit that divides it */
static void print_whole(double x, const char *const *unit, const double *factor,
			char to[ARGS_NUMBER_SIZE])
{
	int i = 0;

	while (unit[i + 1] && x >= factor[i + 1] &&
	       x / factor[i + 1] == (uint64_t)(x / factor[i + 1]))
		i++;
	snprintf(to, ARGS_NUMBER_SIZE, "%.10g%s", x / factor[i], unit[i]);
}

char *args_number(enum arg_kind kind, double x, char to[ARGS_NUMBER_SIZE])
{
	static const char *const counts[] = { "", "k", "M", NULL };
	static const double count_factors[] = { 1, 1e3, 1e6 };
	static const char *const bytes[] = { "", "KiB", "MiB", "GiB", NULL };
	static const double byte_factors[] = { 1, 1 << 10, 1 << 20, 1 << 30 };
	static const char *const times[] = {
		"ns", "us", "ms", "s", "min", NULL
	};
	static const double time_factors[] = { 1, 1e3, 1e6, 1e9, 60e9 };

	if (x == 0)
		snprintf(to, ARGS_NUMBER_SIZE, "0");
	else if (kind == ARG_BYTES)
		print_whole(x, bytes, byte_factors, to);
	else if (kind == ARG_TIME)
		print_whole(x, times, time_factors, to);
	else
		print_whole(x, counts, count_factors, to);
	return to;
}

/* "0 to 1M", "poisson or uniform", ""; to be freed */
static char *allowed(const struct arg *arg)
{
	char *text = NULL, low[ARGS_NUMBER_SIZE], high[ARGS_NUMBER_SIZE];
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	if (arg->words)
		for (int i = 0; arg->words[i]; i++)
			fprintf(to, "%s%s",
				i == 0            ? "" :
				arg->words[i + 1] ? ", " :
						    " or ",
				arg->words[i]);
	if (arg->high > 0) {
		fprintf(to, "%s to %s", args_number(arg->kind, arg->low, low),
			args_number(arg->kind, arg->high, high));
	}
	fclose(to);
	return text;
}

/* --------------------------------------------------------------------- values */

static _Noreturn void refuse(const struct arg *arg, const char *text,
			     const char *kind, const char *example)
{
	char *range = allowed(arg);

	die_usage("--%s '%s': not %s%s%s%s%s", arg->name, text, kind,
		  *range ? (arg->words ? ": it takes " : " from ") : "", range,
		  *example ? ", such as " : "", example);
}

static bool within(const struct arg *arg, double x)
{
	return arg->high == 0 || (x >= arg->low && x <= arg->high);
}

static void set_word(const struct arg *arg, const char *text, int *to)
{
	*to = word_index(text, arg->words);
	if (*to < 0)
		refuse(arg, text, "a choice", "");
}

static void set(const struct arg *arg, const char *text, void *options)
{
	void *to = arg->to ? arg->to : (char *)options + arg->at;
	uint64_t n;

	switch (arg->kind) {
	case ARG_HEADING:
		break;
	case ARG_FLAG:
		*(bool *)to = true;
		break;
	case ARG_TEXT:
		*(const char **)to = text;
		break;
	case ARG_COUNT:
		if (!parse_count(text, &n) || n > UINT32_MAX || !within(arg, n))
			refuse(arg, text, "a number", "500 or 10k");
		*(unsigned *)to = n;
		break;
	case ARG_NUMBER:
		if (!parse_number(text, to) || !within(arg, *(uint64_t *)to))
			refuse(arg, text,
			       arg->high ? "a number" :
					   "a number from 0 to 2^64-1",
			       "");
		break;
	case ARG_BYTES:
		if (!parse_bytes(text, &n) || !within(arg, n))
			refuse(arg, text, "a size", "64 or 16KiB");
		*(size_t *)to = n;
		break;
	case ARG_TIME:
		if ((!parse_time(text, to) && strcmp(text, "0") != 0) ||
		    !within(arg, strcmp(text, "0") == 0 ? 0 : *(int64_t *)to))
			refuse(arg, text, "a time",
			       arg->to ? "" : "500ms or 10s");
		if (strcmp(text, "0") == 0)
			*(int64_t *)to = 0;
		break;
	case ARG_RATE:
		if (!parse_rate(text, to) || !within(arg, *(double *)to))
			refuse(arg, text, "a rate", "500, 20k or 2.5");
		break;
	case ARG_WORD:
		set_word(arg, text, to);
		break;
	case ARG_OTHER:
		arg->take(arg, text, options);
		break;
	}
}

/* ---------------------------------------------------------------------- --help */

/* "clients that send (0 to 1M; default 64)" */
static char *help_of(const struct arg *arg)
{
	char *range = allowed(arg), *text;
	const char *initial = arg->initial;
	bool both = *range && initial, any = *range || initial;

	if (asprintf(&text, "%s%s%s%s%s%s%s", arg->help, any ? " (" : "", range,
		     both ? "; " : "", initial ? "default " : "",
		     initial ? initial : "", any ? ")" : "") < 0)
		die("asprintf");
	free(range);
	return text;
}

/* argp does the layout. It parses nothing here, as it cannot say which argument was
 * wrong. */
static _Noreturn void print_help(const struct args *args)
{
	struct argp_option option[ARGS_MAX + 3] = { 0 }, *to = option;
	struct argp argp = { .options = option, .args_doc = args->usage };
	char *text;
	int group = 1;

	for (size_t i = 0; i < args->n; i++, to++) {
		const struct arg *arg = &args->arg[i];

		group += arg->kind == ARG_HEADING;
		*to = (struct argp_option){ .group = group, .doc = arg->help };
		if (arg->kind == ARG_HEADING)
			continue;
		to->name = arg->name;
		to->key = KEY_FIRST + (int)i;
		to->arg = arg->value;
		to->doc = help_of(arg);
	}
	*to++ = (struct argp_option){ "help", 'h', NULL, 0, "print this text",
				      -1 };
	*to = (struct argp_option){ "version", KEY_VERSION,         NULL,
				    0,         "print the version", -1 };
	if (asprintf(&text, "%s\v%s\n", args->about, args->notes) < 0)
		die("asprintf");
	argp.doc = text;
	argp_help(&argp, stdout,
		  ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
		  program_invocation_short_name);
	exit(EXIT_SUCCESS);
}

/* -------------------------------------------------------------------- parsing */

static _Noreturn void die_of_option(const struct args *args, const char *word)
{
	const char *names[ARGS_MAX + 3], *meant;
	char name[TEXT_SIZE];
	size_t n = 0;

	snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	for (size_t i = 0; i < args->n; i++) {
		if (args->arg[i].kind == ARG_HEADING)
			continue;
		if (strcmp(args->arg[i].name, name) == 0)
			die_usage("--%s takes no value", name);
		names[n++] = args->arg[i].name;
	}
	names[n++] = "help";
	names[n++] = "version";
	names[n] = NULL;
	meant = nearest(name, names);
	die_usage("%s: unknown or ambiguous option%s%s%s", word,
		  meant ? "; did you mean --" : "", meant ? meant : "",
		  meant ? "?" : "");
}

static void take_operand(const struct args *args, const char *text,
			 void *options)
{
	if (!args->operand)
		die_usage("'%s': unexpected argument%s%s", text,
			  *args->usage ? "; usage: " : "", args->usage);
	args->operand(text, options);
}

/* The names that getopt_long() looks for; its value of row i is KEY_FIRST + i. */
static void name_all(const struct args *args, struct option *to)
{
	for (size_t i = 0; i < args->n; i++)
		if (args->arg[i].kind != ARG_HEADING)
			*to++ = (struct option){ args->arg[i].name,
						 args->arg[i].kind == ARG_FLAG ?
							 no_argument :
							 required_argument,
						 NULL, KEY_FIRST + (int)i };
	*to++ = (struct option){ "help", no_argument, NULL, 'h' };
	*to++ = (struct option){ "version", no_argument, NULL, KEY_VERSION };
	*to = (struct option){ 0 };
}

uint64_t args_parse(const struct args *args, int argc, char **argv,
		    void *options)
{
	struct option names[ARGS_MAX + 3];
	uint64_t given = 0;
	int key;

	name_all(args, names);
	for (size_t i = 0; i < args->n; i++)
		if (args->arg[i].initial)
			set(&args->arg[i], args->arg[i].initial, options);
	opterr = 0;
	optind = 1;
	for (;;) {
		int at = optind;
		const char *word;

		/* +: after the first operand, options are for another program */
		key = getopt_long(argc, argv, args->rest ? "+:h" : ":h", names,
				  NULL);
		if (key == -1)
			break;
		word = argv[optind > at ? optind - 1 : at];
		if (key == 'h')
			print_help(args);
		if (key == '?')
			die_of_option(args, word);
		if (key == ':')
			die_usage("%s needs a value", word);
		if (key == KEY_VERSION) {
			printf("%s (io-models) %s\n",
			       program_invocation_short_name, VERSION);
			exit(EXIT_SUCCESS);
		}
		set(&args->arg[key - KEY_FIRST], optarg, options);
		given |= UINT64_C(1) << (key - KEY_FIRST);
	}
	if (args->rest)
		args->rest(argv + optind, options);
	else
		while (optind < argc)
			take_operand(args, argv[optind++], options);
	return given;
}
