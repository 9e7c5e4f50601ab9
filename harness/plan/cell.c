/* SPDX-License-Identifier: MIT */
/* cell.c - cells and their names: see cell.h */
#include "harness/plan/cell.h"

#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The limits of the load generator */
enum { CONNECTIONS_MAX = 1000000, DEPTH_MAX = 65536, MESSAGE_MAX = 1 << 30 };
static const double rate_min = 0.01, rate_max = 1e8;
static const double percent_min = 0.001;

static const char *const loops[] = { "closed", "open", "none", NULL };
static const char *const placements[] = { "split", "shared", NULL };
static const char *const patterns[] = { "steady", "burst",     "connect",
					"storm",  "slow-read", NULL };
static const char *const services[] = { "echo", "http", NULL };
static const char *const works[] = { "none", "cpu", "sleep", NULL };

/* ------------------------------------------------------------------ reading */

static bool read_count(const char *value, uint64_t low, uint64_t high,
		       unsigned *count)
{
	uint64_t n;

	if (!parse_count(value, &n) || n < low || n > high)
		return false;
	*count = n;
	return true;
}

/* Skips a letter or digit, then letters, digits and `more`. */
static bool skip(const char **text, const char *more)
{
	if (!isalnum((unsigned char)**text))
		return false;
	while (isalnum((unsigned char)**text) ||
	       (**text && strchr(more, **text)))
		++*text;
	return true;
}

bool cell_label(const char *text)
{
	if (strlen(text) >= LABEL_SIZE || !skip(&text, "-_"))
		return false;
	while (*text == ':') {
		text++;
		if (!skip(&text, "-_") || *text++ != '=' || !skip(&text, "-_."))
			return false;
	}
	return !*text;
}

char *cell_program(const char *label, char name[LABEL_SIZE])
{
	snprintf(name, LABEL_SIZE, "%.*s", (int)strcspn(label, ":"), label);
	return name;
}

static bool set_model(struct cell *c, const char *value)
{
	if (!cell_label(value))
		return false;
	snprintf(c->model, sizeof(c->model), "%s", value);
	return true;
}

static bool set_loop(struct cell *c, const char *value)
{
	int i = word_index(value, loops);

	if (i >= 0)
		c->loop = i;
	return i >= 0;
}

static bool set_placement(struct cell *c, const char *value)
{
	int i = word_index(value, placements);

	if (i >= 0)
		c->placement = i;
	return i >= 0;
}

static bool set_connections(struct cell *c, const char *value)
{
	return read_count(value, 1, CONNECTIONS_MAX, &c->connections);
}

static bool set_idle(struct cell *c, const char *value)
{
	return read_count(value, 0, CONNECTIONS_MAX, &c->idle);
}

static bool set_depth(struct cell *c, const char *value)
{
	return read_count(value, 1, DEPTH_MAX, &c->depth);
}

static bool set_message(struct cell *c, const char *value)
{
	uint64_t n;

	if (!parse_bytes(value, &n) || n < 1 || n > MESSAGE_MAX)
		return false;
	c->message = n;
	return true;
}

/* Rounds to what a name holds, so that a cell and its name are equal. */
static double as_printed(double x)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g", x);
	return strtod(text, NULL);
}

static bool set_rate(struct cell *c, const char *value)
{
	double rate;

	if (!parse_rate(value, &rate) || rate < rate_min || rate > rate_max)
		return false;
	c->rate = as_printed(rate);
	return true;
}

static bool takes_number(enum pattern pattern)
{
	return pattern == PATTERN_BURST || pattern == PATTERN_SLOW_READ;
}

static bool set_pattern(struct cell *c, const char *value)
{
	const char *colon = strchr(value, ':');
	char word[16];
	unsigned n = 1;
	int i;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(value, ":"), value);
	i = word_index(word, patterns);
	if (i < 0 || (colon != NULL) != takes_number(i) ||
	    (colon && !read_count(colon + 1, 1, CONNECTIONS_MAX, &n)))
		return false;
	c->pattern = i;
	c->burst = i == PATTERN_BURST ? n : 1;
	c->slow = i == PATTERN_SLOW_READ ? n : 0;
	return true;
}

