/* SPDX-License-Identifier: MIT */
/* turns.c - slice lengths, the order of a round, and which rounds are dropped */
#include "tests/unit/test.h"

#include "harness/measure/turns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t ms = 1000000;

/* --------------------------------------------------------------------- lengths */

static struct cell setting(enum loop loop, unsigned connections, double rate)
{
	return (struct cell){ .model = "epoll",
			      .loop = loop,
			      .connections = connections,
			      .rate = rate,
			      .message = 64,
			      .depth = 1,
			      .burst = 1,
			      .work = "none" };
}

static struct record pilot(const char *model, const struct cell *cell,
			   double response_ms)
{
	struct record r = { .role = ROLE_COUNTING, .cell = *cell };

	strcpy(r.cell.model, model);
	strcpy(r.cell.work, "none");
	r.metric[METRIC_RESPONSE_P50] = response_ms * 1e6;
	r.metric[METRIC_CPU_PER_REQUEST] = NAN;
	return r;
}

/* Ten response times of this model in the same setting; of the fastest model for the
 * baseline server, which has no pilot */
static void test_length(void **state)
{
	const struct plan auto_ = { .slice = 0 };
	struct cell c = setting(LOOP_CLOSED, 64, 0);
	struct cell other = setting(LOOP_CLOSED, 1000, 0);
	struct record r[] = {
		pilot("epoll", &c, 6),      pilot("thread", &c, 10),
		pilot("aio", &c, NAN),      pilot("epoll", &other, 90),
		pilot("busypoll", &c, 100),
	};

	(void)state;
	r[4].role = ROLE_TIMING;
	assert_int_equal(slice_length(&auto_, r, 5, &c), 60 * ms);
	assert_int_equal(slice_length(&auto_, r, 5, &other), 300 * ms);
	strcpy(c.model, "thread");
	assert_int_equal(slice_length(&auto_, r, 5, &c), 100 * ms);
	strcpy(c.model, BASELINE);
	assert_int_equal(slice_length(&auto_, r, 5, &c), 60 * ms);
	r[0].metric[METRIC_RESPONSE_P50] = 0.1e6;
	assert_int_equal(slice_length(&auto_, r, 1, &c), 40 * ms);
	assert_int_equal(slice_length(&auto_, r, 0, &c), 100 * ms);
	r[0].metric[METRIC_RESPONSE_P50] = NAN;
	assert_int_equal(slice_length(&auto_, r, 1, &c), 100 * ms);
}

/* Other programs held up the pilot: its CPU time says how long a reply takes. A server
 * with work may sleep. */
static void test_length_beside_other_programs(void **state)
{
	const struct plan auto_ = { .slice = 0 };
	struct cell closed = setting(LOOP_CLOSED, 100, 0);
	struct cell open = setting(LOOP_OPEN, 16, 2000);
	struct record r = pilot("epoll", &closed, 12);

	(void)state;
	r.metric[METRIC_CPU_PER_REQUEST] = 20000; /* 2 ms for all of them */
	assert_int_equal(slice_length(&auto_, &r, 1, &closed), 40 * ms);
	r.metric[METRIC_CPU_PER_REQUEST] = 200000;
	assert_int_equal(slice_length(&auto_, &r, 1, &closed), 120 * ms);
	r = pilot("epoll", &open, 12);
	r.metric[METRIC_CPU_PER_REQUEST] = 50000;
	assert_int_equal(slice_length(&auto_, &r, 1, &open), 40 * ms);
	strcpy(closed.work, "sleep:12ms");
	r = pilot("epoll", &closed, 12);
	strcpy(r.cell.work, "sleep:12ms");
	r.metric[METRIC_CPU_PER_REQUEST] = 20000;
	assert_int_equal(slice_length(&auto_, &r, 1, &closed), 120 * ms);
}

static void test_length_of_plan(void **state)
{
	const struct plan fixed = { .slice = 17 * ms };
	struct cell c = setting(LOOP_CLOSED, 64, 0);
	struct record r = pilot("epoll", &c, 3);

	(void)state;
	assert_int_equal(slice_length(&fixed, &r, 1, &c), 17 * ms);
}

