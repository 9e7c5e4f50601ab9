/* SPDX-License-Identifier: MIT */
/* validity.c - whether what a bout measured of a server is valid: see validity.h */
#include "harness/verdict/validity.h"

#include "harness/base/print.h"

#include <math.h>
#include <string.h>

/* Closed loop: above both, the generator was measured and not the server. */
static const double queued_most = 0.5, busy_most = 0.9;
static const double at_its_limit = 0.95; /* of the server's CPUs */
static const double achieved_least = 0.95;

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

/* ---------------------------------------------------------- what was not answered */

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

/* r->bound says it, and of the slices that count. */
static bool is_bottleneck(const char *reason)
{
	static const char bottleneck[] = "the generator was the bottleneck";

	return strncmp(reason, bottleneck, strlen(bottleneck)) == 0;
}

static bool lost_something(const struct record *r,
			   const struct circumstances *c)
{
	return count_of(r->load, "errors") || count_of(r->load, "mismatches") ||
	       count_of(r->load, "damaged") ||
	       (count_of(r->load, "unanswered") && !c->overwhelmed) ||
	       (r->cell.connections && !count_of(r->load, "requests_total"));
}

static void judge_replies(struct record *r, const struct circumstances *c)
{
	json_t *reasons = json_object_get(r->load, "invalid_reasons"), *reason;
	bool lost = lost_something(r, c);
	size_t i;

	json_array_foreach(reasons, i, reason) {
		const char *text = json_string_value(reason);

		if (text && !is_bottleneck(text))
			record_say(lost ? r->reasons : r->warnings, "%.*s",
				   without_advice(text), text);
	}
	if (json_array_size(r->reasons) > 0)
		return;
	if (*c->trouble && !c->overwhelmed)
		record_say(r->reasons, "%s", c->trouble);
	else if (lost)
		record_say(r->reasons,
			   "the generator lost requests, without a reason");
}

/* ---------------------------------------------------------------------- counts */

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
	json_int_t clients = cell_clients(&r->cell), accepted;
	json_int_t refused;

	read_counter(r, "refused", &refused); /* for its warning */
	if (read_counter(r, "requests", &served) && served != sent)
		record_say(r->reasons,
			   "the server counted %lld request%s, the generator "
			   "%lld",
			   (long long)served, plural(served), (long long)sent);
	if (read_counter(r, "accepted", &accepted) &&
	    !pattern_connects(r->cell.pattern) && accepted != clients)
		record_say(
			r->reasons,
			"the server counted %lld client%s, the generator %lld",
			(long long)accepted, plural(accepted),
			(long long)clients);
}

static void judge_counting(struct record *r)
{
	if (r->role == ROLE_COUNTING && *r->calls_method &&
	    strcmp(r->calls_method, "none") != 0 &&
	    !isfinite(r->metric[METRIC_CALLS_PER_REQUEST]))
		record_say(r->warnings,
			   "system calls per request could not be counted");
}

/* ---------------------------------------------------------------------- limits */

/* The CPU time of a server that spins says nothing. */
static bool server_is_at_its_limit(const struct record *r,
				   const struct circumstances *c)
{
	unsigned cpus = r->metric[METRIC_THREADS] == 1 ? 1 : c->cpus;

	return !c->spins && cpus > 0 &&
	       r->metric[METRIC_SERVER_CPU_SHARE] >= at_its_limit * cpus;
}

static void judge_limits(struct record *r, const struct circumstances *c)
{
	bool full = server_is_at_its_limit(r, c);

	r->bound = r->cell.loop == LOOP_CLOSED && !full &&
		   c->queued > queued_most && c->busy > busy_most;
	r->saturated = r->cell.loop == LOOP_OPEN &&
		       (full || c->overwhelmed || c->achieved < achieved_least);
}

void judge(struct record *r, const struct circumstances *c)
{
	if (judge_refusals(r))
		return;
	judge_replies(r, c);
	if (r->server && !c->overwhelmed)
		judge_counts(r);
	judge_counting(r);
	if (r->role != ROLE_COUNTING && r->role != ROLE_IDLE)
		judge_limits(r, c);
	r->status = json_array_size(r->reasons) ? STATUS_FAILED : STATUS_OK;
}

bool judge_failed(const struct record *r)
{
	return r->status == STATUS_FAILED;
}
