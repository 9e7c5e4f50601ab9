/* SPDX-License-Identifier: MIT */
/* audit.c - which results are invalid, and why */
#include "tests/unit/test.h"

#include "harness/load/result.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t us = 1000, ms = 1000000, second = 1000000000;

/* An open loop of 1,000/s for 10 s, or a closed loop with 10 x 2 in flight; 1 ms each */
static struct load_options opt;
static struct result r;

static void set_all(struct histogram *h, int64_t ns, uint64_t n)
{
	histogram_clear(h);
	histogram_record(h, ns);
	h->bucket[histogram_index(ns)] = n;
	h->count = n;
	h->sum = n * ns;
}

/* Replaces n of the highest values by `ns`. */
static void set_some(struct histogram *h, int64_t ns, uint64_t n)
{
	int64_t was = h->max;

	histogram_record(h, ns);
	h->bucket[histogram_index(was)] -= n;
	h->bucket[histogram_index(ns)] += n - 1;
	h->count--;
	h->sum += n * (ns - was) - ns;
}

static void set_intervals(int64_t first, int64_t middle, int64_t last)
{
	unsigned n = r.tally->intervals;

	for (unsigned i = 0; i < n; i++) {
		struct interval *s = &r.tally->interval[i];
		int64_t ns = i < n / 3 ? first : i < n - n / 3 ? middle : last;

		memset(s, 0, sizeof(*s));
		s->count = s->bucket[interval_index(ns)] = 100;
		s->max = ns;
	}
}

static void queued(double share)
{
	r.sampled = 1000;
	r.unread = 1000 * share;
}

static void answered(uint64_t n)
{
	r.tally->answered = r.tally->in_window = r.tally->total = n;
	r.tally->right = n;
}

static void begin(bool open)
{
	opt = (struct load_options){ .connections = 10,
				     .depth = open ? 1 : 2,
				     .threads = 1,
				     .burst = 1,
				     .rate = open ? 1000 : 0,
				     .duration = 10 * second,
				     .timeout = 5 * second,
				     .n_cpus = 1,
				     .hold = -1,
				     .spin = true };
	r = (struct result){ .tally = tally_new(0, opt.duration),
			     .window_ns = 10 * second,
			     .connected = 10,
			     .window.cpu = 5 * second,
			     .spun = open };
	answered(open ? 10000 : 200000);
	set_all(&r.tally->response, ms, r.tally->answered);
	if (open) {
		set_all(&r.tally->service, ms, r.tally->answered);
		set_all(&r.tally->send_lag, 10 * us, r.tally->answered);
	}
	set_intervals(ms, ms, ms);
}

static void end(void)
{
	result_free(&r);
}

/* Audits: the result is valid and sustained. */
static void valid(void)
{
	audit(&r, &opt);
	for (unsigned i = 0; i < r.n_reasons; i++)
		printf("not expected: %s\n", r.reason[i]);
	assert_int_equal(r.n_reasons, 0);
	assert_true(r.valid);
	assert_true(r.sustained);
	end();
}

/* Audits: the result is invalid for one reason, which contains these words. */
static void invalid(bool sustained, const char *words, const char *more)
{
	audit(&r, &opt);
	if (r.n_reasons != 1 || !strstr(r.reason[0], words) ||
	    !strstr(r.reason[0], more))
		for (unsigned i = 0; i < r.n_reasons; i++)
			printf("reason: %s\n", r.reason[i]);
	assert_int_equal(r.n_reasons, 1);
	assert_non_null(strstr(r.reason[0], words));
	assert_non_null(strstr(r.reason[0], more));
	assert_false(r.valid);
	assert_int_equal(r.sustained, sustained);
	end();
}

static bool says(const char *words)
{
	for (unsigned i = 0; i < r.n_reasons; i++)
		if (strstr(r.reason[i], words))
			return true;
	return false;
}

/* -------------------------------------------------------------------------- */

static void idle_ones_alone(void **state)
{
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		begin(false);
		opt.connections = 0;
		opt.idle = 10;
		answered(0);
		set_intervals(0, 0, 0);
		histogram_clear(&r.tally->response);
		r.window.cpu = ms;
		if (!lost) {
			valid();
			continue;
		}
		r.tally->failures[FAILURE_CLOSED] = 3;
		invalid(true, "3 connections", "closed by the server");
	}
}

