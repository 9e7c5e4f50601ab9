// SPDX-License-Identifier: MIT
/*
 * options.c - a command line gives valid options, or exit status 2
 *
 * The lines of an input are the arguments of the load generator or, if the first
 * byte is odd, of a server. exit() is intercepted.
 */
#include "fuzz.h"

#include "harness/load/options.h"
#include "models/common/model.h"
#include "models/common/options.h"
#include "models/common/service.h"

#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <string.h>

enum { ARGUMENTS_MAX = 64, STATUS_USAGE = 2 };

const char model_name[] = "fuzzed";
const char model_summary[] = "is not served";

int serve(int listen_fd, const struct options *opt)
{
	(void)listen_fd;
	(void)opt;
	return 0;
}

/* What was parsed until the program ended is not freed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* ------------------------------------------------------- instead of an end */

static jmp_buf before;
static bool inside;

/* By the linker's --wrap, in place of exit() */
_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_exit(int status)
{
	if (!inside)
		__real_exit(status);
	inside = false;
	longjmp(before, status + 1);
}

/* --------------------------------------------------------- what has to hold */

static const int64_t ms = 1000000, hour = 3600000000000;

static bool between(double low, double x, double high)
{
	return low <= x && x <= high;
}

static void check_target(const struct load_options *opt)
{
	HOLDS(opt->target && opt->host && opt->port);
	HOLDS(*opt->host);
	HOLDS(strspn(opt->port, "0123456789") == strlen(opt->port));
	HOLDS(between(1, strtod(opt->port, NULL), 65535));
}

/* Each is one that this process may use, and is given once. */
static void check_cpus(const struct load_options *opt)
{
	cpu_set_t set;

	if (opt->n_cpus == 0)
		return;
	HOLDS(opt->n_cpus <= CPUS_MAX);
	HOLDS(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (unsigned i = 0; i < opt->n_cpus; i++) {
		HOLDS(CPU_ISSET(opt->cpus[i], &set));
		CPU_CLR(opt->cpus[i], &set);
	}
}

static void check_goal(const struct goal *goal)
{
	if (goal->share == 0)
		return;
	HOLDS(goal->share > 0 && goal->share <= 1);
	HOLDS((goal->share == 1) == (strcmp(goal->name, "max") == 0));
	HOLDS(memchr(goal->name, '\0', sizeof(goal->name)));
	HOLDS(between(1000, goal->ns, 60000 * ms));
}

static void check_load_options(const struct load_options *opt)
{
	check_target(opt);
	check_cpus(opt);
	check_goal(&opt->goal);
	HOLDS(between(1, opt->connections, 1000000));
	HOLDS(between(0, opt->idle, 1000000));
	HOLDS(between(1, opt->depth, 65536));
	HOLDS(between(1, opt->threads, 1024));
	HOLDS(opt->threads <= opt->connections);
	HOLDS(between(1, opt->message, 1 << 30));
	HOLDS(opt->rate == 0 || between(0.01, opt->rate, 1e8));
	HOLDS(between(1, opt->burst, 1000000));
	HOLDS(opt->burst == 1 || opt->pattern == PATTERN_BURST);
	HOLDS(opt->depth == 1 ||
	      (opt->rate == 0 && opt->pattern != PATTERN_CONNECT));
	HOLDS(between(10 * ms, opt->duration, 24 * hour));
	HOLDS(between(0, opt->warmup, hour));
	HOLDS(between(10 * ms, opt->timeout, hour));
	HOLDS(between(ENGINE_AUTO, opt->engine, ENGINE_EPOLL));
}

static void check_options(const struct options *opt)
{
	HOLDS(opt->host && opt->service);
	HOLDS(between(0, opt->port, 65535));
	HOLDS(between(0, opt->max_clients, INT32_MAX));
	HOLDS(between(0, opt->message, 1 << 30));
	HOLDS(opt->work.kind == WORK_NONE || opt->work.ns > 0);
	HOLDS(opt->work.percent > 0 && opt->work.percent <= 100);
}

/* ------------------------------------------------------------------ program */

/* Splits the text at its line ends. */
static int arguments(char *text, char **argv)
{
	static char name[] = "fuzzed";
	char *line;
	int n = 0;

	argv[n++] = name;
	while (n < ARGUMENTS_MAX && (line = strsep(&text, "\n")))
		argv[n++] = line;
	argv[n] = NULL;
	return n;
}

/* A parser that was left amid an argument would go on there. */
static void forget_getopt(void)
{
	char name[] = "", *argv[] = { name, NULL };

	optind = 0;
	getopt(1, argv, "");
}

/* What is printed meanwhile goes nowhere. */
static void silence(bool on)
{
	static FILE *nowhere, *out, *err;

	if (!nowhere) {
		nowhere = fopen("/dev/null", "w");
		HOLDS(nowhere);
		out = stdout;
		err = stderr;
	}
	stdout = on ? nowhere : out;
	stderr = on ? nowhere : err;
}

static void parse(bool server, int argc, char **argv)
{
	static struct load_options load;
	static struct options opt;
	int ended = setjmp(before);

	if (ended) {
		silence(false);
		HOLDS(ended == 1 + EXIT_SUCCESS || ended == 1 + STATUS_USAGE);
		return;
	}
	silence(true);
	inside = true;
	if (server)
		parse_options(argc, argv, &opt);
	else
		load_options(argc, argv, &load);
	inside = false;
	silence(false);
	if (server)
		check_options(&opt);
	else
		check_load_options(&load);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[ARGUMENTS_MAX + 1];
	char *text;
	int argc;

	if (size == 0)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	HOLDS(text);
	argc = arguments(text, argv);
	forget_getopt();
	parse(data[0] % 2, argc, argv);
	free(text);
	return 0;
}
