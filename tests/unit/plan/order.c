/* SPDX-License-Identifier: MIT */
/* order.c - the order of repetitions */
#include "tests/unit/plan/plans.h"

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

/* ----------------------------------------------------- contents of a block */

static void check_numbers(const struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct entry *e = &b->entry[i];

		assert_int_equal(e->index, i);
		if (i == 0) {
			assert_int_equal(e->bout, 0);
			continue;
		}
		assert_in_range(e->block, e[-1].block, e[-1].block + 1);
		assert_in_range(e->bout, e[-1].bout, e[-1].bout + 1);
		if (e->bout == e[-1].bout) {
			assert_int_equal(e->block, e[-1].block);
			assert_true(cell_same_setting(e->cell, e[-1].cell));
		}
	}
}

/* Each is a bout of its own. */
static void check_first_block(const struct plan *p, const struct blocks *b)
{
	size_t n = p->timing.n + p->idle.n;

	for (size_t i = 0; i < p->timing.n; i++)
		assert_int_equal(times(b, 0, &p->timing.cell[i], ROLE_COUNTING),
				 1);
	for (size_t i = 0; i < p->idle.n; i++)
		assert_int_equal(times(b, 0, &p->idle.cell[i], ROLE_IDLE), 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(b->entry[i].block, 0);
		assert_int_equal(b->entry[i].bout, i);
		assert_int_equal(b->entry[i].role,
				 i < p->timing.n ? ROLE_COUNTING : ROLE_IDLE);
	}
	assert_true(b->n == n || b->entry[n].block == 1);
}

/* The models in the order of the plan, the twin, the baseline server */
static void check_bout(const struct plan *p, const struct entry *e, size_t n)
{
	size_t i = 0;

	for (; i < n && e[i].role == ROLE_TIMING; i++)
		assert_true(i == 0 || e[i].cell > e[i - 1].cell);
	if (i < n && e[i].role == ROLE_AA)
		assert_string_equal(e[i++].cell->model, p->reference);
	if (i < n) {
		assert_int_equal(e[i].role, ROLE_BASELINE);
		assert_string_equal(e[i++].cell->model, "baseline");
	}
	assert_int_equal(i, n);
}

static void check_timing_block(const struct plan *p, const struct blocks *b,
			       unsigned block)
{
	for (size_t i = 0; i < p->timing.n; i++) {
		const struct cell *c = &p->timing.cell[i];

		assert_int_equal(times(b, block, c, ROLE_TIMING), 1);
		assert_int_equal(times(b, block, c, ROLE_AA),
				 p->aa && strcmp(c->model, p->reference) == 0);
	}
	for (size_t i = 0; i < p->baseline.n; i++)
		assert_int_equal(times(b, block, &p->baseline.cell[i],
				       ROLE_BASELINE),
				 1);
	for (size_t i = 0; i < b->n; i += bout_length(b, i))
		if (b->entry[i].block == block)
			check_bout(p, &b->entry[i], bout_length(b, i));
}

static size_t count_bouts(const struct blocks *b, unsigned block)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i += bout_length(b, i))
		n += b->entry[i].block == block;
	return n;
}

static void check_blocks(const struct plan *p, size_t settings)
{
	struct blocks b = blocks_of(p);

	check_numbers(&b);
	check_first_block(p, &b);
	for (unsigned block = 1; block <= p->blocks; block++) {
		check_timing_block(p, &b, block);
		assert_int_equal(count_bouts(&b, block), settings);
	}
	blocks_free(&b);
}

static void a_bout_for_each_setting(void **state)
{
	static const struct {
		const char *plan;
		size_t settings;
	} all[] = { { "quick", 5 }, { "standard", 17 }, { "full", 35 } };

	(void)state;
	for (size_t i = 0; i < LENGTH(all); i++) {
		struct plan p = committed(all[i].plan);

		check_blocks(&p, all[i].settings);
		plan_free(&p);
	}
}

