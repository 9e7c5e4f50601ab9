/* SPDX-License-Identifier: MIT */
/* units.c - numbers with units, as users write them: see units.h */
#include "harness/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static const struct unit count_units[] = {
	{ "", 1 },
	{ "k", 1000 },
	{ "M", 1000000 },
	{ NULL, 0 },
};

/* For sizes, k, K, M and G without B are powers of two. */
static const struct unit byte_units[] = {
	{ "", 1 },          { "B", 1 },           { "kB", 1000 },
	{ "KB", 1000 },     { "k", 1 << 10 },     { "K", 1 << 10 },
	{ "KiB", 1 << 10 }, { "MB", 1000000 },    { "M", 1 << 20 },
	{ "MiB", 1 << 20 }, { "GB", 1000000000 }, { "G", 1 << 30 },
	{ "GiB", 1 << 30 }, { NULL, 0 },
};

static const struct unit time_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "min", UINT64_C(60000000000) },
	{ NULL, 0 },
};

static bool parse_whole(const char *text, const struct unit *unit, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno) /* no sign, no space */
		return false;
	for (; unit->name; unit++)
		if (strcmp(end, unit->name) == 0)
			return !__builtin_mul_overflow(*n, unit->factor, n);
	return false;
}

/* A plain decimal number: no sign, no space, no exponent, no "nan" */
static bool parse_fraction(const char *text, char **end, double *x)
{
	size_t length = strspn(text, "0123456789.");

	*x = strtod(text, end);
	return length > 0 && *end == text + length && isfinite(*x);
}

bool parse_number(const char *text, uint64_t *number)
{
	return parse_whole(text, no_units, number);
}

bool parse_count(const char *text, uint64_t *count)
{
	return parse_whole(text, count_units, count);
}

bool parse_rate(const char *text, double *rate)
{
	const struct unit *unit = count_units;
	char *end;

	if (!parse_fraction(text, &end, rate))
		return false;
	while (unit->name && strcmp(end, unit->name) != 0)
		unit++;
	if (!unit->name)
		return false;
	*rate *= unit->factor;
	return isfinite(*rate);
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
	return parse_whole(text, byte_units, bytes);
}

bool parse_time(const char *text, int64_t *ns)
{
	const struct unit *unit = time_units;
	char *end;
	double x;

	if (!parse_fraction(text, &end, &x))
		return false;
	while (unit->name && strcmp(end, unit->name) != 0)
		unit++;
	x *= unit->factor;
	if (!unit->name || x > 1e18)
		return false;
	*ns = (int64_t)(x + 0.5);
	return true;
}

bool parse_percent(const char *text, double *percent)
{
	char *end;

	return parse_fraction(text, &end, percent) && strcmp(end, "%") == 0;
}
