/* SPDX-License-Identifier: MIT */
/* main.c - bin/timeline: who waits where during a few requests */
#include "harness/timeline/timeline.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/outfile.h"
#include "harness/base/output.h"
#include "harness/matrix/draw.h"
#include "harness/matrix/list.h"
#include "harness/plan/catalog.h"
#include "harness/plan/keys.h"
#include "harness/probe/awake.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130 };

struct timeline_options {
	const char *models;
	const char *out; /* a folder; NULL: text only */
	const char *server_cpus, *client_cpus;
	int method; /* enum trace_method; -1: the best that works */
	size_t buffer;
};

/* --------------------------------------------------------------- command line */

static void take_method(const struct arg *arg, const char *text, void *options)
{
	struct timeline_options *opt = options;

	opt->method = -1;
	if (strcmp(text, "auto") == 0)
		return;
	for (int i = 0; trace_methods[i]; i++)
		if (strcmp(text, trace_methods[i]) == 0) {
			opt->method = i;
			return;
		}
	die_usage("--%s '%s': it takes auto, bpf or strace", arg->name, text);
}

static void take_models(const char *text, void *options)
{
	struct timeline_options *opt = options;

	if (opt->models)
		die_usage("one argument: several models are a list, "
			  "%s,%s",
			  opt->models, text);
	opt->models = text;
}

#define AT(member) .at = offsetof(struct timeline_options, member)
#define MB (1 << 20)

static const struct arg table[] = {
	{ ARG_TEXT, "out", "DIR",
	  "draw DIR/MODEL.svg and .png, and keep what was recorded as DIR/MODEL.csv (default: "
	  "print text only)",
	  AT(out) },
	{ ARG_OTHER, "trace", "METHOD",
	  "how to trace: bpf (also who sleeps, exactly), strace (an ordinary user may; the "
	  "calls alone, many times slower), auto: the first that works",
	  .initial = "auto", .take = take_method },
	{ ARG_TEXT, "server-cpus", "LIST",
	  "CPUs of the server, such as 0 or 2-3 (default: one core)",
	  AT(server_cpus) },
	{ ARG_TEXT, "client-cpus", "LIST",
	  "CPUs of the clients (default: another core)", AT(client_cpus) },
	{ ARG_BYTES, "buffer", "SIZE",
	  "of bpf, for events; those that do not fit are lost and counted; rounded up to a "
	  "power of two",
	  AT(buffer), .low = 4096, .high = 1024.0 * MB, .initial = "16MiB" },
};

static const struct args args = {
	.usage = "MODEL",
	.about =
		"timeline - shows who waits where during a few requests\n\n"
		"Starts a server and two clients, A and B. A sends a request, then B, then both at "
		"once. Every system call of all their threads is recorded, and who sleeps, runs "
		"and wakes whom.\n\n"
		"Examples:\n"
		"  timeline epoll\n"
		"         as text\n"
		"  timeline --out build/timeline epoll\n"
		"         as a picture, too: build/timeline/epoll.svg and epoll.png\n"
		"  timeline --out pictures all,variants\n"
		"         of every model and variant\n"
		"  timeline 'mine=node echo.js {port}'\n"
		"         of any other server: see CONTRIBUTING.md\n",
	.notes =
		"MODEL is a list as for matrix run --models.\n\n"
		"Without the right to trace the kernel (root, or CAP_BPF and CAP_PERFMON), strace "
		"traces the server: the order of its calls is exact, their times are not, and "
		"whether a thread sleeps in a call is not known. The picture says so.\n\n"
		"Exit status: 0 done; 1 a server or a picture failed; 2 bad usage; 77 a server "
		"does not run here, or it cannot be traced; 130 interrupted.",
	.arg = table,
	.n = sizeof(table) / sizeof(*table),
	.operand = take_models,
};

/* ------------------------------------------------------------------- signals */

static volatile int interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* Blocked except during waits (measure/wait.h) */
static void catch_signals(sigset_t *before)
{
	const struct sigaction action = { .sa_handler = interrupt };
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		sigaddset(&blocked, caught[i]);
		sigaction(caught[i], &action, NULL);
	}
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/* -------------------------------------------------------------------- drawing */

static void make_folder(const char *path)
{
	char *part = strdup(path);

	if (!part)
		die("strdup");
	for (char *at = part + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(part, 0777);
			*at = '/';
		}
	if (mkdir(part, 0777) < 0 && errno != EEXIST)
		die("--out %s", path);
	free(part);
}

