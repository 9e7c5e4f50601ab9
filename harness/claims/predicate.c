/* SPDX-License-Identifier: MIT */
/* predicate.c - reading predicates: see predicate.h */
#include "harness/claims/predicate.h"

#include "harness/claims/values.h"
#include "harness/claims/words.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 40 };

static struct predicate *make(enum node node)
{
	struct predicate *p = grow(NULL, 1, sizeof(*p));

	*p = (struct predicate){ .node = node,
				 .low = -INFINITY,
				 .high = INFINITY };
	return p;
}

void predicate_free(struct predicate *p)
{
	if (!p)
		return;
	predicate_free(p->a);
	predicate_free(p->b);
	free(p->left);
	free(p->right);
	free(p->text);
	free(p->quantity);
	free(p);
}

void predicate_each(const struct predicate *p,
		    void (*each)(const struct predicate *leaf, void *data),
		    void *data)
{
	if (!p)
		return;
	if (p->node == NODE_COMPARE || p->node == NODE_STATE)
		each(p, data);
	predicate_each(p->a, each, data);
	predicate_each(p->b, each, data);
}

/* ---------------------------------------------------------------- the constants */

static const char *const kinds[] = { "a number, such as 1.9 or 5%",
				     "a time, such as 2us",
				     "a rate, such as 10k/s",
				     "a size, such as 16KiB",
				     "a number or a time, such as 1.9 or 2us" };

static const char *const kind_names[] = { "a number", "a time", "a rate",
					  "a size", "a primitive" };

/* `kind` of the quantity; that of a primitive is settled by the first constant. */
static bool constant(struct words *w, enum kind *kind, double *x, bool *percent)
{
	char *word = words_raw(w);
	enum kind of;

	if (!word)
		return complain(&w->at, "a value is missing at the end of '%s'",
				w->last);
	if (!parse_constant(word, x, &of, percent))
		return complain(&w->at, "'%.60s': not %s", word, kinds[*kind]);
	if (*kind == KIND_ANY)
		*kind = of;
	if (of != KIND_ANY && of != *kind)
		return complain(&w->at,
				"'%.60s': not %s, which it is compared with",
				word, kinds[*kind]);
	return true;
}

static bool read_equal(struct words *w, struct predicate *p)
{
	bool percent;
	double x, margin;

	if (!constant(w, &p->kind, &x, &percent))
		return false;
	p->low = p->high = x;
	if (!words_take(w, "within"))
		return true;
	if (!words_peek(w))
		return complain(&w->at, "within: needs a margin, such as 5%%");
	if (strchr(words_peek(w), '%')) {
		enum kind number = KIND_NUMBER;

		if (!constant(w, &number, &margin, &percent))
			return false;
		if (!(x > 0) || !(margin > 0))
			return complain(
				&w->at,
				"a margin in percent needs a positive value on "
				"both sides: = 1 within 5%%");
		p->low = x / (1 + margin);
		p->high = x * (1 + margin);
		return true;
	}
	if (!constant(w, &p->kind, &margin, &percent))
		return false;
	if (!(margin > 0))
		return complain(&w->at, "within: the margin has to be above 0");
	p->low = x - margin;
	p->high = x + margin;
	return true;
}

static bool read_in(struct words *w, struct predicate *p)
{
	bool percent;

	if (!constant(w, &p->kind, &p->low, &percent))
		return false;
	if (!words_take(w, "to"))
		return complain(&w->at,
				"'%.60s': 'to' is missing: in 1.9 to 2.1",
				words_here(w));
	if (!constant(w, &p->kind, &p->high, &percent))
		return false;
	if (p->low < p->high)
		return true;
	return complain(&w->at,
			"in: the first value has to be the smaller one");
}

static bool read_operator(struct words *w, struct predicate *p)
{
	static const char *const operators[] = { ">", ">=", "<", "<=",
						 "=", "in", NULL };
	bool percent;

	if (words_take(w, "="))
		return read_equal(w, p);
	if (words_take(w, "in"))
		return read_in(w, p);
	if ((p->without_low = words_take(w, ">")) || words_take(w, ">="))
		return constant(w, &p->kind, &p->low, &percent);
	if ((p->without_high = words_take(w, "<")) || words_take(w, "<="))
		return constant(w, &p->kind, &p->high, &percent);
	return complain_unknown(&w->at, words_here(w),
				"what can follow a quantity", operators);
}

/* -------------------------------------------------------------- the comparisons */

static bool same_kind(const struct predicate *p, const struct location *at)
{
	const struct value *a = p->left, *b = p->right;

	if (a->kind != b->kind)
		return complain(at, "%s and %s cannot be compared",
				kind_names[a->kind], kind_names[b->kind]);
	return true;
}

