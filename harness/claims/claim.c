/* SPDX-License-Identifier: MIT */
/* claim.c - reading claim files: see claim.h */
#include "harness/claims/claim.h"

#include "harness/claims/effects.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 32 };

/* A line with those that continue it. Predicates are read last, as they name settings
 * that may follow. */
struct item {
	char *value;
	unsigned line;
};

enum predicate_key { KEY_HOLDS, KEY_BUT_NOT, KEY_PROOF, PREDICATE_KEYS };

struct reading {
	struct claim *claim;
	const char *const *models;
	struct item predicate[PREDICATE_KEYS];
	struct location at;
};

static const char *const texts[] = { "claim",     "only-when",  "refuted",
				     "elsewhere", "correction", "why",
				     NULL };
static const char *const predicates[] = { "holds", "but-not", "proof", NULL };
static const char *const all_keys[] = {
	"claim",      "claim.ko",      "taught",  "topic",
	"setting",    "holds",         "but-not", "only-when",
	"proof",      "needs",         "refuted", "elsewhere",
	"correction", "correction.ko", "by-hand", "control",
	"documented", "why",           "why.ko",  "only-when.ko",
	"refuted.ko", "elsewhere.ko",  NULL
};

/* -------------------------------------------------------------------- the values */

/* Line breaks and runs of blanks become one blank. */
static char *one_line(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	return text;
}

static bool keep_text(char **to, const char *value)
{
	*to = strdup(value);
	if (!*to)
		die("strdup");
	one_line(*to);
	return true;
}

/* The one part that differs; false: more than one does */
static bool find_sweep(struct named *s, const struct location *at)
{
	for (const struct part *part = cell_parts; part->name; part++) {
		char first[WORK_SIZE], other[WORK_SIZE];
		bool differs = false;

		part->print(&s->cell[0], first, sizeof(first));
		for (unsigned i = 1; i < s->n; i++) {
			part->print(&s->cell[i], other, sizeof(other));
			differs |= strcmp(first, other) != 0;
		}
		if (differs && s->part)
			return complain(
				at,
				"setting %s: %s and %s both have a list; one "
				"of them can",
				s->name, s->part->name, part->name);
		if (differs)
			s->part = part;
	}
	return true;
}

static bool set_cells(struct named *s, char *rest, const struct location *at)
{
	struct settings all = { .n = 0 };
	bool good = read_cells(&all, rest, at);

	if (good && all.n_lists)
		good = complain(at,
				"setting %s: without models: the predicates "
				"name them",
				s->name);
	if (good && all.n > SWEEP_MAX)
		good = complain(at, "setting %s: more than %d values", s->name,
				SWEEP_MAX);
	if (good) {
		s->n = (unsigned)all.n;
		s->cell = grow(NULL, all.n, sizeof(*s->cell));
		for (size_t i = 0; i < all.n; i++) {
			s->cell[i] = all.setting[i].cell;
			if (s->cell[i].message == 0)
				s->cell[i].message = 64;
		}
	}
	settings_free(&all);
	return good && find_sweep(s, at);
}

static bool set_setting(struct reading *r, char *value)
{
	struct claim *c = r->claim;
	char *name = next_word(&value);
	struct named *s;

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return complain(
			&r->at,
			"setting '%.60s': a name has letters, digits and _",
			name);
	if (strlen(name) >= CLAIM_NAME_SIZE)
		return complain(&r->at, "setting '%.60s': the name is too long",
				name);
	for (size_t i = 0; i < c->n_settings; i++)
		if (strcmp(c->setting[i].name, name) == 0)
			return complain(&r->at,
					"setting '%s' is already on line %u",
					name, c->setting[i].line);
	if (c->n_settings == SETTINGS_OF_CLAIM)
		return complain(&r->at, "more than %d settings",
				SETTINGS_OF_CLAIM);
	c->setting = grow(c->setting, c->n_settings + 1, sizeof(*c->setting));
	s = &c->setting[c->n_settings++];
	*s = (struct named){ .line = r->at.line };
	snprintf(s->name, sizeof(s->name), "%s", name);
	return set_cells(s, value, &r->at);
}

static bool set_needs(struct reading *r, char *value)
{
	char *word = next_word(&value), *number = next_word(&value);
	uint64_t n;

	if (strcmp(word, "cpus") != 0 || !number || !parse_count(number, &n) ||
	    n < 1 || n > 4096 || next_word(&value))
		return complain(
			&r->at,
			"needs: takes cpus and a number, such as cpus 4");
	r->claim->cpus = (unsigned)n;
	return true;
}

static bool set_control(struct reading *r, char *value)
{
	struct claim *c = r->claim;
	char *model = next_word(&value), *effect = next_word(&value);
	struct control *to;

	if (c->n_controls == CONTROLS_MAX)
		return complain(&r->at, "more than %d controls", CONTROLS_MAX);
	to = &c->control[c->n_controls];
	*to = (struct control){ "", "" };
	if (!effect || next_word(&value))
		return complain(
			&r->at,
			"control: takes a model, or primitive, and an effect, "
			"such as epoll scan=2us");
	if (!effect_valid(effect, &r->at))
		return false;
	if (strcmp(model, "primitive") != 0) {
		char program[LABEL_SIZE];

		if (!cell_label(model) ||
		    word_index(cell_program(model, program), r->models) < 0)
			return complain_unknown(&r->at, model,
						"a model, and not primitive",
						r->models);
		snprintf(to->model, sizeof(to->model), "%s", model);
	}
	snprintf(to->effect, sizeof(to->effect), "%s", effect);
	c->n_controls++;
	return true;
}

