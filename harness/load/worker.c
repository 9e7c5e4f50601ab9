/* SPDX-License-Identifier: MIT */
/* worker.c - one thread of the generator: see worker.h */
#include "worker.h"

#include "harness/base/die.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Connections being established at a time: fewer than any server's backlog */
enum { CONNECTING_MAX = 64 };

/* With so many requests outstanding, the run ends. */
enum { FLOOD = 16 * 1000 * 1000 };

/* Waking up takes up to this long: a thread with a CPU of its own stops sleeping so
 * long before a request is due. */
static const int64_t spin_ns = 150 * 1000;

static const int64_t look_ns = 100 * 1000000; /* between looks at run->stop */

enum { SAMPLES = 16 }; /* connections that look_at_queue() looks at */

static const int64_t drain_ns = 2 * 1000000000LL; /* for the last replies */

static int64_t now_of(struct worker *w)
{
	return w->engine->kind->now(w->engine);
}

static bool open_loop(const struct worker *w)
{
	return w->run->opt->rate > 0;
}

static bool connects(const struct worker *w)
{
	return w->run->opt->pattern == PATTERN_CONNECT;
}

static void *array_of(size_t n, size_t size)
{
	void *array = calloc(n ? n : 1, size);

	if (!array)
		die("calloc");
	return array;
}

/* Busy channels are numbered first, round-robin over the threads. */
void worker_init(struct worker *w, struct run *run, unsigned part,
		 struct engine *engine)
{
	const struct load_options *opt = run->opt;
	unsigned n;

	*w = (struct worker){ .run = run, .part = part, .engine = engine };
	w->busy = share_of(opt->connections, part, opt->threads);
	w->idle = share_of(opt->idle, opt->threads - 1 - part, opt->threads);
	n = w->busy + w->idle;
	w->channels = array_of(n, sizeof(*w->channels));
	w->to_send = array_of(2 * w->busy, sizeof(*w->to_send));
	w->resting = array_of(w->busy, sizeof(*w->resting));
	w->tally = tally_new(0, opt->duration);
	w->spin = opt->spin && opt->n_cpus >= opt->threads && open_loop(w);
	watch_open(&w->watch);
	engine->worker = w;
	engine->channels = w->channels;
	for (unsigned i = 0; i < n; i++) {
		struct channel *c = &w->channels[i];
		uint64_t number = i < w->busy ?
					  part + (uint64_t)i * opt->threads :
					  opt->connections + i;

		channel_begin(c, w->tally, number,
			      payload_of(opt->seed, number, opt->message),
			      !open_loop(w) && !connects(w));
		c->index = i;
		c->idle = i >= w->busy;
		c->connects = connects(w);
	}
}

void worker_free(struct worker *w)
{
	for (unsigned i = 0; i < w->busy + w->idle; i++)
		channel_free(&w->channels[i]);
	free(w->channels);
	free(w->to_send);
	free(w->resting);
	free(w->waiting);
	free(w->tally);
	watch_close(&w->watch);
}

/* -------------------------------------------------------------- connections */

/* Whether the run is about this connection: without busy ones, about the idle ones */
static bool matters(const struct worker *w, const struct channel *c)
{
	return !c->idle || w->busy == 0;
}

static void begin_to_connect(struct worker *w, struct channel *c)
{
	c->state = CHANNEL_CONNECTING;
	c->generation++;
	c->connect_began = now_of(w);
	w->connecting++;
	w->engine->kind->connect(w->engine, c);
}

static void disconnect(struct worker *w, struct channel *c, bool by_us)
{
	channel_end(c, now_of(w), by_us);
	if (c->fd >= 0)
		w->engine->kind->disconnect(w->engine, c);
	if (c->state == CHANNEL_CONNECTING)
		w->connecting--;
	else if (c->state == CHANNEL_OPEN && matters(w, c))
		w->open--;
	c->state = CHANNEL_UNUSED;
}

static void want_to_send(struct worker *w, struct channel *c)
{
	if (c->queued || c->sending || c->state != CHANNEL_OPEN)
		return;
	c->queued = true;
	w->to_send[w->n_to_send++] = c;
}

void worker_connected(struct worker *w, struct channel *c)
{
	int64_t now = now_of(w);

	c->state = CHANNEL_OPEN;
	w->connecting--;
	w->open += matters(w, c);
	w->news = now;
	if (!connects(w) || tally_counts(w->tally, c->connect_began))
		histogram_record(&w->tally->connect, now - c->connect_began);
	if (channel_to_send(c) > 0)
		want_to_send(w, c);
}

