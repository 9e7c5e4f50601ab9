/* SPDX-License-Identifier: MIT */
/*
 * words.h - the words of a predicate, one after the other (for predicate.c)
 *
 * A word is letters, digits, _ and what labels of models have; or an operator; or one of
 * ( ) , / -. What a word means depends on its place: see predicate.c.
 */
#ifndef CLAIMS_WORDS_H
#define CLAIMS_WORDS_H

#include "harness/claims/names.h"

enum { WORD_SIZE = 128 };

struct words {
	struct location at; /* its line is that of the next word */
	const char *word;   /* the next one, after blanks */
	char last[WORD_SIZE];
	const struct names *names;
	unsigned *leaves;
	int depth;
};

/* Each looks at the next word; it is passed if it is what was asked for. */
bool words_take(struct words *w, const char *word);
int words_choose(struct words *w, const char *const *words);

/* The same, or an error */
bool words_expect(struct words *w, const char *word);

/* The next word, without passing it; NULL: the end */
const char *words_peek(struct words *w);

/* The same for a message: "the end" */
const char *words_here(struct words *w);

/* Up to the next blank or ): a constant. NULL: the end */
char *words_raw(struct words *w);

/* Up to the next , or ) without it, trimmed: an argument. May be empty */
char *words_argument(struct words *w);

/* What was read since `from`, with single blanks; to be freed */
char *words_since(const struct words *w, const char *from);

#endif
