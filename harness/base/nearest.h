/* SPDX-License-Identifier: MIT */
/* nearest.h - which word was meant, when one was mistyped */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/* Which of `words` (NULL at the end) this is; -1: none */
int word_index(const char *word, const char *const *words);

/*
 * How many letters are to be put in, left out, changed or swapped with their
 * neighbour to come from one word to the other; upper and lower case are the
 * same. (Damerau and Levenshtein; no letter is touched twice.) Words are told
 * apart by their first 63 letters.
 */
unsigned nearest_distance(const char *a, const char *b);

/*
 * The one of `names` (NULL at the end) that `word` most likely stands for: it
 * begins so, or is near in letters; the first of several. NULL if none is.
 */
const char *nearest(const char *word, const char *const *names);

#endif
