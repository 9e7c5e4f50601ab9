/* SPDX-License-Identifier: MIT */
/* describe.c - settings, numbers and paragraphs as text: see describe.h */
#include "harness/verdict/describe.h"

#include "harness/base/die.h"
#include "harness/plan/plan.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEFAULT_MESSAGE = 64 };

/* -------------------------------------------------------------------- settings */

void add_text(char *to, size_t size, const char *format, ...)
{
	size_t n = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + n, size - n, format, args);
	va_end(args);
}

static void add_bytes(char to[SETTING_SIZE], size_t n)
{
	char text[PRINT_SIZE];

	if (n % 1024 == 0)
		add_text(to, SETTING_SIZE, "%s KiB",
			 print_count(text, (double)(n / 1024)));
	else
		add_text(to, SETTING_SIZE, "%s B",
			 print_count(text, (double)n));
}

/* What clients and requests do, if it is unusual */
static void add_workload(char to[SETTING_SIZE], const struct cell *c)
{
	char n[PRINT_SIZE];

	if (c->pattern == PATTERN_BURST)
		add_text(to, SETTING_SIZE, ", bursts of %s",
			 print_count(n, c->burst));
	if (c->pattern == PATTERN_STORM)
		add_text(to, SETTING_SIZE, ", all connect at once");
	if (c->slow)
		add_text(to, SETTING_SIZE, ", beside %s slow reader%s",
			 print_count(n, c->slow), plural(c->slow));
	if (strcmp(c->work, "none") != 0)
		add_text(to, SETTING_SIZE, ", work %s", c->work);
	if (c->service == SERVICE_HTTP)
		add_text(to, SETTING_SIZE, ", HTTP");
}

char *setting_heading(const struct cell *c, char to[SETTING_SIZE])
{
	char n[PRINT_SIZE];

	*to = '\0';
	if (c->loop == LOOP_CLOSED)
		add_text(to, SETTING_SIZE, "closed loop, ");
	if (c->loop == LOOP_OPEN)
		add_text(to, SETTING_SIZE, "open loop, %s requests/s offered, ",
			 print_count(n, c->rate));
	add_text(to, SETTING_SIZE, "server and clients on %s, ",
		 c->placement == PLACEMENT_SPLIT ? "separate cores" :
						   "one core");
	if (c->loop == LOOP_NONE) {
		add_text(to, SETTING_SIZE, "%s idle client%s",
			 print_count(n, c->idle), plural(c->idle));
		return to;
	}
	add_text(to, SETTING_SIZE, "%s connection%s",
		 print_count(n, c->connections), plural(c->connections));
	if (c->idle)
		add_text(to, SETTING_SIZE, " and %s idle",
			 print_count(n, c->idle));
	add_text(to, SETTING_SIZE, ", ");
	add_bytes(to, c->message);
	if (c->depth > 1)
		add_text(to, SETTING_SIZE, ", %u requests in flight on each",
			 c->depth);
	if (c->pattern == PATTERN_CONNECT)
		add_text(to, SETTING_SIZE, ", a new connection per request");
	add_workload(to, c);
	return to;
}

char *setting_where(const struct cell *c, char to[SETTING_SIZE])
{
	char n[PRINT_SIZE];
	size_t before;

	*to = '\0';
	if (c->loop == LOOP_NONE)
		add_text(to, SETTING_SIZE, "with %s idle client%s (",
			 print_count(n, c->idle), plural(c->idle));
	else
		add_text(to, SETTING_SIZE, "at %s connection%s (",
			 print_count(n, c->connections),
			 plural(c->connections));
	before = strlen(to);
	if (c->loop == LOOP_OPEN)
		add_text(to, SETTING_SIZE, ", open loop at %s/s",
			 print_count(n, c->rate));
	if (c->placement == PLACEMENT_SHARED)
		add_text(to, SETTING_SIZE, ", one core");
	if (c->loop != LOOP_NONE && c->idle)
		add_text(to, SETTING_SIZE, ", %s idle",
			 print_count(n, c->idle));
	if (c->message != DEFAULT_MESSAGE) {
		add_text(to, SETTING_SIZE, ", ");
		add_bytes(to, c->message);
	}
	if (c->depth > 1)
		add_text(to, SETTING_SIZE, ", depth %u", c->depth);
	if (c->pattern == PATTERN_CONNECT)
		add_text(to, SETTING_SIZE, ", a connection per request");
	add_workload(to, c);
	if (to[before])
		memmove(to + before, to + before + 2, strlen(to + before) - 1);
	add_text(to, SETTING_SIZE, ")");
	if (to[before] == ')')
		to[before - 2] = '\0';
	return to;
}

char *setting_key(const struct cell *c, char to[SETTING_SIZE])
{
	static const char *const rest[] = { "rate",   "idle",    "message",
					    "depth",  "pattern", "work",
					    "service" };
	char value[CELL_NAME_SIZE];

	*to = '\0';
	cell_part("loop")->print(c, value, sizeof(value));
	add_text(to, SETTING_SIZE, "%s ", value);
	cell_part("placement")->print(c, value, sizeof(value));
	add_text(to, SETTING_SIZE, "%s", value);
	if (c->connections)
		add_text(to, SETTING_SIZE, " %u", c->connections);
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++) {
		cell_part(rest[i])->print(c, value, sizeof(value));
		if (*value && !(i == 2 && c->message == DEFAULT_MESSAGE))
			add_text(to, SETTING_SIZE, " %s %s", rest[i], value);
	}
	return to;
}

/* --------------------------------------------------------------------- numbers */

