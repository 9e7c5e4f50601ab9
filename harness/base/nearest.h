/* SPDX-License-Identifier: MIT */
/* nearest.h - words in a list, and suggestions for mistyped ones */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/* Which of `words` (NULL at the end) this is; -1: none */
int word_index(const char *word, const char *const *words);

/*
 * The one of `names` (NULL at the end) that `word` most likely stands for: it
 * begins with `word`, or differs in few letters. The first of several; NULL:
 * none.
 */
const char *nearest(const char *word, const char *const *names);

#endif