void exact_time(int64_t ns, char to[EXACT_TIME_SIZE])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	int i = 0;

	for (; i < 3 && ns % 1000 == 0; i++)
		ns /= 1000;
	snprintf(to, EXACT_TIME_SIZE, "%" PRId64 "%s", ns, units[i]);
}

/* cpu:TIME or sleep:TIME, either with @PERCENT */
static bool set_work(struct cell *c, const char *value)
{
	char copy[WORK_SIZE], exact[EXACT_TIME_SIZE], share[24] = "";
	char *time, *at;
	double percent = 100;
	int64_t ns;

	if (strcmp(value, "none") == 0) {
		memcpy(c->work, "none", sizeof("none"));
		return true;
	}
	if (snprintf(copy, sizeof(copy), "%s", value) >= (int)sizeof(copy))
		return false;
	if ((at = strchr(copy, '@')))
		*at++ = '\0';
	if (!(time = strchr(copy, ':')))
		return false;
	*time++ = '\0';
	if (word_index(copy, works) < 1 || !parse_time(time, &ns) || ns == 0 ||
	    (at && !parse_percent(at, &percent)) || percent < percent_min ||
	    percent > 100)
		return false;
	exact_time(ns, exact);
	percent = as_printed(percent);
	if (percent < 100)
		snprintf(share, sizeof(share), "@%.15g%%", percent);
	snprintf(c->work, sizeof(c->work), "%.5s:%s%s", copy, exact, share);
	return true;
}

static bool set_service(struct cell *c, const char *value)
{
	int i = word_index(value, services);

	if (i >= 0)
		c->service = i;
	return i >= 0;
}

/* ------------------------------------------------------------------ writing */

static void print_number(size_t n, size_t left_out, char *to, size_t size)
{
	if (n == left_out)
		*to = '\0';
	else
		snprintf(to, size, "%zu", n);
}

static void print_model(const struct cell *c, char *to, size_t size)
{
	snprintf(to, size, "%s", c->model);
}

static void print_loop(const struct cell *c, char *to, size_t size)
{
	snprintf(to, size, "%s", loops[c->loop]);
}

static void print_placement(const struct cell *c, char *to, size_t size)
{
	snprintf(to, size, "%s", placements[c->placement]);
}

static void print_connections(const struct cell *c, char *to, size_t size)
{
	print_number(c->connections, 0, to, size);
}

static void print_rate(const struct cell *c, char *to, size_t size)
{
	*to = '\0';
	if (c->rate > 0)
		snprintf(to, size, "%.15g", c->rate);
}

static void print_idle(const struct cell *c, char *to, size_t size)
{
	print_number(c->idle, c->loop == LOOP_NONE ? SIZE_MAX : 0, to, size);
}

static void print_message(const struct cell *c, char *to, size_t size)
{
	print_number(c->message, 0, to, size);
}

static void print_depth(const struct cell *c, char *to, size_t size)
{
	print_number(c->depth, 1, to, size);
}

static void print_pattern(const struct cell *c, char *to, size_t size)
{
	*to = '\0';
	if (takes_number(c->pattern))
		snprintf(to, size, "%s:%u", patterns[c->pattern],
			 c->slow ? c->slow : c->burst);
	else if (c->pattern != PATTERN_STEADY)
		snprintf(to, size, "%s", patterns[c->pattern]);
}

static void print_work(const struct cell *c, char *to, size_t size)
{
	snprintf(to, size, "%s", strcmp(c->work, "none") ? c->work : "");
}

static void print_service(const struct cell *c, char *to, size_t size)
{
	snprintf(to, size, "%s", c->service ? services[c->service] : "");
}

/* -------------------------------------------------------------------- parts */