struct scale {
	double size;
	const char *unit;
};

static const struct scale times[] = {
	{ 1, " ns" }, { 1e3, " us" }, { 1e6, " ms" }, { 1e9, " s" }, { 0, NULL }
};
static const struct scale rates[] = {
	{ 1, "/s" }, { 1e3, " k/s" }, { 1e6, " M/s" }, { 0, NULL }
};
static const struct scale sizes[] = { { 1, " B" },
				      { 1024, " KiB" },
				      { 1048576, " MiB" },
				      { 1073741824, " GiB" },
				      { 0, NULL } };
static const struct scale shares[] = { { 0.01, " %" }, { 0, NULL } };
static const struct scale plain[] = { { 1, "" }, { 0, NULL } };

static const struct scale *scales_of(enum metric m)
{
	const char *unit = metrics[m].unit;

	if (strcmp(unit, "ns") == 0)
		return times;
	if (strcmp(unit, "1/s") == 0)
		return rates;
	if (strcmp(unit, "bytes") == 0)
		return sizes;
	return strstr(metrics[m].name, "_share") ? shares : plain;
}

/* The largest unit of which x is at least one after rounding */
static const struct scale *scale_for(enum metric m, double x)
{
	const struct scale *s = scales_of(m);

	while (s[1].size > 0 && fabs(x) >= 0.9995 * s[1].size)
		s++;
	return s;
}

/* Three digits; beyond 99999 as a power of ten, to stay short */
static void print_digits(double x, char *to, size_t size)
{
	double a = fabs(x);

	if (a < 1e-6)
		snprintf(to, size, "0");
	else if (a < 0.001)
		snprintf(to, size, x > 0 ? "<0.001" : "0");
	else if (a < 0.0995)
		snprintf(to, size, "%.2g", x);
	else if (a > 99999)
		snprintf(to, size, "%.0e", x);
	else
		snprintf(to, size, "%.*f",
			 a < 9.995 ? 2 :
			 a < 99.95 ? 1 :
				     0,
			 x);
}

char *print_ratio(double x, char to[NUMBER_SIZE])
{
	if (x > 0.0995 && x < 0.9995)
		snprintf(to, NUMBER_SIZE, "%.3f", x);
	else
		print_digits(x, to, NUMBER_SIZE);
	return to;
}

static void print_near(double x, char to[NUMBER_SIZE])
{
	if (fabs(x - 1) < 0.1)
		snprintf(to, NUMBER_SIZE, "%.*f",
			 x != 1 && fabs(x - 1) < 0.001 ? 6 : 3, x);
	else
		print_ratio(x, to);
}

char *print_range(double low, double high, char to[2 * NUMBER_SIZE])
{
	char a[NUMBER_SIZE], b[NUMBER_SIZE];
	bool same;

	if (isnan(low) || isnan(high)) {
		print_near(isnan(low) ? high : low, a);
		snprintf(to, 2 * NUMBER_SIZE, "at %s %s",
			 isnan(low) ? "most" : "least", a);
		return to;
	}
	print_near(low, a);
	print_near(high, b);
	same = strcmp(a, b) == 0;
	snprintf(to, 2 * NUMBER_SIZE, "%.40s%s%.40s", a, same ? "" : " to ",
		 same ? "" : b);
	return to;
}

char *print_metric(enum metric m, double x, char to[NUMBER_SIZE])
{
	const struct scale *s = scale_for(m, x);

	if (!isfinite(x))
		return strcpy(to, "-");
	print_digits(x / s->size, to, NUMBER_SIZE);
	strcat(to, s->unit);
	return to;
}

/* ------------------------------------------------------------------ paragraphs */

FILE *text_open(char **text, size_t *size)
{
	FILE *file = open_memstream(text, size);

	if (!file)
		die("open_memstream");
	return file;
}

void text_close(FILE *file)
{
	if (fclose(file) != 0)
		die("open_memstream");
}

static void write_shown(FILE *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc(isprint((unsigned char)text[i]) && !(text[i] & 0x80) ?
			      text[i] :
			      '?',
		      to);
}

void write_paragraph(FILE *to, const char *first, const char *rest,
		     const char *text)
{
	static const char blanks[] = " \t\r\n";
	size_t column = strlen(first), start = column;

	fputs(first, to);
	while (*(text += strspn(text, blanks))) {
		size_t n = strcspn(text, blanks);
		size_t blank = column > start;

		if (blank && column + 1 + n > LINE_WIDTH) {
			fprintf(to, "\n%s", rest);
			column = start = strlen(rest);
			blank = 0;
		}
		/* A longer word is cut. */
		if (column + blank + n > LINE_WIDTH)
			n = LINE_WIDTH - column - blank;
		if (blank)
			fputc(' ', to);
		write_shown(to, text, n);
		column += blank + n;
		text += n;
	}
	fputc('\n', to);
}

bool has_color(FILE *file)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fileno(file)) && !(no && *no) &&
	       !(term && strcmp(term, "dumb") == 0);
}

void write_style(FILE *to, bool color, enum style style)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[33m",
					     "\033[31m" };

	if (color)
		fputs(codes[style], to);
}

void write_warning(FILE *to, bool color, const char *first, const char *rest,
		   const char *text)
{
	write_style(to, color, YELLOW);
	write_paragraph(to, first, rest, text);
	write_style(to, color, PLAIN);
}

void write_heading(FILE *to, bool color, const char *text)
{
	fputc('\n', to);
	write_style(to, color, BOLD);
	write_paragraph(to, "", "", text);
	write_style(to, color, PLAIN);
}
