/* SPDX-License-Identifier: MIT */
/* find.c - the runs of --find-rate: see find.h */
#include "find.h"
#include "report.h"
#include "search.h"

#include "harness/base/die.h"
#include "harness/base/print.h"

#include <stdlib.h>
#include <string.h>

/* The search begins at --rate or here, and ends here at the latest. */
static const double first_rate = 1000, highest_rate = 10e6;

struct probing {
	struct load_options opt;
	struct target target;
	json_t *probes;
	struct result once; /* the last that held, perhaps by chance */
	double once_rate;
	struct result best; /* of the highest rate that held twice */
	bool interrupted;
	char *why; /* why the last run did not hold; NULL: no reason is known */
};

static int64_t reached(const struct result *r, const struct goal *goal)
{
	const struct histogram *h = &r->tally->response;

	if (goal->share == 1)
		return h->count ? h->max : -1;
	return histogram_percentile(h, goal->share, NULL);
}

/* Whether bytes were wrong or connections failed: then times mean nothing. */
static bool went_wrong(const struct tally *t)
{
	for (int i = 0; i < DAMAGES; i++)
		if (t->damages[i])
			return true;
	for (int i = 0; i < FAILURES; i++)
		if (t->failures[i])
			return true;
	return false;
}

/*
 * The response time includes the generator's lateness. If it still keeps the limit,
 * the server does. If not, the server is the cause only if the generator was on
 * time.
 */
static enum probe judge(const struct result *r, const struct goal *goal)
{
	if (went_wrong(r->tally))
		return PROBE_WRONG;
	if (r->tally->answered == 0 && r->sustained) /* nothing was due */
		return PROBE_UNUSABLE;
	if (!r->sustained || r->tally->unanswered > 0)
		return r->late ? PROBE_UNUSABLE : PROBE_FAILED;
	if (reached(r, goal) <= goal->ns)
		return PROBE_HELD;
	return r->valid ? PROBE_FAILED : PROBE_UNUSABLE;
}

static void say_probe(struct probing *p, const struct result *r,
		      enum probe outcome)
{
	static const char *const said[] = { "held", "failed", "unusable",
					    "wrong" };
	char rate[PRINT_SIZE], time[PRINT_SIZE];
	const struct goal *goal = &p->opt.goal;
	const char *why = outcome >= PROBE_UNUSABLE ? r->reason[0] : NULL;

	json_array_append_new(
		p->probes,
		json_pack("{s:f,s:f,s:I,s:s,s:b}", "offered_per_second",
			  p->opt.rate, "requests_per_second", result_rate(r),
			  "reached_ns", (json_int_t)reached(r, goal), "outcome",
			  said[outcome], "valid", r->valid));
	free(p->why);
	p->why = why ? strdup(why) : NULL;
	if (p->opt.quiet)
		return;
	fprintf(report_file(&p->opt), "%12s/s  %s %-10s %s%s%s\n",
		print_count(rate, p->opt.rate), goal->name,
		r->sustained ? print_time(time, reached(r, goal)) : "-",
		said[outcome], why ? ": " : "", why ? why : "");
	fflush(report_file(&p->opt));
}

static void replace(struct result *to, struct result with)
{
	if (to->tally)
		result_free(to);
	*to = with;
}

/* A rate holds if two runs do (search.c). Keeps a valid one, if there is one. */
static void keep(struct probing *p, struct result r, double rate)
{
	if (!p->once.tally || p->once_rate != rate) {
		replace(&p->once, r);
		p->once_rate = rate;
	} else if (r.valid || !p->once.valid) {
		replace(&p->best, r);
	} else {
		replace(&p->best, p->once);
		p->once = r;
	}
}

static enum probe probe(double rate, void *data, bool *stop)
{
	struct probing *p = data;
	struct result r;
	enum probe outcome;

	p->opt.rate = rate;
	r = run_once(&p->opt, p->target);
	*stop = p->interrupted = r.interrupted;
	outcome = judge(&r, &p->opt.goal);
	if (!r.interrupted)
		say_probe(p, &r, outcome);
	if (outcome == PROBE_HELD)
		keep(p, r, rate);
	else
		result_free(&r);
	return outcome;
}

static json_t *search_json(const struct probing *p, const struct search *s)
{
	const struct goal *goal = &p->opt.goal;

	return json_pack("{s:s,s:I,s:o,s:o,s:b,s:o}", "limit", goal->name,
			 "limit_ns", (json_int_t)goal->ns, "held_per_second",
			 s->held > 0 ? json_real(s->held) : json_null(),
			 "failed_per_second",
			 s->failed > 0 ? json_real(s->failed) : json_null(),
			 "limited_by_generator", s->why == PROBE_UNUSABLE,
			 "probes", p->probes);
}

static void say_found(const struct probing *p, const struct search *s)
{
	char held[PRINT_SIZE], failed[PRINT_SIZE], limit[PRINT_SIZE];
	FILE *file = report_file(&p->opt);

	print_time(limit, p->opt.goal.ns);
	print_count(held, s->held);
	print_count(failed, s->failed);
	if (s->stopped)
		fprintf(file, "\nInterrupted: so far, %s/s held %s <= %s.\n\n",
			held, p->opt.goal.name, limit);
	else if (s->held == 0)
		fprintf(file,
			"\nNo rate held %s <= %s; the lowest tried was %s/s.\n",
			p->opt.goal.name, limit, failed);
	else if (s->failed == 0)
		fprintf(file,
			"\n%s/s held %s <= %s; higher rates are not tried.\n\n",
			held, p->opt.goal.name, limit);
	else if (s->why == PROBE_WRONG)
		fprintf(file,
			"\nLower bound: %s/s held %s <= %s; at %s/s the server "
			"failed (see above).\n\n",
			held, p->opt.goal.name, limit, failed);
	else if (s->why == PROBE_UNUSABLE)
		fprintf(file,
			"\nLower bound: %s/s held %s <= %s; at %s/s the "
			"generator was the bottleneck.\n\n",
			held, p->opt.goal.name, limit, failed);
	else
		fprintf(file, "\n%s/s held %s <= %s; %s/s did not.\n\n", held,
			p->opt.goal.name, limit, failed);
}

/* The run was complete, but the search was interrupted. */
static void cut_short(struct result *r, const struct load_options *opt)
{
	while (r->n_reasons > 0)
		free(r->reason[--r->n_reasons]);
	r->interrupted = true;
	audit(r, opt);
}

int find_rate(const struct load_options *opt, struct target target)
{
	struct probing p = { .opt = *opt,
			     .target = target,
			     .probes = json_array() };
	struct search s = search_rate(opt->rate > 0 ? opt->rate : first_rate,
				      highest_rate, probe, &p);
	json_t *found = search_json(&p, &s);
	int status = EXIT_FAILED;

	if (!opt->quiet)
		say_found(&p, &s);
	else if (s.held == 0 && !s.stopped)
		warn("no rate held %s%s%s", opt->goal.name, p.why ? ": " : "",
		     p.why ?: "");
	p.opt.rate = s.held;
	if (p.best.tally) {
		if (s.stopped)
			cut_short(&p.best, &p.opt);
		status = report_all(&p.best, &p.opt, found);
		result_free(&p.best);
	} else if (opt->json) {
		report_write_json(json_pack("{s:b,s:o}", "valid", 0,
					    "find_rate", found),
				  opt->json);
	}
	if (p.once.tally)
		result_free(&p.once);
	free(p.why);
	return s.stopped ? EXIT_INTERRUPTED : status;
}
