/* SPDX-License-Identifier: MIT */
/* parse.h - words and lists of a plan, and messages about mistakes */
#ifndef PLAN_PARSE_H
#define PLAN_PARSE_H

#include "harness/plan/plan.h"

/* The position in the input, and the buffer for its error (PLAN_ERROR_SIZE) */
struct location {
	const char *source; /* a file, or an option */
	unsigned line;      /* 0: none */
	char *error;
};

/* Writes "source:line: " and the message; returns false. */
__attribute__((format(printf, 2, 3))) bool complain(const struct location *at,
						    const char *format, ...);

/* 'word': not WHAT; did you mean ...? (allowed: all names) */
bool complain_unknown(const struct location *at, const char *word,
		      const char *what, const char *const *names);

/* NAME 'value': not TAKES; did you mean one of `words`? (which may be NULL) */
bool complain_value(const struct location *at, const char *name,
		    const char *value, const char *takes,
		    const char *const *words);

/* Reads the file at->source; false: no file, or longer than PLAN_FILE_MAX (error set:
 * "not a WHAT") */
enum { PLAN_FILE_MAX = 1 << 16 };
bool read_file(const struct location *at, const char *what,
	       char text[PLAN_FILE_MAX + 1], size_t *length);

/* Cuts the next word out of *rest. Blanks around a comma do not end a word.
 * NULL: there is none. */
char *next_word(char **rest);

/* The rest of the line, trimmed; NULL: it is empty */
char *all_words(char **rest);

/* Splits a list at its commas; 0: too many items, or an empty one (error
 * set) */
unsigned split_list(char *list, char *items[PLAN_LIST_MAX],
		    const struct location *at);

/* A list of distinct numbers from `low` to 1M; 0: invalid (error set) */
unsigned read_numbers(const char *value, uint64_t low,
		      unsigned numbers[PLAN_LIST_MAX],
		      const struct location *at);

#endif
