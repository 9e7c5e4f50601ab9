/* SPDX-License-Identifier: MIT */
/*
 * audit.c - whether a result is valid
 *
 * Each reason is a sentence: what was found, what it means, what to change.
 * TRAP: harness/verdict/validity.c reads them: it cuts off the advice (from the last
 * ": " or "; " before the first option) and knows the bottleneck by its first words.
 */
#include "result.h"

#include "harness/base/print.h"

#include "harness/base/die.h"
#include "harness/base/why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * This share of the requests due in the window must be answered in it. Those in
 * flight when it ended are excused: as many as are due in a median response time
 * (with a long queue that is long, too: a tenth at most), and a few more.
 */
static const double achieved_min = 0.95, under_way_max = 0.1;
enum { ACHIEVED_SLACK = 5 };

/* The generator may be late by a tenth of what it measures, or by this: with a
 * CPU of its own, and without one, where it sleeps. */
static const double lag_share = 0.1;
static const int64_t lag_own_ns = 50 * 1000, lag_coarse_ns = 1000 * 1000;
/* Sending a burst takes time: allow so much for each of its requests, or of its new
 * connections. */
static const int64_t lag_burst_ns = 10 * 1000, lag_storm_ns = 50 * 1000;

/* Closed loop: measured over expected number of requests in flight */
static const double in_flight_min = 0.9, in_flight_max = 1.02;

/* Closed loop: above both, the generator was measured and not the server. */
static const double busy_max = 0.9, queued_max = 0.5;

/* Share of the time that it may wait for a CPU of its own, or for any CPU */
static const double delay_own_max = 0.1, delay_max = 0.25;

/* The first bytes of another protocol may match by chance. */
enum { ALIKE_MAX = 4 };

/* A median that changed by this factor over the window describes nothing. */
static const double trend_max = 2;
static const int64_t trend_min_ns = 100 * 1000;
enum { TREND_INTERVALS = 6, TREND_SAMPLES = 20 };

/* The limit on the p99 of the send lag, in ns */
static int64_t lag_limit(const struct result *r, const struct load_options *opt)
{
	int64_t floor = r->coarse ? lag_coarse_ns : lag_own_ns;
	int64_t share = lag_share *
			histogram_percentile(&r->tally->response, 0.5, NULL);

	floor += (opt->burst - 1) / opt->threads *
		 (pattern_connects(opt->pattern) ? lag_storm_ns : lag_burst_ns);
	return share > floor ? share : floor;
}

__attribute__((format(printf, 2, 3))) static void add(struct result *r,
						      const char *format, ...)
{
	va_list arguments;

	if (r->n_reasons == REASONS_MAX)
		return;
	va_start(arguments, format);
	if (vasprintf(&r->reason[r->n_reasons++], format, arguments) < 0)
		die("vasprintf");
	va_end(arguments);
}

/* ------------------------------------------------- the server and the network */

static const char *server_name(const struct load_options *opt)
{
	return opt->http ? "an HTTP server" : "an echo server";
}

/* What the last reply was that ended its connection, and the remedy */
static void explain_reply(const struct result *r,
			  const struct load_options *opt, char *to, size_t size)
{
	const struct tally *t = r->tally;
	long long n = t->fault_value;

	if (t->fault == HTTP_STATUS)
		snprintf(
			to, size, "status %lld, not 200%s", n,
			n >= 300 && n < 500 ?
				": name another path (--target HOST:PORT/PATH)" :
				"");
	else if (t->fault == HTTP_LENGTH)
		snprintf(to, size,
			 "Content-Length %lld, not %zu: give the size of the "
			 "body (--message %lld)",
			 n, opt->message, n);
	else if (t->fault == HTTP_NO_LENGTH)
		snprintf(to, size,
			 "no Content-Length: only bodies of a known "
			 "length are read");
	else if (t->fault == HTTP_CLOSES)
		snprintf(to, size,
			 "the server ends the connection with it: let it keep "
			 "connections for more requests, or connect for each "
			 "(--pattern connect)");
	else if (t->fault == HTTP_ENDLESS_HEAD)
		snprintf(to, size, "a head of more than 64 KiB");
	else
		snprintf(to, size, "not HTTP/1: not an HTTP server");
}

/* Without a single right reply, the only finding is that the target is not such a
 * server. Returns whether that is so. */
