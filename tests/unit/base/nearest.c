/* SPDX-License-Identifier: MIT */
/* nearest.c - suggestions for mistyped words */
#include "tests/unit/test.h"

#include "harness/base/nearest.h"

#include <string.h>

static const char *const models[] = { "thread", "busypoll", "select", "poll",
				      "epoll",  "aio",      "uring",  NULL };

static void suggestions(void **state)
{
	static const char *const meant[][2] = {
		{ "pol", "poll" },
		{ "epol", "epoll" },
		{ "Thread", "thread" },
		{ "treads", "thread" },
		{ "io_uring", "uring" },
		{ "busy", "busypoll" },
		{ "selcet", "select" },
		{ "b", NULL },
		{ "", NULL },
		{ "kqueue", NULL },
		{ "ai", "aio" },
		{ "busywait", NULL },
		{ "epoll", "epoll" },
	};
	static char longest[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++) {
		const char *found = nearest(meant[i][0], models);

		assert_string_equal(found ? found : "(nothing)",
				    meant[i][1] ? meant[i][1] : "(nothing)");
	}
	/* The first of several at the same distance */
	assert_string_equal(
		nearest("abx", (const char *[]){ "ab1", "ab2", NULL }), "ab1");
	memset(longest, 'p', sizeof(longest) - 1);
	nearest(longest, models); /* does not overflow */
	assert_null(nearest("poll", (const char *[]){ NULL }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