static void twin_of_the_reference(void **state)
{
	struct plan p = parsed("blocks 2\nreference poll\nmodels poll,epoll\n"
			       "cells connections 1,64\n");
	struct blocks b = blocks_of(&p);

	(void)state;
	check_blocks(&p, 2);
	for (unsigned block = 1; block <= 2; block++)
		assert_int_equal(of_role(&b, block, ROLE_AA), 2);
	blocks_free(&b);
	plan_free(&p);
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
	struct plan p = parsed("blocks 2\naa no\nbaseline no\nidle none\n"
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

static bool baseline_or_64(const char *name, void *data)
{
	(void)data;
	return strstr(name, "baseline") || strstr(name, "connections:64/");
}

/* A filter may leave a setting with few models, without its reference, with the
 * baseline server alone, or with nothing. */
static void filtered_plans(void **state)
{
	static const struct {
		char keep[40];
		size_t settings, timing, aa, baseline;
	} filters[] = {
		{ "poll/", 17, 17 * 3, 17, 0 }, /* busypoll, poll, epoll */
		{ "select/", 17, 17, 0, 0 },       { "baseline/", 4, 0, 0, 4 },
		{ "loop:closed", 4, 4 * 7, 4, 4 }, { "loop:none", 0, 0, 0, 0 },
		{ "nothing", 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(filters); i++) {
		struct plan p = committed("standard");
		struct blocks b;

		plan_keep(&p, named, (void *)filters[i].keep);
		check_blocks(&p, filters[i].settings);
		b = blocks_of(&p);
		assert_int_equal(of_role(&b, 3, ROLE_TIMING),
				 filters[i].timing);
		assert_int_equal(of_role(&b, 3, ROLE_AA), filters[i].aa);
		assert_int_equal(of_role(&b, 3, ROLE_BASELINE),
				 filters[i].baseline);
		blocks_free(&b);
		plan_free(&p);
	}
}

/* The baseline server stays with its setting if another lost its models. */
static void filter_of_one_setting(void **state)
{
	struct plan p = parsed("models poll,epoll\nidle none\nblocks 1\n"
			       "counting no\ncells connections 1,64,1000\n");
	struct blocks b;

	(void)state;
	/* "model:baseline/...connections:1/", "...connections:64/" of all */
	plan_keep(&p, baseline_or_64, NULL);
	assert_int_equal(p.timing.n, 2);
	assert_int_equal(p.baseline.n, 3);
	b = blocks_of(&p);
	check_numbers(&b);
	check_timing_block(&p, &b, 1);
	assert_int_equal(count_bouts(&b, 1), 3);
	for (size_t i = 0; i < b.n; i += bout_length(&b, i))
		assert_int_equal(bout_length(&b, i),
				 b.entry[i].cell->connections == 64 ? 4 : 1);
	blocks_free(&b);
	plan_free(&p);
}

/* -------------------------------------------------------------------- random */

enum { SETTINGS = 7, SEEDS = 7000 };

/* How often each setting was at each position; all are equally likely. */
struct table {
	unsigned n[SETTINGS][SETTINGS];
};

/*
 * For permutations, chi-square times (k - 1) / k has (k - 1)^2 = 36 degrees of
 * freedom. It is below 14.4 or above 68.0 with a probability of 0.1 % each. A
 * result that is too even is wrong, too.
 */
static void check_uniform(const struct table *t)
{
	double expected = (double)SEEDS / SETTINGS, chi2 = 0;

	for (int i = 0; i < SETTINGS; i++)
		for (int j = 0; j < SETTINGS; j++) {
			double off = t->n[i][j] - expected;

			chi2 += off * off / expected;
		}
	chi2 *= (SETTINGS - 1.0) / SETTINGS;
	if (chi2 < 14.4 || chi2 > 68.0)
		fail_msg("chi-square is %g", chi2);
}

/* Settings have 1 to 7 connections, and one model. */
static void positions(const struct blocks *b, unsigned block,
		      unsigned at[SETTINGS])
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->entry[i].block == block)
			at[b->entry[i].cell->connections - 1] = n++;
	assert_int_equal(n, SETTINGS);
}

static void orders_are_uniform(void **state)
{
	struct table counting = { 0 }, first = { 0 }, second = { 0 };
	struct table both = { 0 };
	unsigned follows[SETTINGS][SETTINGS] = { 0 };
	struct plan p =
		parsed("blocks 2\naa no\nbaseline no\nidle none\n"
		       "models epoll\ncells connections 1,2,3,4,5,6,7\n");

	(void)state;
	for (p.seed = 0; p.seed < SEEDS; p.seed++) {
		struct blocks b = blocks_of(&p);
		unsigned zero[SETTINGS], one[SETTINGS], two[SETTINGS];

		positions(&b, 0, zero);
		positions(&b, 1, one);
		positions(&b, 2, two);
		for (int i = 0; i < SETTINGS; i++) {
			counting.n[i][zero[i]]++;
			first.n[i][one[i]]++;
			second.n[i][two[i]]++;
			both.n[one[i]][two[i]]++;
			for (int j = 0; j < SETTINGS; j++)
				follows[i][j] += one[j] == one[i] + 1;
		}
		blocks_free(&b);
	}
	check_uniform(&counting);
	check_uniform(&first);
	check_uniform(&second);
	check_uniform(&both); /* the two positions are independent */
	/* 6 of 42 ordered pairs are adjacent; the standard deviation is about
	 * 30. */
	for (int i = 0; i < SETTINGS; i++)
		for (int j = 0; j < SETTINGS; j++)
			if (i != j)
				assert_in_range(follows[i][j], 1000 - 120,
						1000 + 120);
	plan_free(&p);
}

/* ---------------------------------------------------------- reproducibility */

static const char *const order_2[] = {
	"0 0 counting epoll 1",
	"0 1 counting poll 64",
	"0 2 counting uring 1",
	"0 3 counting uring 64",
	"0 4 counting poll 1",
	"0 5 counting epoll 64",
	"0 6 idle epoll 0",
	"0 7 idle uring 0",
	"0 8 idle poll 0",
	"1 9 timing poll 1",
	"1 9 timing epoll 1",
	"1 9 timing uring 1",
	"1 9 aa epoll 1",
	"1 9 baseline baseline 1",
	"1 10 timing poll 64",
	"1 10 timing epoll 64",
	"1 10 timing uring 64",
	"1 10 aa epoll 64",
	"1 10 baseline baseline 64",
	"2 11 timing poll 64",
	"2 11 timing epoll 64",
	"2 11 timing uring 64",
	"2 11 aa epoll 64",
	"2 11 baseline baseline 64",
	"2 12 timing poll 1",
	"2 12 timing epoll 1",
	"2 12 timing uring 1",
	"2 12 aa epoll 1",
	"2 12 baseline baseline 1",
};

static void order_of_seed_2(void **state)
{
	struct plan p = parsed("blocks 2\nmodels poll,epoll,uring\nseed 2\n"
			       "cells closed connections 1,64\n");
	struct blocks b = blocks_of(&p);

	(void)state;
	for (size_t i = 0; i < b.n; i++) {
		const struct entry *e = &b.entry[i];
		char text[64];

		snprintf(text, sizeof(text), "%u %u %s %s %u", e->block,
			 e->bout, role_names[e->role], e->cell->model,
			 e->cell->connections);
		assert_true(i < LENGTH(order_2));
		assert_string_equal(text, order_2[i]);
	}
	assert_int_equal(b.n, LENGTH(order_2));
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
	assert_true(plan_override(&q, "blocks", "3", error));
	b = blocks_of(&q);
	for (unsigned block = 0; block <= 3; block++)
		check_same_order(&a, &b, block);
	blocks_free(&a);
	blocks_free(&b);
	plan_free(&p);
	plan_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bout_for_each_setting),
		cmocka_unit_test(twin_of_the_reference),
		cmocka_unit_test(entry_names_are_unique),
		cmocka_unit_test(disabled_roles_are_absent),
		cmocka_unit_test(filtered_plans),
		cmocka_unit_test(filter_of_one_setting),
		cmocka_unit_test(orders_are_uniform),
		cmocka_unit_test(order_of_seed_2),
		cmocka_unit_test(order_depends_on_plan_and_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
