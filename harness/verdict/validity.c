/* SPDX-License-Identifier: MIT */
/* validity.c - whether a repetition is valid: see validity.h */
#include "harness/verdict/validity.h"

#include "harness/base/print.h"

#include <math.h>
#include <string.h>

static const double steal_most = 0.01, held_up_most = 0.05;
static const double saturated = 0.97; /* of a CPU */
static const int64_t suspended_most = 5000000;

static json_int_t count_of(const json_t *from, const char *key)
{
	return json_integer_value(json_object_get(from, key));
}

/* ------------------------------------------------------------------- refusals */

static bool judge_refusals(struct record *r)
{
	json_t *by = json_object_get(r->server, "refused_by");
	json_int_t refused = count_of(r->server, "refused");
	json_int_t clients = refused + count_of(r->server, "accepted");
	const char *why;
	json_t *n;

	if (refused <= 0)
		return false;
	r->status = STATUS_REFUSED;
	record_say(r->reasons, "the server refused %lld of %lld client%s",
		   (long long)refused, (long long)clients, plural(clients));
	json_object_foreach(by, why, n) {
		if (json_integer_value(n) > 0)
			record_say(r->reasons, "limit reached: %s", why);
	}
	return true;
}

/* ----------------------------------------------------------------- the checks */

/* The length of a reason of the generator without the advice at its end, which is
 * about options of bin/loadgen. r->load keeps all of it. */
static int without_advice(const char *reason)
{
	const char *option = strstr(reason, "--"), *end = option;

	if (!option)
		return (int)strlen(reason);
	while (end > reason && strncmp(end, ": ", 2) != 0 &&
	       strncmp(end, "; ", 2) != 0)
		end--;
	return end > reason ? (int)(end - reason) : (int)strlen(reason);
}

static bool is_bottleneck(const char *reason)
{
	static const char bottleneck[] = "the generator was the bottleneck";

	return reason && strncmp(reason, bottleneck, strlen(bottleneck)) == 0;
}

/* A faster generator would not have raised the throughput. */
static bool server_was_the_limit(const struct record *r,
				 const struct circumstances *c)
{
	bool one_cpu = r->metric[METRIC_THREADS] == 1 ||
		       (*r->server_cpus && !strpbrk(r->server_cpus, ",-"));

	return c->sleeps && one_cpu && r->cell.loop == LOOP_CLOSED &&
	       r->metric[METRIC_SERVER_CPU_SHARE] >= saturated;
}

static void say_reasons(struct record *r, const struct circumstances *c)
{
	json_t *reasons = json_object_get(r->load, "invalid_reasons"), *reason;
	size_t i;

	json_array_foreach(reasons, i, reason) {
		const char *text = json_string_value(reason);
		bool bottleneck = is_bottleneck(text);

		if (bottleneck && server_was_the_limit(r, c)) {
			record_say(r->warnings,
				   "server and generator were both saturated "
				   "(server: %.0f %% of a CPU)",
				   r->metric[METRIC_SERVER_CPU_SHARE] * 100);
			continue;
		}
		/* The baseline measures the limit of the generator. */
		record_say(bottleneck && r->role == ROLE_BASELINE ?
				   r->warnings :
				   r->reasons,
			   "%.*s%s", without_advice(text), text,
			   bottleneck ? " (more CPUs: --client-cpus)" : "");
	}
	if (json_array_size(reasons) == 0 &&
	    !json_is_true(json_object_get(r->load, "valid")))
		record_say(r->reasons,
			   "the generator calls its result invalid, without a "
			   "reason");
}

/* Nothing was lost: the counts are right, whatever the times are. */
static bool nothing_lost(const struct record *r)
{
	static const char *const losses[] = { "errors", "mismatches",
					      "unanswered", "damaged" };

	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		if (count_of(r->load, losses[i]) != 0)
			return false;
	return !json_is_false(json_object_get(r->load, "sustained")) &&
	       !json_is_true(json_object_get(r->load, "interrupted"));
}

/* The times of a counting repetition are not used: reasons against them are
 * warnings. */
static void spare_counts(struct record *r)
{
	json_array_extend(r->warnings, r->reasons);
	json_array_clear(r->reasons);
}

/* A counter that the server printed. If it is missing, a warning says what is not
 * checked. */
