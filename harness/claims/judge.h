/* SPDX-License-Identifier: MIT */
/*
 * judge.h - the verdicts of claims that are judged together
 *
 * A comparison is true if its whole interval satisfies it, false if its whole interval
 * violates it, else unknown; and, or and not take these three. All are judged at the
 * level that Holm's method allows, which keeps the probability of any wrong verdict
 * at 5 %: with k of m verdicts decided, a claim is at 1 - 0.05 / (m - k), until none is
 * added. Decided at a level, it is decided at every lower one, so all have the last one.
 *
 * An end of an interval errs by half of its level, so a claim with n intervals has each
 * at 1 - 2 (1 - level) / n, or at its level if n is 1 or 2. Exact figures (whole counts)
 * are not among m and n.
 *
 * Blocks are few, so ends are Student's. Found, with six blocks and 40 claims of which 20
 * are exactly on their limit, so that any verdict of theirs is wrong: a wrong one in 4.6 %
 * of 5,000 runs with normal noise, in 3.3 % with heavy tails (t with 3 degrees of
 * freedom). STATS_RUNS=5000 build/release/unit/claims/judge prints these figures.
 */
#ifndef CLAIMS_JUDGE_H
#define CLAIMS_JUDGE_H

#include "harness/claims/figure.h"

enum claim_verdict {
	CLAIM_HOLDS,
	CLAIM_ONLY_WHEN,
	CLAIM_FAILS,
	CLAIM_UNKNOWN,
	CLAIM_DOCUMENTED,
};
enum { CLAIM_VERDICTS = 5 };

extern const char *const claim_verdicts[]; /* "holds", ... */

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* A comparison or a state of a claim */
struct finding {
	const struct predicate *leaf;
	struct figure *figure; /* NULL: a state */
	int state;             /* -1: not known */
	struct band band;      /* at the level of the claim */
	enum truth truth;
	char why[WHY_SIZE]; /* unknown: what would decide */
};

struct judgement {
	const struct claim *claim;
	struct finding *finding; /* in the order of claim_each() */
	unsigned n;
	double level; /* of each interval */
	enum claim_verdict verdict;
	enum truth holds, but_not;
	unsigned decides;      /* the finding that decides; n: none */
	char reason[WHY_SIZE]; /* why it is unknown; "" */
};

/* One for each claim, judged together; e[i] is what is known of c[i]. Free with
 * judgements_free(). */
struct judgement *judge_claims(const struct claim *const *c, size_t n,
			       const struct evidence *e);
void judgements_free(struct judgement *j, size_t n);

/* The level of `decided` of `judged` (Holm) */
double holm_level(size_t judged, size_t decided);

#endif