static bool judge_server(struct result *r, const struct load_options *opt)
{
	const struct tally *t = r->tally;
	const struct evidence *e = &t->evidence;
	uint64_t ended =
		t->failures[FAILURE_CLOSED] + t->failures[FAILURE_RESET];
	char bytes[PRINT_SIZE], asked[PRINT_SIZE], given_up[PRINT_SIZE] = "";
	char why[WHY_SIZE];

	if (r->interrupted || t->right > 0)
		return false;
	if (t->failures[FAILURE_REPLY]) {
		explain_reply(r, opt, why, sizeof(why));
		add(r, "no reply was as asked for: %s", why);
		return true;
	}
	if (e->has_bytes && e->place.request == 0 &&
	    e->place.byte < ALIKE_MAX) {
		add(r,
		    "replies differ from requests from the start (sent "
		    "0x%02x, received 0x%02x): not an echo server",
		    e->expected, e->received);
		return true;
	}
	if (t->asked == 0 || t->heard > 0)
		return false;
	if (r->gave_up)
		snprintf(given_up, sizeof(given_up), " within %g s",
			 opt->timeout / 1e9);
	add(r, "sent %s%s B on %s connection%s, no reply%s%s: not %s, or it %s",
	    opt->http ? "GET requests for " : "requests of ",
	    print_count(bytes, opt->message), print_count(asked, t->asked),
	    plural(t->asked), given_up,
	    ended ? ", and the server closed connections" : "",
	    server_name(opt),
	    ended ? "reached a limit on clients or descriptors" : "hangs");
	return true;
}

static void judge_damages(struct result *r, const struct load_options *opt)
{
	static const char *const text[DAMAGES] = {
		"bytes were changed in place",
		"bytes or replies are missing, although later ones came",
		"bytes or replies came more than once",
		"replies came in a different order than the requests",
		"bytes came that belong to no request",
	};
	const struct evidence *e = &r->tally->evidence;
	char bytes[64] = "";

	for (int i = 0; i < DAMAGES; i++)
		if (r->tally->damages[i])
			add(r,
			    "%s, %" PRIu64
			    " time%s: %s; the server or the network "
			    "does not %s",
			    damage_name[i], r->tally->damages[i],
			    plural(r->tally->damages[i]), text[i],
			    opt->http ? "reply as it did first" :
					"echo correctly");
	if (!e->found)
		return;
	if (e->has_bytes)
		snprintf(bytes, sizeof(bytes), ": %s 0x%02x, received 0x%02x",
			 opt->http ? "first reply" : "sent", e->expected,
			 e->received);
	add(r,
	    "first mismatch: %s at connection %" PRIu64 ", request %" PRIu64
	    ", byte %zu (counted from 0)%s",
	    damage_name[e->damage], e->connection, e->place.request,
	    e->place.byte, bytes);
}

static void judge_connecting(struct result *r, const struct load_options *opt)
{
	const uint64_t *n = r->tally->failures;

	if (n[FAILURE_REFUSED])
		add(r,
		    "%" PRIu64
		    " connection%s %s refused: no server was listening",
		    n[FAILURE_REFUSED], plural(n[FAILURE_REFUSED]),
		    were(n[FAILURE_REFUSED]));
	if (n[FAILURE_TIMEOUT])
		add(r,
		    "%" PRIu64 " connection%s %s not established within %g s: "
		    "the server accepts too slowly, or its backlog is full",
		    n[FAILURE_TIMEOUT], plural(n[FAILURE_TIMEOUT]),
		    were(n[FAILURE_TIMEOUT]), opt->timeout / 1e9);
	if (n[FAILURE_OTHER])
		add(r, "%" PRIu64 " connection%s failed: %s%s",
		    n[FAILURE_OTHER], plural(n[FAILURE_OTHER]),
		    strerror(r->tally->other_error),
		    r->tally->other_error == EADDRNOTAVAIL ?
			    "; no local port was free (a closed connection "
			    "keeps its port for a minute): connect at a lower "
			    "rate, or widen the port range: sudo sysctl -w "
			    "net.ipv4.ip_local_port_range='1024 65535'" :
			    "");
}

static void judge_failures(struct result *r, const struct load_options *opt)
{
	const uint64_t *n = r->tally->failures;
	char why[WHY_SIZE];

	if (n[FAILURE_REPLY]) {
		explain_reply(r, opt, why, sizeof(why));
		add(r,
		    "%" PRIu64 " connection%s %s ended because a reply was not "
		    "as asked for: %s",
		    n[FAILURE_REPLY], plural(n[FAILURE_REPLY]),
		    were(n[FAILURE_REPLY]), why);
	}

	if (n[FAILURE_CLOSED])
		add(r,
		    "%" PRIu64 " connection%s %s closed by the server before "
		    "the end: it may have reached a limit on clients or "
		    "descriptors",
		    n[FAILURE_CLOSED], plural(n[FAILURE_CLOSED]),
		    were(n[FAILURE_CLOSED]));
	if (n[FAILURE_RESET])
		add(r,
		    "%" PRIu64 " connection%s %s reset by the server: it may "
		    "have crashed or reached a limit",
		    n[FAILURE_RESET], plural(n[FAILURE_RESET]),
		    were(n[FAILURE_RESET]));
	if (n[FAILURE_STALLED])
		add(r,
		    "%" PRIu64
		    " connection%s stalled: the server stopped answering on %s",
		    n[FAILURE_STALLED], plural(n[FAILURE_STALLED]),
		    n[FAILURE_STALLED] == 1 ? "it" : "them");
}

