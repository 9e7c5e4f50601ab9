/* SPDX-License-Identifier: MIT */
/* report.c - a result as text, as JSON and as .hgrm files: see report.h */
#include "report.h"
#include "run.h"

#include "harness/base/die.h"
#include "harness/base/outfile.h"
#include "harness/base/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { SCHEMA = 1 };

static const struct {
	const char *name, *key;
	double share;
} percentiles[] = {
	{ "p50", "p50", 0.5 },
	{ "p90", "p90", 0.9 },
	{ "p99", "p99", 0.99 },
	{ "p99.9", "p99_9", 0.999 },
};
enum { PERCENTILES = sizeof(percentiles) / sizeof(*percentiles) };

/* In a closed loop a request is due when it is sent, so the response time is the
 * service time, except where it has to connect first. */
static const char *pattern_name(const struct load_options *opt)
{
	static const char *const names[] = { "steady", "burst", "connect",
					     "storm", "slow-read" };

	return names[opt->pattern];
}

static bool closed_loop(const struct load_options *opt)
{
	return opt->rate == 0 && opt->connections > 0;
}

static const char *loop_name(const struct load_options *opt)
{
	return closed_loop(opt) ? "closed" : opt->rate > 0 ? "open" : "none";
}

/* ----------------------------------------------------------------------- text */

static void print_load(const struct load_options *opt, FILE *file)
{
	char n[PRINT_SIZE];

	fprintf(file, "%s: ", opt->target);
	if (opt->connections == 0) {
		fprintf(file, "no requests; %s idle connection%s\n",
			print_count(n, opt->idle), plural(opt->idle));
		return;
	}
	if (opt->rate == 0)
		fprintf(file, "closed loop, %u request%s in flight on each of ",
			opt->depth, plural(opt->depth));
	else if (opt->burst > 1)
		fprintf(file, "open loop, %s requests/s, bursts of %u; ",
			print_count(n, opt->rate), opt->burst);
	else
		fprintf(file, "open loop, %s requests/s, %s; ",
			print_count(n, opt->rate),
			opt->arrivals == ARRIVALS_POISSON ? "poisson" :
							    "uniform");
	fprintf(file, "%s connection%s", print_count(n, opt->connections),
		plural(opt->connections));
	if (opt->idle)
		fprintf(file, " and %s idle", print_count(n, opt->idle));
	if (pattern_connects(opt->pattern))
		fprintf(file, ", a new one for each request");
	if (opt->slow)
		fprintf(file, ", beside %s that read%s slowly",
			print_count(n, opt->slow), opt->slow == 1 ? "s" : "");
	fprintf(file, ", %s%s B\n", opt->http ? "GET of " : "",
		print_count(n, opt->message));
}

static void print_generator(const struct result *r,
			    const struct load_options *opt, FILE *file)
{
	fprintf(file, "%.2f s measured ", result_duration(r));
	if (opt->hold < 0)
		fprintf(file, "after %.2f s of warm-up", r->warmup_s);
	else
		fprintf(file, "in %u slice%s, %u dropped", r->kept,
			plural(r->kept), r->dropped);
	fprintf(file, "; engine %s, %u thread%s", r->engine, opt->threads,
		plural(opt->threads));
	for (unsigned i = 0; i < opt->n_cpus; i++)
		fprintf(file, "%s%d", i ? "," : " on CPU ", opt->cpus[i]);
	fprintf(file, ", %.0f %% busy%s\n", 100 * result_busy(r, opt),
		r->spun ? " (it busy-polls)" : "");
}

/* Returns whether a percentile has too few samples above it. */
static bool print_times(const char *name, const struct histogram *h, FILE *file)
{
	bool unsure = false;
	char text[PRINT_SIZE + 2];

	fprintf(file, "%-10s", name);
	for (int i = 0; i < PERCENTILES; i++) {
		uint64_t beyond;
		int64_t ns =
			histogram_percentile(h, percentiles[i].share, &beyond);

		print_time(text, ns);
		if (ns >= 0 && beyond < SURE_BEYOND) {
			strcat(text, " ?");
			unsure = true;
		}
		fprintf(file, " %12s", text);
	}
	fprintf(file, " %12s\n", print_time(text, h->count ? h->max : -1));
	return unsure;
}

static void print_coarse(const struct result *r, const struct load_options *opt,
			 FILE *file)
{
	char *others = result_others(r, opt);

	fprintf(file,
		"coarse: %s,\nso the generator sleeps between requests and "
		"sends them tens of microseconds late;\nthe service time does "
		"not include this delay\n",
		r->others > 0 ? others :
		opt->n_cpus == 0 ?
				"the generator has no CPU of its own (--cpu)" :
		!opt->spin ? "its CPU is shared (--spin never)" :
			     "there are more threads than CPUs (--cpu)");
	free(others);
}

