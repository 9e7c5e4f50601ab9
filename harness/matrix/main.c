/* SPDX-License-Identifier: MIT */
/* main.c - bin/matrix: run, resume, report, list, doctor, compare, claims */
#include "harness/verdict/describe.h"
#include "harness/doctor/doctor.h"
#include "harness/plan/catalog.h"
#include "harness/matrix/list.h"
#include "harness/matrix/options.h"
#include "harness/matrix/session.h"

#include "harness/base/die.h"
#include "harness/base/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(const struct matrix_options *opt)
{
	char bin[CATALOG_PATH_SIZE];
	struct plan plan;

	if (!opt->what || strcmp(opt->what, "models") == 0)
		list_models(stdout);
	if (!opt->what)
		putchar('\n');
	if (!opt->what || strcmp(opt->what, "plans") == 0)
		list_plans(stdout);
	if (opt->what && strcmp(opt->what, "cells") == 0) {
		session_plan(opt, catalog_bin(bin), "standard", &plan);
		list_cells(stdout, &plan);
		plan_free(&plan);
	}
	return EXIT_SUCCESS;
}

static int diagnose(const struct matrix_options *opt)
{
	char bin[CATALOG_PATH_SIZE];
	struct diagnoses d;
	struct plan plan;
	bool fails;

	session_plan(opt, catalog_bin(bin), "quick", &plan);
	d = doctor(&plan, bin);
	fails = diagnoses_print(&d, stdout, has_color(stdout));
	diagnoses_free(&d);
	plan_free(&plan);
	return fails ? EXIT_FAILED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct matrix_options opt;

	output_begin();
	matrix_options(argc, argv, &opt);
	switch (opt.verb) {
	case VERB_RUN:
		return matrix_run(&opt);
	case VERB_RESUME:
		return matrix_resume(&opt);
	case VERB_REPORT:
		return matrix_report(&opt);
	case VERB_LIST:
		return list(&opt);
	case VERB_DOCTOR:
		return diagnose(&opt);
	case VERB_COMPARE:
		return matrix_compare(&opt);
	case VERB_CLAIMS:
		return matrix_claims(&opt);
	case VERB_NONE:
		break;
	}
	return EXIT_FAILED;
}