static void judge_answers(struct result *r, const struct load_options *opt)
{
	const char *what = opt->hold < 0 ? "run" : "slice";

	if (r->gave_up)
		add(r,
		    "no reply for %g s, so the %s was ended: the server "
		    "hangs, or takes longer than --timeout",
		    opt->timeout / 1e9, what);
	if (r->flooded)
		add(r,
		    "too many requests were outstanding, so the %s was "
		    "ended: lower --rate",
		    what);
	if (r->tally->unanswered)
		add(r,
		    "%" PRIu64 " of %" PRIu64
		    " request%s %s never answered (replies are awaited for "
		    "2 s after the window); their response times are missing",
		    r->tally->unanswered, result_due(r), plural(result_due(r)),
		    were(r->tally->unanswered));
	if (r->tally->answered == 0 && opt->connections > 0)
		add(r, "nothing was measured: no request of the window was "
		       "answered");
}

/* ------------------------------------------------------------- the open loop */

static void judge_rate(struct result *r, const struct load_options *opt)
{
	uint64_t due = result_due(r), done = r->tally->in_window;
	double under_way;
	char offered[PRINT_SIZE], achieved[PRINT_SIZE];

	if (opt->rate == 0 || due == 0)
		return;
	under_way = opt->rate / 1e9 *
		    histogram_percentile(&r->tally->response, 0.5, NULL);
	if (under_way > under_way_max * due)
		under_way = under_way_max * due;
	if (done + under_way + ACHIEVED_SLACK >= achieved_min * due)
		return;
	r->sustained = false;
	add(r,
	    "not sustained: %s requests/s were offered and %s/s answered; the "
	    "response times depend on the length of the run: lower --rate, or "
	    "find the limit with --find-rate",
	    print_count(offered, opt->rate),
	    print_count(achieved, result_rate(r)));
}

static void judge_lag(struct result *r, const struct load_options *opt)
{
	int64_t limit = lag_limit(r, opt);
	int64_t lag = histogram_percentile(&r->tally->send_lag, 0.99, NULL);
	char late[PRINT_SIZE], allowed[PRINT_SIZE], *others;

	if (opt->rate == 0 || lag <= limit)
		return;
	print_time(late, lag);
	print_time(allowed, limit);
	if (r->tally->held * 100 >= r->tally->answered) {
		add(r,
		    "1 %% of the requests were sent %s late or more (%s is "
		    "allowed), because %s; lower --rate, or use more "
		    "connections (--connections)",
		    late, allowed,
		    pattern_connects(opt->pattern) ?
			    "all connections were in use: replies came too "
			    "late" :
			    "the send buffers were full: the server reads too "
			    "slowly");
		return;
	}
	r->late = true;
	if (opt->hold >= 0)
		return;
	others = result_others(r, opt);
	add(r,
	    "the generator was late: 1 %% of the requests were sent %s late or "
	    "more (%s is allowed): %s%s",
	    late, allowed, r->others > 0 ? others : "",
	    r->others > 0 ? "; stop them, or use an idle CPU (--cpu)" :
	    r->spun       ? "lower --rate, or use more threads (--threads) "
			    "with a CPU each (--cpu)" :
			    "give it a CPU of its own (--cpu), or lower --rate");
	free(others);
}

/* ----------------------------------------------------------- the closed loop */

