/* SPDX-License-Identifier: MIT */
/* result.c - what a run or a slice measured: see result.h */
#include "result.h"

#include "harness/base/die.h"

#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- slices add up */

static void add_usage(struct usage *sum, struct usage more)
{
	sum->cpu += more.cpu;
	if (sum->delay < 0 || more.delay < 0)
		sum->delay = -1;
	else
		sum->delay += more.delay;
}

/* The server's failures count, whatever disturbed the machine meanwhile. */
static void add_failures(struct result *sum, const struct result *slice)
{
	sum->gave_up |= slice->gave_up;
	sum->flooded |= slice->flooded;
	if (slice->others > 0) /* it stays so */
		sum->others = slice->others;
}

void result_keep(struct result *sum, const struct result *slice)
{
	tally_merge(sum->tally, slice->tally);
	add_failures(sum, slice);
	sum->kept++;
	sum->window_ns += slice->window_ns;
	add_usage(&sum->window, slice->window);
	sum->spun = sum->spun && slice->spun;
	sum->sampled += slice->sampled;
	sum->unread += slice->unread;
}

void result_drop(struct result *sum, const struct result *slice)
{
	tally_merge_dropped(sum->tally, slice->tally);
	add_failures(sum, slice);
	sum->dropped++;
}

void result_free(struct result *r)
{
	for (unsigned i = 0; i < r->n_reasons; i++)
		free(r->reason[i]);
	free(r->tally);
}

/* ---------------------------------------------------------------------- figures */

/* A rate or a share: 0 if there was no window */
static double over_window(const struct result *r, double n)
{
	return r->window_ns > 0 ? n / r->window_ns : 0;
}

double result_duration(const struct result *r)
{
	return r->window_ns / 1e9;
}

double result_rate(const struct result *r)
{
	return over_window(r, 1e9 * r->tally->in_window);
}

uint64_t result_due(const struct result *r)
{
	return r->tally->answered + r->tally->damaged + r->tally->unanswered;
}

double result_in_flight(const struct result *r)
{
	return over_window(r, r->tally->response.sum);
}

double result_queued(const struct result *r)
{
	return r->sampled ? (double)r->unread / r->sampled : 0;
}

double result_busy(const struct result *r, const struct load_options *opt)
{
	return over_window(r, r->window.cpu) / opt->threads;
}

double result_delay(const struct result *r, const struct load_options *opt)
{
	return over_window(r, r->window.delay < 0 ? 0 : r->window.delay) /
	       opt->threads;
}

bool result_has_lag(const struct load_options *opt)
{
	return opt->rate > 0 || pattern_connects(opt->pattern);
}

char *result_others(const struct result *r, const struct load_options *opt)
{
	double share = result_delay(r, opt) ?: r->others;
	char which[32], *text;

	snprintf(which, sizeof(which), opt->n_cpus == 1 ? "CPU %d" : "its CPUs",
		 opt->cpus[0]);
	if (asprintf(&text,
		     "other programs used %s (the generator waited for %s "
		     "%.0f %% of the time)",
		     which, opt->n_cpus == 1 ? "it" : "them", 100 * share) < 0)
		die("asprintf");
	return text;
}
