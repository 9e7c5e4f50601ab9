/* SPDX-License-Identifier: MIT */
/* order.c - the order of repetitions, and the estimate of their time */
#include "tests/unit/test.h"

#include "harness/plan/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const char *const models[] = { "thread", "busypoll", "select", "poll",
				      "epoll",  "aio",      "uring",  NULL };

static char error[PLAN_ERROR_SIZE];

static struct plan parsed(const char *text)
{
	struct plan p;

	if (!plan_parse(&p, text, strlen(text), "my.plan", models, error))
		fail_msg("%s", error);
	return p;
}

static struct plan committed(const char *name)
{
	struct plan p;
	char path[64];

	snprintf(path, sizeof(path), "harness/plans/%s.plan", name);
	if (!plan_read(&p, path, models, error))
		fail_msg("%s", error);
	return p;
}

static unsigned times(const struct blocks *b, unsigned block,
		      const struct cell *cell, enum role role)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->entry[i].block == block && b->entry[i].cell == cell &&
		     b->entry[i].role == role;
	return n;
}

static size_t of_role(const struct blocks *b, unsigned block, enum role role)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->entry[i].block == block && b->entry[i].role == role;
	return n;
}

static unsigned model_of(const struct cell *c)
{
	unsigned i = 0;

	while (strcmp(models[i], c->model) != 0)
		i++;
	return i;
}

/* ----------------------------------------------------- contents of a block */

static void check_numbers(const struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		assert_int_equal(b->entry[i].index, i);
		if (i > 0)
			assert_in_range(b->entry[i].block,
					b->entry[i - 1].block,
					b->entry[i - 1].block + 1);
	}
}

static void check_first_block(const struct plan *p, const struct blocks *b)
{
	for (size_t i = 0; i < p->timing.n; i++)
		assert_int_equal(times(b, 0, &p->timing.cell[i], ROLE_COUNTING),
				 1);
	for (size_t i = 0; i < p->idle.n; i++)
		assert_int_equal(times(b, 0, &p->idle.cell[i], ROLE_IDLE), 1);
}

static void check_timing_block(const struct plan *p, const struct blocks *b,
			       unsigned block)
{
	for (size_t i = 0; i < p->timing.n; i++)
		assert_int_equal(
			times(b, block, &p->timing.cell[i], ROLE_TIMING), 1);
	for (size_t i = 0; i < b->n; i++)
		if (b->entry[i].block == block && b->entry[i].role == ROLE_AA)
			assert_int_equal(times(b, block, b->entry[i].cell,
					       ROLE_TIMING),
					 1);
}

static void check_committed(const char *name, size_t pairs)
{
	struct plan p = committed(name);
	struct blocks b = blocks_of(&p);
	unsigned middle = (p.blocks + 1) / 2;
	size_t expected = p.timing.n + p.idle.n + p.baseline.n +
			  p.blocks * (p.timing.n + pairs);

	check_numbers(&b);
	check_first_block(&p, &b);
	for (unsigned block = 1; block <= p.blocks; block++) {
		check_timing_block(&p, &b, block);
		assert_int_equal(of_role(&b, block, ROLE_AA), pairs);
	}
	for (size_t i = 0; i < p.baseline.n; i++)
		assert_int_equal(times(&b, middle, &p.baseline.cell[i],
				       ROLE_BASELINE),
				 1);
	assert_int_equal(b.n, expected);
	blocks_free(&b);
	plan_free(&p);
}