static void print_table(const struct result *r, const struct load_options *opt,
			FILE *file)
{
	const struct tally *t = r->tally;
	bool unsure = false;

	fprintf(file, "%-10s", "");
	for (int i = 0; i < PERCENTILES; i++)
		fprintf(file, " %12s", percentiles[i].name);
	fprintf(file, " %12s\n", "max");
	if (r->coarse)
		unsure |= print_times("service", &t->service, file);
	unsure |= print_times("response", &t->response, file);
	if (result_has_lag(opt)) {
		if (!r->coarse)
			unsure |= print_times("service", &t->service, file);
		unsure |= print_times("send lag", &t->send_lag, file);
	}
	if (pattern_connects(opt->pattern))
		unsure |= print_times("connect", &t->connect, file);
	if (unsure)
		fprintf(file, "?: fewer than %d samples above it; use %s\n",
			SURE_BEYOND,
			opt->hold < 0 ? "a longer --duration" : "more slices");
	if (r->coarse)
		print_coarse(r, opt, file);
}

static void print_requests(const struct result *r,
			   const struct load_options *opt, FILE *file)
{
	char n[PRINT_SIZE], rate[PRINT_SIZE];

	if (r->tally->response.count == 0)
		return;
	fprintf(file, "\n%s request%s, %s/s%s\n\n",
		print_count(n, result_due(r)), plural(result_due(r)),
		print_count(rate, result_rate(r)),
		opt->rate > 0 && r->sustained ? ", as offered" : "");
	if (r->sustained)
		print_table(r, opt, file);
	else
		fputs("No times are shown: the offered load was not sustained, "
		      "so they depend on the\nlength of the run. (--json has "
		      "them.)\n",
		      file);
}

static void write_text(const struct result *r, const struct load_options *opt,
		       FILE *file)
{
	print_load(opt, file);
	print_generator(r, opt, file);
	if (opt->connections > 0)
		print_requests(r, opt, file);
	fputc('\n', file);
	fputs(r->valid ? "valid\n" : "INVALID:\n", file);
	for (unsigned i = 0; i < r->n_reasons; i++)
		fprintf(file, "  - %s\n", r->reason[i]);
}

/* ----------------------------------------------------------------------- JSON */

static json_t *check(json_t *json)
{
	if (!json) {
		warn("out of memory for the result");
		exit(EXIT_FAILED);
	}
	return json;
}

static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, check(value)) < 0)
		check(NULL);
}

static void put_count(json_t *object, const char *key, uint64_t n)
{
	put(object, key, json_integer((json_int_t)n));
}

static json_t *times_json(const struct histogram *h)
{
	json_t *object = check(json_object()), *beyond = check(json_object());
	json_t *unsure = check(json_array());

	put_count(object, "count", h->count);
	put(object, "min", h->count ? json_integer(h->min) : json_null());
	put(object, "mean",
	    h->count ? json_real(histogram_mean(h)) : json_null());
	for (int i = 0; i < PERCENTILES; i++) {
		const char *key = percentiles[i].key;
		uint64_t n;
		int64_t ns = histogram_percentile(h, percentiles[i].share, &n);

		put(object, key, ns < 0 ? json_null() : json_integer(ns));
		put_count(beyond, key, n);
		if (n < SURE_BEYOND)
			json_array_append_new(unsure, check(json_string(key)));
	}
	put(object, "max", h->count ? json_integer(h->max) : json_null());
	put(object, "beyond", beyond);
	put(object, "unsure", unsure);
	return object;
}

/* The buckets that are not empty, as [lowest, highest, count]. With `sum`, `min`
 * and `max` this is lossless. */
static json_t *histogram_json(const struct histogram *h)
{
	json_t *buckets = check(json_array());

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(
				buckets,
				check(json_pack(
					"[I,I,I]",
					(json_int_t)histogram_lowest(i),
					(json_int_t)histogram_highest(i),
					(json_int_t)h->bucket[i])));
	return check(json_pack("{s:I,s:I,s:I,s:o}", "count",
			       (json_int_t)h->count, "sum", (json_int_t)h->sum,
			       "above", (json_int_t)h->above, "buckets",
			       buckets));
}

