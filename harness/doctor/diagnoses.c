/* SPDX-License-Identifier: MIT */
/* diagnoses.c - printing of findings: see doctor.h */
#include "harness/doctor/doctor.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 78, WIDTH_LEAST = 50, WIDTH_MOST = 100 };
enum { HEALTH_WIDTH = 6, WHAT_WIDTH = 16 };

static const char *const health_names[] = { "ok", "warn", "FAIL" };
static const char *const health_colors[] = { "\033[32m", "\033[33m",
					     "\033[1;31m" };

static size_t width_of(FILE *file)
{
	struct winsize size;

	if (!isatty(fileno(file)) ||
	    ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH;
	if (size.ws_col < WIDTH_LEAST)
		return WIDTH_LEAST;
	return size.ws_col > WIDTH_MOST ? WIDTH_MOST : size.ws_col;
}

/* The name of a process may contain escape sequences. */
static void print_plain(FILE *file, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc(text[i] >= ' ' && text[i] < 127 ? text[i] : '?', file);
}

/* The first line already is at column `indent`. */
static void print_wrapped(FILE *file, const char *text, size_t indent,
			  size_t width)
{
	size_t column = indent;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > indent && column + 1 + word > width) {
			fprintf(file, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', file);
			column++;
		}
		print_plain(file, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}

static void print_one(const struct diagnosis *d, FILE *file, bool color,
		      size_t width)
{
	fprintf(file, "%s%-*s%s%-*s", color ? health_colors[d->health] : "",
		HEALTH_WIDTH, health_names[d->health], color ? "\033[0m" : "",
		WHAT_WIDTH, d->what);
	print_wrapped(file, d->found, HEALTH_WIDTH + WHAT_WIDTH, width);
	if (!*d->remedy)
		return;
	fprintf(file, "%*s%s", HEALTH_WIDTH, "", color ? "\033[1m" : "");
	print_plain(file, d->remedy, strlen(d->remedy));
	fprintf(file, "%s\n", color ? "\033[0m" : "");
}

bool diagnoses_print(const struct diagnoses *d, FILE *file, bool color)
{
	size_t width = width_of(file);
	bool fails = false;

	for (size_t i = 0; i < d->n; i++) {
		print_one(&d->list[i], file, color, width);
		fails |= d->list[i].health == HEALTH_FAIL;
	}
	return fails;
}