static void judge_closed_loop(struct result *r, const struct load_options *opt)
{
	double wanted = (double)r->connected * opt->depth;
	double under_way = result_in_flight(r), busy = result_busy(r, opt);
	char *others;
	double edge;

	if (opt->rate > 0 || opt->connections == 0 || result_duration(r) == 0)
		return;
	if (busy > busy_max && result_queued(r) > queued_max)
		add(r,
		    "the generator was the bottleneck, not the server: it used "
		    "%.0f %% of its CPU, and %.0f %% of the connections had "
		    "replies that it had not read yet; use more threads "
		    "(--threads) with a CPU each (--cpu)",
		    100 * busy, 100 * result_queued(r));
	/* Lost connections also reduce the number in flight, and are reported. */
	if (pattern_connects(opt->pattern) || wanted == 0 ||
	    r->tally->answered == 0 || r->tally->troubles > 0 ||
	    r->tally->unanswered > 0)
		return;
	/* Each request in flight may add one reply too many or too few at an edge
	 * of the window; one that lasted beyond its end was at most `max` long. */
	edge = wanted / 1e9 / result_duration(r);
	if (under_way < in_flight_min * wanted -
				edge * histogram_mean(&r->tally->response) ||
	    under_way >
		    in_flight_max * wanted + edge * r->tally->response.max) {
		others = result_others(r, opt);
		add(r,
		    "by Little's law (rate x mean response time) %.1f requests "
		    "were in flight on average, and %.0f were expected: the "
		    "generator, not the server, delayed them; %s%s, or use more "
		    "threads (--threads)",
		    under_way, wanted, opt->n_cpus > 0 ? others : "",
		    opt->n_cpus > 0 ?
			    ": stop them, or use an idle CPU (--cpu)" :
			    "give it a CPU of its own (--cpu)");
		free(others);
	}
}

/* ------------------------------------------------------------------ both loops */

static void judge_cpu(struct result *r, const struct load_options *opt)
{
	bool own = opt->n_cpus >= opt->threads;
	double share = result_delay(r, opt);
	char which[32];

	if (!opt->spin) /* it shares its CPU on purpose */
		return;
	snprintf(which, sizeof(which), opt->n_cpus == 1 ? "CPU %d" : "it",
		 opt->cpus[0]);
	if (share > (own ? delay_own_max : delay_max))
		add(r,
		    "the generator waited for its CPU %.0f %% of the time, "
		    "because other programs used %s: stop them, or use an idle "
		    "CPU (--cpu); to share the CPU on purpose, use --spin "
		    "never",
		    100 * share, which);
}

/* ------------------------------------------------------------------ the trend */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(const int64_t *values, unsigned n)
{
	int64_t copy[INTERVALS_MAX];

	memcpy(copy, values, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), compare);
	return copy[n / 2];
}

static void judge_trend(struct result *r, const struct load_options *opt)
{
	int64_t p50[INTERVALS_MAX], first, middle, last;
	char from[PRINT_SIZE], to[PRINT_SIZE];
	unsigned n = 0, third;

	for (unsigned i = 0; i < r->tally->intervals; i++)
		if (r->tally->interval[i].count >= TREND_SAMPLES)
			p50[n++] = interval_percentile(&r->tally->interval[i],
						       0.5);
	if (n < TREND_INTERVALS)
		return;
	third = n / 3;
	first = median(p50, third);
	middle = median(p50 + third, n - 2 * third);
	last = median(p50 + n - third, third);
	print_time(from, first);
	print_time(to, last);
	if (last > trend_max * first && last - first > trend_min_ns &&
	    first <= middle && middle <= last) {
		/* A backlog that grows by 1 % of the time never ends. */
		if (opt->rate > 0 &&
		    (last - first) / 1e9 > result_duration(r) / 100)
			r->sustained = false;
		add(r,
		    "the median response time grew during the run, from %s to "
		    "%s: no single value describes it; %s",
		    from, to,
		    opt->rate > 0 ? "lower --rate" :
				    "find out what else became busy");
	} else if (first > trend_max * last && first - last > trend_min_ns &&
		   first >= middle && middle >= last) {
		add(r,
		    "the median response time fell during the run, from %s to "
		    "%s: use a longer warm-up (--warmup)",
		    from, to);
	}
}

/* An observer of slices judges the machine itself, slice by slice. Slices have gaps
 * between them: there is no trend, and Little's law does not hold at their edges. */
static void judge_alone(struct result *r, const struct load_options *opt)
{
	judge_closed_loop(r, opt);
	judge_cpu(r, opt);
	judge_trend(r, opt);
}

void audit(struct result *r, const struct load_options *opt)
{
	r->coarse = opt->rate > 0 && !r->spun;
	r->sustained = !r->gave_up && !r->flooded;
	if (r->interrupted)
		add(r, "interrupted");
	judge_connecting(r, opt);
	if (judge_server(r, opt)) {
		r->sustained = false;
	} else {
		judge_damages(r, opt);
		judge_failures(r, opt);
		judge_answers(r, opt);
		judge_rate(r, opt);
		judge_lag(r, opt);
		if (opt->hold < 0)
			judge_alone(r, opt);
	}
	if (r->tally->response.above)
		add(r,
		    "%" PRIu64 " response time%s %s longer than the histogram "
		    "range (137 s); only maximum and mean are exact",
		    r->tally->response.above, plural(r->tally->response.above),
		    were(r->tally->response.above));
	r->valid = r->n_reasons == 0;
}