static json_t *interval_json(const struct interval *s)
{
	json_t *object = check(json_object()), *buckets = check(json_array());

	put_count(object, "requests", s->count);
	put(object, "p50",
	    s->count ? json_integer(interval_percentile(s, 0.5)) : json_null());
	put(object, "p99",
	    s->count ? json_integer(interval_percentile(s, 0.99)) :
		       json_null());
	put(object, "max", s->count ? json_integer(s->max) : json_null());
	for (unsigned i = 0; i < INTERVAL_BUCKETS; i++)
		if (s->bucket[i])
			json_array_append_new(
				buckets,
				check(json_pack(
					"[I,I,I]",
					(json_int_t)interval_lowest(i),
					(json_int_t)interval_lowest(i + 1) - 1,
					(json_int_t)s->bucket[i])));
	put(object, "buckets", buckets);
	return object;
}

static json_t *series_json(const struct tally *t)
{
	json_t *intervals = check(json_array());
	int64_t measured = t->to - t->from;

	for (unsigned i = 0; i < t->intervals && i * t->interval_ns < measured;
	     i++)
		json_array_append_new(intervals,
				      interval_json(&t->interval[i]));
	return check(json_pack("{s:f,s:o}", "slice_s", t->interval_ns / 1e9,
			       "slices", intervals));
}

static void put_load(json_t *json, const struct load_options *opt)
{
	bool open = opt->rate > 0;

	put(json, "target", json_string(opt->target));
	put(json, "service", json_string(opt->http ? "http" : "echo"));
	put(json, "loop", json_string(loop_name(opt)));
	put(json, "pattern", json_string(pattern_name(opt)));
	put_count(json, "connections", opt->connections);
	put_count(json, "idle", opt->idle);
	put_count(json, "slow", opt->slow);
	put_count(json, "message", opt->message);
	put(json, "depth",
	    closed_loop(opt) ? json_integer(opt->depth) : json_null());
	put(json, "arrivals",
	    !open ? json_null() :
		    json_string(opt->arrivals == ARRIVALS_POISSON &&
						opt->burst == 1 ?
					"poisson" :
					"uniform"));
	put(json, "burst",
	    opt->pattern == PATTERN_BURST || opt->pattern == PATTERN_STORM ?
		    json_integer(opt->burst) :
		    json_null());
	put(json, "seed", json_integer((json_int_t)opt->seed));
	put(json, "timeout_s", json_real(opt->timeout / 1e9));
}

static void put_generator(json_t *json, const struct result *r,
			  const struct load_options *opt)
{
	json_t *cpus = check(json_array());

	for (unsigned i = 0; i < opt->n_cpus; i++)
		json_array_append_new(cpus, check(json_integer(opt->cpus[i])));
	put(json, "engine", json_string(r->engine));
	put_count(json, "threads", opt->threads);
	put(json, "cpus", cpus);
	put(json, "client_cpu_ns", json_integer(r->window.cpu));
	put(json, "client_busy", json_real(result_busy(r, opt)));
	put(json, "client_run_delay_ns",
	    r->window.delay < 0 ? json_null() : json_integer(r->window.delay));
	put(json, "client_queued",
	    closed_loop(opt) ? json_real(result_queued(r)) : json_null());
	put(json, "spun", json_boolean(r->spun));
	put(json, "coarse", json_boolean(r->coarse));
}

static void put_named(json_t *json, const char *total_key,
		      const char *parts_key, const char *const *names,
		      const uint64_t *counts, int n)
{
	json_t *parts = check(json_object());
	uint64_t total = 0;

	for (int i = 0; i < n; i++) {
		put_count(parts, names[i], counts[i]);
		total += counts[i];
	}
	put_count(json, total_key, total);
	put(json, parts_key, parts);
}

static json_t *evidence_json(const struct evidence *e)
{
	if (!e->found)
		return json_null();
	return json_pack("{s:s,s:I,s:I,s:I}", "kind", damage_name[e->damage],
			 "connection", (json_int_t)e->connection, "request",
			 (json_int_t)e->place.request, "byte",
			 (json_int_t)e->place.byte);
}

static void put_counts(json_t *json, const struct result *r,
		       const struct load_options *opt)
{
	const struct tally *t = r->tally;

	put(json, "set_up_s", json_real(r->set_up_s));
	put(json, "warmup_s",
	    opt->hold < 0 ? json_real(r->warmup_s) : json_null());
	put(json, "duration_s", json_real(result_duration(r)));
	put_count(json, "requests", result_due(r));
	put_count(json, "requests_total", t->total);
	put_count(json, "answered_in_window", t->in_window);
	put_count(json, "unanswered", t->unanswered);
	put_count(json, "damaged", t->damaged);
	put_named(json, "errors", "errors_by", failure_name, t->failures,
		  FAILURES);
	put_named(json, "mismatches", "mismatches_by", damage_name, t->damages,
		  DAMAGES);
	put(json, "first_mismatch", evidence_json(&t->evidence));
	put(json, "requests_per_second", json_real(result_rate(r)));
	put(json, "offered_per_second",
	    opt->rate > 0 ? json_real(opt->rate) : json_null());
	put(json, "in_flight",
	    closed_loop(opt) ? json_real(result_in_flight(r)) : json_null());
}