const struct part cell_parts[] = {
	{ "model", "letters, digits, - and _, with :OPTION=VALUE if wanted",
	  NULL, set_model, print_model },
	{ "loop", "closed, open or none", loops, set_loop, print_loop },
	{ "connections", "a number from 1 to 1M, such as 64 or 1k", NULL,
	  set_connections, print_connections },
	{ "rate",
	  "a number of requests per second from 0.01 to 100M, such as 500, 20k or "
	  "2.5",
	  NULL, set_rate, print_rate },
	{ "idle", "a number from 0 to 1M, such as 500 or 5k", NULL, set_idle,
	  print_idle },
	{ "message", "a size from 1 to 1GiB, such as 64 or 16KiB", NULL,
	  set_message, print_message },
	{ "depth", "a number from 1 to 65536, such as 16", NULL, set_depth,
	  print_depth },
	{ "pattern",
	  "steady, burst:N (1 to 1M requests, such as burst:100), connect, storm "
	  "or slow-read:N (1 to 1M clients)",
	  patterns, set_pattern, print_pattern },
	{ "work",
	  "none, cpu:TIME or sleep:TIME, optionally with @PERCENT (0.001% to "
	  "100%), such as cpu:100us or sleep:20ms@1%",
	  works, set_work, print_work },
	{ "service", "echo or http", services, set_service, print_service },
	{ "placement", "split or shared", placements, set_placement,
	  print_placement },
	{ NULL, NULL, NULL, NULL, NULL }
};

const struct part *cell_part(const char *name)
{
	for (const struct part *part = cell_parts; part->name; part++)
		if (strcmp(part->name, name) == 0)
			return part;
	return NULL;
}

const char *cell_contradiction(const struct cell *c)
{
	if (c->loop == LOOP_NONE &&
	    (c->depth > 1 || c->pattern != PATTERN_STEADY ||
	     strcmp(c->work, "none") != 0))
		return "loop none has no load: only idle clients";
	if (c->loop == LOOP_OPEN && !(c->rate > 0))
		return "open needs a rate, such as open rate 10k";
	if ((c->pattern == PATTERN_BURST || c->pattern == PATTERN_STORM) &&
	    c->loop != LOOP_OPEN)
		return "patterns burst:N and storm need open and a rate: "
		       "bursts of N are N / rate apart";
	if (c->loop != LOOP_OPEN && c->rate > 0)
		return "rate needs the open loop (open rate 10k): in a closed "
		       "loop the server determines the rate";
	if (c->loop == LOOP_OPEN && c->depth > 1)
		return "depth needs the closed loop: an open loop sends "
		       "requests when they are due";
	if (pattern_connects(c->pattern) && c->depth > 1)
		return "pattern connect sends one request per connection: depth "
		       "must be 1";
	return NULL;
}

bool cell_same_setting(const struct cell *a, const struct cell *b)
{
	return a->loop == b->loop && a->placement == b->placement &&
	       a->connections == b->connections && a->idle == b->idle &&
	       a->rate == b->rate && a->message == b->message &&
	       a->depth == b->depth && a->pattern == b->pattern &&
	       a->burst == b->burst && a->slow == b->slow &&
	       a->service == b->service && strcmp(a->work, b->work) == 0;
}

bool cell_same(const struct cell *a, const struct cell *b)
{
	return cell_same_setting(a, b) && strcmp(a->model, b->model) == 0;
}

char *cell_name(const struct cell *c, char name[CELL_NAME_SIZE])
{
	size_t n = 0;

	name[0] = '\0';
	for (const struct part *part = cell_parts; part->name; part++) {
		char value[WORK_SIZE];

		part->print(c, value, sizeof(value));
		if (*value)
			n += snprintf(name + n, CELL_NAME_SIZE - n, "%s%s:%s",
				      n ? "/" : "", part->name, value);
	}
	return name;
}

bool cell_parse(const char *name, struct cell *c)
{
	char copy[CELL_NAME_SIZE], again[CELL_NAME_SIZE];
	char *rest = copy, *value;

	*c = (struct cell){ .depth = 1, .burst = 1, .work = "none" };
	if (snprintf(copy, sizeof(copy), "%s", name) >= (int)sizeof(copy))
		return false;
	while ((value = strsep(&rest, "/"))) {
		const struct part *part = cell_part(strsep(&value, ":"));

		if (!part || !value || !part->set(c, value))
			return false;
	}
	/* Rejects parts that are missing, repeated or out of order. */
	return *c->model && c->message > 0 && !cell_contradiction(c) &&
	       (c->connections > 0) == (c->loop != LOOP_NONE) &&
	       strcmp(cell_name(c, again), name) == 0;
}
