/* SPDX-License-Identifier: MIT */
/* primitives.c - primitives.csv: see primitives.h */
#include "harness/claims/primitives.h"

#include "harness/base/grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column {
	COLUMN_PRIMITIVE,
	COLUMN_METHOD,
	COLUMN_WATCHED,
	COLUMN_READY,
	COLUMN_COUNT,
	COLUMN_UNIT,
	COLUMN_VALUE,
	COLUMN_LOW,
	COLUMN_HIGH,
	COLUMN_REPETITIONS,
	COLUMN_CALLS,
	COLUMN_WHY,
	COLUMNS
};

static const char *const columns[] = {
	"primitive", "method", "watched",     "ready", "count", "unit", "value",
	"low",       "high",   "repetitions", "calls", "why",   NULL
};

/* Cuts the next field out of *at, without its quotes; *more: its row goes on. */
static char *next_field(char **at, bool *more)
{
	char *field = *at, *to = field, *from = field;
	bool quoted = *from == '"';

	from += quoted;
	for (; *from; from++) {
		if (quoted && *from == '"' && from[1] == '"')
			from++;
		else if (quoted && *from == '"') {
			quoted = false;
			continue;
		} else if (!quoted && (*from == ',' || *from == '\n'))
			break;
		*to++ = *from;
	}
	*more = *from == ',';
	*at = *from ? from + 1 : from;
	*to = '\0';
	return field;
}

static double number(const char *text)
{
	char *end;
	double x = strtod(text, &end);

	return end == text || *end ? NAN : x;
}

static void take(struct primitive_result *p, char *const field[COLUMNS])
{
	*p = (struct primitive_result){
		.row.number = { number(field[COLUMN_WATCHED]),
				number(field[COLUMN_READY]),
				number(field[COLUMN_COUNT]) },
		.value = number(field[COLUMN_VALUE]),
		.low = number(field[COLUMN_LOW]),
		.high = number(field[COLUMN_HIGH]),
		.repetitions = number(field[COLUMN_REPETITIONS]),
		.calls = number(field[COLUMN_CALLS]),
	};
	snprintf(p->row.primitive, sizeof(p->row.primitive), "%s",
		 field[COLUMN_PRIMITIVE]);
	snprintf(p->row.method, sizeof(p->row.method), "%s",
		 field[COLUMN_METHOD]);
	snprintf(p->unit, sizeof(p->unit), "%s", field[COLUMN_UNIT]);
	snprintf(p->why, sizeof(p->why), "%s", field[COLUMN_WHY]);
}

/* Other columns may follow. */
static bool read_row(char **at, char *field[COLUMNS])
{
	bool more = true;
	unsigned n = 0;

	while (more) {
		char *one = next_field(at, &more);

		if (n < COLUMNS)
			field[n] = one;
		n++;
	}
	return n >= COLUMNS;
}

bool primitives_parse(struct primitives *to, char *text, char why[WHY_SIZE])
{
	char *field[COLUMNS];
	unsigned line = 1;

	*to = (struct primitives){ NULL, 0 };
	if (!read_row(&text, field))
		return why_not(why,
			       "primitives.csv: not a table of primitives");
	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(field[i], columns[i]) != 0)
			return why_not(
				why,
				"primitives.csv: column %d is '%.40s', not "
				"'%s': another version wrote it",
				i + 1, field[i], columns[i]);
	while (*text) {
		line++;
		if (!read_row(&text, field)) {
			primitives_free(to);
			return why_not(why, "primitives.csv: row %u is damaged",
				       line);
		}
		to->list = grow(to->list, to->n + 1, sizeof(*to->list));
		take(&to->list[to->n++], field);
	}
	return true;
}

void primitives_free(struct primitives *p)
{
	free(p->list);
	*p = (struct primitives){ NULL, 0 };
}

static bool same_number(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool same_row(const struct primitive_row *a,
		     const struct primitive_row *b)
{
	for (int i = 0; i < ROW_NUMBERS; i++)
		if (!same_number(a->number[i], b->number[i]))
			return false;
	return strcmp(a->primitive, b->primitive) == 0 &&
	       strcmp(a->method, b->method) == 0;
}

const struct primitive_result *primitives_find(const struct primitives *p,
					       const struct primitive_row *row,
					       enum kind kind)
{
	const struct primitive_result *found = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct primitive_result *one = &p->list[i];
		bool time = strcmp(one->unit, "ns") == 0;

		if (same_row(&one->row, row) &&
		    (!found || time == (kind != KIND_NUMBER)))
			found = one;
	}
	return found;
}

char *row_name(const struct primitive_row *row, char to[128])
{
	size_t n = snprintf(to, 128, "%s %s", row->primitive, row->method);

	for (int i = 0; i < ROW_NUMBERS; i++)
		if (isfinite(row->number[i]))
			n += snprintf(to + n, 128 - n, " %s %g", row_numbers[i],
				      row->number[i]);
	return to;
}
