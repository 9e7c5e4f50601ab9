/* SPDX-License-Identifier: MIT */
/* search.c - the search for the highest rate */
#include "tests/unit/test.h"

#include "harness/load/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------- search */

/* A server that holds up to `capacity`, a generator limited to `generator`, and a
 * wrong outcome in every `lies`th probe */
struct invented {
	double capacity, generator;
	unsigned lies;
	unsigned stop_at; /* this many probes */
	unsigned probes;
	double lowest, highest; /* of what was tried */
};

static enum probe ask(double rate, void *data, bool *stop)
{
	struct invented *i = data;
	bool holds = rate <= i->capacity;

	i->probes++;
	if (i->lowest == 0 || rate < i->lowest)
		i->lowest = rate;
	if (rate > i->highest)
		i->highest = rate;
	if (i->probes == i->stop_at)
		*stop = true;
	if (i->lies && i->probes % i->lies == 0)
		holds = !holds;
	if (i->generator && rate > i->generator)
		return PROBE_UNUSABLE;
	return holds ? PROBE_HELD : PROBE_FAILED;
}

static const double first = 1000, highest = 10e6;

static struct search search(struct invented *i)
{
	return search_rate(first, highest, ask, i);
}

static void check_found(const struct search *s, double capacity)
{
	assert_true(s->held <= capacity);
	assert_true(s->held >= capacity / 1.05);
	assert_true(s->failed > capacity);
	assert_true(s->failed <= s->held * 1.05);
	assert_false(s->stopped);
}

static void finds_any_capacity(void **state)
{
	unsigned most = 0;

	(void)state;
	for (double capacity = 2; capacity < highest; capacity *= 1.0137) {
		struct invented i = { .capacity = capacity };
		struct search s = search(&i);

		check_found(&s, capacity);
		assert_int_not_equal(s.why, PROBE_UNUSABLE);
		assert_int_equal(s.probes, i.probes);
		most = i.probes > most ? i.probes : most;
	}
	/* 14 doublings and 5 halvings, tried twice each */
	assert_in_range(most, 20, 2 * (14 + 5) + 2);
}

static void at_the_ends(void **state)
{
	struct invented none = { .capacity = 0.5 };
	struct invented one = { .capacity = 1 };
	struct invented all = { .capacity = 1e12 };
	struct invented exact = { .capacity = highest };
	struct search s;

	(void)state;
	s = search(&none);
	assert_true(s.held == 0);
	assert_true(s.failed == none.lowest && s.failed >= 1);
	assert_false(s.stopped);
	s = search(&one);
	assert_true(s.held == 1);
	s = search(&all);
	assert_true(s.held == highest && s.failed == 0);
	assert_true(all.highest == highest);
	s = search(&exact);
	assert_true(s.held == highest && s.failed == 0);
}

static void from_any_first_rate(void **state)
{
	static const double firsts[] = { 1, 2.5, 30, 12345, 1e6, 9.9e6 };

	(void)state;
	for (size_t f = 0; f < sizeof(firsts) / sizeof(*firsts); f++)
		for (double capacity = 2; capacity < 9e6; capacity *= 3.7) {
			struct invented i = { .capacity = capacity };
			struct search s =
				search_rate(firsts[f], highest, ask, &i);

			check_found(&s, capacity);
			assert_in_range(i.probes, 1, 2 * (24 + 6));
		}
}

/* A first rate above the highest is tried, and nothing higher. */
static void never_above_the_highest(void **state)
{
	struct invented i = { .capacity = 1e12 };
	struct search s = search_rate(3e7, highest, ask, &i);

	(void)state;
	assert_true(s.held == 3e7 && i.highest == 3e7);
	assert_int_equal(i.probes, 2);
}

/* One wrong outcome in three probes is outvoted. */
static void one_wrong_outcome_in_three(void **state)
{
	(void)state;
	for (unsigned lies = 3; lies <= 7; lies++)
		for (double capacity = 2; capacity < highest; capacity *= 1.5) {
			struct invented i = { .capacity = capacity,
					      .lies = lies };
			struct search s = search(&i);

			check_found(&s, capacity);
			assert_in_range(i.probes, 1, 3 * (14 + 5) + 3);
		}
}

