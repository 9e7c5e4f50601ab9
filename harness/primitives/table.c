/* SPDX-License-Identifier: MIT */
/* table.c - the results for people, and the table of Kerrisk: see result.h */
#include "harness/primitives/result.h"

#include "harness/base/print.h"

#include <string.h>

/* The methods of a wait, in the order of the columns */
static const char *const columns[] = {
	"select",   "select_gap",    "select_large",    "poll", "epoll",
	"epoll_et", "uring_oneshot", "uring_multishot", "aio",
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

static const struct result *find(const struct result *r, size_t n,
				 const char *name, const char *method,
				 unsigned watched, unsigned ready)
{
	for (size_t i = 0; i < n; i++) {
		const struct primitive *p = r[i].primitive;

		if (strcmp(p->name, name) == 0 &&
		    strcmp(p->method, method) == 0 && p->watched == watched &&
		    p->ready == ready && r[i].time.n)
			return &r[i];
	}
	return NULL;
}

static bool same_place(const struct primitive *a, const struct primitive *b)
{
	return strcmp(a->name, b->name) == 0 && a->watched == b->watched &&
	       a->ready == b->ready;
}

static const char *heading(int column)
{
	static const char *const of[] = {
		"select",   "sel. gap",  "sel. large", "poll", "epoll",
		"epoll ET", "ring once", "ring multi", "aio"
	};

	return of[column];
}

static void print_places(const struct result *r, size_t n, const char *name,
			 FILE *to)
{
	char text[PRINT_SIZE];

	fprintf(to, "%7s %7s", "watched", "ready");
	for (int c = 0; c < COLUMNS; c++)
		fprintf(to, " %10s", heading(c));
	fputc('\n', to);
	for (size_t i = 0; i < n; i++) {
		const struct primitive *p = r[i].primitive;

		if (strcmp(p->name, name) != 0 ||
		    (i > 0 && same_place(p, r[i - 1].primitive)))
			continue;
		fprintf(to, "%7s", print_count(text, p->watched));
		fprintf(to, " %7s",
			p->ready ? print_count(text, p->ready) : "");
		for (int c = 0; c < COLUMNS; c++) {
			const struct result *of = find(r, n, name, columns[c],
						       p->watched, p->ready);

			fprintf(to, " %10s",
				of ? print_time(text, of->time.median) : "-");
		}
		fputc('\n', to);
	}
}

static bool is_in_table(const struct primitive *p)
{
	return strcmp(p->name, "wait") == 0 || strcmp(p->name, "register") == 0;
}

static void print_row(const struct result *r, FILE *to)
{
	char name[PRIMITIVE_NAME_SIZE], low[PRINT_SIZE], high[PRINT_SIZE],
		text[PRINT_SIZE];

	primitive_name(r->primitive, name);
	if (r->time.n && r->primitive->results & RESULT_TIME) {
		fprintf(to, "%-28s %10s", name,
			print_time(text, r->time.median));
		if (r->time.interval.rank)
			fprintf(to, "  %s to %s",
				print_time(low, r->time.interval.low),
				print_time(high, r->time.interval.high));
		if (isfinite(r->calls))
			fprintf(to, "  %s call%s", print_count(text, r->calls),
				plural(r->calls));
		fputc('\n', to);
	}
	if (r->count.n)
		fprintf(to, "%-28s %10s\n", name,
			print_count(text, r->count.median));
}

void results_print(const struct result *r, size_t n, FILE *to)
{
	fputs("\nOne wait, until the numbers of all ready descriptors are known\n",
	      to);
	print_places(r, n, "wait", to);
	fputs("\nRegistering and removing one beside those that are watched\n",
	      to);
	print_places(r, n, "register", to);
	fputc('\n', to);
	for (size_t i = 0; i < n; i++)
		if (r[i].chosen && !is_in_table(r[i].primitive))
			print_row(&r[i], to);
	for (size_t i = 0; i < n; i++) {
		char name[PRIMITIVE_NAME_SIZE];

		if (*r[i].why)
			fprintf(to, "unsupported: %s: %s\n",
				primitive_name(r[i].primitive, name), r[i].why);
	}
}

/* Seconds of CPU for 100,000 waits: plots/kerrisk.csv */
static const struct {
	const char *method;
	unsigned watched;
	double seconds;
} kerrisk[] = {
#include "kerrisk.h"
};

static void print_his(const char *method, unsigned watched, FILE *to)
{
	for (size_t i = 0; i < sizeof(kerrisk) / sizeof(*kerrisk); i++)
		if (strcmp(kerrisk[i].method, method) == 0 &&
		    kerrisk[i].watched == watched)
			fprintf(to, " %10.1f",
				kerrisk[i].seconds * 10); /* us */
}

static void print_one(const struct result *r, size_t n, const char *method,
		      unsigned watched, FILE *to)
{
	const struct result *of = find(r, n, "wait", method, watched, 1);

	if (!of && strcmp(method, "select") == 0)
		of = find(r, n, "wait", "select_large", watched, 1);
	if (of)
		fprintf(to, " %10.2f", of->time.median / 1e3);
	else
		fprintf(to, " %10s", "-");
}

void kerrisk_print(const struct result *r, size_t n, FILE *to)
{
	static const char *const methods[] = { "select", "poll", "epoll" };

	fputs("\nKerrisk's table: us per wait with one ready descriptor, chosen at random\n"
	      "           this machine                     Kerrisk, 2006\n"
	      "watched     select       poll      epoll     select       poll      epoll\n",
	      to);
	for (unsigned watched = 10; watched <= 10000; watched *= 10) {
		fprintf(to, "%7u", watched);
		for (int i = 0; i < 3; i++)
			print_one(r, n, methods[i], watched, to);
		for (int i = 0; i < 3; i++)
			print_his(methods[i], watched, to);
		fputc('\n', to);
	}
}
