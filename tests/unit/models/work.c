/* SPDX-License-Identifier: MIT */
/* work.c - tests of work_drawn(): deterministic, and the right share */
#include "tests/unit/test.h"

#include "models/common/options.h"
#include "models/common/work.h"

#include <stdbool.h>

enum { CLIENTS = 100, REQUESTS = 1000 };

static struct options options(uint64_t seed, double percent)
{
	struct options opt = { .seed = seed, .work.percent = percent };

	return opt;
}

static int drawn(const struct options *opt)
{
	int n = 0;

	for (int client = 1; client <= CLIENTS; client++)
		for (int request = 1; request <= REQUESTS; request++)
			n += work_drawn(opt, client, request);
	return n;
}

static void all_of_a_hundred_percent(void **state)
{
	struct options opt = options(1, 100);

	(void)state;
	assert_int_equal(drawn(&opt), CLIENTS * REQUESTS);
}

/* 100,000 draws: six standard deviations are 0.6 % of them at 10 %. */
static void as_many_as_the_percentage_says(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct options ten = options(seed, 10);
		struct options tenth = options(seed, 0.1);

		assert_in_range(drawn(&ten), 9400, 10600);
		assert_in_range(drawn(&tenth), 40, 160);
	}
}

static void the_seed_alone_decides(void **state)
{
	struct options a = options(1, 50), b = options(1, 50),
		       c = options(2, 50);
	int differ = 0;

	(void)state;
	for (int request = 1; request <= REQUESTS; request++) {
		assert_int_equal(work_drawn(&a, 1, request),
				 work_drawn(&b, 1, request));
		differ += work_drawn(&a, 1, request) !=
			  work_drawn(&c, 1, request);
	}
	assert_in_range(differ, REQUESTS * 4 / 10, REQUESTS * 6 / 10);
}

static void clients_differ(void **state)
{
	struct options opt = options(1, 50);
	int differ = 0;

	(void)state;
	for (int request = 1; request <= REQUESTS; request++)
		differ += work_drawn(&opt, 1, request) !=
			  work_drawn(&opt, 2, request);
	assert_in_range(differ, REQUESTS * 4 / 10, REQUESTS * 6 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_hundred_percent),
		cmocka_unit_test(as_many_as_the_percentage_says),
		cmocka_unit_test(the_seed_alone_decides),
		cmocka_unit_test(clients_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
