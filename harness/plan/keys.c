/* SPDX-License-Identifier: MIT */
/* keys.c - the keys of a plan and its models: see keys.h */
#include "harness/plan/keys.h"

#include "harness/plan/command.h"
#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_MAX = 1000 };
static const int64_t ms = 1000000, second = 1000000000;
static const double margin_most = 50; /* percent */

/* ------------------------------------------------------------------- models */

void free_models(struct plan *p)
{
	for (size_t i = 0; i < p->n_models; i++)
		free(p->models[i].command);
	free(p->models);
	p->models = NULL;
	p->n_models = 0;
}

static bool add_model(struct plan *p, const char *label, const char *command,
		      const struct location *at)
{
	struct model *m;

	if (!cell_label(label))
		return complain(
			at,
			"label '%.60s': must be letters, digits, - and _, begin "
			"with a letter or digit, and have 1 to %d characters "
			"(options of a model: delayloop:delay=10ms)",
			label, LABEL_SIZE - 1);
	for (size_t i = 0; i < p->n_models; i++)
		if (strcmp(p->models[i].label, label) == 0)
			return complain(at, "'%s' is twice in the list", label);
	p->models = grow(p->models, p->n_models + 1, sizeof(*p->models));
	m = &p->models[p->n_models++];
	*m = (struct model){ .command = NULL };
	snprintf(m->label, sizeof(m->label), "%s", label);
	if (command && !(m->command = strdup(command)))
		die("strdup");
	return true;
}

static bool is_one_of(const char *label, const char *const list[])
{
	while (*list && strcasecmp(label, *list) != 0)
		list++;
	return *list;
}

static bool is_free(const struct plan *p, const char *label,
		    const struct location *at)
{
	static const char *const taken[] = { "all", VARIANTS, RUNTIMES,
					     BASELINE, NULL };
	/* pandas and R read these as missing values. */
	static const char *const missing[] = { "na", "nan", "none", "null",
					       NULL };

	if (word_index(label, p->known) >= 0 || is_one_of(label, taken))
		return complain(at,
				"label '%s': reserved; choose another, such as "
				"mine=./a.out",
				label);
	if (is_one_of(label, missing))
		return complain(at,
				"label '%s': CSV readers take it for a missing "
				"value; choose another, such as mine=./a.out",
				label);
	return true;
}

/* LABEL=COMMAND, or LABEL=ADDRESS */
static bool add_program(struct plan *p, char *label, const struct location *at)
{
	char *command = strchr(label, '='), why[WHY_SIZE];
	struct command parsed;

	*command++ = '\0';
	if (!is_free(p, label, at))
		return false;
	if (strpbrk(command, "#\n\r"))
		return complain(
			at,
			"'%.60s=': a command in a plan cannot have a # or a "
			"line break; put the command into a script",
			label);
	if (!command_parse(&parsed, command, why))
		return complain(at, "'%.60s=': %s", label, why);
	command_free(&parsed);
	return add_model(p, label, command, at);
}

static bool is_group(const char *word)
{
	return strcmp(word, VARIANTS) == 0 || strcmp(word, RUNTIMES) == 0;
}

/* The models behind this word, up to the next group; "all": those before the first */
static bool add_group(struct plan *p, const char *group,
		      const struct location *at)
{
	const char *among = "all";
	bool good = true;

	for (const char *const *one = p->known; *one && good; one++)
		if (is_group(*one))
			among = *one;
		else if (strcmp(among, group) == 0)
			good = add_model(p, *one, NULL, at);
	return good;
}

/* LABEL=, whereas MODEL:OPTION=VALUE is one of this suite with its options */
static bool is_program(const char *item)
{
	return item[strcspn(item, ":=")] == '=';
}

static bool add_listed(struct plan *p, char *item, const struct location *at)
{
	char program[LABEL_SIZE];

	if (is_program(item))
		return add_program(p, item, at);
	if (strcmp(item, "all") == 0 ||
	    (is_group(item) && word_index(item, p->known) >= 0))
		return add_group(p, item, at);
	cell_program(item, program);
	if (!is_group(program) && word_index(program, p->known) >= 0)
		return add_model(p, item, NULL, at);
	if (strchr(item, '/'))
		return complain(at,
				"'%.60s': a program needs a label: mine=%.60s",
				item, item);
	complain_unknown(at, item, "a model", p->known);
	snprintf(at->error + strlen(at->error) - 1,
		 PLAN_ERROR_SIZE - strlen(at->error),
		 "; for any other program: mine=./a.out)");
	return false;
}

bool set_models(struct plan *p, const char *value, const struct location *at)
{
	char *copy, *items[PLAN_LIST_MAX];
	bool good = true;
	unsigned n;

	free_models(p);
	if (!(copy = strdup(value)))
		die("strdup");
	n = split_list(copy, items, at);
	good = n > 0;
	for (unsigned i = 0; i < n && good; i++)
		good = add_listed(p, items[i], at);
	free(copy);
	return good;
}

/* --------------------------------------------------------------------- keys */

static const char *const yes_no[] = { "yes", "no", NULL };
static const char *const slice_words[] = { "auto", NULL };

static bool set_time(const char *value, int64_t low, int64_t high,
		     int64_t *time)
{
	int64_t ns;

	if (!parse_time(value, &ns) || ns < low || ns > high)
		return false;
	*time = ns;
	return true;
}

static bool set_yes_no(const char *value, bool *yes)
{
	int i = word_index(value, yes_no);

	*yes = i == 0;
	return i >= 0;
}

