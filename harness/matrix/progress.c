/* SPDX-License-Identifier: MIT */
/*
 * progress.c - progress of a run: see progress.h
 *
 * There is no thread and no timer: during a slice the CPUs belong to the measurement.
 */
#include "harness/matrix/progress.h"

#include "harness/base/print.h"
#include "harness/measure/wait.h"
#include "harness/verdict/describe.h"
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

enum { WIDTH_MAX = 512, WIDTH_USUAL = 80, STEP_SIZE = 48 };

static const double draw_every_s = 0.1;

struct bout_state {
	const struct entry *entry; /* the first of */
	size_t n;
	size_t like; /* the first bout of the same setting and kind */
	bool done;
	double took;     /* s; NAN: not done */
	double guess;    /* before any has ended */
	double expected; /* of `like` only: estimated time of one */
};

struct progress {
	FILE *file;
	struct bout_state *bout;
	size_t n, n_done;
	size_t cells[STATUSES]; /* of bouts that are done */
	bool quiet, live, colour;
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

/* What a bout is: its first entry may be of any model */
static enum role kind(const struct bout_state *b)
{
	enum role role = b->entry->role;

	return role == ROLE_COUNTING || role == ROLE_IDLE ? role : ROLE_TIMING;
}

static size_t find_like(const struct progress *p, const struct bout_state *b)
{
	size_t i = 0;

	while (kind(&p->bout[i]) != kind(b) ||
	       !cell_same_setting(p->bout[i].entry->cell, b->entry->cell))
		i++;
	return i;
}

static void find_bouts(struct progress *p, const struct blocks *b,
		       const struct plan *plan)
{
	p->bout = grow(NULL, b->n + 1, sizeof(*p->bout));
	for (size_t i = 0; i < b->n; i += p->bout[p->n++].n) {
		struct bout_state *bout = &p->bout[p->n];

		*bout = (struct bout_state){ .entry = &b->entry[i],
					     .n = bout_length(b, i),
					     .took = NAN };
		bout->guess = bout_estimate(plan, bout->entry, bout->n) / 1e9;
		bout->like = find_like(p, bout);
	}
}

/* Bouts keep their numbers where some are left out, as bin/matrix claims does. */
static struct bout_state *find_bout(const struct progress *p, unsigned bout)
{
	size_t i = bout < p->n ? bout : p->n - 1;

