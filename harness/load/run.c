/* SPDX-License-Identifier: MIT */
/* run.c - one run: see run.h */
#include "run.h"

#include "hold.h"
#include "screen.h"
#include "worker.h"

#include "harness/base/die.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* From the last connection to the first request. It is longer for an observer, which
 * reads the server's counters in it after the server has accepted all clients. */
static const int64_t start_ns = 2 * 1000000, start_held_ns = 20 * 1000000;
static const int64_t start_held_each_ns = 100 * 1000;

struct crew;

struct seat {
	struct crew *crew;
	unsigned part;
	pthread_t thread;
};

struct crew {
	struct run run;
	struct target target;
	const struct engine_kind *kind;
	struct seat *seats;
	struct worker *workers;
	pthread_barrier_t step; /* start; then close the connections */
	pthread_t main_thread;
	atomic_uint connecting, working; /* threads */
};

static sigset_t signals; /* SIGINT, SIGTERM; SIGUSR1: a thread is done */
static bool interrupted;

static int64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void run_catch_signals(void)
{
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
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

/* Keeps the main thread, which draws the live line, off the CPUs of the workers. */
static void keep_off(const struct load_options *opt)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (unsigned i = 0; i < opt->n_cpus; i++)
		CPU_CLR(opt->cpus[i], &set);
	if (CPU_COUNT(&set) > 0)
		sched_setaffinity(0, sizeof(set), &set);
}

static void has_done(struct crew *crew, atomic_uint *what)
{
	atomic_fetch_sub(what, 1);
	pthread_kill(crew->main_thread, SIGUSR1);
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
	e = crew->kind->open(opt->connections + opt->idle,
			     opt->message * opt->depth);
	if (!e)
		die("cannot set up %s", crew->kind->name);
	e->server = crew->target.address;
	e->server_length = crew->target.length;
	worker_init(w, &crew->run, seat->part, e);
	worker_set_up(w);
	has_done(crew, &crew->connecting);
	pthread_barrier_wait(&crew->step);
	worker_run(w);
	has_done(crew, &crew->working);
	pthread_barrier_wait(&crew->step);
	worker_close(w);
	e->kind->close(e);
	return NULL;
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
		e = kinds[i]->open(opt->connections + opt->idle,
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
static void interrupt(struct crew *crew)
{
	sigset_t again = signals;

	interrupted = true;
	atomic_store(&crew->run.stop, true);
	sigdelset(&again, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}

/* Waits for all threads, and draws the live line four times a second if there is
 * one. */
static void wait_for_all(struct crew *crew, atomic_uint *threads)
{
	const struct timespec quarter = { 0, 250 * 1000000 };

	while (atomic_load(threads) > 0) {
		int signal = sigtimedwait(&signals, NULL,
					  screen_is_open() ? &quarter : NULL);

		if (signal == SIGINT || signal == SIGTERM)
			interrupt(crew);
		if (signal < 0 && threads == &crew->working)
			screen_draw(&crew->run, crew->workers, clock_now());
	}
	screen_clear();
}

/* Waits for the observer while all clients stay connected, but not after a signal. */
static void hold(struct crew *crew)
{
	sigset_t ending = signals;
	int fd = crew->run.opt->hold;

	sigdelset(&ending, SIGUSR1);
	hold_done(fd);
	if (!interrupted && !hold_wait(fd, &ending)) {
		sigwaitinfo(&ending, NULL);
		interrupt(crew);
	}
}

/* --------------------------------------------------------------------- result */

static bool any_connected(const struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;

	if (opt->pattern == PATTERN_CONNECT)
		return true;
	for (unsigned i = 0; i < opt->threads; i++)
		if (crew->workers[i].open > 0)
			return true;
	return false;
}

static struct result add_up(const struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;
	const struct worker *w = crew->workers;
	struct result r = { .engine = crew->kind->name,
			    .warmup_s = opt->warmup / 1e9,
			    .interrupted = interrupted,
			    .gave_up = atomic_load(&crew->run.gave_up),
			    .flooded = atomic_load(&crew->run.flooded),
			    .spun = true };
	int64_t ended = w[0].ended;
	uint64_t sampled = 0, queued = 0;

	r.tally = tally_new(0, opt->duration);
	for (unsigned i = 0; i < opt->threads; i++) {
		tally_merge(r.tally, w[i].tally);
		r.cpu_ns += w[i].cpu_to - w[i].cpu_from;
		r.delay_ns += w[i].delay_to - w[i].delay_from;
		r.connected += w[i].set_up_open;
		r.spun = r.spun && w[i].spin;
		if (w[i].others > r.others)
			r.others = w[i].others;
		sampled += w[i].sampled;
		queued += w[i].queued;
		if (w[i].ended > ended)
			ended = w[i].ended;
		if (w[i].set_up_ns / 1e9 > r.set_up_s)
			r.set_up_s = w[i].set_up_ns / 1e9;
		if (w[i].delay_to < 0)
			r.delay_ns = -1;
	}
	r.queued = sampled ? (double)queued / sampled : 0;
	r.tally->from = crew->run.from;
	r.tally->to = ended;
	if (ended > crew->run.from)
		r.duration_s = (ended - crew->run.from) / 1e9;
	return r;
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
	else if (!interrupted)
		warn("%s: no connection: %s", opt->target, strerror(error));
	exit(interrupted ? EXIT_INTERRUPTED : EXIT_FAILED);
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

static void end_threads(struct crew *crew)
{
	for (unsigned i = 0; i < crew->run.opt->threads; i++)
		worker_free(&crew->workers[i]);
	pthread_barrier_destroy(&crew->step);
	free(crew->workers);
	free(crew->seats);
}

static int64_t before_start(const struct load_options *opt)
{
	if (opt->hold < 0)
		return start_ns;
	return start_held_ns +
	       start_held_each_ns * (opt->connections + opt->idle);
}

struct result run_once(const struct load_options *opt, struct target target)
{
	struct crew crew = { .run = { .opt = opt },
			     .target = target,
			     .kind = choose_engine(opt),
			     .main_thread = pthread_self(),
			     .connecting = opt->threads,
			     .working = opt->threads };
	struct result r;

	keep_off(opt);
	start_threads(&crew);
	wait_for_all(&crew, &crew.connecting);
	if (!any_connected(&crew))
		die_unconnected(&crew);
	crew.run.start = clock_now() + before_start(opt);
	crew.run.from = crew.run.start + opt->warmup;
	crew.run.to = crew.run.from + opt->duration;
	hold_window(opt->hold, crew.run.from, crew.run.to);
	pthread_barrier_wait(&crew.step);
	wait_for_all(&crew, &crew.working);
	hold(&crew);
	pthread_barrier_wait(&crew.step);
	for (unsigned i = 0; i < opt->threads; i++)
		pthread_join(crew.seats[i].thread, NULL);
	r = add_up(&crew);
	audit(&r, opt);
	end_threads(&crew);
	return r;
}
