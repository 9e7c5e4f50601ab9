/* SPDX-License-Identifier: MIT */
/* bout.c - one setting in one block, its servers in turns: see bout.h */
#include "harness/measure/bout.h"

#include "harness/base/grow.h"
#include "harness/base/print.h"
#include "harness/measure/contender.h"
#include "harness/measure/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

/* For all clients to connect; for "ok", after a slice */
static const int64_t connect_limit = 60 * SECOND, agree_limit = 10 * SECOND;
/* Ctrl-C may reach a child this much earlier than this process. */
static const int64_t signal_limit = SECOND / 10;
/* After which all servers sleep: once they have accepted; after a round */
static const int64_t settle_start_ns = SECOND / 100, settle_ns = SECOND / 1000;
/* A rest long enough to find servers that spin */
static const int64_t rest_ns = SECOND / 40;

struct bout {
	const struct run_context *context;
	const struct entry *first;
	struct contender *contender;
	size_t n;
	struct wait_set wait_set;
	char step[32];

	size_t *order; /* of the current round */
	struct rounds rounds;
	unsigned disturbed; /* rounds that count nevertheless */
	int continued;      /* its value when the frozen ones were looked at */
};

/* At the beginning of a round */
struct moment {
	int64_t time_ns, steal_ns, suspended_ns, unused_ns, own_ns;
	int continued;
};

/* -------------------------------------------------------------------- progress */

static void tick(void *data)
{
	const struct bout *b = data;

	b->context->step(b->context->data, b->first, b->step);
}

static void set_step(struct bout *b, const char *step)
{
	snprintf(b->step, sizeof(b->step), "%s", step);
	tick(b);
}

static size_t left(const struct bout *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += !b->contender[i].out;
	return n;
}

/* false: interrupted */
static bool rest(struct bout *b, int64_t ns)
{
	return wait_until(&b->wait_set, monotonic_ns() + ns, NULL, NULL) !=
	       WAIT_INTERRUPTED;
}

/* The next one that takes part; NULL: there is none. c = NULL: the first */
static struct contender *next(const struct bout *b, const struct contender *c)
{
	struct contender *end = b->contender + b->n;
	struct contender *at =
		c ? b->contender + (c - b->contender) + 1 : b->contender;

	while (at < end && at->out)
		at++;
	return at < end ? at : NULL;
}

/* ------------------------------------------------------------------------ start */

static bool all_have_lines(void *data)
{
	struct bout *b = data;

	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!generator_has_line(&c->generator))
			return false;
	return true;
}

/* The servers start one after another, and the generators connect meanwhile. */
static bool start(struct bout *b)
{
	set_step(b, "starting");
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!contender_start(c))
			return false;
	set_step(b, "connecting");
	if (wait_until(&b->wait_set, monotonic_ns() + connect_limit,
		       all_have_lines, b) == WAIT_INTERRUPTED)
		return false;
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!contender_connected(c))
			return false;
	return rest(b, settle_start_ns);
}

static void read_all(struct bout *b, enum edge edge)
{
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_read(c, edge);
}

/* ---------------------------------------------------------------------- a round */

static int64_t own_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static int shared_cpu(const struct bout *b)
{
	int cpu = 0;

	if (b->first->cell->placement != PLACEMENT_SHARED)
		return -1;
	while (cpu < CPU_SETSIZE - 1 &&
	       !CPU_ISSET(cpu, &b->context->cpus->shared.server))
		cpu++;
	return cpu;
}

static struct moment now(const struct bout *b)
{
	return (struct moment){
		.time_ns = monotonic_ns(),
		.steal_ns = machine_steal_ns(),
		.suspended_ns = machine_suspended_ns(),
		.unused_ns = machine_unused_ns(shared_cpu(b)),
		.own_ns = own_cpu_ns(),
		.continued = *b->context->continued,
	};
}

/* One slice of each in this order; those that fail in it are out. */
static bool serve_all(struct bout *b, unsigned number)
{
	for (size_t i = 0; i < b->n; i++) {
		struct contender *c = &b->contender[b->order[i]];

		if (!c->out && !contender_slice(c, number, (unsigned)i))
			return false;
	}
	if (!rest(b, settle_ns))
		return false;
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_settle(c);
	return true;
}

