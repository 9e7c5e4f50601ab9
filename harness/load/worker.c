/* SPDX-License-Identifier: MIT */
/* worker.c - one thread of the generator: see worker.h */
#include "worker.h"

#include "clients.h"

#include "harness/base/die.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* With so many requests outstanding, the run ends. */
enum { FLOOD = 16 * 1000 * 1000 };

/* Waking up takes up to this long: a thread with a CPU of its own stops sleeping so
 * long before a request is due. */
static const int64_t spin_ns = 150 * 1000;

enum { SAMPLES = 16 }; /* connections that look_at_queue() looks at */

static const int64_t drain_ns = 2 * 1000000000LL; /* for the last replies */

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
	unsigned n, slow = share_of(opt->slow, part, opt->threads);

	*w = (struct worker){ .run = run, .part = part, .engine = engine };
	w->busy = share_of(opt->connections, part, opt->threads);
	w->idle = share_of(opt->idle, opt->threads - 1 - part, opt->threads);
	w->clients = n = w->busy + w->idle + slow;
	w->channels = array_of(n, sizeof(*w->channels));
	w->to_send = array_of(2 * (w->busy + slow), sizeof(*w->to_send));
	w->resting = array_of(w->busy, sizeof(*w->resting));
	w->tally = tally_new(0, opt->duration);
	w->slow_tally = tally_new(0, 0); /* none of them is due in a window */
	w->spin = opt->spin && opt->n_cpus >= opt->threads && open_loop(w);
	watch_open(&w->watch);
	engine->worker = w;
	engine->channels = w->channels;
	for (unsigned i = 0; i < n; i++) {
		struct channel *c = &w->channels[i];
		uint64_t number = i < w->busy ?
					  part + (uint64_t)i * opt->threads :
					  opt->connections + i;

		bool is_slow = i >= w->busy + w->idle;

		channel_begin(c, is_slow ? w->slow_tally : w->tally, number,
			      payload_of(opt->seed, number, opt->message),
			      is_slow || (!open_loop(w) && !connects(w)));
		if (run->http)
			channel_use_http(c, run->http);
		c->index = i;
		c->slow = is_slow;
		c->idle = i >= w->busy && !is_slow;
		c->connects = connects(w);
	}
}

void worker_free(struct worker *w)
{
	for (unsigned i = 0; i < w->clients; i++)
		channel_free(&w->channels[i]);
	free(w->channels);
	free(w->to_send);
	free(w->resting);
	free(w->waiting);
	free(w->tally);
	free(w->slow_tally);
	watch_close(&w->watch);
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
			worker_connect_for(w, w->resting[--w->n_resting],
					   intended);
		else
			worker_add_waiting(w, intended);
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
				worker_want_to_send(w, c);
			return true;
		}
	}
	return false;
}

/* Assigns waiting requests, oldest first: a connection may be free because it failed. */
static void connect_waiting(struct worker *w)
{
	int64_t intended;

	while (w->n_resting > 0 && worker_next_waiting(w, &intended))
		worker_connect_for(w, w->resting[--w->n_resting], intended);
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
			worker_connect_again(w, c);
		} else if (c->state == CHANNEL_OPEN) {
			for (unsigned j = 0; j < w->run->opt->depth; j++)
				channel_release(c, now);
			worker_want_to_send(w, c);
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
	until = least(until, slow_read(w, now));
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
	/* Replies may have come while this thread had no CPU. */
	for (unsigned i = 0; i < w->busy && w->tally->outstanding > 0; i++)
		if (w->engine->kind->wait(w->engine, now, false) == 0)
			return;
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

	for (unsigned i = 0; i < w->clients; i++) {
		struct channel *c = &w->channels[i];

		c->queued = false;
		if (c->state == CHANNEL_UNUSED || c->slow)
			continue;
		if (c->oldest < c->released || (connects(w) && !c->idle))
			worker_disconnect(w, c, true);
		else
			channel_end(c, now, true);
	}
	w->n_to_send = 0;
	while (worker_next_waiting(w, &intended)) {
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
	slow_begin(w);
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

	for (unsigned i = 0; i < w->clients; i++)
		n += w->channels[i].state == CHANNEL_OPEN;
	return n;
}

/* The slow readers take all that is in flight, as long as replies come: then both sides
 * have counted the same requests. */
static void end_slow(struct worker *w)
{
	int64_t now = now_of(w), news = now;

	w->slow_ends = true;
	while (w->slow_tally->outstanding > 0 && now - news < drain_ns &&
	       !atomic_load(&w->run->stop)) {
		uint64_t before = w->slow_tally->total;

		now = turn(w, now, now + look_ns);
		if (w->slow_tally->total > before)
			news = now;
	}
	for (unsigned i = w->busy + w->idle; i < w->clients; i++)
		if (w->channels[i].oldest < w->channels[i].released)
			tally_failure(w->slow_tally, FAILURE_STALLED);
}

void worker_close(struct worker *w)
{
	end_slow(w);
	for (unsigned i = 0; i < w->clients; i++)
		if (w->channels[i].state != CHANNEL_UNUSED)
			worker_disconnect(w, &w->channels[i], true);
}