static enum failure failure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAILURE_REFUSED;
	case ETIMEDOUT:
		return FAILURE_TIMEOUT;
	case ECONNRESET:
	case EPIPE:
		return FAILURE_RESET;
	}
	return FAILURE_OTHER;
}

/* ------------------------------------------------------------ pattern connect */

/* Takes the next request that waits for a connection. */
static bool next_waiting(struct worker *w, int64_t *intended)
{
	if (w->waiting_first == w->waiting_end)
		return false;
	*intended = w->waiting[w->waiting_first++ & (w->waiting_capacity - 1)];
	w->tally->outstanding--; /* the channel counts it from now on */
	return true;
}

static void add_waiting(struct worker *w, int64_t intended)
{
	uint64_t n = w->waiting_end - w->waiting_first;

	if (n == w->waiting_capacity) {
		int64_t *old = w->waiting;

		w->waiting = array_of(n ? 2 * n : 64, sizeof(*old));
		for (uint64_t i = 0; i < n; i++)
			w->waiting[i] = old[(w->waiting_first + i) & (n - 1)];
		free(old);
		w->waiting_capacity = n ? 2 * n : 64;
		w->waiting_first = 0;
		w->waiting_end = n;
	}
	w->waiting[w->waiting_end++ & (w->waiting_capacity - 1)] = intended;
	w->tally->outstanding++;
	w->tally->held++;
}

/* Connects for one request. */
static void connect_for(struct worker *w, struct channel *c, int64_t intended)
{
	channel_release(c, intended);
	begin_to_connect(w, c);
}

/* Connects this channel for the next request, or marks it unused. */
static void connect_again(struct worker *w, struct channel *c)
{
	int64_t intended;

	if (next_waiting(w, &intended))
		connect_for(w, c, intended);
	else if (!open_loop(w) && !w->over && now_of(w) < w->run->to)
		connect_for(w, c, now_of(w));
	else
		w->resting[w->n_resting++] = c;
}

/* -------------------------------------------- what the engine reports */

static void lose(struct worker *w, struct channel *c, enum failure failure)
{
	tally_failure(w->tally, failure);
	disconnect(w, c, false);
	if (connects(w) && open_loop(w) && !c->idle)
		w->resting[w->n_resting++] = c;
}

void worker_failed(struct worker *w, struct channel *c, int error)
{
	if (error == EINPROGRESS || error == EINTR)
		return;
	if (failure_of(error) == FAILURE_OTHER)
		w->tally->other_error = error;
	lose(w, c, failure_of(error));
}

void worker_sent(struct worker *w, struct channel *c, size_t made, size_t sent)
{
	channel_did_send(c, made, sent);
	/* If the send buffer is full, the engine reports when it is not. */
	if (channel_to_send(c) > 0 && !c->watched)
		want_to_send(w, c);
}

void worker_received(struct worker *w, struct channel *c, const char *bytes,
		     size_t n)
{
	int64_t now = now_of(w);
	unsigned answered;

	if (n == 0) {
		lose(w, c, FAILURE_CLOSED);
		return;
	}
	answered = channel_did_receive(c, bytes, n, now);
	if (answered > 0)
		w->news = now;
	if (connects(w)) {
		if (answered > 0) {
			disconnect(w, c, true);
			connect_again(w, c);
		}
		return;
	}
	if (open_loop(w) || w->over || now >= w->run->to)
		return;
	for (unsigned i = 0; i < answered; i++)
		channel_release(c, now);
	if (answered > 0)
		want_to_send(w, c);
}

/* -------------------------------------------------------------------- set-up */

static bool all_connected(struct worker *w, unsigned next)
{
	return w->connecting == 0 && next == w->busy + w->idle;
}

static void time_out(struct worker *w, int64_t now)
{
	for (unsigned i = 0; i < w->busy + w->idle; i++) {
		struct channel *c = &w->channels[i];

		if (c->state == CHANNEL_CONNECTING &&
		    now - c->connect_began > w->run->opt->timeout) {
			tally_failure(w->tally, FAILURE_TIMEOUT);
			disconnect(w, c, false);
		}
	}
}

/* Connects all channels, with pattern connect only the idle ones. Failures are
 * counted. */
