/* SPDX-License-Identifier: MIT */
/* main.c - bin/inject: runs a program with a known effect in its system calls */
#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/output.h"
#include "harness/claims/effects.h"
#include "harness/plan/catalog.h"

#include <stdlib.h>
#include <unistd.h>

struct inject_options {
	const char *effect;
	char **program;
};

/* EFFECT, and then the program */
static void take_rest(char **argv, void *options)
{
	struct inject_options *opt = options;

	opt->effect = argv[0];
	opt->program = argv[0] ? argv + 1 : argv;
}

static const struct args args = {
	.usage = "EFFECT PROGRAM [ARGUMENT...]",
	.about =
		"inject - brings a known effect into a program\n\n"
		"bin/matrix claims --controls does this to show that a verdict can turn.\n\n"
		"Examples:\n"
		"  inject scan=2us bin/epoll --port 7000\n"
		"         each wait takes 2 us longer for each client\n"
		"  inject calls=3 bin/thread --port 7000\n"
		"         three more system calls with each transfer\n"
		"  inject delay=10us bin/poll --port 7000\n"
		"         each wait and each transfer takes 10 us of CPU time longer\n",
	.notes =
		"Effects: delay=TIME, sleep=TIME, scan=TIME, calls=N, threads=N, "
		"memory=SIZE; claims/README.md describes them. The program has to be "
		"linked dynamically; build/inject.so does the work.",
	.rest = take_rest,
};

int main(int argc, char **argv)
{
	struct inject_options opt = { NULL, NULL };
	char library[CATALOG_PATH_SIZE + 16], bin[CATALOG_PATH_SIZE];
	char error[PLAN_ERROR_SIZE] = "";
	struct location at = { "effect", 0, error };

	output_begin();
	args_parse(&args, argc, argv, &opt);
	if (!opt.effect || !opt.program[0])
		die_usage("it takes an effect and a program, such as scan=2us "
			  "bin/epoll");
	if (!effect_valid(opt.effect, &at))
		die_usage("%s", error);
	snprintf(library, sizeof(library), "%s/inject.so", catalog_bin(bin));
	if (access(library, R_OK) < 0)
		die("%s", library);
	setenv("LD_PRELOAD", library, 1);
	setenv("INJECT", opt.effect, 1);
	execvp(opt.program[0], opt.program);
	die("%s", opt.program[0]);
}
