/* SPDX-License-Identifier: MIT */
/* result.c - repetitions become rows of primitives.csv: see result.h */
#include "harness/primitives/result.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/store/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file_name[] = "primitives.csv";
static const char header[] = "primitive,method,watched,ready,count,unit,value,"
			     "low,high,repetitions,calls,why\n";

/* --------------------------------------------------------------- repetitions */

/* What the repetitions of one benchmark have measured */
struct values {
	double time[STATS_MAX], count[STATS_MAX];
	size_t n;
};

static void take_repetition(struct values *v, const json_t *run)
{
	const json_t *count = json_object_get(run, "result");

	if (v->n == STATS_MAX)
		return;
	v->time[v->n] = json_number_value(json_object_get(run, "real_time")) /
			json_number_value(json_object_get(run, "operations"));
	v->count[v->n++] = count ? json_number_value(count) : NAN;
}

/* The library writes real_time in the unit that it was asked for. */
static double in_ns(const json_t *run)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	const char *unit = json_string_value(json_object_get(run, "time_unit"));

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ns;
	return 1;
}

static void read_result(struct result *r, const json_t *runs)
{
	static struct values v;
	char name[PRIMITIVE_NAME_SIZE];
	const json_t *run;
	double unit = 1;
	size_t i;

	v.n = 0;
	primitive_name(r->primitive, name);
	json_array_foreach(runs, i, run) {
		const char *of =
			json_string_value(json_object_get(run, "run_name"));
		const char *type =
			json_string_value(json_object_get(run, "run_type"));

		if (!of || strcmp(of, name) != 0 || !type ||
		    strcmp(type, "iteration") != 0)
			continue;
		unit = in_ns(run);
		take_repetition(&v, run);
	}
	for (i = 0; i < v.n; i++)
		v.time[i] *= unit;
	r->time = stats_summary(v.time, v.n);
	r->count = stats_summary(v.count, v.n);
}

void results_read(struct result *r, size_t n, const json_t *report)
{
	const json_t *runs = json_object_get(report, "benchmarks");

	for (size_t i = 0; i < n; i++)
		if (r[i].chosen)
			read_result(&r[i], runs);
}

/* ----------------------------------------------------------------------- CSV */

static void put_number(FILE *to, double x)
{
	fputc(',', to);
	if (isfinite(x))
		fprintf(to, "%.6g", x);
}

static void put_part(FILE *to, unsigned x)
{
	fputc(',', to);
	if (x)
		fprintf(to, "%u", x);
}

static void put_text(FILE *to, const char *text)
{
	fputs(",\"", to);
	for (; *text; text++)
		fputs(*text == '"' ? "\"\"" : (char[]){ *text, '\0' }, to);
	fputc('"', to);
}

/* "wait,poll,1000,1,,ns": what a row is about */
static char *key_of(const struct primitive *p, const char *unit)
{
	size_t size;
	char *key;
	FILE *to = open_memstream(&key, &size);

	if (!to)
		die("open_memstream");
	fprintf(to, "%s,%s", p->name, p->method);
	put_part(to, p->watched);
	put_part(to, p->ready);
	put_part(to, p->count);
	fprintf(to, ",%s", unit);
	fclose(to);
	return key;
}

static void put_row(FILE *to, const char *key, const struct summary *s,
		    const struct result *r)
{
	fputs(key, to);
	put_number(to, s->n ? s->median : NAN);
	put_number(to, s->interval.low);
	put_number(to, s->interval.high);
	fprintf(to, ",%zu", s->n);
	put_number(to, r->calls);
	if (*r->why)
		put_text(to, r->why);
	else
		fputc(',', to);
	fputc('\n', to);
}

/* The row of an older file with this key, or NULL */
static const char *find_row(const char *old, const char *key, size_t *length)
{
	size_t n = strlen(key);

	for (const char *line = old; line && *line; line += *length) {
		*length = strcspn(line, "\n");
		*length += line[*length] == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ',')
			return line;
	}
	return NULL;
}

/* `s`: of this unit. Not measured, and not because it cannot be: an older row stays. */
static void put_or_keep(FILE *to, const char *old, const struct result *r,
			const char *unit, const struct summary *s)
{
	char *key = key_of(r->primitive, unit);
	const char *row;
	size_t length;

	if (r->chosen && (s->n || *r->why))
		put_row(to, key, s, r);
	else if ((row = find_row(old, key, &length)))
		fwrite(row, 1, length, to);
	free(key);
}

bool results_write(const struct result *r, size_t n, const struct store *to,
		   char why[WHY_SIZE])
{
	char *text, *old = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool good;

	if (!file)
		die("open_memstream");
	if (file_exists(to, file_name) &&
	    !(old = file_get(to, file_name, &size, why)))
		return false;
	if (old && strncmp(old, header, strlen(header)) != 0)
		return why_not(why,
			       "%s/%s: not written by this version; "
			       "remove it, or name another folder",
			       to->path, file_name);
	fputs(header, file);
	for (size_t i = 0; i < n; i++) {
		if (r[i].primitive->results & RESULT_TIME)
			put_or_keep(file, old, &r[i], "ns", &r[i].time);
		if (r[i].primitive->results & RESULT_COUNT)
			put_or_keep(file, old, &r[i], "count", &r[i].count);
	}
	fclose(file);
	good = store_file(to, file_name, text, why);
	free(text);
	free(old);
	return good;
}