void worker_set_up(struct worker *w)
{
	int64_t began = now_of(w), now = began;
	unsigned next = connects(w) ? w->busy : 0;

	while (!all_connected(w, next) && !atomic_load(&w->run->stop)) {
		while (next < w->busy + w->idle &&
		       w->connecting < CONNECTING_MAX)
			begin_to_connect(w, &w->channels[next++]);
		w->engine->kind->wait(w->engine, now + look_ns, false);
		now = now_of(w);
		time_out(w, now);
	}
	w->set_up_ns = now - began;
	w->set_up_open = w->open;
}

/* ------------------------------------------------ measuring the generator */

/*
 * If the server limits a closed loop, requests queue there and replies are read soon
 * after they came. If the generator does, replies queue in its sockets: this samples
 * some of them.
 */
static void look_at_queue(struct worker *w, int64_t now)
{
	unsigned n = w->busy < SAMPLES ? w->busy : SAMPLES;

	if (open_loop(w) || connects(w) || now < w->watch.sample_next)
		return;
	w->watch.sample_next = now + w->watch.sample_ns;
	for (unsigned i = 0; i < n; i++) {
		struct channel *c = &w->channels[w->turn++ % w->busy];
		int bytes = 0;

		if (c->state != CHANNEL_OPEN)
			continue;
		w->watch.sampled++;
		if (ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0)
			w->watch.unread++;
	}
}

static void look_for_others(struct worker *w, int64_t now)
{
	if (w->spin && watch_finds_others(&w->watch, now))
		w->spin = false;
}

/* ----------------------------------------------------------------------- run */

/* Assigns a due request to a connection; false if none is left. */
static bool give(struct worker *w, int64_t intended)
{
	if (connects(w)) {
		if (w->n_resting > 0)
			connect_for(w, w->resting[--w->n_resting], intended);
		else
			add_waiting(w, intended);
		return true;
	}
	for (unsigned i = 0; i < w->busy; i++) {
		struct channel *c = &w->channels[w->turn];

		w->turn = w->turn + 1 < w->busy ? w->turn + 1 : 0;
		if (c->state == CHANNEL_OPEN) {
			if (c->sending || c->watched)
				c->blocked = true;
			channel_release(c, intended);
			if (!c->watched)
				want_to_send(w, c);
			return true;
		}
	}
	return false;
}

/* Assigns waiting requests, oldest first: a connection may be free because it failed. */
static void connect_waiting(struct worker *w)
{
	int64_t intended;

	while (w->n_resting > 0 && next_waiting(w, &intended))
		connect_for(w, w->resting[--w->n_resting], intended);
}

static void release_due(struct worker *w, int64_t now)
{
	connect_waiting(w);
	while (w->due <= now && w->due < w->run->to && !w->over) {
		if (!give(w, w->due))
			return;
		w->due = schedule_next(&w->schedule);
	}
}

static void send_all(struct worker *w)
{
	unsigned n = w->n_to_send;

	/* The engine may report at once, which adds channels to the list. */
	for (unsigned i = 0; i < n; i++) {
		struct channel *c = w->to_send[i];

		c->queued = false;
		if (c->state == CHANNEL_OPEN && !c->sending &&
		    channel_to_send(c) > 0)
			w->engine->kind->send(w->engine, c);
	}
	memmove(w->to_send, w->to_send + n,
		(w->n_to_send - n) * sizeof(*w->to_send));
	w->n_to_send -= n;
}

/* Closed loop: puts the first requests in flight. */
static void fill(struct worker *w, int64_t now)
{
	for (unsigned i = 0; i < w->busy; i++) {
		struct channel *c = &w->channels[i];

		if (connects(w)) {
			connect_again(w, c);
		} else if (c->state == CHANNEL_OPEN) {
			for (unsigned j = 0; j < w->run->opt->depth; j++)
				channel_release(c, now);
			want_to_send(w, c);
		}
	}
}

