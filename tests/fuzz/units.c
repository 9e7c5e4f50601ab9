// SPDX-License-Identifier: MIT
/*
 * units.c - parsers of numbers agree with a second, simple implementation
 */
#include "fuzz.h"

#include "harness/base/print.h"
#include "harness/base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit count_units[] = {
	{ "", 1 }, { "k", 1000 }, { "M", 1000000 }, { NULL, 0 }
};
static const struct unit byte_units[] = { { "", 1 },
					  { "B", 1 },
					  { "k", 1024 },
					  { "K", 1024 },
					  { "KiB", 1024 },
					  { "kB", 1000 },
					  { "KB", 1000 },
					  { "M", 1048576 },
					  { "MiB", 1048576 },
					  { "MB", 1000000 },
					  { "G", 1073741824 },
					  { "GiB", 1073741824 },
					  { "GB", 1000000000 },
					  { NULL, 0 } };
static const struct unit time_units[] = {
	{ "ns", 1 },         { "us", 1000 },         { "ms", 1000000 },
	{ "s", 1000000000 }, { "min", 60000000000 }, { NULL, 0 }
};
static const struct unit percent_units[] = { { "%", 1 }, { NULL, 0 } };

static uint64_t factor_of(const struct unit *unit, const char *name)
{
	while (unit->name && strcmp(unit->name, name) != 0)
		unit++;
	return unit->factor;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits and a unit, if that fits 64 bits */
static bool read_whole(const char *text, const struct unit *units, uint64_t *n)
{
	unsigned __int128 x = 0;
	uint64_t factor;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		x = x * 10 + (*text - '0');
		if (x > UINT64_MAX)
			return false;
	}
	factor = factor_of(units, text);
	*n = x * factor;
	return factor && x * factor <= UINT64_MAX;
}

/* Digits with at most one point among them, and a unit */
static bool read_fraction(const char *text, const struct unit *units,
			  long double *x)
{
	long double weight = 1;
	bool point = false, digits = false;
	uint64_t factor;

	for (*x = 0; is_digit(*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits = true;
		if (point)
			*x += (weight /= 10) * (*text - '0');
		else
			*x = *x * 10 + (*text - '0');
	}
	factor = factor_of(units, text);
	*x *= factor;
	return digits && factor;
}

static void check_whole(const char *text)
{
	static const struct {
		bool (*parse)(const char *text, uint64_t *n);
		const struct unit *units;
	} kinds[] = { { parse_number, no_units },
		      { parse_count, count_units },
		      { parse_bytes, byte_units } };

	for (int i = 0; i < 3; i++) {
		uint64_t n, right;
		bool ok = kinds[i].parse(text, &n);

		HOLDS(ok == read_whole(text, kinds[i].units, &right));
		HOLDS(!ok || n == right);
	}
}

static void check_close(double x, long double right)
{
	HOLDS(isfinite(x) && x >= 0);
	HOLDS(fabsl(x - right) <= right * 1e-14L + 1e-300L);
}

static void check_fractions(const char *text)
{
	long double right;
	double x;
	int64_t ns;
	bool is = read_fraction(text, count_units, &right), ok;

	ok = parse_rate(text, &x);
	HOLDS(ok == (is && right <= 0x1.fffffffffffffp1023L));
	if (ok)
		check_close(x, right);
	is = read_fraction(text, percent_units, &right);
	ok = parse_percent(text, &x);
	HOLDS(ok == (is && right <= 0x1.fffffffffffffp1023L));
	if (ok)
		check_close(x, right);
	is = read_fraction(text, time_units, &right);
	ok = parse_time(text, &ns);
	HOLDS(!ok || is);
	if (is && fabsl(right - 1e18L) > 1000) /* where it ends is not exact */
		HOLDS(ok == (right < 1e18L));
	if (ok) {
		HOLDS(ns >= 0 && ns <= 1000000000000000000);
		HOLDS(fabsl(ns - right) <= 0.5L + right * 1e-14L + 1e-9L);
	}
}

/* What is written as it should be is read as it was meant. */
static void check_round_trip(uint64_t n)
{
	char text[64];
	uint64_t back;
	int64_t ns;

	snprintf(text, sizeof(text), "%" PRIu64, n);
	HOLDS(parse_number(text, &back) && back == n);
	snprintf(text, sizeof(text), "%" PRIu64 "k", n / 1000);
	HOLDS(parse_count(text, &back) && back == n / 1000 * 1000);
	snprintf(text, sizeof(text), "%" PRIu64 "KiB", n / 1024);
	HOLDS(parse_bytes(text, &back) && back == n / 1024 * 1024);
	n %= UINT64_C(1) << 52; /* beyond, a double has no halves */
	snprintf(text, sizeof(text), "%" PRIu64 "ns", n);
	HOLDS(parse_time(text, &ns) && ns == (int64_t)n);
	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64 "s",
		 n / 1000000000, n % 1000000000);
	HOLDS(parse_time(text, &ns) && llabs(ns - (int64_t)n) <= 1);
}

/* For people: as long as there is room for, with digits and nothing odd */
static void check_printed(uint64_t n)
{
	char text[PRINT_SIZE];
	uint64_t back = 0;

	memset(text, 'x', sizeof(text));
	HOLDS(print_time(text, n % UINT64_C(1000000000000000000)) == text);
	HOLDS(memchr(text, '\0', sizeof(text)) && is_digit(*text));
	memset(text, 'x', sizeof(text));
	HOLDS(print_count(text, n % UINT64_C(1000000000000000)) == text);
	HOLDS(memchr(text, '\0', sizeof(text)));
	for (const char *c = text; *c; c++)
		if (*c != ',')
			back = back * 10 + (*c - '0');
	HOLDS(back == n % UINT64_C(1000000000000000));
	HOLDS(strspn(print_count(text, n / 1e3), "0123456789,.") ==
	      strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint64_t n = next_number(&in, 8);
	char *text = malloc(size + 1);

	HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	check_whole(text);
	check_fractions(text);
	check_round_trip(n >> n % 61);
	check_printed(n >> n % 61);
	free(text);
	return 0;
}
