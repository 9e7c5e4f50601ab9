/* SPDX-License-Identifier: MIT */
/* plan.c - reading and writing plans: see plan.h */
#include "harness/plan/plan.h"

#include "harness/plan/keys.h"
#include "harness/plan/settings.h"
#include "harness/plan/parse.h"
#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPETITIONS_MAX = 1000000 };
static const int64_t second = 1000000000;

/* ---------------------------------------------------------- cells */

static void add_cell(struct cells *cells, const struct cell *c)
{
	cells->cell = grow(cells->cell, cells->n + 1, sizeof(*cells->cell));
	cells->cell[cells->n++] = *c;
}

/* `of` NULL: for all models */
static void add_for_models(struct plan *p, struct cells *cells, struct cell c,
			   const struct setting *of)
{
	for (size_t i = 0; i < p->n_models; i++) {
		if (of && !setting_has(of, p->models[i].label))
			continue;
		memcpy(c.model, p->models[i].label, sizeof(c.model));
		add_cell(cells, &c);
	}
}

static void drop_cells(struct plan *p)
{
	struct cells *all[] = { &p->timing, &p->idle, &p->baseline };

	for (int i = 0; i < 3; i++) {
		free(all[i]->cell);
		*all[i] = (struct cells){ NULL, 0 };
	}
}

/* The settings with defaults and overrides. A plan must not have a setting
 * twice; settings that an override made equal are merged. */
static bool resolve(struct plan *p, struct settings *to,
		    const struct location *at)
{
	unsigned n = p->n_connections ? p->n_connections : 1;

	to->setting = grow(NULL, p->settings->n * n, sizeof(*to->setting));
	for (size_t i = 0; i < p->settings->n * n; i++) {
		struct setting *s = &to->setting[to->n], *same = to->setting;

		*s = p->settings->setting[i / n];
		if (p->n_connections)
			s->cell.connections = p->connections[i % n];
		if (s->cell.message == 0)
			s->cell.message = p->message;
		while (!cell_same(&same->cell, &s->cell))
			same++;
		if (same == s && ++to->n > SETTINGS_MAX) {
			return complain(at, "more than %d settings",
					SETTINGS_MAX);
		} else if (same != s && !p->n_connections) {
			struct location here = { at->source, s->line,
						 at->error };
			char name[CELL_NAME_SIZE];

			return complain(&here, "%s is also on line %u",
					cell_name(&s->cell, name), same->line);
		}
	}
	return true;
}

/* At most: for each setting the models, the twin and the baseline. */
static bool not_too_many(const struct plan *p, size_t settings,
			 const struct location *at)
{
	size_t block = settings * (p->n_models + 2);
	size_t once = settings * p->n_models + p->n_idle * p->n_models;

	if (block * p->blocks + once <= REPETITIONS_MAX)
		return true;
	return complain(at, "more than %d repetitions", REPETITIONS_MAX);
}

static void fill(struct plan *p, const struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct cell c = s->setting[i].cell;

		add_for_models(p, &p->timing, c, &s->setting[i]);
		if (p->with_baseline && c.loop == LOOP_CLOSED &&
		    c.idle + c.slow == 0 && strcmp(c.work, "none") == 0) {
			memcpy(c.model, BASELINE, sizeof(BASELINE));
			add_cell(&p->baseline, &c);
		}
	}
	for (unsigned i = 0; i < p->n_idle; i++) {
		struct cell c = { .loop = LOOP_NONE,
				  .idle = p->idle_clients[i],
				  .message = p->message,
				  .depth = 1,
				  .burst = 1,
				  .work = "none" };

		add_for_models(p, &p->idle, c, NULL);
	}
}

/* The names of its models, NULL at the end; free it. */
static const char **names_of(const struct plan *p)
{
	const char **names = grow(NULL, p->n_models + 1, sizeof(*names));

	for (size_t i = 0; i < p->n_models; i++)
		names[i] = p->models[i].label;
	names[p->n_models] = NULL;
	return names;
}

/* Without the exception, every --models without epoll would need --reference. */
static void settle_reference(struct plan *p)
{
	const char **names = names_of(p), *found = p->asked_reference;

	if (word_index(found, names) < 0)
		found = strcmp(found, DEFAULT_REFERENCE) == 0 ? names[0] : NULL;
	snprintf(p->reference, sizeof(p->reference), "%s", found ?: "");
	free(names);
}

static bool check_reference(const struct plan *p, const struct location *at)
{
	const char **names;

	if (*p->reference || p->n_models == 0)
		return true;
	names = names_of(p);
	complain_unknown(at, p->asked_reference,
			 "a model of the plan, so it cannot be the reference",
			 names);
	free(names);
	return false;
}

