/* SPDX-License-Identifier: MIT */
/* words.c - the words of a predicate: see words.h */
#include "harness/claims/words.h"

#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t\r\f\v\n";

static bool is_blank(char c)
{
	return c && strchr(blanks, c);
}

static void skip_blanks(struct words *w)
{
	for (; is_blank(*w->word); w->word++)
		w->at.line += *w->word == '\n';
}

/* Bytes above 127 make words, too, so that a message can quote them. */
static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

static size_t length_of(const char *word)
{
	size_t n = 0;

	if (*word == '<' || *word == '>')
		return word[1] == '=' ? 2 : 1;
	while (in_word(word[n]))
		n++;
	return n ? n : *word != '\0';
}

static char *copy(struct words *w, size_t n)
{
	snprintf(w->last, sizeof(w->last), "%.*s",
		 (int)(n < WORD_SIZE ? n : WORD_SIZE - 1), w->word);
	return w->last;
}

const char *words_peek(struct words *w)
{
	static const char ends[] = " \t\r\f\v\n()";
	size_t n;

	skip_blanks(w);
	if (!*w->word)
		return NULL;
	n = length_of(w->word);
	/* A constant goes on where a word ends: 5% */
	if (isdigit((unsigned char)*w->word))
		n = strcspn(w->word, ends);
	return copy(w, n);
}

const char *words_here(struct words *w)
{
	return words_peek(w) ?: "the end";
}

static bool is_next(struct words *w, const char *word)
{
	skip_blanks(w);
	return length_of(w->word) == strlen(word) &&
	       strncmp(w->word, word, strlen(word)) == 0;
}

bool words_take(struct words *w, const char *word)
{
	if (!is_next(w, word))
		return false;
	copy(w, strlen(word));
	w->word += strlen(word);
	return true;
}

int words_choose(struct words *w, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (words_take(w, words[i]))
			return i;
	return -1;
}

bool words_expect(struct words *w, const char *word)
{
	if (words_take(w, word))
		return true;
	return complain(&w->at, "'%.60s': '%s' is missing here", words_here(w),
			word);
}

char *words_raw(struct words *w)
{
	size_t n;

	skip_blanks(w);
	n = strcspn(w->word, " \t\r\f\v\n()");
	if (n == 0)
		return NULL;
	copy(w, n);
	w->word += n;
	return w->last;
}

char *words_argument(struct words *w)
{
	size_t n, length;

	skip_blanks(w);
	n = length = strcspn(w->word, ",()\n");
	while (length && is_blank(w->word[length - 1]))
		length--;
	copy(w, length);
	w->word += n;
	return w->last;
}

char *words_since(const struct words *w, const char *from)
{
	char *text = grow(NULL, (size_t)(w->word - from) + 1, 1), *to = text;

	for (; from < w->word; from++)
		if (!is_blank(*from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	return text;
}
