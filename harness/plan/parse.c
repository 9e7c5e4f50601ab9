/* SPDX-License-Identifier: MIT */
/* parse.c - words and lists of a plan: see parse.h */
#include "harness/plan/parse.h"

#include "harness/base/nearest.h"
#include "harness/base/die.h"
#include "harness/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- errors */

bool complain(const struct location *at, const char *format, ...)
{
	va_list arguments;
	size_t n;

	n = snprintf(at->error, PLAN_ERROR_SIZE, "%.200s:", at->source);
	if (at->line)
		n += snprintf(at->error + n, PLAN_ERROR_SIZE - n,
			      "%u:", at->line);
	at->error[n++] = ' ';
	va_start(arguments, format);
	vsnprintf(at->error + n, PLAN_ERROR_SIZE - n, format, arguments);
	va_end(arguments);
	for (char *c = at->error; *c; c++) /* no escape sequences */
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return false;
}

bool read_file(const struct location *at, const char *what,
	       char text[PLAN_FILE_MAX + 1], size_t *length)
{
	FILE *file = fopen(at->source, "r");
	int failed;

	if (!file)
		return complain(at, "%s", strerror(errno));
	errno = 0;
	*length = fread(text, 1, PLAN_FILE_MAX + 1, file);
	failed = ferror(file) ? errno : 0;
	fclose(file);
	if (failed)
		return complain(at, "%s", strerror(failed));
	if (*length > PLAN_FILE_MAX)
		return complain(at, "longer than %d bytes: not a %s",
				PLAN_FILE_MAX, what);
	return true;
}

enum { HINT_SIZE = 96, NAMES_SIZE = 512 };

/* A suggestion for a word, or for its part before a colon */
static char *hint(char to[HINT_SIZE], const char *word,
		  const char *const *names)
{
	char begin[64];
	const char *meant;

	snprintf(begin, sizeof(begin), "%.*s", (int)strcspn(word, ":"), word);
	meant = names ? nearest(begin, names) : NULL;
	*to = '\0';
	if (meant && strcmp(meant, begin) != 0)
		snprintf(to, HINT_SIZE, "; did you mean '%.60s'?", meant);
	return to;
}

static char *enumerate(char to[NAMES_SIZE], const char *const *names)
{
	size_t n = 0;

	*to = '\0';
	for (; *names && n < NAMES_SIZE; names++)
		n += snprintf(to + n, NAMES_SIZE - n, "%s%s", n ? ", " : "",
			      *names);
	return to;
}

bool complain_unknown(const struct location *at, const char *word,
		      const char *what, const char *const *names)
{
	char meant[HINT_SIZE], all[NAMES_SIZE];

	return complain(at, "'%.60s': not %s%s (allowed: %s)", word, what,
			hint(meant, word, names), enumerate(all, names));
}

bool complain_value(const struct location *at, const char *name,
		    const char *value, const char *takes,
		    const char *const *words)
{
	char meant[HINT_SIZE];

	return complain(at, "%s '%.60s': not %s%s", name, value, takes,
			hint(meant, value, words));
}

/* -------------------------------------------------------- words and lists */

static const char blanks[] = " \t\r\f\v";

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, blanks);
	n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		text[--n] = '\0';
	return text;
}

char *all_words(char **rest)
{
	char *words = trim(*rest);

	*rest = words + strlen(words);
	return *words ? words : NULL;
}

char *next_word(char **rest)
{
	char *from = *rest + strspn(*rest, blanks), *word = from, *to = from;

	if (!*from)
		return NULL;
	while (*from) {
		size_t gap = strspn(from, blanks);

		if (gap && (!from[gap] || (to[-1] != ',' && from[gap] != ',')))
			break;
		from += gap;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

/* Ends at the next comma outside the quotes of a command (command.h) */
static char *next_item(char **list)
{
	char *item = *list, *at = item, quote = '\0';

	if (!item)
		return NULL;
	for (; *at && (quote || *at != ','); at++) {
		if (*at == '\\' && at[1] && quote != '\'')
			at++;
		else if (quote ? *at == quote : *at == '\'' || *at == '"')
			quote = quote ? '\0' : *at;
	}
	*list = *at ? at + 1 : NULL;
	*at = '\0';
	return trim(item);
}

unsigned split_list(char *list, char *items[PLAN_LIST_MAX],
		    const struct location *at)
{
	unsigned n = 0;
	char *item;

	while ((item = next_item(&list))) {
		if (n == PLAN_LIST_MAX) {
			complain(at, "a list takes at most %d values",
				 PLAN_LIST_MAX);
			return 0;
		}
		if (!*item) {
			complain(
				at,
				"a list needs a value on each side of a comma: "
				"1,64,1000");
			return 0;
		}
		items[n++] = item;
	}
	return n;
}

unsigned read_numbers(const char *value, uint64_t low,
		      unsigned numbers[PLAN_LIST_MAX],
		      const struct location *at)
{
	char *copy = strdup(value), *items[PLAN_LIST_MAX];
	unsigned n, i;

	if (!copy)
		die("strdup");
	n = split_list(copy, items, at);
	for (i = 0; i < n; i++) {
		uint64_t number;

		if (!parse_count(items[i], &number) || number < low ||
		    number > 1000000) {
			complain(at,
				 "'%.60s': not a number from %d to 1M, such as "
				 "64 or 1k",
				 items[i], (int)low);
			break;
		}
		numbers[i] = number;
		for (unsigned j = 0; j < i; j++)
			if (numbers[j] == number)
				complain(at, "'%.60s' is twice in the list",
					 items[i]);
	}
	free(copy);
	return *at->error ? 0 : n;
}