static void nothing_wrong(void **state)
{
	(void)state;
	begin(true);
	valid();
	begin(false);
	valid();
}

static void figures(void **state)
{
	(void)state;
	begin(true);
	r.tally->damaged = 3;
	r.tally->unanswered = 4;
	r.tally->in_window = 9000;
	assert_int_equal(result_due(&r), 10007);
	assert_true(result_rate(&r) == 900);
	opt.threads = 2;
	assert_true(result_busy(&r, &opt) == 0.25);
	end();
	begin(false);
	assert_true(result_in_flight(&r) == 20);
	r.window_ns = 0; /* interrupted in the warm-up */
	assert_true(result_in_flight(&r) == 0);
	assert_true(result_rate(&r) == 0);
	assert_true(result_busy(&r, &opt) == 0);
	end();
}

static void coarse_without_a_cpu(void **state)
{
	(void)state;
	for (int open = 0; open <= 1; open++)
		for (int spun = 0; spun <= 1; spun++) {
			begin(open);
			r.spun = spun;
			audit(&r, &opt);
			assert_int_equal(r.coarse, open && !spun);
			end();
		}
}

/* ------------------------------------------------------- the server, the network */

static void each_damage_is_named(void **state)
{
	(void)state;
	for (int i = 0; i < DAMAGES; i++) {
		begin(true);
		r.tally->damages[i] = 4321;
		invalid(true, damage_name[i], "4321 times");
	}
}

static void the_first_damage_is_shown(void **state)
{
	(void)state;
	begin(false);
	r.tally->damages[DAMAGE_CORRUPTION] = 1;
	r.tally->evidence = (struct evidence){ .found = true,
					       .damage = DAMAGE_CORRUPTION,
					       .connection = 17,
					       .place = { 12345, 63 },
					       .has_bytes = true,
					       .expected = 0x0a,
					       .received = 0xff };
	audit(&r, &opt);
	assert_int_equal(r.n_reasons, 2);
	assert_true(
		says("corruption at connection 17, request 12345, byte 63"));
	assert_true(says("sent 0x0a, received 0xff"));
	end();
	begin(false);
	r.tally->damages[DAMAGE_LOSS] = 1;
	r.tally->evidence = (struct evidence){ .found = true,
					       .damage = DAMAGE_LOSS,
					       .connection = 0,
					       .place = { 0, 0 } };
	audit(&r, &opt);
	assert_int_equal(r.n_reasons, 2);
	assert_true(says("loss at connection 0, request 0, byte 0"));
	assert_false(says("received"));
	end();
}

static void each_failure_is_named(void **state)
{
	static const char *const words[FAILURES] = {
		[FAILURE_REFUSED] = "refused",
		[FAILURE_TIMEOUT] = "within 5 s",
		[FAILURE_CLOSED] = "closed by the server",
		[FAILURE_RESET] = "reset by the server",
		[FAILURE_STALLED] = "stopped answering",
		[FAILURE_REPLY] = "not as asked for",
		[FAILURE_OTHER] = "failed",
	};

	(void)state;
	for (int i = 0; i < FAILURES; i++)
		for (int open = 0; open <= 1; open++) {
			begin(open);
			r.tally->failures[i] = 4321;
			invalid(true, words[i], "4321 connections");
		}
	for (int i = 0; i < FAILURES; i++) {
		begin(true);
		r.tally->failures[i] = 1;
		invalid(true, words[i], "1 connection ");
	}
	begin(true);
	r.tally->failures[FAILURE_OTHER] = 1;
	r.tally->other_error = EMFILE;
	invalid(true, "1 connection failed", strerror(EMFILE));
	begin(true);
	r.tally->failures[FAILURE_OTHER] = 1;
	r.tally->other_error = EADDRNOTAVAIL;
	invalid(true, "ip_local_port_range", "sysctl -w");
}