/* ---------------------------------------------------------------------- the keys */

static char **text_of(struct claim *c, const char *key)
{
	char base[KEY_SIZE];
	size_t n = strlen(key);
	bool korean = n > 3 && strcmp(key + n - 3, ".ko") == 0;
	int i;

	snprintf(base, sizeof(base), "%.*s", (int)(korean ? n - 3 : n), key);
	i = word_index(base, texts);
	if (i >= 0)
		return korean ? &c->korean[i] : &c->text[i];
	return strcmp(key, "taught") == 0     ? &c->taught :
	       strcmp(key, "topic") == 0      ? &c->topic :
	       strcmp(key, "by-hand") == 0    ? &c->by_hand :
	       strcmp(key, "documented") == 0 ? &c->documented :
						NULL;
}

static bool set_once(struct reading *r, char **to, const char *key,
		     const char *value)
{
	if (*to)
		return complain(&r->at, "'%s' is there twice", key);
	return keep_text(to, value);
}

static bool set_predicate(struct reading *r, int key, const char *value)
{
	struct item *to = &r->predicate[key];

	if (to->value)
		return complain(&r->at, "'%s' is already on line %u",
				predicates[key], to->line);
	to->line = r->at.line;
	to->value = strdup(value);
	if (!to->value)
		die("strdup");
	return true;
}

static char *no_breaks(char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return text;
}

static bool set_key_of(struct reading *r, const char *key, char *value)
{
	int predicate = word_index(key, predicates);
	char **text = text_of(r->claim, key);

	if (word_index(key, all_keys) < 0)
		return complain_unknown(&r->at, key, "a key of a claim",
					all_keys);
	if (!value[strspn(value, " \t\r\f\v\n")])
		return complain(&r->at, "%s: needs a value", key);
	if (text)
		return set_once(r, text, key, value);
	if (predicate >= 0)
		return set_predicate(r, predicate, value);
	no_breaks(value);
	if (strcmp(key, "setting") == 0)
		return set_setting(r, value);
	if (strcmp(key, "needs") == 0)
		return set_needs(r, value);
	return set_control(r, value);
}

/* ---------------------------------------------------------------------- the file */

/* A # at the begin, or after a blank */
static void cut_comment(char *line)
{
	for (char *c = line; *c; c++)
		if (*c == '#' && (c == line || isspace((unsigned char)c[-1]))) {
			*c = '\0';
			return;
		}
}

static bool continues(const char *line)
{
	return *line == ' ' || *line == '\t';
}

/* Joins a line with those that continue it, in place; the breaks stay. */
static char *next_item_of(char **text, unsigned *line)
{
	char *from = strsep(text, "\n"), *end;

	++*line;
	cut_comment(from);
	end = from + strlen(from);
	for (unsigned more = 1; *text && continues(*text); more++) {
		char *next = strsep(text, "\n");

		cut_comment(next);
		*end++ = '\n';
		memmove(end, next, strlen(next) + 1);
		end += strlen(next);
	}
	return from;
}

