/* SPDX-License-Identifier: MIT */
/* findings.h - a comparison in words */
#ifndef VERDICT_FINDINGS_H
#define VERDICT_FINDINGS_H

#include "harness/verdict/reduce.h"

/* How a metric is spoken of */
struct phrase {
	enum metric metric;
	const char *words;       /* for a table, or a list */
	const char *verb, *what; /* "takes" 2 times "the CPU" of another */
	const char *each;        /* "for each request " */
};

const struct phrase *metric_phrase(enum metric m);

/* "requests/s", "CPU a request" */
const char *metric_words(enum metric m);

/* stats_sentence() of it: "poll takes 9.1 to 11.2 times the CPU of epoll for each
 * request at 1,000 connections"; writes to `to` and returns it. */
char *finding_sentence(const struct finding *f, char to[STATS_WORDS]);

/* "0.71 to 0.75", what the blocks had, lowest and highest ratio; "" if none */
char *finding_seen(const struct finding *f, char to[64]);

/* How many are called different */
size_t findings_called(const struct reduced *r);

/*
 * What so few blocks cannot do, or NULL if there are enough for a claim: "3 blocks
 * allow no claim: ...". To be freed.
 */
char *no_claims(const struct reduced *r);

#endif
