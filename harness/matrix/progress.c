/* SPDX-License-Identifier: MIT */
/*
 * progress.c - progress of a run: see progress.h
 *
 * There is no thread and no timer: during a window the CPUs belong to the measurement.
 */
#include "harness/matrix/progress.h"

#include "harness/base/print.h"
#include "harness/measure/wait.h"
#include "harness/verdict/stats.h"
#include "harness/base/grow.h"
#include "harness/base/die.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MAX = 512, WIDTH_USUAL = 80, STEP_SIZE = 32, WORDS_SIZE = 128 };

static const double draw_every_s = 0.1;

struct entry_state {
	size_t first; /* the first entry of the same cell and kind */
	bool done;
	enum status status;
	double took;     /* NAN: not done */
	double expected; /* of `first` only: estimated time of one */
};

struct progress {
	FILE *file;
	const struct blocks *blocks;
	struct entry_state *state; /* of each entry */
	bool quiet, live, colour;
	double guess;    /* s, for a repetition before any has ended */
	json_t *printed; /* the reasons printed so far, with their models */
	double left;     /* s, for all that are not done; unless `stale` */
	bool stale;
	const struct entry *now;
	double now_since, drawn_at;
	char what[STEP_SIZE]; /* the step, or the outcome */
	bool drawn;
};

static double seconds(void)
{
	return (double)monotonic_ns() / 1e9;
}

/* An A/A repetition takes as long as a timing repetition. */
static enum role kind(const struct entry *e)
{
	return e->role == ROLE_AA ? ROLE_TIMING : e->role;
}

static size_t first_of_kind(const struct blocks *b, size_t i)
{
	size_t j = 0;

	while (b->entry[j].cell != b->entry[i].cell ||
	       kind(&b->entry[j]) != kind(&b->entry[i]))
		j++;
	return j;
}

struct progress *progress_open(FILE *file, const struct blocks *b,
			       const struct plan *plan, bool quiet)
{
	struct progress *p = grow(NULL, 1, sizeof(*p));
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool terminal = isatty(fileno(file)) && term && strcmp(term, "dumb");

	*p = (struct progress){
		.file = file,
		.blocks = b,
		.state = grow(NULL, b->n + 1, sizeof(*p->state)),
		.quiet = quiet,
		.live = terminal && !quiet,
		.colour = terminal && !(no_color && *no_color),
		.guess = (double)blocks_estimate(plan, b).ns / 1e9 /
			 (double)(b->n + !b->n),
		.printed = json_object(),
		.stale = true,
	};
	for (size_t i = 0; i < b->n; i++)
		p->state[i] =
			(struct entry_state){ .first = first_of_kind(b, i),
					      .took = NAN };
	return p;
}

/* --------------------------------------------------------------- the time left */

void progress_time(double s, char to[32])
{
	double whole = round(fmax(s, 0)), minutes = round(whole / 60);

	if (whole < 60)
		snprintf(to, 32, "%.0f s", whole);
	else if (whole < 3600)
		snprintf(to, 32, "%.0f min %02.0f s", floor(whole / 60),
			 fmod(whole, 60));
	else
		snprintf(to, 32, "%.0f h %02.0f min", floor(minutes / 60),
			 fmod(minutes, 60));
}

enum { ANY_CELL = -1 };

/* Median of the repetitions that are done; NAN: none */
static double median_time(const struct progress *p, enum role role,
			  ssize_t first)
{
	double took[STATS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < p->blocks->n && n < STATS_MAX; i++)
		if (kind(&p->blocks->entry[i]) == role &&
		    (first == ANY_CELL || p->state[i].first == (size_t)first) &&
		    !isnan(p->state[i].took))
			took[n++] = p->state[i].took;
	return stats_quantile(took, n, 0.5);
}

static double first_not_nan(double a, double b, double c)
{
	return !isnan(a) ? a : !isnan(b) ? b : c;
}

static void estimate_left(struct progress *p)
{
	double of_role[ROLES];

	for (int role = 0; role < ROLES; role++)
		of_role[role] = median_time(p, role, ANY_CELL);
	p->left = 0;
	for (size_t i = 0; i < p->blocks->n; i++) {
		struct entry_state *s = &p->state[i];
		enum role role = kind(&p->blocks->entry[i]);

		if (s->first == i)
			s->expected =
				first_not_nan(median_time(p, role, (ssize_t)i),
					      of_role[role], p->guess);
		if (!s->done)
			p->left += p->state[s->first].expected;
	}
	p->stale = false;
}

static double time_left(struct progress *p)
{
	const struct entry_state *now =
		p->now ? &p->state[p->now->index] : NULL;

	if (p->stale)
		estimate_left(p);
	if (!now || now->done)
		return p->left;
	return p->left -
	       fmin(seconds() - p->now_since, p->state[now->first].expected);
}

/* ------------------------------------------------------------- parts of a line */