static bool keep_all(struct bout *b, bool keep)
{
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_keep(c, keep);
	if (wait_until(&b->wait_set, monotonic_ns() + agree_limit,
		       all_have_lines, b) == WAIT_INTERRUPTED)
		return false;
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!contender_agreed(c))
			return false;
	return true;
}

static void add_delays(const struct bout *b, struct round_facts *f)
{
	int threads = CPU_COUNT(&b->context->cpus->split.client);

	for (struct contender *c = next(b, NULL); c; c = next(b, c)) {
		const struct turn *t = &c->turns[c->n_turns - 1];
		int64_t elapsed = t->got.elapsed_ns;

		if (t->got.delay_ns >= 0) {
			f->generator_delay_ns += t->got.delay_ns / threads;
			f->generator_load_ns += elapsed;
		}
		if (c->delay_ns >= 0) {
			f->server_delay_ns += c->delay_ns;
			f->server_load_ns += elapsed;
		}
	}
}

/* What neither the servers nor the generators nor this process used of their CPU */
static int64_t foreign_time(const struct bout *b, const struct moment *from,
			    const struct moment *to)
{
	double ns = to->time_ns - from->time_ns;

	ns -= to->own_ns - from->own_ns;
	ns -= to->unused_ns - from->unused_ns + UNUSED_STEP_NS;
	for (struct contender *c = next(b, NULL); c; c = next(b, c)) {
		const struct turn *t = &c->turns[c->n_turns - 1];

		ns -= t->slice.cpu_ns + t->slice.client_cpu_ns;
	}
	return ns > 0 ? (int64_t)ns : 0; /* NAN: unknown */
}

static bool is_disturbed(const struct bout *b, const struct moment *from,
			 bool why[DROPS])
{
	struct moment to = now(b);
	struct round_facts f = {
		.wall_ns = to.time_ns - from->time_ns,
		.cpus = get_nprocs(),
		.steal_ns = to.steal_ns - from->steal_ns,
		.suspended_ns = to.suspended_ns - from->suspended_ns,
		.was_stopped = to.continued != from->continued,
	};

	if (b->first->cell->placement == PLACEMENT_SPLIT)
		add_delays(b, &f);
	else if (from->unused_ns >= 0)
		f.foreign_ns = foreign_time(b, from, &to);
	return round_is_disturbed(&f, why);
}

static bool judge_round(struct bout *b, const struct moment *from,
			unsigned planned)
{
	bool why[DROPS], disturbed = is_disturbed(b, from, why);
	bool keep = !disturbed ||
		    !round_is_dropped(why, &b->rounds, b->disturbed, planned);

	if (keep) {
		b->rounds.counted++;
		b->disturbed += disturbed;
	} else {
		b->rounds.dropped++;
		for (int i = 0; i < DROPS; i++)
			b->rounds.why[i] += why[i];
	}
	return keep_all(b, keep);
}

/* ------------------------------------------------------------------------ rounds */

/* Ctrl-Z and fg also continue what was frozen. */
static bool check_rest(struct bout *b)
{
	bool continued = b->continued != *b->context->continued;

	b->continued = *b->context->continued;
	for (struct contender *c = next(b, NULL); c; c = next(b, c)) {
		contender_check_rest(c);
		if (continued)
			contender_freeze(c);
		if (*c->trouble && !contender_stop(c))
			return false;
	}
	return true;
}

static bool long_rest(struct bout *b)
{
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_rest(c);
	return rest(b, rest_ns) && check_rest(b);
}

/* Each client gets replies, and servers that spin are found. */
static bool warm_up(struct bout *b)
{
	set_step(b, "warm-up");
	for (size_t i = 0; i < b->n; i++)
		b->order[i] = i;
	return serve_all(b, 0) && keep_all(b, false) && long_rest(b);
}

static bool one_round(struct bout *b, unsigned planned)
{
	unsigned number = b->rounds.counted + b->rounds.dropped + 1;
	struct moment from;

	snprintf(b->step, sizeof(b->step), "round %u of %u",
		 b->rounds.counted + 1, planned);
	tick(b);
	turns_order(b->order, b->n, b->context->plan, b->first, number);
	from = now(b);
	return serve_all(b, number) && judge_round(b, &from, planned) &&
	       check_rest(b);
}