static bool set_blocks(struct plan *p, const char *value,
		       const struct location *at)
{
	uint64_t n;

	(void)at;
	if (!parse_count(value, &n) || n < 1 || n > BLOCKS_MAX)
		return false;
	p->blocks = n;
	return true;
}

static bool set_bout(struct plan *p, const char *value,
		     const struct location *at)
{
	(void)at;
	return set_time(value, 10 * ms, 600 * second, &p->bout);
}

static bool set_slice(struct plan *p, const char *value,
		      const struct location *at)
{
	(void)at;
	if (strcmp(value, "auto") == 0) {
		p->slice = 0;
		return true;
	}
	return set_time(value, 10 * ms, 10 * second, &p->slice);
}

static bool set_margin(struct plan *p, const char *value,
		       const struct location *at)
{
	double percent;

	(void)at;
	if (!parse_percent(value, &percent) || !(percent > 0) ||
	    percent > margin_most)
		return false;
	p->margin = percent / 100;
	return true;
}

/* Whether it is among the models is checked last: check_reference() */
static bool set_reference(struct plan *p, const char *value,
			  const struct location *at)
{
	(void)at;
	if (!cell_label(value))
		return false;
	snprintf(p->asked_reference, sizeof(p->asked_reference), "%s", value);
	return true;
}

static bool set_counting(struct plan *p, const char *value,
			 const struct location *at)
{
	(void)at;
	return set_yes_no(value, &p->counting);
}

static bool set_aa(struct plan *p, const char *value, const struct location *at)
{
	(void)at;
	return set_yes_no(value, &p->aa);
}

static bool set_awake(struct plan *p, const char *value,
		      const struct location *at)
{
	(void)at;
	return set_yes_no(value, &p->awake);
}

static bool set_baseline(struct plan *p, const char *value,
			 const struct location *at)
{
	(void)at;
	return set_yes_no(value, &p->with_baseline);
}

static bool set_idle(struct plan *p, const char *value,
		     const struct location *at)
{
	p->n_idle = 0;
	if (strcmp(value, "none") == 0)
		return true;
	p->n_idle = read_numbers(value, 0, p->idle_clients, at);
	return p->n_idle > 0;
}

static bool set_message(struct plan *p, const char *value,
			const struct location *at)
{
	struct cell c;
	bool good = cell_part("message")->set(&c, value);

	(void)at;
	if (good)
		p->message = c.message;
	return good;
}

static bool set_seed(struct plan *p, const char *value,
		     const struct location *at)
{
	(void)at;
	return parse_number(value, &p->seed);
}

const struct key keys[] = {
	{ "blocks", "a number from 1 to 1000", NULL, set_blocks },
	{ "models", "a list such as all,variants or poll,mine=./a.out", NULL,
	  set_models },
	{ "bout", "a time from 10ms to 10min, such as 3s", NULL, set_bout },
	{ "slice", "auto, or a time from 10ms to 10s, such as 100ms",
	  slice_words, set_slice },
	{ "margin", "a percentage above 0%, up to 50%, such as 3%", NULL,
	  set_margin },
	{ "reference", "a model of the plan, such as epoll", NULL,
	  set_reference },
	{ "counting", "yes or no", yes_no, set_counting },
	{ "aa", "yes or no", yes_no, set_aa },
	{ "baseline", "yes or no", yes_no, set_baseline },
	{ "awake", "yes or no", yes_no, set_awake },
	{ "idle", "none, or a list of numbers such as 1000", NULL, set_idle },
	{ "message", "a size from 1 to 1GiB, such as 64 or 16KiB", NULL,
	  set_message },
	{ "seed", "a number from 0 to 2^64-1", NULL, set_seed },
};
_Static_assert(sizeof(keys) == KEYS * sizeof(*keys), "KEYS is wrong");

const struct key *key_of(const char *name)
{
	for (int i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool unknown_key(const struct location *at, const char *word, const char *other)
{
	const char *names[KEYS + 2] = { other };

	for (int i = 0; i < KEYS; i++)
		names[i + 1] = keys[i].name;
	return complain_unknown(at, word, "a key", names);
}

bool set_key(struct plan *p, const struct key *key, const char *value,
	     const struct location *at)
{
	if (key->set(p, value, at))
		return true;
	if (!*at->error)
		complain_value(at, key->name, value, key->takes, key->words);
	return false;
}

void write_keys(const struct plan *p, FILE *to)
{
	char bout[EXACT_TIME_SIZE], slice[EXACT_TIME_SIZE] = "auto";

	exact_time(p->bout, bout);
	if (p->slice)
		exact_time(p->slice, slice);
	fprintf(to, "blocks %u\nbout %s\nslice %s\nmargin %.15g%%\n", p->blocks,
		bout, slice, p->margin * 100);
	fprintf(to, "reference %s\ncounting %s\naa %s\nbaseline %s\n",
		p->reference, yes_no[!p->counting], yes_no[!p->aa],
		yes_no[!p->with_baseline]);
	fprintf(to, "awake %s\n", yes_no[!p->awake]);
	fprintf(to, "message %zu\nseed %" PRIu64 "\n", p->message, p->seed);
	fprintf(to, "idle %s", p->n_idle ? "" : "none");
	for (unsigned i = 0; i < p->n_idle; i++)
		fprintf(to, "%s%u", i ? "," : "", p->idle_clients[i]);
	fprintf(to, "\nmodels ");
	for (size_t i = 0; i < p->n_models; i++)
		fprintf(to, "%s%s%s%s", i ? "," : "", p->models[i].label,
			p->models[i].command ? "=" : "",
			p->models[i].command ? p->models[i].command : "");
	fprintf(to, "\n");
}