	while (p->bout[i].entry->bout > bout && i > 0)
		i--;
	return &p->bout[i];
}

struct progress *progress_open(FILE *file, const struct blocks *b,
			       const struct plan *plan, bool quiet)
{
	struct progress *p = grow(NULL, 1, sizeof(*p));
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool terminal = isatty(fileno(file)) && term && strcmp(term, "dumb");

	*p = (struct progress){
		.file = file,
		.quiet = quiet,
		.live = terminal && !quiet,
		.colour = terminal && !(no_color && *no_color),
		.printed = json_object(),
		.stale = true,
	};
	find_bouts(p, b, plan);
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

enum { ANY_SETTING = -1 };

/* Median of the bouts that are done; NAN: none */
static double median_time(const struct progress *p, enum role role,
			  ssize_t like)
{
	double took[STATS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < p->n && n < STATS_MAX; i++)
		if (kind(&p->bout[i]) == role && !isnan(p->bout[i].took) &&
		    (like == ANY_SETTING || p->bout[i].like == (size_t)like))
			took[n++] = p->bout[i].took;
	return stats_summary(took, n).median;
}

static double first_not_nan(double a, double b, double c)
{
	return !isnan(a) ? a : !isnan(b) ? b : c;
}

static void estimate_left(struct progress *p)
{
	p->left = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct bout_state *b = &p->bout[i];

		if (b->like == i)
			b->expected = first_not_nan(
				median_time(p, kind(b), (ssize_t)i),
				median_time(p, kind(b), ANY_SETTING), b->guess);
		if (!b->done)
			p->left += p->bout[b->like].expected;
	}
	p->stale = false;
}

static double time_left(struct progress *p)
{
	const struct bout_state *now =
		p->now ? find_bout(p, p->now->bout) : NULL;

	if (p->stale)
		estimate_left(p);
	if (!now || now->done)
		return p->left;
	return p->left -
	       fmin(seconds() - p->now_since, p->bout[now->like].expected);
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

/* "[ 7/37]" */
static void add_position(char *line, const struct progress *p)
{
	char all[24];
	int digits = snprintf(all, sizeof(all), "%zu", p->n);

	add(line, "", "[%*zu/%s]", digits, p->n_done, all);
}

/* "35 ok 1 skipped 1 failed" */
static void add_counts(char *line, const size_t of[STATUSES])
{
	size_t skipped = of[STATUS_UNSUPPORTED] + of[STATUS_REFUSED];

	add(line, "", "%zu ok", of[STATUS_OK]);
	if (skipped > 0)
		add(line, " ", "%zu skipped", skipped);
	if (of[STATUS_FAILED] > 0)
		add(line, " ", "%zu failed", of[STATUS_FAILED]);
}

/* "1 min 02 s left"; nothing at the end */
static void add_left(char *line, struct progress *p)
{
	char time[32];

	if (p->n_done == p->n)
		return;
	progress_time(time_left(p), time);
	add(line, "  ", "%s left", time);
}

/* "block 2"; "counting poll" */
static void add_kind(char *line, const char *between, const struct entry *e)
{
	if (e->role == ROLE_COUNTING || e->role == ROLE_IDLE)
		add(line, between, "%s %s", role_names[e->role],
		    e->cell->model);
	else
		add(line, between, "block %u", e->block);
}

/* "9 servers  9 rounds, 1 dropped"; "3.01 calls/req" */
static void add_numbers(char *line, const struct record *r, size_t n)
{
	double calls = r->metric[METRIC_CALLS_PER_REQUEST],
	       bytes = r->metric[METRIC_RESIDENT_PER_CONNECTION];
	char text[PRINT_SIZE];

	if (r->role == ROLE_COUNTING && !isnan(calls))
		add(line, "  ", "%s calls/req", print_count(text, calls));
	if (r->role == ROLE_IDLE && !isnan(bytes))
		add(line, "  ", "%s bytes/client", print_count(text, bytes));
	if (r->role == ROLE_COUNTING || r->role == ROLE_IDLE)
		return;
	add(line, "  ", "%zu server%s  %u round%s", n, plural(n),
	    r->rounds.counted, plural(r->rounds.counted));
	if (r->rounds.dropped)
		add(line, ", ", "%u dropped", r->rounds.dropped);
}

/* ------------------------------------------------------------- the live line */

enum { POSITION, SETTING, KIND, WHAT, COUNTS, LEFT, PARTS };

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
			add(line, i == SETTING ? " " : "  ", "%s", part[i]);
	return strlen(line);
}

static void compose(struct progress *p, char *line, size_t width)
{
	static const int optional[] = { KIND, COUNTS, WHAT, SETTING };
	char part[PARTS][WIDTH_MAX] = { "" }, setting[SETTING_SIZE];

	add_position(part[POSITION], p);
	if (p->now) {
		add(part[SETTING], "", "%s",
		    setting_key(p->now->cell, setting));
		add_kind(part[KIND], "", p->now);
		add(part[WHAT], "", "%s", p->what);
	}
	add_counts(part[COUNTS], p->cells);
	add_left(part[LEFT], p);
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
	if (!p->now || p->now->bout != e->bout)
		p->now_since = seconds();
	p->now = e;
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

/* ------------------------------------------------------------ a line per bout */

static const char *colour_of(const struct progress *p, enum status status)
{
	if (!p->colour || status == STATUS_OK)
		return "";
	return status == STATUS_FAILED ? "\033[31m" : "\033[33m";
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

/* "  poll  closed split 64  block 2  failed", and the reasons, unless they were printed
 * before */
static void print_problem(struct progress *p, const struct record *r,
			  bool new_problem)
{
	char line[WIDTH_MAX] = "", setting[SETTING_SIZE];
	const char *colour = colour_of(p, r->status);

	add(line, "", "  %s  %s  ", r->cell.model,
	    setting_key(&r->cell, setting));
	if (r->block)
		add(line, "", "block %u", r->block);
	else
		add(line, "", "%s", role_names[r->role]);
	if (r->role == ROLE_AA)
		add(line, "", ", twin");
	fprintf(p->file, "%s  %s%s%s%s\n", line, colour,
		status_names[r->status], *colour ? "\033[m" : "",
		new_problem ? "" : ", as before");
	if (new_problem)
		print_reasons(p->file, r->reasons);
}

static void print_line(struct progress *p, const struct record *const *r,
		       size_t n)
{
	char line[WIDTH_MAX] = "", outcome[WIDTH_MAX] = "";
	char setting[SETTING_SIZE];
	size_t of[STATUSES] = { 0 }, ok;

	for (size_t i = 0; i < n; i++)
		of[r[i]->status]++;
	for (ok = 0; ok < n && r[ok]->status != STATUS_OK; ok++)
		;
	if (n == 1)
		add(outcome, "", "%s", status_names[r[0]->status]);
	else
		add_counts(outcome, of);
	add_position(line, p);
	add(line, " ", "%s", setting_key(&r[0]->cell, setting));
	add_kind(line, "  ", find_bout(p, r[0]->bout)->entry);
	if (ok < n)
		add_numbers(line, r[ok], n);
	add(line, "  ", "%s", outcome);
	add_left(line, p);
	fprintf(p->file, "%s\n", line);
}

/* A terminal has the live line instead, and with --quiet there are only problems. */
static void print_bout(struct progress *p, const struct record *const *r,
		       size_t n)
{
	bool brief = p->live || p->quiet;

	if (!brief)
		print_line(p, r, n);
	for (size_t i = 0; i < n; i++) {
		bool new_problem =
			r[i]->status != STATUS_OK && is_new_problem(p, r[i]);

		if (brief && new_problem)
			clear(p);
		if (r[i]->status != STATUS_OK && (new_problem || !brief))
			print_problem(p, r[i], new_problem);
	}
	fflush(p->file);
}

void progress_done(struct progress *p, const struct record *const *r, size_t n,
		   bool old)
{
	struct bout_state *b = find_bout(p, r[0]->bout);

	b->done = true;
	b->took = 0;
	for (size_t i = 0; i < n; i++) {
		p->cells[r[i]->status]++;
		b->took += r[i]->took_s; /* the bout's, divided by n */
	}
	p->n_done++;
	p->stale = true;
	if (old)
		return;
	p->now = b->entry;
	*p->what = '\0';
	print_bout(p, r, n);
	draw(p);
}

void progress_close(struct progress *p)
{
	clear(p);
	fflush(p->file);
	json_decref(p->printed);
	free(p->bout);
	free(p);
}