static void each_cell_once_per_block(void **state)
{
	(void)state;
	check_committed("quick", 1);
	check_committed("standard", 7);
	check_committed("full", 30);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Within a block: other blocks repeat the names. */
static void entry_names_are_unique(void **state)
{
	struct plan p = committed("standard");
	struct blocks b = blocks_of(&p);
	char(*names)[ENTRY_NAME_SIZE] = calloc(b.n, sizeof(*names));

	(void)state;
	assert_non_null(names);
	for (unsigned block = 0; block <= p.blocks; block++) {
		size_t n = 0;

		for (size_t i = 0; i < b.n; i++)
			if (b.entry[i].block == block)
				entry_name(&b.entry[i], names[n++]);
		qsort(names, n, sizeof(*names), by_name);
		for (size_t i = 1; i < n; i++)
			assert_string_not_equal(names[i], names[i - 1]);
	}
	free(names);
	blocks_free(&b);
	plan_free(&p);
}

static void disabled_roles_are_absent(void **state)
{
	struct plan p = parsed("blocks 2\naa none\nceiling no\nidle none\n"
			       "counting no\ncells connections 1,64\n");
	struct blocks b = blocks_of(&p);

	(void)state;
	assert_int_equal(b.n, 2 * 14);
	assert_int_equal(of_role(&b, 0, ROLE_COUNTING), 0);
	assert_int_equal(of_role(&b, 1, ROLE_TIMING), 14);
	check_numbers(&b);
	blocks_free(&b);
	plan_free(&p);
}

static bool named(const char *name, void *data)
{
	return strstr(name, data);
}

static bool nothing(const char *name, void *data)
{
	(void)name;
	(void)data;
	return false;
}

/* A filter may leave a setting with few models or none. */
static void filtered_plans(void **state)
{
	struct plan p = committed("standard");
	char some[] = "poll/"; /* busypoll, poll, epoll */
	struct blocks b;

	(void)state;
	plan_keep(&p, named, some);
	b = blocks_of(&p);
	for (unsigned block = 1; block <= p.blocks; block++) {
		check_timing_block(&p, &b, block);
		assert_int_equal(of_role(&b, block, ROLE_TIMING), 7 * 3);
		assert_int_equal(of_role(&b, block, ROLE_AA), 7);
	}
	blocks_free(&b);
	plan_keep(&p, nothing, NULL);
	b = blocks_of(&p);
	assert_int_equal(b.n, 0);
	blocks_free(&b);
	plan_free(&p);
}

/* -------------------------------------------------------------------- random */

enum { MODELS = 7, SEEDS = 7000 };

/* How often each model was at each position; all are equally likely. */
struct table {
	unsigned n[MODELS][MODELS];
};

/*
 * For permutations, chi-square times (k - 1) / k has (k - 1)^2 = 36 degrees of
 * freedom. It is below 14.4 or above 68.0 with a probability of 0.1 % each. A
 * result that is too even is wrong, too.
 */
static void check_uniform(const struct table *t)
{
	double expected = (double)SEEDS / MODELS, chi2 = 0;

	for (int i = 0; i < MODELS; i++)
		for (int j = 0; j < MODELS; j++) {
			double off = t->n[i][j] - expected;

			chi2 += off * off / expected;
		}
	chi2 *= (MODELS - 1.0) / MODELS;
	if (chi2 < 14.4 || chi2 > 68.0)
		fail_msg("chi-square is %g", chi2);
}

static void positions(const struct blocks *b, unsigned block,
		      unsigned at[MODELS])
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->entry[i].block == block)
			at[model_of(b->entry[i].cell)] = n++;
	assert_int_equal(n, MODELS);
}

static void orders_are_uniform(void **state)
{
	struct table first = { 0 }, second = { 0 }, both = { 0 };
	unsigned follows[MODELS][MODELS] = { 0 };
	struct plan p = parsed("blocks 2\naa none\nceiling no\nidle none\n"
			       "counting no\ncells\n");

	(void)state;
	for (p.seed = 0; p.seed < SEEDS; p.seed++) {
		struct blocks b = blocks_of(&p);
		unsigned one[MODELS], two[MODELS];

		positions(&b, 1, one);
		positions(&b, 2, two);
		for (int i = 0; i < MODELS; i++) {
			first.n[i][one[i]]++;
			second.n[i][two[i]]++;
			both.n[one[i]][two[i]]++;
			for (int j = 0; j < MODELS; j++)
				follows[i][j] += one[j] == one[i] + 1;
		}
		blocks_free(&b);
	}
	check_uniform(&first);
	check_uniform(&second);
	check_uniform(&both); /* the two positions are independent */
	/* 6 of 42 ordered pairs are adjacent; the standard deviation is about
	 * 30. */
	for (int i = 0; i < MODELS; i++)
		for (int j = 0; j < MODELS; j++)
			if (i != j)
				assert_in_range(follows[i][j], 1000 - 120,
						1000 + 120);
	plan_free(&p);
}

/* The two repetitions of an A/A pair are as far apart as any two. */
static void aa_positions_are_uniform(void **state)
{
	struct plan p = parsed("blocks 1\naa one\nceiling no\nidle none\n"
			       "counting no\ncells\n");
	unsigned distance[MODELS + 1] = { 0 };
	double chi2 = 0;

	(void)state;
	for (p.seed = 0; p.seed < SEEDS; p.seed++) {
		struct blocks b = blocks_of(&p);
		size_t pair = 0, own = 0;

		while (b.entry[pair].role != ROLE_AA)
			pair++;
		while (b.entry[own].cell != b.entry[pair].cell || own == pair)
			own++;
		distance[pair > own ? pair - own : own - pair]++;
		blocks_free(&b);
	}
	for (int d = 1; d <= MODELS; d++) { /* of 28 pairs, 8 - d are d apart */
		double expected = SEEDS * (8 - d) / 28.0;

		chi2 += (distance[d] - expected) * (distance[d] - expected) /
			expected;
	}
	assert_true(chi2 > 0.38 && chi2 < 22.5); /* 6 degrees, 0.1 % each */
	plan_free(&p);
}