/* Whether the window has ended, or the run is to stop */
static bool has_ended(struct worker *w, int64_t now)
{
	struct run *run = w->run;

	if (w->tally->outstanding == 0)
		w->news = now;
	if (now - w->news > run->opt->timeout) {
		atomic_store(&run->gave_up, true);
		atomic_store(&run->stop, true);
	}
	if (w->tally->outstanding > FLOOD) {
		atomic_store(&run->flooded, true);
		atomic_store(&run->stop, true);
	}
	if (w->open == 0 && !connects(w))
		atomic_store(&run->stop, true);
	if (connects(w) && !open_loop(w) && w->open + w->connecting == 0)
		atomic_store(&run->stop, true);
	return now >= run->to || atomic_load(&run->stop);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sends what is due, then waits for the next event. */
static int64_t turn(struct worker *w, int64_t now, int64_t until)
{
	bool spin = false;

	if (open_loop(w))
		release_due(w, now);
	if (w->n_to_send > 0)
		send_all(w);
	look_at_queue(w, now);
	until = least(until, now + look_ns);
	if (!w->over && open_loop(w))
		until = least(until, w->due);
	if (w->n_to_send > 0)
		until = now;
	if (w->spin) {
		spin = w->tally->outstanding > 0 || until - now <= spin_ns;
		until -= spin_ns;
	}
	w->engine->kind->wait(w->engine, until, spin);
	now = now_of(w);
	look_for_others(w, now);
	return now;
}

static void drain(struct worker *w, int64_t now)
{
	int64_t until = now + drain_ns;

	w->over = true;
	while (w->tally->outstanding > 0 && now < until &&
	       !(atomic_load(&w->run->gave_up)) && w->open + w->connecting > 0)
		now = turn(w, now, until);
}

/* Takes events of idle connections that the engine has not reported yet, but does not
 * follow a server that never stops sending to them. */
static void look_at_idle(struct worker *w)
{
	for (unsigned i = 0; i < w->idle; i++)
		if (w->engine->kind->wait(w->engine, now_of(w), false) == 0)
			return;
}

/*
 * Counts unanswered requests, and leaves nothing in flight: a connection whose reply
 * may still come is closed. The others stay open, except with pattern connect.
 */
static void settle(struct worker *w)
{
	int64_t now = now_of(w), intended;

	for (unsigned i = 0; i < w->busy + w->idle; i++) {
		struct channel *c = &w->channels[i];

		c->queued = false;
		if (c->state == CHANNEL_UNUSED)
			continue;
		if (c->oldest < c->released || (connects(w) && !c->idle))
			disconnect(w, c, true);
		else
			channel_end(c, now, true);
	}
	w->n_to_send = 0;
	while (next_waiting(w, &intended)) {
		w->tally->unanswered += tally_counts(w->tally, intended);
		w->tally->never++;
	}
}

static struct schedule schedule_of_run(const struct worker *w)
{
	const struct run *run = w->run;
	const struct load_options *opt = run->opt;
	double rate = opt->rate ? opt->rate : 1;

	if (opt->hold < 0)
		return schedule_of(opt->arrivals, rate, opt->burst, opt->seed,
				   w->part, opt->threads, run->start);
	return schedule_of_slice(opt->arrivals, rate, opt->burst, opt->seed,
				 w->part, opt->threads, run->start, run->slice);
}

/* Puts the load on, at `start`. */
static int64_t begin(struct worker *w)
{
	struct run *run = w->run;
	int64_t now = now_of(w);

	watch_begin(&w->watch, now, run->to - run->from);
	tally_set_window(w->tally, run->from, run->to);
	w->schedule = schedule_of_run(w);
	w->due = schedule_next(&w->schedule);
	w->over = false;
	w->news = now;
	w->n_resting = 0;
	while (now < run->start) {
		w->engine->kind->wait(w->engine, run->start, false);
		now = now_of(w);
	}
	if (open_loop(w) && connects(w))
		for (unsigned i = w->busy; i-- > 0;)
			w->resting[w->n_resting++] = &w->channels[i];
	if (!open_loop(w))
		fill(w, now);
	return now;
}

void worker_run(struct worker *w)
{
	struct run *run = w->run;
	int64_t now = begin(w);

	while (now < run->from && !has_ended(w, now))
		now = turn(w, now, run->from);
	watch_window(&w->watch);
	while (!has_ended(w, now))
		now = turn(w, now, run->to);
	watch_window_end(&w->watch);
	w->ended = least(now, run->to);
	w->tally->to = w->ended;
	/* After a late wake-up, requests that were due before the end still count. */
	if (open_loop(w) && !atomic_load(&run->stop))
		release_due(w, now);
	drain(w, now);
	w->rest = now_of(w);
	look_at_idle(w);
	settle(w);
	watch_end(&w->watch, w->rest);
	look_for_others(w, w->rest);
}

unsigned worker_connections(const struct worker *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->busy + w->idle; i++)
		n += w->channels[i].state == CHANNEL_OPEN;
	return n;
}

void worker_close(struct worker *w)
{
	for (unsigned i = 0; i < w->busy + w->idle; i++)
		if (w->channels[i].state != CHANNEL_UNUSED)
			disconnect(w, &w->channels[i], true);
}
