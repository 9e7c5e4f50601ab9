/* SPDX-License-Identifier: MIT */
/* parse.h - what a plan is read with, and what is said of a wrong one */
#ifndef PLAN_PARSE_H
#define PLAN_PARSE_H

#include "harness/plan/plan.h"

/* Where what is read stands, and where its error goes (PLAN_ERROR_SIZE) */
struct location {
	const char *source; /* a file, or an option */
	unsigned line;      /* 0: it has none */
	char *error;
};

/* "source:line: ", and what is wrong; returns false. */
__attribute__((format(printf, 2, 3))) bool complain(const struct location *at,
						    const char *format, ...);

/* 'word': not WHAT; did you mean ...? (It takes all the names) */
bool complain_unknown(const struct location *at, const char *word,
		      const char *what, const char *const *names);

/* NAME 'value': not TAKES; did you mean one of `words`? (which may be NULL) */
bool complain_value(const struct location *at, const char *name,
		    const char *value, const char *takes,
		    const char *const *words);

/* The next word from *rest on, cut out; blanks around the commas of a list do not
 * part words. NULL: there is none. */
char *next_word(char **rest);

/* All that is left of a line; NULL: nothing */
char *all_words(char **rest);

/* The items of a list, cut apart; 0: too many, or an empty one, and says so */
unsigned split_list(char *list, char *items[PLAN_LIST_MAX],
		    const struct location *at);

/* A list of numbers from `low` to 1M, none twice; 0: it is none, and says so */
unsigned read_numbers(const char *value, uint64_t low,
		      unsigned numbers[PLAN_LIST_MAX],
		      const struct location *at);

#endif