static enum probe say(double rate, void *data, bool *stop)
{
	enum probe **next = data;

	(void)rate;
	(void)stop;
	return *(*next)++;
}

#define H PROBE_HELD
#define F PROBE_FAILED
#define U PROBE_UNUSABLE
#define W PROBE_WRONG

/* The outcome for a single rate, by its probes */
static void two_that_agree_decide(void **state)
{

	static const struct {
		enum probe said[5];
		unsigned asked;
		bool held;
		enum probe why;
	} cases[] = {
		{ { H, H, F }, 2, true, H },
		{ { F, H, H }, 3, true, H },
		{ { H, F, H }, 3, true, H },
		{ { F, F, H }, 2, false, F },
		{ { H, F, F }, 3, false, F },
		{ { U, H, H }, 3, true, H },
		{ { U, U, H, H }, 4, true, H },
		{ { U, U, H, F, H }, 5, true, H },
		{ { U, H, U, F, F }, 5, false, F },
		{ { U, U, U, H, H }, 3, false, U },
		{ { H, U, F, U, U }, 5, false, U },
		{ { W, H, F, W }, 4, false, W },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum probe said[5], *next = said;
		struct search s;

		memcpy(said, cases[i].said, sizeof(said));
		s = search_rate(1, 1, say, &next);
		assert_int_equal(s.probes, cases[i].asked);
		assert_int_equal(next - said, cases[i].asked);
		assert_int_equal(s.held > 0, cases[i].held);
		assert_int_equal(s.failed > 0, !cases[i].held);
		assert_int_equal(s.why, cases[i].why);
	}
}

static void the_generator_is_the_limit(void **state)
{
	(void)state;
	for (double limit = 2; limit < 9e6; limit *= 2.3) {
		struct invented i = { .capacity = 1e12, .generator = limit };
		struct search s = search(&i);

		check_found(&s, limit);
		assert_int_equal(s.why, PROBE_UNUSABLE);
	}
	for (double limit = 8000; limit < 9e6; limit *= 2.3) {
		/* It fails at the doublings, but the server does before it. */
		struct invented i = { .capacity = limit / 1.2,
				      .generator = limit };
		struct search s = search(&i);

		check_found(&s, limit / 1.2);
		assert_int_not_equal(s.why, PROBE_UNUSABLE);
	}
}

/* An interrupted probe does not count. */
static void a_stop_ends_it_at_once(void **state)
{
	struct invented whole = { .capacity = 123456 };

	(void)state;
	search(&whole);
	for (unsigned at = 1; at <= whole.probes; at++) {
		struct invented i = { .capacity = 123456, .stop_at = at };
		struct search s = search(&i);

		assert_true(s.stopped);
		assert_int_equal(i.probes, at);
		assert_int_equal(s.probes, at - 1);
		assert_int_not_equal(s.why, PROBE_UNUSABLE);
		assert_true(s.held <= 123456);
		assert_true(s.failed == 0 || s.failed > 123456);
		assert_true(at > 2 || (s.held == 0 && s.failed == 0));
		assert_true(at <= 2 || s.held >= first);
	}
}

/* Inconsistent outcomes: the search still ends. */
static void inconsistent_outcomes(void **state)
{
	(void)state;
	for (unsigned lies = 1; lies < 60; lies++)
		for (double capacity = 1; capacity < 1e8; capacity *= 10) {
			struct invented i = { .capacity = capacity,
					      .lies = lies };

			search(&i);
			assert_in_range(i.probes, 2, 100);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_any_capacity),
		cmocka_unit_test(at_the_ends),
		cmocka_unit_test(from_any_first_rate),
		cmocka_unit_test(never_above_the_highest),
		cmocka_unit_test(one_wrong_outcome_in_three),
		cmocka_unit_test(two_that_agree_decide),
		cmocka_unit_test(the_generator_is_the_limit),
		cmocka_unit_test(a_stop_ends_it_at_once),
		cmocka_unit_test(inconsistent_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
