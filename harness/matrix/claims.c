/* SPDX-License-Identifier: MIT */
/* claims.c - bin/matrix claims: measures what claims need, and judges them */
#include "harness/matrix/session.h"
#include "harness/matrix/session_internal.h"

#include "harness/claims/needs.h"
#include "harness/verdict/describe.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- the files */

struct all_claims {
	struct claim *claim;
	bool *wanted;
	size_t n, n_wanted;
	bool all; /* all are wanted */
};

static void read_claims(struct all_claims *to, const char *bin)
{
	const char *const *models = catalog_models(bin);
	const char *const *name = catalog_claims(bin);
	char path[CATALOG_PATH_SIZE], error[PLAN_ERROR_SIZE];

	for (; *name; name++) {
		to->claim = grow(to->claim, to->n + 1, sizeof(*to->claim));
		if (claim_read(&to->claim[to->n],
			       catalog_claim(bin, *name, path), models,
			       error)) {
			to->n++;
			continue;
		}
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			error);
		exit(EXIT_USAGE);
	}
	if (to->n == 0)
		die_usage("there are no claims: set $MATRIX_CLAIMS to a folder "
			  "with NAME.claim files (claims/README.md)");
}

static void unknown_claim(const struct all_claims *c, const char *word)
{
	const char **names = grow(NULL, c->n + 1, sizeof(*names)), *meant;

	for (size_t i = 0; i < c->n; i++)
		names[i] = c->claim[i].name;
	names[c->n] = NULL;
	meant = nearest(word, names);
	die_usage("--only '%s': not a claim, and none is taught there%s%s%s",
		  word, meant ? "; did you mean '" : "", meant ?: "",
		  meant ? "'?" : "");
}

/* --only, or all */
static void choose_claims(struct all_claims *c, const char *only)
{
	char *copy = strdup(only ?: ""), *rest = copy, *word;

	if (!copy)
		die("strdup");
	c->wanted = grow(NULL, c->n, sizeof(*c->wanted));
	c->all = !only;
	for (size_t i = 0; i < c->n; i++)
		c->wanted[i] = c->all;
	while (only && (word = strsep(&rest, ", "))) {
		bool found = !*word;

		for (size_t i = 0; i < c->n; i++)
			if (claim_is(&c->claim[i], word))
				found = c->wanted[i] = true;
		if (!found)
			unknown_claim(c, word);
	}
	for (size_t i = 0; i < c->n; i++)
		c->n_wanted += c->wanted[i];
	if (c->n_wanted == 0)
		die_usage("--only: needs a claim, such as %s",
			  c->claim[0].name);
	free(copy);
}

/* -------------------------------------------------------------------- the plan */

/* Of all claims, whatever is wanted: so a folder can be completed later. */
static bool make_plan(struct session *s, const struct all_claims *c)
{
	const char *const *models = catalog_models(s->bin);
	char error[PLAN_ERROR_SIZE];
	char *text = claims_plan(c->claim, c->n, s->opt->controls, models);

	if (!text)
		return false;
	if (!plan_parse(&s->plan, text, strlen(text),
			s->opt->controls ? "controls" : "claims", models,
			error))
		die_usage("the plan of the claims: %s", error);
	free(text);
	make_schedule(s);
	return true;
}

int matrix_claims(const struct matrix_options *opt)
{
	static struct session s;
	struct all_claims c = { .n = 0 };

	s.opt = opt;
	s.screen = stdout;
	catalog_bin(s.bin);
	read_claims(&c, s.bin);
	choose_claims(&c, opt->only);
	if (make_plan(&s, &c))
		print_plan(&s);
	return EXIT_SUCCESS;
}