/* What was recorded, as text and, with --out, as a picture */
static bool show(const struct timeline_options *opt, const char *label,
		 const char *text, size_t size)
{
	char path[CATALOG_PATH_SIZE];
	const char *to_draw[] = { path, NULL },
		   *to_print[] = { "--text", "-", NULL };
	FILE *file = opt->out ? NULL : tmpfile();
	struct outfile o = { .file = NULL };
	bool done;

	if (!opt->out) {
		if (!file || fwrite(text, 1, size, file) != size ||
		    fflush(file) != 0)
			die("a temporary file");
		rewind(file);
		done = draw("timeline.py", to_print, fileno(file), false);
		fclose(file);
		return done;
	}
	snprintf(path, sizeof(path), "%s/%s.csv", opt->out, label);
	if (!outfile_open(&o, path))
		die("%s", path);
	fwrite(text, 1, size, o.file);
	if (!outfile_close(&o))
		die("%s", path);
	return draw("timeline.py", to_draw, -1, false);
}

/* ------------------------------------------------------------------ recording */

static int status_of(enum timeline_result result)
{
	switch (result) {
	case TIMELINE_DONE:
		return EXIT_SUCCESS;
	case TIMELINE_UNSUPPORTED:
		return EXIT_UNSUPPORTED;
	case TIMELINE_INTERRUPTED:
		return EXIT_INTERRUPTED;
	default:
		return EXIT_FAILED;
	}
}

static int one_model(const struct timeline_options *opt, const struct model *m,
		     struct timeline_plan *plan, const char *bin)
{
	struct command command;
	char why[WHY_SIZE], summary[SUMMARY_SIZE], *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	enum timeline_result result;

	if (!memory)
		die("open_memstream");
	if (!m->command)
		command_of_model(&command, bin, m->label);
	else if (!command_parse(&command, m->command, why))
		die_usage("%s: %s", m->label, why);
	if (!command.words)
		die_usage(
			"%s: a server that runs already cannot be traced from its "
			"start; give its command instead",
			m->label);
	plan->label = m->label;
	plan->command = &command;
	if (!m->command && summary_of(bin, m->label, summary))
		plan->summary = summary;
	fputs(timeline_heading, memory);
	result = timeline_record(plan, memory, why);
	fclose(memory);
	if (result == TIMELINE_FAILED || result == TIMELINE_UNSUPPORTED)
		warn("%s: %s", m->label, why);
	if (result == TIMELINE_DONE && !show(opt, m->label, text, size))
		result = TIMELINE_FAILED;
	free(text);
	plan->command = NULL;
	command_free(&command);
	return status_of(result);
}

static void keep_awake(void)
{
	char why[WHY_SIZE];
	int fd = awake_open(why);

	if (fd >= 0)
		awake_begin(fd, why);
}

static size_t power_of_two(size_t n)
{
	size_t power = 4096;

	while (power < n)
		power *= 2;
	return power;
}

int main(int argc, char **argv)
{
	struct timeline_options opt = { .models = NULL };
	char bin[CATALOG_PATH_SIZE], why[WHY_SIZE], error[PLAN_ERROR_SIZE];
	struct location at = { .source = "MODEL", .error = error };
	struct plan models = { .n_models = 0 };
	struct cpus cpus;
	sigset_t mask;
	int status = EXIT_SUCCESS;

	output_begin();
	args_parse(&args, argc, argv, &opt);
	if (!opt.models)
		die_usage("no MODEL; matrix list models prints them");
	models.known = catalog_models(catalog_bin(bin));
	if (!set_models(&models, opt.models, &at))
		die_usage("%s", error);
	if (!cpus_find(&cpus, opt.server_cpus, opt.client_cpus, why))
		die_usage("%s", why);
	if (opt.out)
		make_folder(opt.out);
	keep_awake();
	catch_signals(&mask);
	for (size_t i = 0; i < models.n_models && !interrupted; i++) {
		struct timeline_plan plan = {
			.cpus = cpus.split_possible ? &cpus.split :
						      &cpus.shared,
			.mask = &mask,
			.interrupted = &interrupted,
			.method = opt.method,
			.buffer = power_of_two(opt.buffer),
		};
		int one = one_model(&opt, &models.models[i], &plan, bin);

		if (one != EXIT_SUCCESS)
			status = one;
	}
	return status;
}