static void no_answers(void **state)
{
	(void)state;
	begin(true);
	r.gave_up = true;
	invalid(false, "5 s", "--timeout");
	begin(true);
	r.flooded = true;
	invalid(false, "outstanding", "--rate");
	begin(true);
	r.tally->unanswered = 17;
	invalid(true, "17 of 10017", "2 s");
	begin(true);
	r.interrupted = true;
	audit(&r, &opt);
	assert_int_equal(r.n_reasons, 1);
	assert_string_equal(r.reason[0], "interrupted");
	end();
	for (int open = 0; open <= 1; open++) {
		begin(open);
		free(r.tally);
		r.tally = tally_new(0, opt.duration);
		audit(&r, &opt);
		assert_true(says("nothing was measured"));
		assert_false(r.valid);
		end();
	}
	begin(false); /* it ended in the warm-up */
	free(r.tally);
	r.tally = tally_new(0, opt.duration);
	r.window_ns = 0;
	invalid(true, "nothing was measured", "");
}

static void longer_than_a_histogram_holds(void **state)
{
	(void)state;
	begin(true);
	r.tally->response.above = 12;
	invalid(true, "12 response times", "137 s");
}

/* ------------------------------------------------------------- the open loop */

/*
 * 95 % of the requests due have to be answered in the window, except those in flight
 * in a median response time (a tenth at most), and five more.
 */
static void as_fast_as_offered(void **state)
{
	(void)state;
	begin(true); /* 1 of 1,000/s is in flight in 1 ms */
	r.tally->in_window = 9500 - 1 - 5;
	valid();
	begin(true);
	r.tally->in_window = 9500 - 1 - 5 - 1;
	invalid(false, "1,000 requests/s were offered and 949", "--rate");
	begin(true);
	r.tally->in_window = 5000;
	invalid(false, "not sustained", "--find-rate");
	/* A slow server that keeps up: 500 requests in flight */
	begin(true);
	set_all(&r.tally->response, 500 * ms, 10000);
	r.tally->in_window = 9000;
	set_intervals(500 * ms, 500 * ms, 500 * ms);
	valid();
	begin(true);
	set_all(&r.tally->response, 500 * ms, 10000);
	r.tally->in_window = 9500 - 500 - 5 - 2;
	invalid(false, "not sustained", "--rate");
	/* In a growing queue all requests are in flight. */
	begin(true);
	set_all(&r.tally->response, 8 * second, 10000);
	r.tally->in_window = 9500 - 1000 - 5;
	valid();
	begin(true);
	set_all(&r.tally->response, 8 * second, 10000);
	r.tally->in_window = 9500 - 1000 - 5 - 2;
	invalid(false, "not sustained", "--rate");
	/* Few requests are due. */
	begin(true);
	opt.rate = 0.5;
	answered(5);
	r.tally->in_window = 0;
	set_all(&r.tally->response, ms, 5);
	set_all(&r.tally->send_lag, us, 5);
	valid();
	/* Damaged and unanswered requests were due as well. */
	begin(true);
	r.tally->damaged = 1000;
	invalid(false, "not sustained", "--rate");
}

static void lag(int64_t ns, uint64_t n)
{
	set_some(&r.tally->send_lag, ns, n);
}

/* The p99 counts: 1 % of the requests may be later than the limit. */
static void how_late_it_may_send(void **state)
{
	(void)state;
	begin(true); /* a tenth of the median, 1 ms */
	set_all(&r.tally->send_lag, 100 * us, 10000);
	valid();
	begin(true);
	lag(ms, 100);
	valid();
	begin(true);
	lag(ms, 101);
	invalid(true, "the generator was late", "1.00 ms late");
	begin(true);
	set_all(&r.tally->send_lag, 101 * us, 10000);
	invalid(true, "101 us late or more (100 us is allowed)", "--threads");
	/* 50 us at least, */
	begin(true);
	set_all(&r.tally->response, 20 * us, 10000);
	set_all(&r.tally->send_lag, 49 * us, 10000);
	valid();
	begin(true);
	set_all(&r.tally->response, 20 * us, 10000);
	set_all(&r.tally->send_lag, 51 * us, 10000);
	invalid(true, "(50.0 us is allowed)", "--cpu");
	/* 1 ms without a CPU of its own, */
	begin(true);
	r.spun = false;
	set_all(&r.tally->send_lag, 999 * us, 10000);
	valid();
	begin(true);
	r.spun = false;
	set_all(&r.tally->send_lag, 1001 * us, 10000);
	invalid(true, "(1.00 ms is allowed)", "CPU of its own (--cpu)");
	begin(true);
	r.spun = false;
	r.others = 0.48;
	opt.cpus[0] = 7;
	set_all(&r.tally->send_lag, 1001 * us, 10000);
	invalid(true, "other programs used CPU 7", "48 %");
	/* and time to send a burst. */
	begin(true);
	opt.burst = 101;
	set_all(&r.tally->send_lag, 1049 * us, 10000);
	valid();
	begin(true);
	opt.burst = 101;
	set_all(&r.tally->send_lag, 1051 * us, 10000);
	invalid(true, "1.05 ms late", "--rate");
	begin(true);
	opt.burst = 101;
	opt.threads = opt.n_cpus = 4;
	set_all(&r.tally->send_lag, 301 * us, 10000);
	invalid(true, "301 us late or more (300 us is allowed)", "--threads");
	/* A closed loop cannot be late. */
	begin(false);
	set_all(&r.tally->send_lag, second, 10000);
	valid();
}