/* The models of a cells line have to be among those of the plan. */
static bool check_models(const struct plan *p, const struct setting *s,
			 const char *source, char *error)
{
	char *copy = strdup(s->models), *rest = copy, *one;
	struct location at = { source, s->line, error };
	const char **names = names_of(p);
	bool good = true;

	if (!copy)
		die("strdup");
	while (good && (one = strsep(&rest, ",")))
		if (word_index(one, names) < 0)
			good = complain_unknown(&at, one, "a model of the plan",
						names);
	free(copy);
	free(names);
	return good;
}

/* --models of the command line may have dropped what a line names. */
static bool models_known(const struct plan *p, const struct location *at)
{
	for (size_t i = 0; i < p->settings->n; i++) {
		const struct setting *s = &p->settings->setting[i];

		if (s->models &&
		    (i == 0 ||
		     s->models != p->settings->setting[i - 1].models) &&
		    !check_models(p, s, at->source, at->error))
			return false;
	}
	return true;
}

static bool expand(struct plan *p, const struct location *at)
{
	struct settings s = { .n = 0 };
	bool good;

	drop_cells(p);
	settle_reference(p);
	good = models_known(p, at) && resolve(p, &s, at) &&
	       not_too_many(p, s.n, at);
	if (good)
		fill(p, &s);
	free(s.setting);
	return good;
}

/* ------------------------------------------------------------------ the file */

static bool read_line(struct plan *p, char *line, unsigned said[KEYS],
		      const struct location *at)
{
	const struct key *key;
	char *word, *value;

	line[strcspn(line, "#")] = '\0';
	word = next_word(&line);
	if (!word)
		return true;
	if (strcmp(word, "cells") == 0)
		return read_cells(p->settings, line, at);
	key = key_of(word);
	if (!key)
		return unknown_key(at, word, "cells");
	if (said[key - keys])
		return complain(at, "'%s' is already on line %u", word,
				said[key - keys]);
	said[key - keys] = at->line;
	/* A command may contain blanks. */
	value = strcmp(word, "models") == 0 ? all_words(&line) :
					      next_word(&line);
	if (!value)
		return complain(at, "%s: needs a value: %s", word, key->takes);
	if (!set_key(p, key, value, at))
		return false;
	if ((word = next_word(&line)))
		return complain(at, "'%.60s': %s takes one value: %s", word,
				key->name, key->takes);
	return true;
}

static bool read_lines(struct plan *p, char *text, struct location *at)
{
	static const char mark[] = "\xef\xbb\xbf"; /* UTF-8 BOM */
	unsigned said[KEYS] = { 0 };
	char *line;

	if (strncmp(text, mark, strlen(mark)) == 0)
		text += strlen(mark);
	while ((line = strsep(&text, "\n"))) {
		at->line++;
		if (!read_line(p, line, said, at))
			return false;
	}
	at->line = 0;
	if (p->settings->n == 0)
		return complain(
			at, "no cells line: nothing to measure; add at least: "
			    "cells closed");
	return true;
}

/* "quick" of "harness/plans/quick.plan" */
static void name_plan(struct plan *p, const char *source)
{
	const char *slash = strrchr(source, '/');
	size_t length;

	snprintf(p->name, sizeof(p->name), "%.60s", slash ? slash + 1 : source);
	length = strlen(p->name);
	if (length > 5 && strcmp(p->name + length - 5, ".plan") == 0)
		p->name[length - 5] = '\0';
}

static void begin(struct plan *p, const char *source, const char *const *known)
{
	*p = (struct plan){
		.blocks = 6,
		.bout = 3 * second,
		.margin = 0.03,
		.asked_reference = DEFAULT_REFERENCE,
		.counting = true,
		.with_baseline = true,
		.aa = true,
		.awake = true,
		.seed = 1,
		.message = 64,
		.idle_clients = { 1000 },
		.n_idle = 1,
		.known = known,
		.settings = calloc(1, sizeof(*p->settings)),
	};
	if (!p->settings)
		die("calloc");
	name_plan(p, source);
}

bool plan_parse(struct plan *p, const char *text, size_t length,
		const char *source, const char *const *known,
		char error[PLAN_ERROR_SIZE])
{
	struct location at = { source, 0, error };
	char *copy;
	bool good;

	*error = '\0';
	begin(p, source, known);
	copy = strndup(text, length);
	if (!copy)
		die("strndup");
	good = set_models(p, "all", &at);
	if (good && strlen(copy) != length)
		good = complain(&at, "not a text file: it contains a 0 byte");
	good = good && read_lines(p, copy, &at) && expand(p, &at) &&
	       check_reference(p, &at);
	free(copy);
	if (!good)
		plan_free(p);
	return good;
}