/* Appends to a line, as far as there is room. */
__attribute__((format(printf, 3, 4))) static void
add(char line[WIDTH_MAX], const char *between, const char *format, ...)
{
	size_t n = strlen(line);
	va_list args;

	if (n > 0)
		n += snprintf(line + n, WIDTH_MAX - n, "%s", between);
	if (n >= WIDTH_MAX)
		return;
	va_start(args, format);
	vsnprintf(line + n, WIDTH_MAX - n, format, args);
	va_end(args);
}

static size_t count(const struct progress *p, size_t of[STATUSES])
{
	size_t done = 0;

	memset(of, 0, STATUSES * sizeof(*of));
	for (size_t i = 0; i < p->blocks->n; i++) {
		if (!p->state[i].done)
			continue;
		of[p->state[i].status]++;
		done++;
	}
	return done;
}

/* "[ 37/97]" */
static void add_position(char *line, const struct progress *p)
{
	size_t of[STATUSES];
	char all[24];
	int digits = snprintf(all, sizeof(all), "%zu", p->blocks->n);

	add(line, "", "[%*zu/%s]", digits, count(p, of), all);
}

/* "35 ok 1 skipped 1 failed" */
static void add_counts(char *line, const struct progress *p, bool invalid_apart)
{
	size_t of[STATUSES], failed, skipped;

	count(p, of);
	failed = of[STATUS_FAILED];
	skipped = of[STATUS_UNSUPPORTED] + of[STATUS_REFUSED];
	add(line, "", "%zu ok", of[STATUS_OK]);
	if (!invalid_apart)
		failed += of[STATUS_INVALID];
	else if (of[STATUS_INVALID] > 0)
		add(line, " ", "%zu invalid", of[STATUS_INVALID]);
	if (skipped > 0)
		add(line, " ", "%zu skipped", skipped);
	if (failed > 0)
		add(line, " ", "%zu failed", failed);
}

/* "1 min 02 s left"; nothing at the end */
static void add_left(char *line, struct progress *p)
{
	size_t of[STATUSES];
	char time[32];

	if (count(p, of) == p->blocks->n)
		return;
	progress_time(time_left(p), time);
	add(line, "  ", "%s left", time);
}

/* "closed split 64x128 rate 1000": 64 connections, 128 bytes a request */
static void add_cell(char *line, const struct cell *c)
{
	static const char *const others[] = { "rate", "idle", "depth",
					      "pattern", "work" };
	char value[WORK_SIZE];

	cell_part("loop")->print(c, value, sizeof(value));
	add(line, "", "%s", value);
	cell_part("placement")->print(c, value, sizeof(value));
	add(line, " ", "%s", value);
	if (c->connections > 0)
		add(line, " ", "%ux%zu", c->connections, c->message);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		cell_part(others[i])->print(c, value, sizeof(value));
		if (*value)
			add(line, " ", "%s %s", others[i], value);
	}
}

/* The metrics to show; `first`: only the most important one */
static void add_numbers(char *line, const struct record *r, bool first)
{
	enum { TIMED = 1 << ROLE_TIMING | 1 << ROLE_AA | 1 << ROLE_BASELINE };
	static const struct {
		unsigned roles;
		enum metric metric;
		const char *before, *after;
		bool first;
	} shown[] = {
		{ TIMED, METRIC_RESPONSE_P50, "p50 ", "", false },
		{ TIMED, METRIC_RESPONSE_P99, "p99 ", "", true },
		{ TIMED, METRIC_REQUESTS_PER_SECOND, "", " req/s", false },
		{ 1 << ROLE_COUNTING, METRIC_CALLS_PER_REQUEST, "",
		  " calls/req", true },
		{ 1 << ROLE_IDLE, METRIC_RESIDENT_PER_CONNECTION, "",
		  " bytes/client", true },
	};

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		double value = r->metric[shown[i].metric];
		bool time = strcmp(metrics[shown[i].metric].unit, "ns") == 0;
		char text[PRINT_SIZE];

		if (!(shown[i].roles & 1u << r->role) || isnan(value) ||
		    (first && !shown[i].first))
			continue;
		add(line, "  ", "%s%s%s", shown[i].before,
		    time ? print_time(text, value) : print_count(text, value),
		    shown[i].after);
	}
}

/* ------------------------------------------------------------- the live line */

enum { POSITION, MODEL, CELL, BLOCK, WHAT, COUNTS, LEFT, PARTS };

static size_t width_of(FILE *file)
{
	struct winsize size;
	size_t width = WIDTH_USUAL;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		width = size.ws_col;
	/* In the last column some terminals wrap the line. */
	return width < WIDTH_MAX ? width - 1 : WIDTH_MAX - 1;
}

static size_t join(char *line, char part[PARTS][WIDTH_MAX])
{
	*line = '\0';
	for (int i = 0; i < PARTS; i++)
		if (*part[i])
			add(line, i == MODEL ? " " : "  ", "%s", part[i]);
	return strlen(line);
}

