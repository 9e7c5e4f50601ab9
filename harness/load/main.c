/* SPDX-License-Identifier: MIT */
/* main.c - the load generator: one run, or the runs of a search */
#include "find.h"
#include "report.h"
#include "run.h"
#include "screen.h"

#include "harness/base/die.h"
#include "harness/base/outfile.h"
#include "harness/base/output.h"

/* Before the run, not after it */
static void check_writable(const char *option, const char *path)
{
	if (path && !outfile_possible(path))
		die("%s %s", option, path);
}

int main(int argc, char **argv)
{
	static struct load_options opt; /* threads read it until the end */
	struct target target;
	struct result r;
	int status;

	output_begin();
	load_options(argc, argv, &opt);
	check_limits(&opt);
	check_writable("--json", opt.json);
	check_writable("--histogram", opt.histogram);
	target = target_of(&opt);
	run_catch_signals();
	screen_open(opt.quiet || opt.hold >= 0);
	if (opt.goal.share > 0)
		return find_rate(&opt, target);
	r = run_once(&opt, target);
	status = report_all(&r, &opt, NULL);
	result_free(&r);
	return status;
}