/* A sweep becomes one number through slope() or crossover() alone. */
static bool one_number(const struct value *v, const struct location *at)
{
	if (v->n == 1 || v->slope)
		return true;
	return complain(at,
			"a sweep (%s) has several values: name one, as in "
			"SETTING@900, or use slope() or crossover()",
			v->sweep);
}

static bool read_crossover(struct words *w, struct predicate *p)
{
	p->form = FORM_CROSSOVER;
	if (!words_expect(w, "(") || !(p->left = value_parse(w)) ||
	    !words_expect(w, ",") || !(p->right = value_parse(w)) ||
	    !words_expect(w, ")") || !same_kind(p, &w->at))
		return false;
	p->kind = KIND_NUMBER;
	if (p->left->n < 2 || strcmp(p->left->sweep, p->right->sweep) != 0)
		return complain(
			&w->at,
			"crossover: needs two values with the same sweep: "
			"crossover(cpu(poll, s), cpu(epoll, s)), where s "
			"has a list");
	for (unsigned i = 0; i < p->left->n; i++)
		if (!isfinite(p->left->x[i]))
			return complain(&w->at,
					"crossover: '%s' is not a number",
					p->left->sweep);
	return true;
}

static bool read_quantity(struct words *w, struct predicate *p)
{
	if (words_take(w, "crossover"))
		return read_crossover(w, p);
	if (!(p->left = value_parse(w)) || !one_number(p->left, &w->at))
		return false;
	p->kind = p->left->kind;
	if (words_take(w, "/"))
		p->form = FORM_RATIO;
	else if (words_take(w, "-"))
		p->form = FORM_DIFFERENCE;
	else
		return true;
	if (!(p->right = value_parse(w)) || !one_number(p->right, &w->at) ||
	    !same_kind(p, &w->at))
		return false;
	if (p->form == FORM_RATIO)
		p->kind = KIND_NUMBER;
	return true;
}

/* A comparison or a state; its text is what was read. */
static struct predicate *read_leaf(struct words *w)
{
	int state = words_choose(w, state_words_of_claims);
	struct predicate *p = make(state >= 0 ? NODE_STATE : NODE_COMPARE);
	const char *from = w->word;
	bool good;

	if (state >= 0) {
		p->state = (enum state_word)state;
		p->left = value_cell_parse(w);
		good = p->left && one_number(p->left, &w->at);
	} else {
		good = read_quantity(w, p);
		if (good)
			p->quantity = words_since(w, from);
		good = good && read_operator(w, p);
	}
	if (!good) {
		predicate_free(p);
		return NULL;
	}
	p->text = words_since(w, from);
	p->index = (*w->leaves)++;
	return p;
}

/* ------------------------------------------------------------ and, or, not, ( ) */

static struct predicate *read_or(struct words *w);

static struct predicate *read_one(struct words *w)
{
	struct predicate *p;

	if (w->depth == DEPTH_MAX) {
		complain(&w->at, "more than %d parentheses or 'not'",
			 DEPTH_MAX);
		return NULL;
	}
	if (words_take(w, "not")) {
		p = make(NODE_NOT);
		w->depth++;
		p->a = read_one(w);
		w->depth--;
		if (p->a)
			return p;
		predicate_free(p);
		return NULL;
	}
	if (!words_take(w, "("))
		return read_leaf(w);
	w->depth++;
	p = read_or(w);
	w->depth--;
	if (p && !words_expect(w, ")")) {
		predicate_free(p);
		return NULL;
	}
	return p;
}

static struct predicate *read_list(struct words *w, enum node node,
				   const char *word,
				   struct predicate *(*read)(struct words *))
{
	struct predicate *all = read(w), *p;

	while (all && words_take(w, word)) {
		p = make(node);
		p->a = all;
		p->b = read(w);
		if (!p->b) {
			predicate_free(p);
			return NULL;
		}
		all = p;
	}
	return all;
}

static struct predicate *read_and(struct words *w)
{
	return read_list(w, NODE_AND, "and", read_one);
}

static struct predicate *read_or(struct words *w)
{
	return read_list(w, NODE_OR, "or", read_and);
}

struct predicate *predicate_parse(const char *text, const struct names *names,
				  unsigned *leaves, const struct location *at)
{
	static const char *const joins[] = { "and", "or", NULL };
	struct words w = {
		.at = *at, .word = text, .names = names, .leaves = leaves
	};
	struct predicate *p = read_or(&w);

	if (p && words_peek(&w)) {
		complain_unknown(&w.at, words_here(&w),
				 "what can follow a comparison", joins);
		predicate_free(p);
		return NULL;
	}
	/* cppcheck-suppress returnDanglingLifetime ; p does not point to w */
	return p;
}