static bool read_counter(struct record *r, const char *key, json_int_t *n)
{
	const json_t *value = json_object_get(r->server, key);

	*n = json_integer_value(value);
	if (json_is_integer(value))
		return true;
	record_say(r->warnings,
		   value && !json_is_null(value) ?
			   "not checked: the server's counter '%s' is not an "
			   "integer" :
			   "not checked: the server printed no counter '%s'",
		   key);
	return false;
}

static void judge_counts(struct record *r)
{
	json_int_t sent = count_of(r->load, "requests_total"), served;
	json_int_t clients = r->cell.connections + r->cell.idle, accepted;
	json_int_t refused;

	read_counter(r, "refused", &refused); /* for its warning */
	if (read_counter(r, "requests", &served) && served != sent)
		record_say(r->reasons,
			   "the server counted %lld request%s, the generator "
			   "%lld",
			   (long long)served, plural(served), (long long)sent);
	if (read_counter(r, "accepted", &accepted) &&
	    r->cell.pattern != PATTERN_CONNECT && accepted != clients)
		record_say(
			r->reasons,
			"the server counted %lld client%s, the generator %lld",
			(long long)accepted, plural(accepted),
			(long long)clients);
}

static void judge_machine(struct record *r, const struct circumstances *c)
{
	double steal = r->metric[METRIC_STEAL_SHARE];
	double queue = r->metric[METRIC_SERVER_QUEUE_SHARE];

	/* Steal time is counted in ticks: in a short window it can exceed 1. */
	if (steal > steal_most)
		record_say(r->reasons,
			   "steal time: the hypervisor took %.1f %% of the CPU "
			   "time",
			   fmin(steal, 1) * 100);
	if (c->suspended_ns > suspended_most)
		record_say(r->reasons, "the machine was suspended for %.3f s",
			   c->suspended_ns / 1e9);
	if (r->metric[METRIC_THREADS] == 1 && queue > held_up_most &&
	    r->cell.placement == PLACEMENT_SPLIT)
		record_say(r->reasons,
			   "the server waited for its CPU %.0f %% of the time: "
			   "something else ran there",
			   queue * 100);
}

static void judge_window(struct record *r, const struct circumstances *c)
{
	if (c->was_stopped)
		record_say(r->reasons,
			   "the run was stopped and continued during this "
			   "repetition");
	if (!isfinite(r->window_s))
		record_say(r->reasons, "the probes could not be read");
}

static void judge_counting(struct record *r)
{
	if (r->role == ROLE_COUNTING && *r->calls_method &&
	    strcmp(r->calls_method, "none") != 0 &&
	    !isfinite(r->metric[METRIC_CALLS_PER_REQUEST]))
		record_say(r->reasons,
			   "system calls per request could not be counted");
}

void judge(struct record *r, const struct circumstances *c)
{
	if (judge_refusals(r))
		return;
	say_reasons(r, c);
	judge_machine(r, c);
	if ((r->role == ROLE_COUNTING || r->role == ROLE_IDLE) &&
	    nothing_lost(r))
		spare_counts(r);
	if (r->server)
		judge_counts(r);
	judge_window(r, c);
	judge_counting(r);
	r->status = json_array_size(r->reasons) ? STATUS_INVALID : STATUS_OK;
}

/* Server and generator disagree. A missing counter is not compared. */
static bool counts_differ(const struct record *r)
{
	json_t *served = json_object_get(r->server, "requests");
	json_t *accepted = json_object_get(r->server, "accepted");

	if (json_is_integer(served) &&
	    json_integer_value(served) != count_of(r->load, "requests_total"))
		return true;
	return json_is_integer(accepted) &&
	       r->cell.pattern != PATTERN_CONNECT &&
	       json_integer_value(accepted) !=
		       r->cell.connections + r->cell.idle;
}

/* If an open loop overloads the server, replies are in flight at the end: not a loss. */
static bool lost_something(const struct record *r)
{
	bool overloaded = r->cell.loop == LOOP_OPEN &&
			  json_is_false(json_object_get(r->load, "sustained"));

	return count_of(r->load, "errors") || count_of(r->load, "mismatches") ||
	       count_of(r->load, "damaged") ||
	       (count_of(r->load, "unanswered") && !overloaded) ||
	       (r->cell.connections && !count_of(r->load, "requests_total"));
}

bool judge_failed(const struct record *r)
{
	return r->status == STATUS_FAILED ||
	       (r->status == STATUS_INVALID && r->load &&
		(lost_something(r) || counts_differ(r)));
}
