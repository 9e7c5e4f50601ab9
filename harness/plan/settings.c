/* SPDX-License-Identifier: MIT */
/* settings.c - a cells line of a plan: see settings.h */
#include "harness/plan/settings.h"

#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Multiplies the settings by the values of a part. */
static bool combine(struct settings *s, const struct part *part, char *list,
		    const struct location *at)
{
	char *items[PLAN_LIST_MAX];
	unsigned n = split_list(list, items, at);
	struct setting *all;

	if (n == 0)
		return false;
	if (s->n * n > SETTINGS_MAX)
		return complain(at, "more than %d settings", SETTINGS_MAX);
	all = grow(NULL, s->n * n, sizeof(*all));
	for (size_t i = 0; i < s->n * n; i++) {
		all[i] = s->setting[i / n];
		if (!part->set(&all[i].cell, items[i % n])) {
			complain_value(at, part->name, items[i % n],
				       part->takes, part->words);
			break;
		}
		for (size_t j = i - i % n; j < i; j++)
			if (cell_same(&all[i].cell, &all[j].cell))
				complain(at, "%s: '%.60s' is twice in the list",
					 part->name, items[i % n]);
	}
	free(s->setting);
	s->setting = all;
	s->n *= n;
	return !*at->error;
}

static const char *const cells_words[] = { "closed",  "open",        "split",
					   "shared",  "connections", "rate",
					   "idle",    "message",     "depth",
					   "pattern", "work",        "service",
					   "models",  NULL };

/* The part that a word sets; *value is the word itself if it is also the
 * value. */
static const struct part *part_of(char *word, char **value)
{
	int i = word_index(word, cells_words);

	if (i < 0)
		return NULL;
	*value = i < 4 ? word : NULL;
	return cell_part(i < 2 ? "loop" : i < 4 ? "placement" : word);
}

static bool read_part(struct settings *s, char *word, char **rest,
		      unsigned *seen, const struct location *at)
{
	char *value = NULL;
	const struct part *part = part_of(word, &value);
	unsigned bit;

	if (!part)
		return complain_unknown(at, word, "a word of a cells line",
					cells_words);
	bit = 1u << (part - cell_parts);
	if (*seen & bit && value)
		return complain(at,
				"'%s': a cells line takes %s once; for both, "
				"write two lines",
				word,
				strcmp(part->name, "loop") == 0 ?
					"closed or open" :
					"split or shared");
	if (*seen & bit)
		return complain(at,
				"'%s' is there twice; give it a list: "
				"connections 1,64",
				word);
	*seen |= bit;
	if (!value && !(value = next_word(rest)))
		return complain(at, "%s: needs a value: %s", word, part->takes);
	return combine(s, part, value, at);
}

/* The labels are checked when all keys of the plan are known: see plan.c. */
static bool read_models(struct settings *s, char **rest,
			const struct location *at)
{
	char *value = next_word(rest);

	if (!value)
		return complain(at,
				"models: needs a value: a list of models of "
				"the plan");
	if (s->n_lists)
		return complain(at, "'models' is there twice; give it a list: "
				    "models poll,epoll");
	s->lists = grow(NULL, 1, sizeof(*s->lists));
	s->lists[0] = grow(NULL, strlen(value) + 1, 1);
	memcpy(s->lists[0], value, strlen(value) + 1);
	s->n_lists = 1;
	return true;
}

static bool read_family(struct settings *s, char *rest,
			const struct location *at)
{
	unsigned seen = 0;
	const char *wrong;
	char *word;

	while ((word = next_word(&rest)))
		if (strcmp(word, "models") == 0 ?
			    !read_models(s, &rest, at) :
			    !read_part(s, word, &rest, &seen, at))
			return false;
	for (size_t i = 0; i < s->n; i++)
		if ((wrong = cell_contradiction(&s->setting[i].cell)))
			return complain(at, "%s", wrong);
	return true;
}

/* Moves the settings of a line, and its list of models. */
static void append(struct settings *all, struct settings *line)
{
	all->setting =
		grow(all->setting, all->n + line->n, sizeof(*all->setting));
	for (size_t i = 0; i < line->n; i++) {
		all->setting[all->n] = line->setting[i];
		all->setting[all->n++].models =
			line->n_lists ? line->lists[0] : NULL;
	}
	if (!line->n_lists)
		return;
	all->lists = grow(all->lists, all->n_lists + 1, sizeof(*all->lists));
	all->lists[all->n_lists++] = line->lists[0];
	line->n_lists = 0;
	free(line->lists);
	line->lists = NULL;
}

bool read_cells(struct settings *all, char *rest, const struct location *at)
{
	struct settings line;
	bool good;

	line = (struct settings){ .setting =
					  grow(NULL, 1, sizeof(*line.setting)),
				  .n = 1 };
	*line.setting = (struct setting){
		.cell = { .connections = 64,
			  .depth = 1,
			  .burst = 1,
			  .work = "none" },
		.line = at->line,
	};
	good = read_family(&line, rest, at);
	if (good && all->n + line.n > SETTINGS_MAX)
		good = complain(at, "more than %d settings", SETTINGS_MAX);
	if (good)
		append(all, &line);
	settings_free(&line);
	return good;
}

bool setting_has(const struct setting *s, const char *model)
{
	const char *at = s->models;
	size_t n = strlen(model);

	while (at && *at) {
		size_t length = strcspn(at, ",");

		if (length == n && strncmp(at, model, n) == 0)
			return true;
		at += length + (at[length] == ',');
	}
	return !s->models;
}

void settings_free(struct settings *all)
{
	for (size_t i = 0; i < all->n_lists; i++)
		free(all->lists[i]);
	free(all->lists);
	free(all->setting);
	*all = (struct settings){ .n = 0 };
}