/* ------------------------------------------------------------------ rotation */

/* The model of the A/A pair of this block and setting; MODELS: there is none */
static unsigned paired(const struct blocks *b, const struct plan *p,
		       unsigned block, size_t setting)
{
	unsigned model = MODELS, n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct entry *e = &b->entry[i];

		if (e->block != block || e->role != ROLE_AA ||
		    (size_t)(e->cell - p->timing.cell) / MODELS != setting)
			continue;
		model = model_of(e->cell);
		n++;
	}
	assert_in_range(n, 0, 1);
	return model;
}

static void aa_rotates_over_models(void **state)
{
	struct plan p = committed("standard");
	unsigned begins[MODELS] = { 0 };

	(void)state;
	for (p.seed = 0; p.seed < 50; p.seed++) {
		struct blocks b = blocks_of(&p);

		begins[paired(&b, &p, 1, 0)]++;
		for (size_t setting = 0; setting < 7; setting++) {
			unsigned had = 0;

			for (unsigned block = 1; block <= MODELS; block++)
				had |= 1u << paired(&b, &p, block, setting);
			assert_int_equal(had, (1u << MODELS) - 1);
			/* Neighbouring settings have different ones. */
			if (setting > 0)
				assert_int_not_equal(paired(&b, &p, 1, setting),
						     paired(&b, &p, 1,
							    setting - 1));
		}
		blocks_free(&b);
	}
	for (int i = 0; i < MODELS; i++) /* 50 / 7 are expected */
		assert_in_range(begins[i], 1, 18);
	plan_free(&p);
}

static void single_aa_pair_rotates(void **state)
{
	struct plan p = committed("quick");
	struct blocks b;

	(void)state;
	p.blocks = 21;
	for (p.seed = 0; p.seed < 20; p.seed++) {
		unsigned had[3] = { 0 };

		b = blocks_of(&p);
		for (unsigned block = 1; block <= 21; block++)
			for (size_t setting = 0; setting < 3; setting++) {
				unsigned m = paired(&b, &p, block, setting);

				if (m < MODELS)
					had[setting] |= 1u << m;
			}
		for (int i = 0; i < 3; i++)
			assert_int_equal(had[i], (1u << MODELS) - 1);
		blocks_free(&b);
	}
	plan_free(&p);
}

/* ---------------------------------------------------------- reproducibility */

static void order_of_seed_1(void **state)
{
	static const char *const order[] = {
		"0 counting poll 64",
		"0 counting epoll 1",
		"0 counting epoll 64",
		"0 idle epoll 0",
		"0 idle uring 0",
		"0 counting uring 64",
		"0 counting poll 1",
		"0 idle poll 0",
		"0 counting uring 1",
		"1 timing uring 64",
		"1 aa poll 64",
		"1 timing poll 64",
		"1 timing poll 1",
		"1 timing uring 1",
		"1 baseline baseline 1",
		"1 timing epoll 1",
		"1 baseline baseline 64",
		"1 timing epoll 64",
		"2 timing uring 1",
		"2 timing poll 64",
		"2 timing epoll 1",
		"2 timing poll 1",
		"2 timing epoll 64",
		"2 timing uring 64",
		"2 aa poll 1",
	};
	struct plan p = parsed("blocks 2\nmodels poll,epoll,uring\n"
			       "cells closed connections 1,64\naa one\n");
	struct blocks b = blocks_of(&p);

	(void)state;
	for (size_t i = 0; i < b.n; i++) {
		const struct entry *e = &b.entry[i];
		char text[64];

		snprintf(text, sizeof(text), "%u %s %s %u", e->block,
			 role_names[e->role], e->cell->model,
			 e->cell->connections);
		assert_true(i < LENGTH(order));
		assert_string_equal(text, order[i]);
	}
	assert_int_equal(b.n, LENGTH(order));
	blocks_free(&b);
	plan_free(&p);
}

static void check_same_order(const struct blocks *a, const struct blocks *b,
			     unsigned block)
{
	size_t i = 0, j = 0;

	while (a->entry[i].block < block)
		i++;
	while (b->entry[j].block < block)
		j++;
	for (; i < a->n && a->entry[i].block == block; i++, j++) {
		assert_int_equal(a->entry[i].block, b->entry[j].block);
		assert_int_equal(a->entry[i].role, b->entry[j].role);
		assert_true(cell_same(a->entry[i].cell, b->entry[j].cell));
	}
}

