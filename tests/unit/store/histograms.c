/* SPDX-License-Identifier: MIT */
/* histograms.c - buckets stored by column, without loss */
#include "tests/unit/test.h"

#include "harness/store/histograms.h"

static void check(const char *from, const char *to)
{
	json_t *given = json_loads(from, JSON_DECODE_ANY, NULL);
	json_t *before = json_deep_copy(given),
	       *made = histograms_by_column(given);
	json_t *wanted = json_loads(to, JSON_DECODE_ANY, NULL);

	assert_non_null(wanted);
	if (!json_equal(made, wanted))
		fail_msg("%s", json_dumps(made, 0));
	assert_true(json_equal(given, before));
	json_decref(given);
	json_decref(before);
	json_decref(made);
	json_decref(wanted);
}

static void rows_become_columns(void **state)
{
	(void)state;
	check("{\"buckets\": [[7, 7, 2], [12040, 12047, 1], [12048, 12055, 90]]}",
	      "{\"buckets\": {\"step\": [7, 12033, 8], \"width\": [1, 8, 8],"
	      " \"count\": [2, 1, 90]}}");
	check("{\"buckets\": []}",
	      "{\"buckets\": {\"step\": [], \"width\": [], \"count\": []}}");
	/* 137 s in ns, and more requests than 32 bits hold */
	check("{\"buckets\": [[137371844608, 137438953471, 8589934592]]}",
	      "{\"buckets\": {\"step\": [137371844608], \"width\": [67108864],"
	      " \"count\": [8589934592]}}");
}

static void any_depth(void **state)
{
	(void)state;
	check("{\"histograms\": {\"response\": {\"sum\": 1, \"buckets\": [[1, 1, 1]]},"
	      " \"service\": null},"
	      " \"series\": {\"slices\": [{\"buckets\": [[2, 3, 4]]}, {\"p50\": 2.5}]}}",
	      "{\"histograms\": {\"response\": {\"sum\": 1, \"buckets\": {\"step\": [1],"
	      " \"width\": [1], \"count\": [1]}}, \"service\": null},"
	      " \"series\": {\"slices\": [{\"buckets\": {\"step\": [2], \"width\": [2],"
	      " \"count\": [4]}}, {\"p50\": 2.5}]}}");
}

static void other_values_unchanged(void **state)
{
	static const char *const others[] = {
		"{\"buckets\": 3}",
		"{\"buckets\": [[1, 2]]}",
		"{\"buckets\": [[1, 2, 3], [4, 5, 6, 7]]}",
		"{\"buckets\": [[1, 2, 0.5]]}",
		"{\"buckets\": {\"step\": [1], \"width\": [1], \"count\": [1]}}",
		"{\"rows\": [[1, 2, 3]]}",
		"[[1, 2, 3]]",
		"null",
		"\"buckets\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		check(others[i], others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_columns),
		cmocka_unit_test(any_depth),
		cmocka_unit_test(other_values_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
