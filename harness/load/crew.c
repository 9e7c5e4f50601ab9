/* SPDX-License-Identifier: MIT */
/* crew.c - the threads of a run: see crew.h */
#include "crew.h"

#include "screen.h"

#include "harness/base/die.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

struct seat {
	struct crew *crew;
	unsigned part;
	pthread_t thread;
};

static sigset_t signals, ending; /* all: SIGUSR1, too: a thread is at rest */
static bool interrupted;

int64_t crew_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void run_catch_signals(void)
{
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	signals = ending;
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

const sigset_t *crew_signals(void)
{
	return &ending;
}

bool crew_interrupted(void)
{
	return interrupted;
}

/* -------------------------------------------------------------------- threads */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity to CPU %d", cpu);
}

/*
 * Alone, keeps the main thread, which draws the live line, off the CPUs of the
 * workers. In slices it keeps it on them: it works only while they are at rest, and
 * is not to wait for the server's CPU.
 */
static void place_main_thread(const struct load_options *opt)
{
	cpu_set_t set, theirs;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	CPU_ZERO(&theirs);
	for (unsigned i = 0; i < opt->n_cpus; i++)
		CPU_SET(opt->cpus[i], &theirs);
	if (opt->hold < 0) {
		CPU_AND(&theirs, &theirs, &set);
		CPU_XOR(&theirs, &theirs, &set);
	}
	if (CPU_COUNT(&theirs) > 0)
		sched_setaffinity(0, sizeof(theirs), &theirs);
}

static void is_at_rest(struct crew *crew)
{
	atomic_fetch_sub(&crew->busy, 1);
	pthread_kill(crew->main_thread, SIGUSR1);
}

static struct engine *open_engine(const struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;
	struct engine *e =
		crew->kind->open(load_clients(opt), opt->message * opt->depth);

	if (!e)
		die("cannot set up %s", crew->kind->name);
	e->server = crew->target.address;
	e->server_length = crew->target.length;
	return e;
}

/* A slice starts when all its threads are awake. */
static void line_up(struct crew *crew)
{
	struct run *run = &crew->run;

	if (pthread_barrier_wait(&crew->line) ==
	    PTHREAD_BARRIER_SERIAL_THREAD) {
		int64_t late = crew_clock() - run->start;

		if (late > 0) {
			run->start += late;
			run->from += late;
			run->to += late;
		}
	}
	pthread_barrier_wait(&crew->line);
}

/* Blocked until there is a load; false: there are no more. */
static bool next_load(struct crew *crew)
{
	is_at_rest(crew);
	pthread_barrier_wait(&crew->step);
	if (crew->closing)
		return false;
	if (crew->run.opt->hold >= 0)
		line_up(crew);
	return true;
}

static void *work(void *argument)
{
	struct seat *seat = argument;
	struct crew *crew = seat->crew;
	const struct load_options *opt = crew->run.opt;
	struct worker *w = &crew->workers[seat->part];
	struct engine *e;

	if (opt->n_cpus > 0)
		pin(opt->cpus[seat->part % opt->n_cpus]);
	prctl(PR_SET_TIMERSLACK, 1); /* ns */
	e = open_engine(crew);
	worker_init(w, &crew->run, seat->part, e);
	worker_set_up(w);
	while (next_load(crew))
		worker_run(w);
	worker_close(w);
	e->kind->close(e);
	return NULL;
}

static void *check_alloc(void *p)
{
	if (!p)
		die("calloc");
	return p;
}

static void start_threads(struct crew *crew)
{
	unsigned n = crew->run.opt->threads;

	crew->seats = check_alloc(calloc(n, sizeof(*crew->seats)));
	crew->workers = check_alloc(calloc(n, sizeof(*crew->workers)));
	pthread_barrier_init(&crew->step, NULL, n + 1);
	pthread_barrier_init(&crew->line, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		struct seat *seat = &crew->seats[i];
		int error;

		seat->crew = crew;
		seat->part = i;
		error = pthread_create(&seat->thread, NULL, work, seat);
		if (error)
			die_of(error, "pthread_create");
	}
}

/* -------------------------------------------------------------------- engines */

static const struct engine_kind *choose_engine(const struct load_options *opt)
{
	static const char *const names[] = { NULL, "uring", "epoll" };
	const char *wanted = names[opt->engine];
	static const struct engine_kind *const kinds[] = {
#ifdef HAVE_URING
		&engine_uring,
#endif
		&engine_epoll, NULL
	};
	int error = ENOSYS; /* built without it */

	for (int i = 0; kinds[i]; i++) {
		struct engine *e;

		if (wanted && strcmp(wanted, kinds[i]->name) != 0)
			continue;
		e = kinds[i]->open(load_clients(opt),
				   opt->message * opt->depth);
		if (e) {
			e->kind->close(e);
			return kinds[i];
		}
		error = errno;
	}
	errno = error;
	die("--engine %s does not work here (without --engine, one that works is "
	    "chosen)",
	    wanted ? wanted : "uring, epoll");
}

/* ------------------------------------------------------------------- the wait */

/* Unblocks the signals: a second one ends the program. */
void crew_interrupt(struct crew *crew)
{
	interrupted = true;
	atomic_store(&crew->run.stop, true);
	pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
}

/* Waits until all threads are at rest, and draws the live line four times a second
 * if there is one. */
static void wait_for_all(struct crew *crew, bool draw)
{
	const struct timespec quarter = { 0, 250 * 1000000 };

	while (atomic_load(&crew->busy) > 0) {
		int signal = sigtimedwait(&signals, NULL,
					  screen_is_open() ? &quarter : NULL);

		if (signal == SIGINT || signal == SIGTERM)
			crew_interrupt(crew);
		if (signal < 0 && draw)
			screen_draw(&crew->run, crew->workers, crew_clock());
	}
	screen_clear();
}