static void order_depends_on_plan_and_seed(void **state)
{
	struct plan p = committed("standard"), q = committed("standard");
	struct blocks a = blocks_of(&p), b = blocks_of(&q);

	(void)state;
	assert_int_equal(a.n, b.n);
	for (unsigned block = 0; block <= p.blocks; block++)
		check_same_order(&a, &b, block);
	blocks_free(&b);
	assert_true(plan_override(&q, "blocks", "9", error));
	b = blocks_of(&q);
	for (unsigned block = 0; block <= 9; block++)
		if (block != 5 && block != 7) /* they have the baseline */
			check_same_order(&a, &b, block);
	blocks_free(&a);
	blocks_free(&b);
	plan_free(&p);
	plan_free(&q);
}

/* ----------------------------------------------------------------- estimates */

static struct estimate estimated(const char *name)
{
	struct plan p = committed(name);
	struct blocks b = blocks_of(&p);
	struct estimate e = blocks_estimate(&p, &b);

	blocks_free(&b);
	plan_free(&p);
	return e;
}

static const int64_t ms = 1000000, second = 1000000000;

static void estimates(void **state)
{
	struct estimate e = estimated("quick");

	(void)state;
	assert_int_equal(e.of_role[ROLE_TIMING], 63);
	assert_int_equal(e.of_role[ROLE_AA], 3);
	assert_int_equal(e.of_role[ROLE_COUNTING], 21);
	assert_int_equal(e.of_role[ROLE_IDLE], 7);
	assert_int_equal(e.of_role[ROLE_BASELINE], 3);
	assert_int_equal(e.repetitions, 97);
	assert_true(e.ns == 97 * 1200 * ms);
	assert_true(e.bytes == 97 * 4000);
	/* With half a second for start and stop of each */
	e = estimated("quick");
	assert_true(e.ns < 150 * second);
	e = estimated("standard");
	assert_true(e.ns > 18 * 60 * second && e.ns < 22 * 60 * second);
	e = estimated("full");
	assert_true(e.ns < 3 * 3600 * second);
}

static void estimates_do_not_overflow(void **state)
{
	struct plan p =
		parsed("blocks 1000\nwindow 60min\nwarmup 60min\n"
		       "cells connections 1,2,3,4,5,6,7,8,9,10,11,12,13,"
		       "14,15,16,17,18,19,20 depth 1,2,3,4,5\n");
	struct blocks b = blocks_of(&p);
	struct estimate e = blocks_estimate(&p, &b);

	(void)state;
	assert_int_equal(b.n, 1000 * 8 * 100 + 700 + 7 + 100);
	assert_true(e.ns == (int64_t)b.n * 7201 * second);
	assert_true(e.bytes == b.n << 20);
	blocks_free(&b);
	plan_free(&p);
}

static void check_summary(const struct plan *p, const char *const *facts)
{
	struct blocks b = blocks_of(p);
	struct estimate e = blocks_estimate(p, &b);
	char *text = blocks_summary(p, &e);

	for (; *facts; facts++)
		if (!strstr(text, *facts))
			fail_msg("'%s' is not in: %s", *facts, text);
	free(text);
	blocks_free(&b);
}

static void summaries(void **state)
{
	struct plan p = committed("quick");
	char some[] = "poll/";

	(void)state;
	check_summary(
		&p, (const char *[]){ "21 cells, 3 blocks", "thread, busypoll",
				      "connections 1,64,1000\n", "1000 clients",
				      "97 repetitions of 200ms + 800ms",
				      "63 timing, 3 aa, 21 counting, 7 idle, "
				      "3 baseline",
				      "1 min 56 s, 388 kB", NULL });
	plan_keep(&p, named, some);
	check_summary(&p,
		      (const char *[]){ " busypoll, poll, epoll\n",
					"27 timing, 3 aa, 9 counting, 3 idle\n",
					"42 s, 1 kB", NULL });
	plan_free(&p);
	p = parsed("models poll\nidle none\nwindow 60min\nblocks 500\n"
		   "cells connections 1,2\ncells open rate 2.5\naa none\n"
		   "cells connections 2 depth 4\nceiling no\ncounting no");
	check_summary(&p, (const char *[]){
				  "connections 1,2\n",
				  "rate 2.5 message 64, connections 64\n",
				  "depth 4, connections 2\n", ": 2000 timing\n",
				  "2000 h 17 min, 2 GB", NULL });
	plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cell_once_per_block),
		cmocka_unit_test(entry_names_are_unique),
		cmocka_unit_test(disabled_roles_are_absent),
		cmocka_unit_test(filtered_plans),
		cmocka_unit_test(orders_are_uniform),
		cmocka_unit_test(aa_positions_are_uniform),
		cmocka_unit_test(aa_rotates_over_models),
		cmocka_unit_test(single_aa_pair_rotates),
		cmocka_unit_test(order_of_seed_1),
		cmocka_unit_test(order_depends_on_plan_and_seed),
		cmocka_unit_test(estimates),
		cmocka_unit_test(estimates_do_not_overflow),
		cmocka_unit_test(summaries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
