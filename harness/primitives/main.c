/* SPDX-License-Identifier: MIT */
/* main.c - bin/primitives: what the operations cost that the models are made of */
#include "harness/primitives/run.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/output.h"
#include "harness/gbench.h"
#include "harness/probe/awake.h"
#include "harness/store/provenance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130 };

struct primitives_options {
	const char *out;
};

#define AT(member) .at = offsetof(struct primitives_options, member)

static const struct arg table[] = {
	{ ARG_TEXT, "out", "DIR",
	  "put primitives.csv into this folder, which may be that of a run of bin/matrix; "
	  "rows in it that are not measured now stay",
	  AT(out) },
};

static const struct args args = {
	.usage = "",
	.about =
		"primitives - measures what the models are made of\n\n"
		"A wait over 10 to 10,000 descriptors by each method, registering one, threads, "
		"processes, switches, signals, system calls, batches of io_uring, the threads of "
		"POSIX AIO; and the table of Kerrisk for this machine.\n\n"
		"Examples:\n"
		"  primitives\n"
		"         all, in a little over a minute; prints tables\n"
		"  primitives --out results/mine\n"
		"         writes primitives.csv into this folder, too\n"
		"  primitives --benchmark_filter=wait/epoll\n"
		"         only waits by epoll and epoll_et\n"
		"  primitives --benchmark_list_tests\n"
		"         the names of all\n",
	.notes =
		"Google Benchmark drives the run, in random order, so that a machine that becomes "
		"slower does not favour a method. Its options are accepted: --benchmark_filter=REGEX "
		"(-REGEX excludes), --benchmark_repetitions=N (default 9; an interval takes 6), "
		"--benchmark_min_time=SECONDS (of a repetition; default 0.01), "
		"--benchmark_list_tests, --benchmark_format, --benchmark_out=FILE and others.\n\n"
		"results/README.md says what each primitive is, and what is in its time. Ctrl-C ends "
		"the run, and keeps what was measured.\n\n"
		"Exit status: 0 all was measured, or cannot be here, with the reason in the table; "
		"1 a file could not be written, 2 bad usage, 130 interrupted.",
	.arg = table,
	.n = sizeof(table) / sizeof(*table),
};

static void check(bool good, const char *why)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
	exit(EXIT_FAILED);
}

static void initialize(int *argc, char **argv)
{
	static const char *const defaults[] = {
		"--benchmark_repetitions=9", "--benchmark_min_time=0.01",
		"--benchmark_enable_random_interleaving=true", NULL
	};
	char why[WHY_SIZE];

	if (!gbench_initialize(argc, argv, defaults, why))
		die_usage("%s", why);
	if (gbench_number("repetitions") > STATS_MAX)
		die_usage("--benchmark_repetitions: at most %d", STATS_MAX);
}

static struct result *choose(size_t *n)
{
	const struct primitive *list = primitives();
	char name[PRIMITIVE_NAME_SIZE];
	struct result *r;
	bool any = false;

	for (*n = 0; list[*n].name; ++*n)
		;
	r = grow(NULL, *n, sizeof(*r));
	for (size_t i = 0; i < *n; i++) {
		r[i] = (struct result){ .primitive = &list[i], .calls = NAN };
		r[i].chosen = gbench_selects(primitive_name(&list[i], name));
		any |= r[i].chosen;
	}
	if (!any)
		die_usage("--benchmark_filter: no primitive has a matching "
			  "name; --benchmark_list_tests prints all");
	return r;
}

/* A folder has the results of one machine. */
static void open_out(struct store *to, const char *path, bool awake)
{
	json_t *now = provenance_machine(), *then = NULL;
	char why[WHY_SIZE];

	json_object_set_new(now, "idle_cpus",
			    json_string(awake ? "awake" : "asleep"));
	check(store_folder(to, path, why), why);
	if (faccessat(to->dir, "machine.json", F_OK, 0) == 0) {
		then = store_load_json(to, "machine.json", why);
		check(then, why);
		if (provenance_other_machine(then, now) ||
		    !json_equal(json_object_get(then, "kernel_release"),
				json_object_get(now, "kernel_release")))
			die_usage(
				"--out %s: its results are of another machine "
				"or kernel; name a new folder",
				path);
	} else {
		check(store_json(to, "machine.json", now, why), why);
	}
	json_decref(then);
	json_decref(now);
}

static bool keep_awake(FILE *screen)
{
	char why[WHY_SIZE];
	int fd = awake_open(why);

	if (fd >= 0 && awake_begin(fd, why))
		return true;
	fprintf(screen,
		"idle CPUs sleep, and waking them is in the times of switches "
		"between two CPUs: %s\n",
		why);
	return false;
}

static void set_up(void)
{
	struct rlimit files;
	char why[WHY_SIZE];

	check(store_lock_machine(why) >= 0, why);
	if (!cpus_find(&primitive_cpus, NULL, NULL, why))
		die_usage("%s", why);
	if (sched_setaffinity(0, sizeof(cpu_set_t),
			      &primitive_cpus.split.server) < 0)
		die("sched_setaffinity");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void write_out(const struct result *r, size_t n, const struct store *to,
		      const char *report)
{
	char why[WHY_SIZE];

	check(results_write(r, n, to, why), why);
	check(store_file(to, "primitives.json", report, why), why);
}

static int measure(const struct primitives_options *opt, struct result *r,
		   size_t n)
{
	FILE *screen = gbench_wants_stdout() ? stderr : stdout;
	char uncounted[WHY_SIZE], *report;
	struct store to;
	bool awake;

	set_up();
	awake = keep_awake(screen);
	if (opt->out)
		open_out(&to, opt->out, awake);
	end_on_signals();
	try_all(r, n, uncounted);
	if (*uncounted)
		fprintf(screen, "system calls are not counted: %s\n",
			uncounted);
	report = measure_all(r, n);
	if (opt->out)
		write_out(r, n, &to, report);
	free(report);
	results_print(r, n, screen);
	kerrisk_print(r, n, screen);
	if (opt->out)
		fprintf(screen, "\nResults: %s/primitives.csv\n", opt->out);
	return run_interrupted() ? EXIT_INTERRUPTED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct primitives_options opt;
	struct result *r;
	size_t n;

	output_begin();
	initialize(&argc, argv);
	args_parse(&args, argc, argv, &opt);
	r = choose(&n);
	if (gbench_wants_list()) {
		register_all(r, n);
		free(gbench_run());
		return EXIT_SUCCESS;
	}
	return measure(&opt, r, n);
}