/* ----------------------------------------------------------------- connecting */

static bool any_connected(const struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;

	if (pattern_connects(opt->pattern))
		return true;
	for (unsigned i = 0; i < opt->threads; i++)
		if (crew->workers[i].open > 0)
			return true;
	return false;
}

/* Says why no connection was established. */
static _Noreturn void die_unconnected(const struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;
	uint64_t failed[FAILURES] = { 0 };
	int error = 0;

	for (unsigned i = 0; i < opt->threads; i++) {
		const struct tally *t = crew->workers[i].tally;

		for (int j = 0; j < FAILURES; j++)
			failed[j] += t->failures[j];
		if (t->other_error)
			error = t->other_error;
	}
	if (failed[FAILURE_REFUSED])
		warn("%s: no server is listening; start one first: bin/epoll "
		     "--port 7000",
		     opt->target);
	else if (failed[FAILURE_TIMEOUT])
		warn("%s: no connection within %g s: check that the address is "
		     "right and reachable",
		     opt->target, opt->timeout / 1e9);
	else if (failed[FAILURE_CLOSED] || failed[FAILURE_RESET])
		warn("%s: the server closed every connection at once: it may "
		     "have reached a limit on clients",
		     opt->target);
	else
		warn("%s: no connection: %s", opt->target, strerror(error));
	exit(EXIT_FAILED);
}

void crew_open(struct crew *crew, const struct load_options *opt,
	       struct target target)
{
	*crew = (struct crew){ .run = { .opt = opt },
			       .target = target,
			       .kind = choose_engine(opt),
			       .main_thread = pthread_self(),
			       .busy = opt->threads };
	if (opt->http) {
		http_open(&crew->http, opt);
		crew->run.http = &crew->http;
	}
	place_main_thread(opt);
	start_threads(crew);
	wait_for_all(crew, false);
	/* If interrupted, what a search has found so far is to be reported. */
	if (opt->connections + opt->idle > 0 && !any_connected(crew) &&
	    !interrupted)
		die_unconnected(crew);
}

unsigned crew_connections(const struct crew *crew)
{
	unsigned n = 0;

	for (unsigned i = 0; i < crew->run.opt->threads; i++)
		n += worker_connections(&crew->workers[i]);
	return n;
}

/* ------------------------------------------------------------------- the load */

void crew_run(struct crew *crew, uint64_t slice, int64_t start, int64_t head,
	      int64_t window)
{
	struct run *run = &crew->run;
	unsigned n = run->opt->threads;

	run->slice = slice;
	run->start = start;
	run->from = run->start + head;
	run->to = run->from + window;
	atomic_store(&run->stop, interrupted);
	atomic_store(&run->gave_up, false);
	atomic_store(&run->flooded, false);
	atomic_store(&crew->busy, n);
	pthread_barrier_wait(&crew->step);
	wait_for_all(crew, true);
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void add_usage(struct usage *sum, struct usage from, struct usage to)
{
	sum->cpu += to.cpu - from.cpu;
	if (to.delay < 0 || sum->delay < 0)
		sum->delay = -1;
	else
		sum->delay += to.delay - from.delay;
}

static void add_worker(struct result *r, const struct worker *w)
{
	const struct watch *watch = &w->watch;

	add_usage(&r->window, watch->from, watch->to);
	add_usage(&r->load, (struct usage){ 0 }, watch->load);
	r->connected += w->set_up_open;
	r->spun = r->spun && w->spin;
	if (watch->others > r->others)
		r->others = watch->others;
	r->sampled += watch->sampled;
	r->unread += watch->unread;
	if (w->set_up_ns / 1e9 > r->set_up_s)
		r->set_up_s = w->set_up_ns / 1e9;
}

struct result crew_result(struct crew *crew)
{
	const struct run *run = &crew->run;
	struct worker *w = crew->workers;
	struct result r = { .engine = crew->kind->name,
			    .tally = w[0].tally,
			    .interrupted = interrupted,
			    .gave_up = atomic_load(&run->gave_up),
			    .flooded = atomic_load(&run->flooded),
			    .spun = true };
	int64_t ended = w[0].ended, rest = w[0].rest;

	for (unsigned i = 0; i < run->opt->threads; i++) {
		add_worker(&r, &w[i]);
		ended = most(ended, w[i].ended);
		rest = most(rest, w[i].rest);
		if (i > 0)
			tally_merge(r.tally, w[i].tally);
	}
	r.tally->from = run->from;
	r.tally->to = ended;
	r.window_ns = most(ended - run->from, 0);
	r.elapsed_ns = rest - run->start;
	return r;
}

void crew_clear(struct crew *crew)
{
	for (unsigned i = 0; i < crew->run.opt->threads; i++)
		tally_clear(crew->workers[i].tally);
}

void crew_close(struct crew *crew, struct result *r)
{
	crew->closing = true;
	pthread_barrier_wait(&crew->step);
	for (unsigned i = 0; i < crew->run.opt->threads; i++)
		pthread_join(crew->seats[i].thread, NULL);
	for (unsigned i = 0; i < crew->run.opt->threads; i++) {
		tally_merge_dropped(r->tally, crew->workers[i].slow_tally);
		worker_free(&crew->workers[i]);
	}
	if (crew->run.http)
		http_close(&crew->http);
	pthread_barrier_destroy(&crew->step);
	pthread_barrier_destroy(&crew->line);
	free(crew->workers);
	free(crew->seats);
}