/* The cause is the server if send buffers were full for 1 % of the requests. */
static void late_by_full_sockets(void **state)
{
	(void)state;
	begin(true);
	lag(300 * ms, 500);
	r.tally->held = 100;
	audit(&r, &opt);
	assert_true(says("the send buffers were full"));
	assert_true(says("more connections"));
	assert_false(r.late);
	end();
	begin(true);
	opt.pattern = PATTERN_STORM;
	lag(300 * ms, 500);
	r.tally->held = 100;
	audit(&r, &opt);
	assert_true(says("all connections were in use"));
	end();
	begin(true);
	lag(300 * ms, 500);
	r.tally->held = 99;
	audit(&r, &opt);
	assert_true(says("the generator was late"));
	assert_true(r.late);
	end();
}

/* ----------------------------------------------------------- the closed loop */

static void as_many_as_should_be_under_way(void **state)
{
	static const struct {
		double under_way;
		bool right;
	} cases[] = { { 17.9, false }, { 18.1, true },  { 20, true },
		      { 20.3, true },  { 20.5, false }, { 1, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char number[16];

		begin(false);
		set_all(&r.tally->response, cases[i].under_way * 50 * us,
			200000);
		snprintf(number, sizeof(number), "%.1f requests",
			 cases[i].under_way);
		if (cases[i].right)
			valid();
		else
			invalid(true, number, "20 were expected");
	}
	begin(false);
	set_all(&r.tally->response, 500 * us, 200000);
	invalid(true, "Little's law", "--cpu");
	/* With a connection per request, connecting takes time. */
	begin(false);
	opt.pattern = PATTERN_CONNECT;
	set_all(&r.tally->response, 500 * us, 200000);
	valid();
	begin(true);
	set_all(&r.tally->response, 500 * us, 10000);
	valid();
}

/* Slow requests extend beyond the edges of the window. */
static void slow_replies_across_the_edges(void **state)
{
	(void)state;
	for (int64_t ns = 10 * ms; ns <= 5 * second; ns = ns * 5 / 4)
		for (int more = 0; more <= 1; more++) {
			uint64_t n = 10 * second / ns + more;

			begin(false);
			set_all(&r.tally->response, ns, 20 * n);
			answered(20 * n);
			set_intervals(ns, ns, ns);
			valid();
		}
	/* A stall that lasted beyond the end */
	begin(false);
	set_some(&r.tally->response, second, 20);
	valid();
}

/* With fewer connections, fewer requests are in flight: no extra reason. */
static void fewer_connections_are_no_lateness(void **state)
{
	(void)state;
	begin(false);
	set_all(&r.tally->response, 500 * us, 200000);
	r.tally->failures[FAILURE_CLOSED] = 5;
	r.tally->troubles = 5;
	invalid(true, "closed by the server", "");
	begin(false);
	set_all(&r.tally->response, 500 * us, 200000);
	r.tally->unanswered = 10;
	invalid(true, "never answered", "");
}

/* A busy generator is the bottleneck only if replies wait for it. */
static void the_generator_is_the_bottleneck(void **state)
{
	(void)state;
	begin(false);
	r.window.cpu = 9.9 * second;
	queued(0.5);
	valid();
	begin(false);
	r.window.cpu = 9 * second;
	queued(0.9);
	valid();
	begin(false);
	r.window.cpu = 9.1 * second;
	queued(0.51);
	invalid(true, "91 % of its CPU, and 51 %", "--threads");
	begin(false);
	opt.threads = opt.n_cpus = 2;
	r.window.cpu = 18 * second;
	queued(0.9);
	valid();
	begin(false);
	opt.threads = opt.n_cpus = 2;
	r.window.cpu = 19 * second;
	queued(0.9);
	invalid(true, "bottleneck", "--cpu");
}

static void it_waits_for_its_cpu(void **state)
{
	(void)state;
	for (int open = 0; open <= 1; open++) {
		begin(open);
		r.window.delay = second;
		valid();
		begin(open);
		r.window.delay = 1.01 * second;
		invalid(true, "CPU 10 % of the time", "--cpu");
		begin(open); /* shared on purpose */
		r.window.delay = 9 * second;
		opt.spin = false;
		valid();
		begin(open);
		r.window.delay = -1;
		valid();
		/* Any CPU, not one of its own */
		begin(open);
		opt.n_cpus = 0;
		r.window.delay = 2.5 * second;
		valid();
		begin(open);
		opt.n_cpus = 0;
		r.window.delay = 2.6 * second;
		invalid(true, "26 % of the time", "--spin never");
		begin(open); /* each of two waits for half of that */
		opt.threads = opt.n_cpus = 2;
		r.window.delay = 2 * second;
		valid();
	}
}

/* An observer judges the machine in each slice, and needs no word about it here. */
static void the_machine_is_no_reason_in_slices(void **state)
{
	(void)state;
	for (int open = 0; open <= 1; open++) {
		begin(open);
		opt.hold = 3;
		r.window.cpu = 10 * second;
		r.window.delay = 9 * second;
		r.others = 0.9;
		r.spun = false;
		queued(1);
		if (open)
			lag(second, 5000);
		else /* by Little's law too few */
			set_all(&r.tally->response, 100 * us, 200000);
		set_intervals(ms, 60 * ms, 120 * ms);
		valid();
	}
}

/* What the server does is a reason as ever. */
static void the_server_is_a_reason_in_slices(void **state)
{
	(void)state;
	begin(true);
	opt.hold = 3;
	r.tally->in_window = 9000;
	invalid(false, "not sustained", "");
	begin(true);
	opt.hold = 3;
	r.tally->unanswered = 1;
	invalid(true, "never answered", "");
	begin(false);
	opt.hold = 3;
	r.tally->failures[FAILURE_CLOSED] = 1;
	invalid(true, "closed by the server", "");
	begin(false);
	opt.hold = 3;
	r.gave_up = true;
	invalid(false, "so the slice was ended", "");
}

/* ------------------------------------------------------------------ the trend */

static void no_median_of_anything(void **state)
{
	(void)state;
	begin(false);
	set_intervals(ms, 2 * ms, 4 * ms);
	invalid(true, "grew during the run", "what else");
	begin(true);
	set_intervals(ms, 2 * ms, 4 * ms);
	invalid(true, "grew during the run, from 1.0", "--rate");
	begin(true);
	set_intervals(4 * ms, 2 * ms, ms);
	invalid(true, "fell during the run", "--warmup");
	/* Too small a factor, */
	begin(true);
	set_intervals(2 * ms, 3 * ms, 3900 * us);
	valid();
	begin(true);
	set_intervals(3900 * us, 3 * ms, 2 * ms);
	valid();
	/* too little time, */
	begin(true);
	set_intervals(20 * us, 60 * us, 110 * us);
	valid();
	begin(true);
	set_intervals(110 * us, 60 * us, 20 * us);
	valid();
	/* or not in one direction. */
	begin(true);
	set_intervals(ms, 10 * ms, 4 * ms);
	valid();
	begin(true);
	set_intervals(4 * ms, ms, 3 * ms);
	valid();
	begin(true);
	set_intervals(4 * ms, 10 * ms, ms);
	valid();
}

/* A queue that grows by 1 % of the time means that the load is not sustained. */
static void who_falls_behind(void **state)
{
	(void)state;
	begin(true);
	set_intervals(ms, 50 * ms, 97 * ms);
	invalid(true, "grew", "--rate");
	begin(true);
	set_intervals(ms, 60 * ms, 120 * ms);
	invalid(false, "grew", "--rate");
	begin(false);
	set_intervals(ms, 60 * ms, 120 * ms);
	invalid(true, "grew", "");
}

/* With too few intervals, or too few samples in them, no trend is reported. */
static void too_few_to_tell(void **state)
{
	(void)state;
	for (unsigned full = 0; full <= 100; full++) {
		begin(true);
		set_intervals(ms, 5 * ms, 20 * ms);
		/* The full intervals, spread over the run */
		for (unsigned i = 0; i < 100; i++)
			if (i * full / 100 == (i + 1) * full / 100)
				r.tally->interval[i].count = 19;
		if (full < 6)
			valid();
		else
			invalid(true, "grew", "--rate");
	}
}

/* ------------------------------------------------------------------ all of them */

/* All reasons at once fit. */
static void everything_is_wrong(void **state)
{
	(void)state;
	for (int open = 0; open <= 1; open++) {
		/* Interrupted, the first damage, four of answers, too long, CPU
		 * and trend; rate and lag, or busy */
		unsigned wanted = 1 + DAMAGES + 1 + FAILURES + 4 + 3 + 1 + open;

		begin(open);
		for (int i = 0; i < DAMAGES; i++)
			r.tally->damages[i] = UINT64_MAX;
		for (int i = 0; i < FAILURES; i++)
			r.tally->failures[i] = UINT64_MAX;
		r.tally->other_error = EADDRNOTAVAIL;
		r.tally->evidence =
			(struct evidence){ .found = true, .has_bytes = true };
		answered(0);
		r.tally->unanswered = 100000;
		r.tally->response.above = 3;
		r.interrupted = r.gave_up = r.flooded = true;
		r.window.cpu = 20 * second;
		queued(1);
		r.window.delay = 20 * second;
		if (open)
			lag(second, 5000);
		set_all(&r.tally->response, 10 * us, 10);
		r.tally->response.above = 3;
		set_intervals(ms, 60 * ms, 120 * ms);
		audit(&r, &opt);
		assert_int_equal(r.n_reasons, wanted);
		assert_true(r.n_reasons <= REASONS_MAX);
		assert_false(r.valid);
		assert_false(r.sustained);
		assert_true(says("interrupted"));
		assert_true(says("137 s"));
		for (unsigned i = 0; i < r.n_reasons; i++)
			for (unsigned j = 0; j < i; j++)
				assert_string_not_equal(r.reason[i],
							r.reason[j]);
		end();
	}
}

/* Reasons that do not fit are dropped without overflow. */
static void no_more_than_fit(void **state)
{
	struct result before;

	(void)state;
	begin(true);
	for (r.n_reasons = 0; r.n_reasons < REASONS_MAX; r.n_reasons++)
		r.reason[r.n_reasons] = strdup("there already");
	r.interrupted = r.gave_up = true;
	before = r;
	audit(&r, &opt);
	assert_int_equal(r.n_reasons, REASONS_MAX);
	assert_memory_equal(r.reason, before.reason, sizeof(r.reason));
	assert_false(r.valid);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wrong),
		cmocka_unit_test(idle_ones_alone),
		cmocka_unit_test(figures),
		cmocka_unit_test(coarse_without_a_cpu),
		cmocka_unit_test(each_damage_is_named),
		cmocka_unit_test(the_first_damage_is_shown),
		cmocka_unit_test(each_failure_is_named),
		cmocka_unit_test(no_answers),
		cmocka_unit_test(longer_than_a_histogram_holds),
		cmocka_unit_test(as_fast_as_offered),
		cmocka_unit_test(how_late_it_may_send),
		cmocka_unit_test(late_by_full_sockets),
		cmocka_unit_test(as_many_as_should_be_under_way),
		cmocka_unit_test(slow_replies_across_the_edges),
		cmocka_unit_test(fewer_connections_are_no_lateness),
		cmocka_unit_test(the_generator_is_the_bottleneck),
		cmocka_unit_test(it_waits_for_its_cpu),
		cmocka_unit_test(the_machine_is_no_reason_in_slices),
		cmocka_unit_test(the_server_is_a_reason_in_slices),
		cmocka_unit_test(no_median_of_anything),
		cmocka_unit_test(who_falls_behind),
		cmocka_unit_test(too_few_to_tell),
		cmocka_unit_test(everything_is_wrong),
		cmocka_unit_test(no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