/* Open loop: 50 requests, and at most a second; the same for all models */
static void test_length_of_open_loop(void **state)
{
	const struct plan auto_ = { .slice = 0 };
	static const struct {
		double rate;
		int64_t ms;
	} cases[] = { { 10000, 40 }, { 1000, 50 }, { 100, 500 }, { 10, 1000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cell c = setting(LOOP_OPEN, 16, cases[i].rate);
		struct record r = pilot("epoll", &c, 0.1);

		strcpy(c.model, "thread");
		assert_int_equal(slice_length(&auto_, &r, 1, &c),
				 cases[i].ms * ms);
	}
}

static void test_head(void **state)
{
	(void)state;
	assert_int_equal(slice_head(40 * ms), 5 * ms);
	assert_int_equal(slice_head(80 * ms), 10 * ms);
	assert_int_equal(slice_head(300 * ms), 300 * ms / 8);
	assert_int_equal(slice_head(8 * ms), 4 * ms);
}

/* ----------------------------------------------------------------------- order */

enum { N = 9, ROUNDS = 900 };

static bool same(const size_t a[N], const size_t b[N])
{
	return memcmp(a, b, N * sizeof(*a)) == 0;
}

static void test_order_depends_on_all(void **state)
{
	struct plan p = { .seed = 1 };
	struct cell c = setting(LOOP_CLOSED, 64, 0), model = c, more = c;
	struct entry e = { .block = 1, .cell = &c };
	size_t order[N], again[N];

	(void)state;
	turns_order(order, N, &p, &e, 1);
	turns_order(again, N, &p, &e, 1);
	assert_true(same(order, again));
	strcpy(model.model, "poll"); /* that is not of the setting */
	e.cell = &model;
	turns_order(again, N, &p, &e, 1);
	assert_true(same(order, again));
	turns_order(again, N, &p, &e, 2);
	assert_false(same(order, again));
	e.block = 2;
	turns_order(again, N, &p, &e, 1);
	assert_false(same(order, again));
	e.block = 1;
	more.connections = 65;
	e.cell = &more;
	turns_order(again, N, &p, &e, 1);
	assert_false(same(order, again));
	e.cell = &c;
	p.seed = 2;
	turns_order(again, N, &p, &e, 1);
	assert_false(same(order, again));
}

/* Each is at each position about equally often, and after each other one. */
static void test_order_is_uniform(void **state)
{
	const struct plan p = { .seed = 1 };
	struct cell c = setting(LOOP_CLOSED, 64, 0);
	const struct entry e = { .block = 1, .cell = &c };
	unsigned at[N][N] = { { 0 } }, after[N][N] = { { 0 } };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t order[N];

		turns_order(order, N, &p, &e, round);
		for (size_t i = 0; i < N; i++) {
			at[i][order[i]]++;
			if (i > 0)
				after[order[i - 1]][order[i]]++;
		}
	}
	/* 100 expected; the standard deviation is below 10 */
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++) {
			assert_in_range(at[i][j], 60, 140);
			if (i != j)
				assert_in_range(after[i][j], 60, 140);
		}
}

/* ------------------------------------------------------------------------ drops */

static const struct round_facts quiet = {
	.wall_ns = 400 * 1000000,
	.cpus = 2,
	.generator_load_ns = 360 * 1000000,
	.server_load_ns = 200 * 1000000,
};

static void check(const struct round_facts *f, unsigned reasons)
{
	bool why[DROPS];

	assert_int_equal(round_is_disturbed(f, why), reasons != 0);
	for (int i = 0; i < DROPS; i++)
		assert_int_equal(why[i], reasons >> i & 1);
}

static void test_drops(void **state)
{
	enum {
		STEAL = 1 << DROP_STEAL,
		SUSPENDED = 1 << DROP_SUSPENDED,
		FOREIGN = 1 << DROP_FOREIGN
	};
	struct round_facts f = quiet;

	(void)state;
	check(&f, 0);
	f.steal_ns = 10 * ms; /* 2 % are 16 ms */
	check(&f, 0);
	f.steal_ns = 20 * ms;
	check(&f, STEAL);
	f.suspended_ns = 6 * ms;
	check(&f, STEAL | SUSPENDED);
	f = quiet;
	f.was_stopped = true;
	check(&f, SUSPENDED);
	f = quiet;
	f.generator_delay_ns = 17 * ms;
	check(&f, 0);
	f.generator_delay_ns = 19 * ms;
	check(&f, FOREIGN);
	f = quiet;
	f.server_delay_ns = 9 * ms;
	check(&f, 0);
	f.server_delay_ns = 11 * ms;
	check(&f, FOREIGN);
	f = quiet;
	f.foreign_ns = 39 * ms;
	check(&f, 0);
	f.foreign_ns = 41 * ms;
	check(&f, FOREIGN);
}

/* Without servers that have one thread, or without delays: nothing is known. */
static void test_unknown(void **state)
{
	const struct round_facts f = { .wall_ns = 400 * 1000000, .cpus = 2 };

	(void)state;
	check(&f, 0);
}

/* Of 8 rounds: at most 4, and none while most are disturbed */
static void test_which_are_dropped(void **state)
{
	static const struct {
		unsigned counted, dropped, counted_disturbed;
		bool drop;
	} cases[] = {
		{ 0, 0, 0, true },  { 0, 1, 0, false }, { 1, 1, 0, true },
		{ 1, 1, 1, false }, { 6, 3, 0, true },  { 6, 4, 0, false },
		{ 5, 1, 3, false }, { 5, 1, 2, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rounds before = { .counted = cases[i].counted,
					 .dropped = cases[i].dropped };

		const bool steal[DROPS] = { [DROP_STEAL] = true };
		const bool stopped[DROPS] = { [DROP_SUSPENDED] = true };

		assert_int_equal(round_is_dropped(steal, &before,
						  cases[i].counted_disturbed,
						  8),
				 cases[i].drop);
		assert_int_equal(round_is_dropped(stopped, &before,
						  cases[i].counted_disturbed,
						  8),
				 cases[i].dropped < 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_length_beside_other_programs),
		cmocka_unit_test(test_length_of_plan),
		cmocka_unit_test(test_length_of_open_loop),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_order_depends_on_all),
		cmocka_unit_test(test_order_is_uniform),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_which_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
