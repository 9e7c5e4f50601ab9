/* SPDX-License-Identifier: MIT */
/* claim.h - a claim file: claims/README.md describes it */
#ifndef CLAIMS_CLAIM_H
#define CLAIMS_CLAIM_H

#include "harness/claims/predicate.h"

/* What can be there in Korean, too */
enum text {
	TEXT_CLAIM,
	TEXT_ONLY_WHEN,
	TEXT_REFUTED,
	TEXT_ELSEWHERE,
	TEXT_CORRECTION,
	TEXT_WHY,
	TEXTS
};

/* A known effect: in the server of a model, or in bin/primitives */
struct control {
	char model[LABEL_SIZE]; /* "": bin/primitives */
	char effect[32];        /* scan=2us */
};

enum { CONTROLS_MAX = 4, SETTINGS_OF_CLAIM = 32 };

struct claim {
	char name[CLAIM_NAME_SIZE];        /* the file without .claim */
	char *text[TEXTS], *korean[TEXTS]; /* NULL: not there */
	char *taught, *topic, *by_hand, *documented;
	unsigned cpus; /* needed; 0: any */
	struct named *setting;
	size_t n_settings;
	struct predicate *holds, *but_not, *proof; /* or NULL */
	unsigned leaves; /* comparisons and states of all three */
	struct control control[CONTROLS_MAX];
	unsigned n_controls;
};

/* `models` as for plan_parse(). false: `error` says where the mistake is and what is
 * allowed; there is nothing to free. */
bool claim_parse(struct claim *c, const char *text, size_t length,
		 const char *source, const char *const *models,
		 char error[PLAN_ERROR_SIZE]);
bool claim_read(struct claim *c, const char *path, const char *const *models,
		char error[PLAN_ERROR_SIZE]);
void claim_free(struct claim *c);

/* Whether one of the words of `list`, at its blanks and commas, is its name, or a row
 * in which it is taught */
bool claim_is(const struct claim *c, const char *word);

/* All comparisons and states, those of `holds` first */
void claim_each(const struct claim *c,
		void (*each)(const struct predicate *leaf, void *data),
		void *data);

#endif
