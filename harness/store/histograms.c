/* SPDX-License-Identifier: MIT */
/* histograms.c - the compact form of stored histograms: see histograms.h */
#include "harness/store/histograms.h"

#include "harness/store/files.h"
#include "harness/base/die.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static json_t *checked(json_t *made)
{
	if (!made)
		die("jansson");
	return made;
}

static void append(json_t *array, json_int_t n)
{
	if (json_array_append_new(array, json_integer(n)) < 0)
		die("jansson");
}

static bool is_row(const json_t *row)
{
	size_t i;
	json_t *n;

	if (json_array_size(row) != 3)
		return false;
	json_array_foreach(row, i, n) {
		if (!json_is_integer(n))
			return false;
	}
	return true;
}

static bool are_rows(const json_t *buckets)
{
	size_t i;
	json_t *row;

	if (!json_is_array(buckets))
		return false;
	json_array_foreach(buckets, i, row) {
		if (!is_row(row))
			return false;
	}
	return true;
}

static json_t *columns(const json_t *rows)
{
	json_t *step = json_array(), *width = json_array(),
	       *count = json_array(), *row;
	json_int_t before = 0;
	size_t i;

	json_array_foreach(rows, i, row) {
		json_int_t lowest = json_integer_value(json_array_get(row, 0));
		json_int_t highest = json_integer_value(json_array_get(row, 1));

		append(step, lowest - before);
		append(width, highest - lowest + 1);
		append(count, json_integer_value(json_array_get(row, 2)));
		before = lowest;
	}
	return checked(json_pack("{s:o, s:o, s:o}", "step", step, "width",
				 width, "count", count));
}

json_t *histograms_by_column(const json_t *from)
{
	json_t *to = checked(json_copy((json_t *)from)), *part;
	const char *key;
	size_t i;

	json_array_foreach(from, i, part) {
		json_array_set_new(to, i, histograms_by_column(part));
	}
	json_object_foreach((json_t *)from, key, part) {
		json_object_set_new(to, key,
				    strcmp(key, "buckets") == 0 &&
						    are_rows(part) ?
					    columns(part) :
					    histograms_by_column(part));
	}
	return to;
}

/* Without name and time */
static void *gzip(char *text, size_t size, size_t *packed)
{
	z_stream z = { .next_in = (unsigned char *)text,
		       .avail_in = (unsigned)size };
	unsigned char *to;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16,
			 MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflateInit2");
	*packed = deflateBound(&z, size);
	to = malloc(*packed);
	if (!to)
		die("malloc");
	z.next_out = to;
	z.avail_out = (unsigned)*packed;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		die("deflate");
	*packed = z.total_out;
	deflateEnd(&z);
	return to;
}

void *histograms_pack(const json_t *from, size_t *size)
{
	json_t *kept = histograms_by_column(from);
	char *text = json_dumps(kept, STORE_JSON);
	void *packed;

	if (!text)
		die("json_dumps");
	json_decref(kept);
	packed = gzip(text, strlen(text), size);
	free(text);
	return packed;
}