/* All of them, also those that are out: it does not depend on the servers. */
static int64_t round_ns(const struct bout *b)
{
	int64_t ns = 0;

	for (size_t i = 0; i < b->n; i++)
		ns += b->contender[i].head + b->contender[i].window;
	return ns;
}

static bool take_turns(struct bout *b)
{
	unsigned planned = plan_rounds(b->context->plan, round_ns(b));

	b->wait_set.tick = NULL; /* this process sleeps during a slice */
	if (!warm_up(b))
		return false;
	read_all(b, EDGE_BEGIN);
	while (left(b) > 0 && b->rounds.counted < planned)
		if (!one_round(b, planned))
			return false;
	read_all(b, EDGE_END);
	b->wait_set.tick = tick;
	return true;
}

/* Counting and idle: one server, one slice that counts, no times */
static bool take_one(struct bout *b)
{
	b->order[0] = 0;
	set_step(b, "measuring");
	b->wait_set.tick = NULL;
	read_all(b, EDGE_BEGIN);
	if (!serve_all(b, 1) || !rest(b, settle_start_ns))
		return false;
	read_all(b, EDGE_END);
	b->wait_set.tick = tick;
	return keep_all(b, true);
}

/* -------------------------------------------------------------------------- end */

static bool stop(struct bout *b)
{
	set_step(b, "stopping");
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_disconnect(c);
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!contender_report(c))
			return false;
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		contender_ask_to_stop(c);
	for (struct contender *c = next(b, NULL); c; c = next(b, c))
		if (!contender_stop(c))
			return false;
	return true;
}

/* Ctrl-C also goes to servers and generators. They may get it first and end: a failure
 * counts only if no signal follows it. */
static bool was_interrupted(struct bout *b)
{
	int64_t ns = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->contender[i].r->status == STATUS_FAILED)
			ns = signal_limit;
	return !rest(b, ns);
}

static bool measure(struct bout *b)
{
	bool timed =
		b->first->role != ROLE_COUNTING && b->first->role != ROLE_IDLE;

	return start(b) &&
	       (left(b) == 0 || (timed ? take_turns(b) : take_one(b))) &&
	       stop(b) && !was_interrupted(b);
}

static void note_rounds(const struct bout *b, struct record *r)
{
	r->rounds.dropped = b->rounds.dropped;
	for (int i = 0; i < DROPS; i++)
		r->rounds.why[i] = b->rounds.why[i];
	if (b->disturbed > 0)
		record_say(r->warnings,
			   "%u of the %u rounds that count %s disturbed: too "
			   "many to drop them",
			   b->disturbed, b->rounds.counted, were(b->disturbed));
}

static void end(struct bout *b, int64_t started, json_t **histograms)
{
	for (size_t i = 0; i < b->n; i++) {
		struct contender *c = &b->contender[i];

		contender_end(c);
		histograms[i] = c->histograms;
		if (!contender_counts(c))
			note_rounds(b, c->r);
	}
	for (size_t i = 0; i < b->n; i++)
		b->contender[i].r->took_s =
			(monotonic_ns() - started) / 1e9 / b->n;
	wait_set_free(&b->wait_set);
	free(b->contender);
	free(b->order);
}

bool bout(const struct run_context *context, const struct entry *const *e,
	  size_t n, const int64_t *slice_ns, struct record *r,
	  json_t **histograms)
{
	struct bout b = { .context = context,
			  .first = e[0],
			  .contender = grow(NULL, n, sizeof(*b.contender)),
			  .n = n,
			  .order = grow(NULL, n, sizeof(*b.order)) };
	int64_t started = monotonic_ns();
	bool finished;

	b.wait_set.tick = tick;
	b.wait_set.data = &b;
	b.wait_set.interrupted = context->interrupted;
	b.wait_set.mask = context->mask;
	b.continued = *context->continued;
	for (size_t i = 0; i < n; i++)
		contender_init(&b.contender[i], context, e[i], slice_ns[i],
			       &r[i], &b.wait_set);
	finished = measure(&b);
	end(&b, started, histograms);
	return finished;
}