static unsigned breaks(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static bool read_items(struct reading *r, char *text)
{
	static const char mark[] = "\xef\xbb\xbf"; /* UTF-8 BOM */

	if (strncmp(text, mark, strlen(mark)) == 0)
		text += strlen(mark);
	while (text) {
		char *item = next_item_of(&text, &r->at.line);
		unsigned more = breaks(item);
		size_t n = strcspn(item, " \t\r\f\v\n");
		char key[KEY_SIZE];

		if (continues(item) && item[strspn(item, " \t\r\f\v\n")])
			return complain(
				&r->at,
				"a line that begins with a blank continues "
				"the one before: there is none");
		if (n > 0) {
			snprintf(key, sizeof(key), "%.*s",
				 (int)(n < KEY_SIZE ? n : KEY_SIZE - 1), item);
			if (!set_key_of(r, key, item + n))
				return false;
		}
		r->at.line += more;
	}
	return true;
}

static bool read_predicates(struct reading *r)
{
	struct claim *c = r->claim;
	struct predicate **to[] = { &c->holds, &c->but_not, &c->proof };
	struct names names = { c->setting, c->n_settings, r->models };

	for (int i = 0; i < PREDICATE_KEYS; i++) {
		struct location at = { r->at.source, r->predicate[i].line,
				       r->at.error };

		if (!r->predicate[i].value)
			continue;
		*to[i] = predicate_parse(r->predicate[i].value, &names,
					 &c->leaves, &at);
		if (!*to[i])
			return false;
	}
	return true;
}

struct uses {
	const struct named *setting;
	bool used;
};

static void find_use(const struct predicate *leaf, void *data)
{
	const struct value *values[] = { leaf->left, leaf->right };
	struct uses *u = data;

	for (int k = 0; k < 2; k++)
		for (unsigned i = 0; values[k] && i < values[k]->n; i++)
			for (unsigned j = 0; j < u->setting->n; j++)
				u->used |=
					cell_same_setting(&values[k]->cell[i],
							  &u->setting->cell[j]);
}

/* A setting that nothing names is a mistake: it would be read as measured. */
static bool all_used(struct reading *r)
{
	for (size_t i = 0; i < r->claim->n_settings; i++) {
		struct uses u = { &r->claim->setting[i], false };

		claim_each(r->claim, find_use, &u);
		r->at.line = u.setting->line;
		if (!u.used)
			return complain(&r->at,
					"setting '%s': no predicate names it",
					u.setting->name);
	}
	return true;
}

static bool check_experiment(struct reading *r)
{
	const struct claim *c = r->claim;

	if (c->documented && (c->holds || c->but_not || c->n_settings ||
			      c->n_controls || c->proof))
		return complain(
			&r->at,
			"documented: there is no experiment then, so no "
			"setting, holds, but-not, proof and control");
	if (c->documented && !c->text[TEXT_WHY])
		return complain(
			&r->at,
			"documented needs why: why no experiment can tell");
	if (c->documented)
		return true;
	if (!c->holds)
		return complain(&r->at,
				"'holds' is missing (or documented, with why)");
	if (c->n_controls == 0)
		return complain(
			&r->at,
			"'control' is missing: a known effect that turns the "
			"verdict, such as epoll scan=2us");
	if (!c->but_not != !c->text[TEXT_ONLY_WHEN])
		return complain(
			&r->at,
			"but-not and only-when need each other: the predicate "
			"where the condition is not met, and the condition");
	return all_used(r);
}

static bool check_claim(struct reading *r)
{
	const struct claim *c = r->claim;

	r->at.line = 0;
	if (!c->text[TEXT_CLAIM] || !c->taught || !c->topic)
		return complain(&r->at, "'%s' is missing",
				!c->text[TEXT_CLAIM] ? "claim" :
				!c->taught           ? "taught" :
						       "topic");
	return check_experiment(r);
}

static bool name_claim(struct reading *r, const char *source)
{
	const char *name = strrchr(source, '/');
	size_t n;

	name = name ? name + 1 : source;
	n = strlen(name);
	if (n > 6 && strcmp(name + n - 6, ".claim") == 0)
		n -= 6;
	if (n >= CLAIM_NAME_SIZE)
		return complain(&r->at, "a name has less than %d characters",
				CLAIM_NAME_SIZE);
	memcpy(r->claim->name, name, n);
	return true;
}

bool claim_parse(struct claim *c, const char *text, size_t length,
		 const char *source, const char *const *models,
		 char error[PLAN_ERROR_SIZE])
{
	struct reading r = { .claim = c,
			     .models = models,
			     .at = { source, 0, error } };
	char *copy = strndup(text, length);
	bool good;

	*error = '\0';
	*c = (struct claim){ .cpus = 0 };
	if (!copy)
		die("strndup");
	good = name_claim(&r, source);
	if (good && strlen(copy) != length)
		good = complain(&r.at, "not a text file: it contains a 0 byte");
	good = good && read_items(&r, copy) && read_predicates(&r) &&
	       check_claim(&r);
	free(copy);
	for (int i = 0; i < PREDICATE_KEYS; i++)
		free(r.predicate[i].value);
	if (!good)
		claim_free(c);
	return good;
}

bool claim_read(struct claim *c, const char *path, const char *const *models,
		char error[PLAN_ERROR_SIZE])
{
	struct location at = { path, 0, error };
	static char text[PLAN_FILE_MAX + 1];
	size_t n;

	if (!read_file(&at, "claim", text, &n))
		return false;
	return claim_parse(c, text, n, path, models, error);
}

void claim_free(struct claim *c)
{
	for (int i = 0; i < TEXTS; i++) {
		free(c->text[i]);
		free(c->korean[i]);
	}
	free(c->taught);
	free(c->topic);
	free(c->by_hand);
	free(c->documented);
	for (size_t i = 0; i < c->n_settings; i++)
		free(c->setting[i].cell);
	free(c->setting);
	predicate_free(c->holds);
	predicate_free(c->but_not);
	predicate_free(c->proof);
	*c = (struct claim){ .cpus = 0 };
}

bool claim_is(const struct claim *c, const char *word)
{
	char *copy, *rest, *one;
	bool found = strcmp(c->name, word) == 0;

	if (found || !*word)
		return found;
	copy = rest = strdup(c->taught);
	if (!copy)
		die("strdup");
	while ((one = strsep(&rest, " ,")))
		found |= strcmp(one, word) == 0;
	free(copy);
	return found;
}

void claim_each(const struct claim *c,
		void (*each)(const struct predicate *leaf, void *data),
		void *data)
{
	predicate_each(c->holds, each, data);
	predicate_each(c->but_not, each, data);
	predicate_each(c->proof, each, data);
}