static void compose(struct progress *p, char *line, size_t width)
{
	static const int optional[] = { BLOCK, WHAT, CELL, COUNTS, MODEL };
	char part[PARTS][WIDTH_MAX] = { "" };

	add_position(part[POSITION], p);
	if (p->now) {
		add(part[MODEL], "", "%s", p->now->cell->model);
		add_cell(part[CELL], p->now->cell);
		add(part[BLOCK], "", "block %u", p->now->block);
		add(part[WHAT], "", "%s", p->what);
	}
	add_counts(part[COUNTS], p, true);
	add_left(part[LEFT], p);
	if (join(line, part) > width) {
		*part[COUNTS] = '\0';
		add_counts(part[COUNTS], p, false);
	}
	for (size_t i = 0; join(line, part) > width; i++) {
		if (i == sizeof(optional) / sizeof(*optional))
			break;
		*part[optional[i]] = '\0';
	}
	line[width] = '\0';
}

static void draw(struct progress *p)
{
	char line[WIDTH_MAX];

	if (!p->live || (p->drawn && seconds() - p->drawn_at < draw_every_s))
		return;
	compose(p, line, width_of(p->file));
	fprintf(p->file, "\r%s\033[K", line);
	fflush(p->file);
	p->drawn = true;
	p->drawn_at = seconds();
}

static void clear(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", p->file);
	p->drawn = false;
}

void progress_step(struct progress *p, const struct entry *e, const char *step)
{
	if (p->now != e) {
		p->now = e;
		p->now_since = seconds();
	}
	snprintf(p->what, sizeof(p->what), "%s", step);
	draw(p);
}

void progress_say(struct progress *p, const char *format, ...)
{
	va_list args;

	clear(p);
	va_start(args, format);
	vfprintf(p->file, format, args);
	va_end(args);
	fputc('\n', p->file);
	fflush(p->file);
	draw(p);
}

/* ----------------------------------------------------- a line per repetition */

static void print_status(struct progress *p, enum status status)
{
	bool colour = p->colour && status != STATUS_OK;

	fprintf(p->file, "  %s%s%s",
		!colour                 ? "" :
		status == STATUS_FAILED ? "\033[31m" :
					  "\033[33m",
		status_names[status], colour ? "\033[m" : "");
}

/* Without control characters: a reason may quote a server's output. */
static void print_reasons(FILE *file, const json_t *reasons)
{
	size_t i;
	json_t *reason;

	json_array_foreach(reasons, i, reason) {
		fputs("    ", file);
		for (const char *at = json_string_value(reason); *at; at++)
			fputc(iscntrl((unsigned char)*at) ? ' ' : *at, file);
		fputc('\n', file);
	}
}

/* Whether this model, status and reasons were not printed before */
static bool is_new_problem(struct progress *p, const struct record *r)
{
	char *reasons = json_dumps(r->reasons, 0), *key;
	bool new_problem;

	if (asprintf(&key, "%s %d %s", r->cell.model, r->status,
		     reasons ? reasons : "") < 0)
		die("asprintf");
	new_problem = !json_object_get(p->printed, key);
	json_object_set_new(p->printed, key, json_true());
	free(key);
	free(reasons);
	return new_problem;
}

static void print_line(struct progress *p, const struct record *r,
		       bool new_problem)
{
	char line[WIDTH_MAX] = "", left[WIDTH_MAX] = "", name[CELL_NAME_SIZE];

	add_position(line, p);
	add(line, " ", "%s block %u %s", cell_name(&r->cell, name), r->block,
	    role_names[r->role]);
	add_numbers(line, r, false);
	add_left(left, p);
	clear(p);
	fputs(line, p->file);
	print_status(p, r->status);
	fprintf(p->file, "%s%s%s\n",
		r->status == STATUS_OK || new_problem ? "" : ", as before",
		*left ? "  " : "", left);
	if (r->status != STATUS_OK && new_problem)
		print_reasons(p->file, r->reasons);
	fflush(p->file);
}

void progress_done(struct progress *p, const struct record *r, bool old)
{
	struct entry_state *s = &p->state[r->index];
	bool new_problem;

	s->done = true;
	s->status = r->status;
	s->took = r->took_s;
	p->stale = true;
	if (old)
		return;
	p->now = &p->blocks->entry[r->index];
	snprintf(p->what, sizeof(p->what), "%s", status_names[r->status]);
	new_problem = r->status != STATUS_OK && is_new_problem(p, r);
	if (r->status == STATUS_OK) {
		char numbers[WIDTH_MAX] = "";

		add_numbers(numbers, r, true);
		if (*numbers)
			snprintf(p->what, sizeof(p->what), "%.31s", numbers);
	}
	if (new_problem || !(p->live || p->quiet))
		print_line(p, r, new_problem);
	draw(p);
}

void progress_close(struct progress *p)
{
	clear(p);
	fflush(p->file);
	json_decref(p->printed);
	free(p->state);
	free(p);
}
