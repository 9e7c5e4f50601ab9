// SPDX-License-Identifier: MIT
/*
 * record.c - a line is refused with a reason, or survives writing and parsing again
 *
 * An input is a line of repetitions.jsonl.
 */
#include "fuzz.h"

#include "harness/store/record.h"

#include <string.h>

static json_t *written(const struct record *r)
{
	json_t *json = record_json(r), *again;
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));

	HOLDS(text && !strchr(text, '\n'));
	again = json_loads(text, 0, NULL);
	HOLDS(again);
	free(text);
	json_decref(json);
	return again;
}

static void check_again(const struct record *r)
{
	char why[WHY_SIZE];
	json_t *line = written(r), *once_more;
	struct record again;

	HOLDS(record_read(&again, line, why));
	HOLDS(cell_same(&again.cell, &r->cell));
	HOLDS(again.status == r->status && again.role == r->role);
	HOLDS(again.index == r->index && again.n_calls <= r->n_calls);
	once_more = written(&again);
	HOLDS(json_equal(line, once_more));
	json_decref(once_more);
	json_decref(line);
	record_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[WHY_SIZE] = "";
	json_t *line = json_loadb((const char *)data, size, 0, NULL);
	struct record r;

	if (!line)
		return 0;
	if (record_read(&r, line, why)) {
		check_again(&r);
		record_free(&r);
	} else {
		HOLDS(*why && strnlen(why, sizeof(why)) < sizeof(why));
	}
	json_decref(line);
	return 0;
}
