/* SPDX-License-Identifier: MIT */
/* describe.c - numbers and settings as text */
#include "tests/unit/test.h"

#include "harness/verdict/describe.h"

#include <math.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define CLOSED(model, n)                                                       \
	"model:" model "/loop:closed/connections:" n                           \
	"/message:64/placement:split"
#define OPEN(model, placement)                                                 \
	"model:" model "/loop:open/connections:64/rate:10000/message:64/"      \
	"placement:" placement
#define IDLE(model)                                                            \
	"model:" model "/loop:none/idle:1000/message:64/placement:split"

static void numbers(void **state)
{
	static const struct {
		enum metric m;
		double x;
		const char *says;
	} numbers[] = {
		{ METRIC_RESPONSE_P50, 12345, "12.3 us" },
		{ METRIC_RESPONSE_P50, 1.02e6, "1.02 ms" },
		{ METRIC_RESPONSE_P50, 9994, "9.99 us" },
		{ METRIC_RESPONSE_P50, 9996, "10.0 us" },
		{ METRIC_RESPONSE_P50, 999.4, "999 ns" },
		{ METRIC_RESPONSE_P50, 999.6, "1.00 us" },
		{ METRIC_RESPONSE_P50, 99960, "100 us" },
		{ METRIC_RESPONSE_P50, 0, "0 ns" },
		{ METRIC_RESPONSE_P50, 2.5e12, "2500 s" },
		{ METRIC_RESPONSE_P50, NAN, "-" },
		{ METRIC_REQUESTS_PER_SECOND, 152000, "152 k/s" },
		{ METRIC_REQUESTS_PER_SECOND, 950, "950/s" },
		{ METRIC_REQUESTS_PER_SECOND, 1.23e6, "1.23 M/s" },
		{ METRIC_RESIDENT, 1536, "1.50 KiB" },
		{ METRIC_RESIDENT_PER_CONNECTION, -2048, "-2.00 KiB" },
		{ METRIC_SERVER_CPU_SHARE, 0.9987, "99.9 %" },
		{ METRIC_SERVER_CPU_SHARE, 0.00042, "0.042 %" },
		{ METRIC_CALLS_PER_REQUEST, 2.0155, "2.02" },
		{ METRIC_VOLUNTARY_PER_REQUEST, 2.5e-5, "<0.001" },
	};
	char text[NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++)
		assert_string_equal(print_metric(numbers[i].m, numbers[i].x,
						 text),
				    numbers[i].says);
}

static void settings(void **state)
{
	static const char *const known[][4] = {
		{ CLOSED("epoll", "64"),
		  "closed loop, server and clients on separate cores, 64 "
		  "connections, 64 B",
		  "at 64 connections", "closed split 64" },
		{ OPEN("epoll", "shared"),
		  "open loop, 10,000 requests/s offered, server and clients on "
		  "one core, 64 connections, 64 B",
		  "at 64 connections (open loop at 10,000/s, one core)",
		  "open shared 64 rate 10000" },
		{ "model:a/loop:closed/connections:1/idle:900/message:16384/"
		  "depth:16/work:sleep:20ms@1%/placement:split",
		  NULL,
		  "at 1 connection (900 idle, 16 KiB, depth 16, work "
		  "sleep:20ms@1%)",
		  "closed split 1 idle 900 message 16384 depth 16 work "
		  "sleep:20ms@1%" },
		{ "model:a/loop:open/connections:64/rate:2.5/message:100/"
		  "pattern:burst:100/placement:split",
		  NULL,
		  "at 64 connections (open loop at 2.50/s, 100 B, bursts of "
		  "100)",
		  "open split 64 rate 2.5 message 100 pattern burst:100" },
		{ IDLE("a"),
		  "server and clients on separate cores, 1,000 idle clients",
		  "with 1,000 idle clients", "none split idle 1000" },
	};
	char text[SETTING_SIZE];
	struct cell c;

	(void)state;
	for (size_t i = 0; i < LENGTH(known); i++) {
		assert_true(cell_parse(known[i][0], &c));
		if (known[i][1])
			assert_string_equal(setting_heading(&c, text),
					    known[i][1]);
		assert_string_equal(setting_where(&c, text), known[i][2]);
		assert_string_equal(setting_key(&c, text), known[i][3]);
	}
}

/* A range of ratios never looks like 1 if it is not. */
static void ranges(void **state)
{
	static const struct {
		double low, high;
		const char *says;
	} known[] = {
		{ 9.1, 11.21, "9.10 to 11.2" },
		{ 2, 2, "2.00" },
		{ 1.019, 1.021, "1.019 to 1.021" },
		{ 1, 1, "1.000" },
		{ 1.0001, 1.00012, "1.000100 to 1.000120" },
		{ 0.713, 0.75, "0.713 to 0.750" },
		{ 1149, 1326, "1149 to 1326" },
		{ 1.6, NAN, "at least 1.60" },
		{ NAN, 0.6, "at most 0.600" },
	};
	char text[2 * NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH(known); i++)
		assert_string_equal(print_range(known[i].low, known[i].high,
						text),
				    known[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(settings),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