static void put_times(json_t *json, const struct result *r,
		      const struct load_options *opt)
{
	const struct tally *t = r->tally;
	const struct histogram *service =
		result_has_lag(opt) ? &t->service : &t->response;
	json_t *histograms = check(json_object());

	put(json, "response_ns", times_json(&t->response));
	put(json, "service_ns", times_json(service));
	put(json, "send_lag_ns",
	    result_has_lag(opt) ? times_json(&t->send_lag) : json_null());
	put(json, "connect_ns", times_json(&t->connect));
	put(histograms, "response", histogram_json(&t->response));
	put(histograms, "service",
	    result_has_lag(opt) ? histogram_json(service) : json_null());
	put(histograms, "send_lag",
	    result_has_lag(opt) ? histogram_json(&t->send_lag) : json_null());
	put(histograms, "connect", histogram_json(&t->connect));
	put(json, "histograms", histograms);
	put(json, "series", opt->hold < 0 ? series_json(t) : json_null());
}

static json_t *result_json(const struct result *r,
			   const struct load_options *opt)
{
	json_t *json = check(json_object()), *reasons = check(json_array());

	for (unsigned i = 0; i < r->n_reasons; i++)
		json_array_append_new(reasons,
				      check(json_string(r->reason[i])));
	put_count(json, "schema", SCHEMA);
	put(json, "program", json_string("loadgen"));
	put(json, "version", json_string(VERSION));
	put_load(json, opt);
	put_generator(json, r, opt);
	put_counts(json, r, opt);
	if (opt->hold >= 0)
		put(json, "slices",
		    json_pack("{s:I,s:I}", "kept", (json_int_t)r->kept,
			      "dropped", (json_int_t)r->dropped));
	put(json, "interrupted", json_boolean(r->interrupted));
	put(json, "sustained", json_boolean(r->sustained));
	put(json, "valid", json_boolean(r->valid));
	put(json, "invalid_reasons", reasons);
	put_times(json, r, opt);
	return json;
}

/* ---------------------------------------------------------------------- files */

void report_write_json(json_t *json, const char *path)
{
	struct outfile out;

	if (!outfile_open(&out, path))
		die("--json %s", path);
	json_dumpf(json, out.file, JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputc('\n', out.file);
	if (!outfile_close(&out))
		die("--json %s", path);
	json_decref(json);
}

static void write_histogram(const char *path, const char *suffix,
			    const struct histogram *h)
{
	struct outfile out;
	char *name;

	if (asprintf(&name, "%s%s", path, suffix) < 0)
		die("asprintf");
	if (!outfile_open(&out, name))
		die("--histogram %s", name);
	histogram_print_hgrm(h, out.file);
	if (!outfile_close(&out))
		die("--histogram %s", name);
	free(name);
}

static void write_histograms(const struct result *r,
			     const struct load_options *opt)
{
	const struct tally *t = r->tally;

	write_histogram(opt->histogram, "", &t->response);
	if (!outfile_is_regular(opt->histogram))
		return;
	write_histogram(opt->histogram, ".connect", &t->connect);
	if (!result_has_lag(opt))
		return;
	write_histogram(opt->histogram, ".service", &t->service);
	write_histogram(opt->histogram, ".send-lag", &t->send_lag);
}

/* ------------------------------------------------------------------------ all */

FILE *report_file(const struct load_options *opt)
{
	return opt->json && strcmp(opt->json, "-") == 0 ? stderr : stdout;
}

static int end_of(const struct result *r)
{
	if (r->interrupted)
		return EXIT_INTERRUPTED;
	return r->valid ? EXIT_SUCCESS : EXIT_FAILED;
}

int report_all(const struct result *r, const struct load_options *opt,
	       json_t *search)
{
	if (!opt->quiet)
		write_text(r, opt, report_file(opt));
	else
		for (unsigned i = 0; i < r->n_reasons; i++)
			warn("invalid: %s", r->reason[i]);
	if (opt->histogram)
		write_histograms(r, opt);
	if (opt->json) {
		json_t *json = result_json(r, opt);

		if (search)
			json_object_set_new(json, "find_rate", search);
		report_write_json(json, opt->json);
	}
	return end_of(r);
}