bool plan_read(struct plan *p, const char *path, const char *const *known,
	       char error[PLAN_ERROR_SIZE])
{
	struct location at = { path, 0, error };
	static char text[PLAN_FILE_MAX + 1];
	size_t n;

	if (!read_file(&at, "plan", text, &n))
		return false;
	return plan_parse(p, text, n, path, known, error);
}

/* -------------------------------------------------------------- the options */

bool plan_override(struct plan *p, const char *key, const char *value,
		   char error[PLAN_ERROR_SIZE])
{
	const struct key *known = key_of(key);
	char option[64];
	struct location at = { option, 0, error };

	*error = '\0';
	snprintf(option, sizeof(option), "--%.60s", key);
	if (strcmp(key, "connections") == 0) {
		p->n_connections = read_numbers(value, 1, p->connections, &at);
		return p->n_connections > 0 && expand(p, &at);
	}
	if (!known)
		return unknown_key(&at, key, "connections");
	return set_key(p, known, value, &at) && expand(p, &at);
}

static size_t keep_some(struct cells *cells,
			bool (*keep)(const char *name, void *data), void *data)
{
	size_t n = 0;

	for (size_t i = 0; i < cells->n; i++) {
		char name[CELL_NAME_SIZE];

		if (keep(cell_name(&cells->cell[i], name), data))
			cells->cell[n++] = cells->cell[i];
	}
	return cells->n = n;
}

bool plan_check(const struct plan *p, char error[PLAN_ERROR_SIZE])
{
	struct location at = { "--reference", 0, error };

	return check_reference(p, &at);
}

/* Requests that are due at once */
static double burst_of(const struct cell *c)
{
	return c->pattern == PATTERN_STORM ? c->connections : c->burst;
}

int64_t plan_slice(const struct plan *p, const struct cell *c,
		   double response_ns)
{
	const double ms = 1e6, response_times = 10;
	double requests = fmax(50, 4 * burst_of(c));
	double length =
		isfinite(response_ns) ? response_times * response_ns : 100 * ms;

	if (p->slice > 0)
		return p->slice;
	length = fmin(fmax(length, 40 * ms), 300 * ms);
	if (c->loop == LOOP_OPEN)
		length =
			fmax(length, fmin(requests / c->rate * 1e9, 1000 * ms));
	return (int64_t)length;
}

unsigned plan_rounds(const struct plan *p, int64_t round_ns)
{
	double rounds = round((double)p->bout / (double)round_ns);

	return rounds > ROUNDS_LEAST ? (unsigned)rounds : ROUNDS_LEAST;
}

size_t plan_keep(struct plan *p, bool (*keep)(const char *name, void *data),
		 void *data)
{
	return keep_some(&p->timing, keep, data) +
	       keep_some(&p->idle, keep, data) +
	       keep_some(&p->baseline, keep, data);
}

size_t setting_length(const struct cells *cells, size_t first)
{
	size_t n = 1;

	while (first + n < cells->n &&
	       cell_same_setting(&cells->cell[first], &cells->cell[first + n]))
		n++;
	return n;
}

/* ------------------------------------------------------------------- writing */

char *plan_line(const struct cell *c, char line[CELL_NAME_SIZE],
		const char *without)
{
	char loop[WORK_SIZE], value[WORK_SIZE];
	size_t n;

	cell_part("loop")->print(c, loop, sizeof(loop));
	cell_part("placement")->print(c, value, sizeof(value));
	n = snprintf(line, CELL_NAME_SIZE, "%s %s", loop, value);
	for (const struct part *part = cell_parts; part->name; part++) {
		if (strcmp(part->name, "model") == 0 ||
		    strcmp(part->name, "loop") == 0 ||
		    strcmp(part->name, "placement") == 0 ||
		    (without && strcmp(part->name, without) == 0))
			continue;
		part->print(c, value, sizeof(value));
		if (*value)
			n += snprintf(line + n, CELL_NAME_SIZE - n, " %s %s",
				      part->name, value);
	}
	return line;
}

char *plan_text(const struct plan *p)
{
	struct location at = { p->name, 0, (char[PLAN_ERROR_SIZE]){ "" } };
	struct settings s = { .n = 0 };
	struct plan copy = *p;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		die("open_memstream");
	write_keys(p, to);
	resolve(&copy, &s, &at);
	for (size_t i = 0; i < s.n; i++) {
		char line[CELL_NAME_SIZE];

		fprintf(to, "cells %s%s%s\n",
			plan_line(&s.setting[i].cell, line, NULL),
			s.setting[i].models ? " models " : "",
			s.setting[i].models ?: "");
	}
	free(s.setting);
	if (fclose(to) != 0)
		die("write a plan");
	return text;
}

void plan_free(struct plan *p)
{
	drop_cells(p);
	free_models(p);
	if (p->settings)
		settings_free(p->settings);
	free(p->settings);
	p->settings = NULL;
}
