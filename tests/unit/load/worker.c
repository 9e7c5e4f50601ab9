/* SPDX-License-Identifier: MIT */
/*
 * worker.c - a worker against a simulated server, on a virtual clock
 *
 * The engine of this test advances the time when the worker waits: to the next event
 * of the server, or to the end of the wait. So all measured times can be computed by
 * hand, and have to be exact to the nanosecond.
 */
#include "tests/unit/test.h"

#include "harness/load/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t us = 1000, ms = 1000000, second = 1000000000;

/* ---------------------------------------------------------------- the server */

enum { FD = 1 << 20, WAITS_MAX = 20 * 1000 * 1000 };
static const int64_t never = INT64_MAX;

/* What the server does; times are counted from the start of warm-up. */
struct server {
	int64_t connect; /* time that it takes, or to its failure: */
	int connect_error;
	unsigned connect_fails; /* the number that fail first; 0: all, if any */
	bool deaf;              /* connecting never ends */
	int64_t delay;          /* of a reply */
	int64_t stall_from, stall_to; /* replies are delayed to its end */
	int64_t dumb_from;            /* no replies any more */
	int64_t full_from, full_to;   /* sockets take nothing */
	size_t room;                  /* they never take more at once; 0: all */
	int64_t close_at;             /* it closes... */
	unsigned close_n;             /* ...so many connections */
	int close_error;              /* or resets them */
	int64_t interrupt_at;         /* Ctrl-C */
	int64_t oversleep_at,
		oversleep; /* the generator does not get its CPU */
	int64_t late;      /* it always wakes up so late */
};

struct event {
	int64_t at;
	uint64_t order;
	enum { CONNECTED, REPLY, WRITABLE, CLOSE, INTERRUPT } kind;
	uint32_t channel, generation;
	char *bytes;
};

struct world {
	struct engine engine;
	const struct server *server;
	const struct load_options *opt;
	struct run *run;
	int64_t now, epoch;
	struct event *heap;
	size_t n, capacity;
	uint64_t order, waits;
	struct place *heard; /* of each channel: what the server has got */
	char **partly;       /* its request that is not whole yet */
	unsigned connects, spins, sends;
};

static bool before(const struct event *a, const struct event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct world *w, struct event e)
{
	size_t i = w->n++;

	if (e.at == never) {
		free(e.bytes);
		w->n--;
		return;
	}
	if (w->n > w->capacity) {
		w->capacity = 2 * w->n;
		w->heap = realloc(w->heap, w->capacity * sizeof(*w->heap));
		assert_non_null(w->heap);
	}
	e.order = w->order++;
	for (; i > 0 && before(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = e;
}

static struct event pop(struct world *w)
{
	struct event first = w->heap[0], last = w->heap[--w->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->n) {
		child += child + 1 < w->n &&
			 before(&w->heap[child + 1], &w->heap[child]);
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

static void later(struct world *w, int64_t at, int kind,
		  const struct channel *c, char *bytes)
{
	push(w, (struct event){ .at = at,
				.kind = kind,
				.channel = c ? c->index : 0,
				.generation = c ? c->generation : 0,
				.bytes = bytes });
}

/* When the server answers what it gets now */
static int64_t answer_at(const struct world *w)
{
	const struct server *s = w->server;
	int64_t t = w->now - w->epoch;

	if (t >= s->dumb_from)
		return never;
	if (t >= s->stall_from && t < s->stall_to)
		t = s->stall_to;
	return w->epoch + t + s->delay;
}

/* --------------------------------------------------------------- the engine */

static struct world *of(struct engine *e)
{
	return (struct world *)e;
}

static int64_t world_now(struct engine *e)
{
	return of(e)->now;
}

static void world_connect(struct engine *e, struct channel *c)
{
	struct world *w = of(e);

	w->connects++;
	c->fd = FD + c->index;
	w->heard[c->index] = (struct place){ .request = c->out.request };
	if (!w->server->deaf)
		later(w, w->now + w->server->connect, CONNECTED, c, NULL);
}

/* The server receives: every complete request is answered. */
static void hear(struct world *w, struct channel *c, const char *bytes,
		 size_t n)
{
	struct place *p = &w->heard[c->index];
	size_t message = w->opt->message;

	while (n > 0) {
		size_t part = message - p->byte < n ? message - p->byte : n;

		if (p->byte == 0)
			w->partly[c->index] = malloc(message);
		memcpy(w->partly[c->index] + p->byte, bytes, part);
		p->byte += part;
		bytes += part;
		n -= part;
		if (p->byte == message) {
			later(w, answer_at(w), REPLY, c, w->partly[c->index]);
			w->partly[c->index] = NULL;
			*p = (struct place){ .request = p->request + 1 };
		}
	}
}

static void world_send(struct engine *e, struct channel *c)
{
	struct world *w = of(e);
	const struct server *s = w->server;
	int64_t t = w->now - w->epoch;
	char bytes[65536];
	size_t made = channel_send(c, bytes, sizeof(bytes), w->now);
	size_t room = s->room ? s->room : made;
	size_t sent = made < room ? made : room;

	assert_true(made > 0);
	assert_int_equal(c->fd, FD + c->index);
	w->sends++;
	if (t >= s->full_from && t < s->full_to)
		sent = 0;
	hear(w, c, bytes, sent);
	if (sent < made) {
		c->watched = true;
		later(w, sent ? w->now + 1 : w->epoch + s->full_to, WRITABLE, c,
		      NULL);
	}
	worker_sent(w->engine.worker, c, made, sent);
}

static void happen(struct world *w, const struct event *e)
{
	struct worker *worker = w->engine.worker;
	struct channel *c = &worker->channels[e->channel];
	const struct server *s = w->server;

	if (e->kind == INTERRUPT) {
		atomic_store(&w->run->stop, true);
	} else if (e->kind == CLOSE) {
		for (unsigned i = 0; i < s->close_n; i++) {
			c = &worker->channels[i];
			if (s->close_error)
				worker_failed(worker, c, s->close_error);
			else
				worker_received(worker, c, NULL, 0);
		}
	} else if (c->fd < 0 || c->generation != e->generation) {
		return; /* it was of an earlier connection */
	} else if (e->kind == CONNECTED) {
		if (s->connect_error &&
		    (s->connect_fails == 0 || w->connects <= s->connect_fails))
			worker_failed(worker, c, s->connect_error);
		else
			worker_connected(worker, c);
	} else if (e->kind == WRITABLE) {
		c->watched = false;
		worker_sent(worker, c, 0, 0);
	} else {
		worker_received(worker, c, e->bytes, w->opt->message);
	}
}

/* All events of one time, then back to the worker */
static unsigned world_wait(struct engine *e, int64_t until, bool spin)
{
	struct world *w = of(e);
	const struct server *s = w->server;
	int64_t began = w->now;
	unsigned events = 0;

	assert_true(++w->waits < WAITS_MAX);
	w->spins += spin;
	if (spin && until < w->now + 50)
		until = w->now + 50;
	if (w->n > 0 && w->heap[0].at < until)
		until = w->heap[0].at;
	if (until > w->now)
		w->now = until + s->late;
	if (began - w->epoch < s->oversleep_at &&
	    w->now - w->epoch >= s->oversleep_at)
		w->now += s->oversleep;
	while (w->n > 0 && w->heap[0].at <= w->now) {
		struct event event = pop(w);

		happen(w, &event);
		free(event.bytes);
		events++;
	}
	return events;
}

static void world_disconnect(struct engine *e, struct channel *c)
{
	assert_int_equal(c->fd, FD + c->index);
	free(of(e)->partly[c->index]);
	of(e)->partly[c->index] = NULL;
	c->watched = false;
	c->fd = -1;
}

static const struct engine_kind world_kind = {
	.name = "virtual",
	.now = world_now,
	.connect = world_connect,
	.send = world_send,
	.wait = world_wait,
	.disconnect = world_disconnect,
};

/* ------------------------------------------------------------------- a run */

/* The outcome of a run */
static struct outcome {
	struct tally *t;
	struct run run;
	int64_t set_up_ns, ended, over; /* from the start of warm-up */
	unsigned set_up_open, still_open, connects, spins;
	bool spin;
} o;

/* When the clock began is not to matter. */
static const int64_t clock_zero = INT64_C(123456789012345);

static struct load_options options(void)
{
	return (struct load_options){ .connections = 1,
				      .message = 16,
				      .depth = 1,
				      .threads = 1,
				      .burst = 1,
				      .arrivals = ARRIVALS_UNIFORM,
				      .warmup = 100 * ms,
				      .duration = second,
				      .timeout = 5 * second,
				      .seed = 1,
				      .spin = true,
				      .hold = -1 };
}

/* Makes the world, and connects. */
static void open_world(struct world *world, const struct load_options *opt,
		       const struct server *s, struct worker *w, unsigned part)
{
	const unsigned channels = opt->connections + opt->idle;

	*world = (struct world){ .engine.kind = &world_kind,
				 .server = s,
				 .opt = opt,
				 .run = &o.run,
				 .now = clock_zero };
	world->heard = calloc(channels, sizeof(*world->heard));
	world->partly = calloc(channels, sizeof(*world->partly));
	world->epoch = world->now; /* until it is known */
	worker_init(w, &o.run, part, &world->engine);
	worker_set_up(w);
}

static void close_world(struct world *world, struct worker *w)
{
	worker_close(w);
	for (unsigned i = 0; i < w->busy + w->idle; i++) {
		assert_int_equal(w->channels[i].fd, -1);
		assert_null(world->partly[i]);
	}
	worker_free(w);
	while (world->n > 0)
		free(pop(world).bytes);
	free(world->heap);
	free(world->heard);
	free(world->partly);
}

static void one_part(const struct load_options *opt, const struct server *s,
		     unsigned part)
{
	struct world world;
	struct worker w;

	open_world(&world, opt, s, &w, part);
	o.set_up_ns = w.set_up_ns;
	o.set_up_open += w.set_up_open;
	world.epoch = o.run.start = world.now + 2 * ms;
	o.run.from = o.run.start + opt->warmup;
	o.run.to = o.run.from + opt->duration;
	if (s->close_at != never)
		later(&world, world.epoch + s->close_at, CLOSE, NULL, NULL);
	if (s->interrupt_at != never)
		later(&world, world.epoch + s->interrupt_at, INTERRUPT, NULL,
		      NULL);
	worker_run(&w);
	o.ended = w.ended - o.run.start;
	o.over = world.now - o.run.start;
	o.connects += world.connects;
	o.spins += world.spins;
	o.spin = w.spin;
	assert_int_equal(w.tally->outstanding, 0);
	tally_merge(o.t, w.tally);
	o.still_open += w.open;
	close_world(&world, &w);
}

/* What was not said does not happen. */
static struct server as_said(struct server s)
{
	s.stall_from = s.stall_to ? s.stall_from : never;
	s.full_from = s.full_to ? s.full_from : never;
	s.dumb_from = s.dumb_from ? s.dumb_from : never;
	s.close_at = s.close_at ? s.close_at : never;
	s.interrupt_at = s.interrupt_at ? s.interrupt_at : never;
	s.oversleep_at = s.oversleep_at ? s.oversleep_at : never;
	return s;
}

static void run(const struct load_options *opt, struct server s)
{
	s = as_said(s);
	free(o.t);
	o = (struct outcome){ .run.opt = opt,
			      .t = tally_new(0, opt->duration) };
	for (unsigned part = 0; part < opt->threads; part++)
		one_part(opt, &s, part);
}

static uint64_t in_bucket(const struct histogram *h, int64_t ns)
{
	return h->bucket[histogram_index(ns)];
}

static void all_are(const struct histogram *h, int64_t ns, uint64_t n)
{
	assert_int_equal(h->count, n);
	assert_int_equal(in_bucket(h, ns), n);
	assert_int_equal(h->sum, ns * n);
	if (n > 0) {
		assert_int_equal(h->min, ns);
		assert_int_equal(h->max, ns);
	}
}

static void nothing_wrong(void)
{
	assert_int_equal(o.t->troubles, 0);
	assert_int_equal(o.t->unanswered, 0);
	assert_int_equal(o.t->damaged, 0);
	assert_false(o.run.gave_up);
	assert_false(o.run.flooded);
	assert_int_equal(o.ended, o.run.to - o.run.start);
	assert_int_equal(o.spins, 0);
}

/* --------------------------------------------------------------- closed loop */

static void closed_loop_is_exact(void **state)
{
	static const unsigned connections[] = { 1, 3, 64, 200 };
	static const unsigned depths[] = { 1, 2, 16 };
	static const unsigned threads[] = { 1, 3 };

	(void)state;
	for (int i = 0; i < 4 * 3 * 2; i++) {
		struct load_options opt = options();
		uint64_t slots;

		opt.connections = connections[i % 4];
		opt.depth = depths[i / 4 % 3];
		opt.threads = threads[i / 12];
		if (opt.threads > opt.connections)
			continue;
		slots = (uint64_t)opt.connections * opt.depth;
		run(&opt, (struct server){ .delay = 20 * ms });
		all_are(&o.t->response, 20 * ms, slots * 50);
		assert_int_equal(o.still_open, opt.connections);
		assert_int_equal(o.t->answered, slots * 50);
		assert_int_equal(o.t->in_window, slots * 50);
		assert_int_equal(o.t->total, slots * 55);
		assert_int_equal(o.t->service.count, 0);
		assert_int_equal(o.t->send_lag.count, 0);
		assert_int_equal(o.t->held, 0);
		/* The last were sent just before the end. */
		assert_int_equal(o.over, 1100 * ms);
		nothing_wrong();
	}
}

static void replies_split_the_stream(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 3;
	opt.depth = 4;
	for (opt.message = 1; opt.message < 40; opt.message += 6)
		for (size_t room = 1; room < 40; room += 5) {
			run(&opt,
			    (struct server){ .delay = 50 * ms, .room = room });
			assert_true(o.t->answered > 0);
			assert_int_equal(o.t->total % 12, 0);
			nothing_wrong();
		}
}

/* -------------------------------------------------------------------- open loop */

static void uniform_is_exact(void **state)
{
	static const double rates[] = { 10, 1000, 20000 };
	static const unsigned threads[] = { 1, 2, 5 };

	(void)state;
	for (int i = 0; i < 9; i++) {
		struct load_options opt = options();

		opt.rate = rates[i % 3];
		opt.threads = threads[i / 3];
		opt.connections = 10;
		run(&opt, (struct server){ .delay = 3 * ms });
		all_are(&o.t->response, 3 * ms, opt.rate);
		all_are(&o.t->service, 3 * ms, opt.rate);
		all_are(&o.t->send_lag, 0, opt.rate);
		assert_int_equal(o.t->answered, opt.rate);
		assert_int_equal(o.t->total, opt.rate * 1.1);
		assert_int_equal(o.t->held, 0);
		for (unsigned j = 0; j < o.t->intervals; j++)
			assert_int_equal(o.t->interval[j].count,
					 opt.rate / o.t->intervals);
		nothing_wrong();
	}
}

/* The number of requests due in the window, by the schedule */
static uint64_t due(const struct load_options *opt)
{
	uint64_t n = 0;

	for (unsigned p = 0; p < opt->threads; p++) {
		struct schedule s =
			schedule_of(opt->arrivals, opt->rate, opt->burst,
				    opt->seed, p, opt->threads, o.run.start);
		int64_t at;

		while ((at = schedule_next(&s)) < o.run.to)
			n += at >= o.run.from;
	}
	return n;
}

static void poisson_is_exact(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 3; threads++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			struct load_options opt = options();

			opt.arrivals = ARRIVALS_POISSON;
			opt.rate = 5000;
			opt.connections = 7;
			opt.threads = threads;
			opt.seed = seed;
			run(&opt, (struct server){ .delay = 12345 });
			all_are(&o.t->response, 12345, due(&opt));
			all_are(&o.t->service, 12345, due(&opt));
			all_are(&o.t->send_lag, 0, due(&opt));
			assert_in_range(o.t->answered, 4700, 5300);
			nothing_wrong();
		}
}

static void bursts_are_exact(void **state)
{
	static const unsigned bursts[] = { 2, 10, 100, 250 };

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++)
		for (int i = 0; i < 4; i++) {
			struct load_options opt = options();

			opt.pattern = PATTERN_BURST;
			opt.burst = bursts[i];
			opt.rate = bursts[i] * 50;
			opt.connections = 30;
			opt.threads = threads;
			run(&opt, (struct server){ .delay = 5 * ms });
			all_are(&o.t->response, 5 * ms, opt.rate);
			all_are(&o.t->send_lag, 0, opt.rate);
			assert_int_equal(due(&opt), opt.rate);
			nothing_wrong();
		}
}

/* A late wake-up is send lag, and does not move the schedule. */
static void lateness_is_counted(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	opt.connections = 4;
	run(&opt, (struct server){ .delay = 100 * us, .late = 7 * us });
	assert_int_equal(o.t->answered, 1000);
	all_are(&o.t->send_lag, 7 * us, 1000);
	/* It wakes up late to take the reply, too. */
	all_are(&o.t->service, 107 * us, 1000);
	all_are(&o.t->response, 114 * us, 1000);
	assert_int_equal(o.t->held, 0);
}

/* Without a CPU for 300 ms: requests due meanwhile are sent late. */
static void a_generator_without_cpu(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	opt.connections = 4;
	run(&opt, (struct server){ .delay = 100 * us,
				   .oversleep_at = 500 * ms,
				   .oversleep = 300 * ms });
	assert_int_equal(o.t->answered, 1000);
	assert_int_equal(o.t->send_lag.count, 1000);
	assert_int_equal(in_bucket(&o.t->send_lag, 0), 1000 - 300);
	assert_int_equal(o.t->send_lag.max, 300 * ms);
	assert_int_equal(o.t->response.max, 300 * ms + 100 * us);
	for (int i = 1; i <= 300; i++)
		assert_int_equal(in_bucket(&o.t->send_lag, i * ms), 1);
	nothing_wrong();
}

/* It slept beyond the end of the window: requests due in it still count. */
static void without_cpu_at_the_end(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	opt.connections = 4;
	run(&opt, (struct server){ .delay = 100 * us,
				   .oversleep_at = 900 * ms,
				   .oversleep = 500 * ms });
	assert_int_equal(o.t->answered, 1000);
	assert_int_equal(in_bucket(&o.t->send_lag, 0), 1000 - 200);
	for (int i = 301; i <= 500; i++)
		assert_int_equal(in_bucket(&o.t->send_lag, i * ms), 1);
	assert_int_equal(o.t->in_window, 800);
	nothing_wrong();
	/* By a little: the last request counts. */
	opt.rate = 10;
	run(&opt, (struct server){ .delay = ms,
				   .oversleep_at = 1000 * ms,
				   .oversleep = 101 * ms });
	assert_int_equal(o.t->answered, 10);
	all_are(&o.t->service, ms, 10);
	assert_int_equal(o.t->send_lag.max, 101 * ms);
	nothing_wrong();
	/* After an interruption nothing more is sent. */
	opt.rate = 1000;
	run(&opt, (struct server){ .delay = ms,
				   .interrupt_at = 600 * ms,
				   .oversleep_at = 500 * ms + 500 * us,
				   .oversleep = 300 * ms });
	assert_in_range(o.t->answered, 400, 401);
}

/* A worker with a CPU of its own busy-polls before a due time, and for replies. */
static void spins_when_it_has_a_cpu(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	opt.n_cpus = 1;
	run(&opt, (struct server){ .delay = 100 * us });
	assert_true(o.spins > 1000);
	assert_int_equal(o.t->answered, 1000);
	assert_in_range(o.t->send_lag.max, 0, 50); /* a step of the engine */
	opt.spin = false;
	run(&opt, (struct server){ .delay = 100 * us });
	nothing_wrong();
	opt.spin = true;
	opt.threads = 2; /* for one CPU */
	opt.connections = 2;
	run(&opt, (struct server){ .delay = 100 * us });
	nothing_wrong();
	opt.threads = 1;
	opt.rate = 0;
	run(&opt, (struct server){ .delay = 100 * us });
	nothing_wrong();
}

/* ------------------------------------------------------- coordinated omission */

/*
 * 1,000 requests/s for a second; in the second half the server stalls. A request that
 * is due k ms into the stall waits for 500 - k ms.
 */
static void a_stall_is_seen_in_an_open_loop(void **state)
{
	const struct server s = { .delay = 100 * us,
				  .stall_from = 600 * ms,
				  .stall_to = 1100 * ms };
	struct load_options opt = options();
	const struct histogram *h;

	(void)state;
	opt.rate = 1000;
	opt.connections = 10;
	for (opt.threads = 1; opt.threads <= 2; opt.threads++) {
		run(&opt, s);
		h = &o.t->response;
		assert_int_equal(o.t->answered, 1000);
		assert_int_equal(in_bucket(h, 100 * us), 500);
		for (int k = 0; k < 500; k++)
			assert_in_range(in_bucket(h, (500 - k) * ms + 100 * us),
					1, 2);
		assert_int_equal(h->sum, 500 * 100 * us + ms * 500 * 501 / 2 +
						 500 * 100 * us);
		assert_int_equal(h->max, 500 * ms + 100 * us);
		/* The 400th of the 500 that waited: 80 % of the stall */
		assert_int_equal(histogram_percentile(h, 0.9, NULL),
				 histogram_highest(
					 histogram_index(400 * ms + 100 * us)));
		assert_int_equal(histogram_percentile(h, 0.5, NULL),
				 histogram_highest(histogram_index(100 * us)));
		all_are(&o.t->send_lag, 0, 1000);
		assert_int_equal(o.t->in_window, 500);
		nothing_wrong();
	}
}

static void a_closed_loop_hides_it(void **state)
{
	const struct server s = { .delay = 100 * us,
				  .stall_from = 600 * ms,
				  .stall_to = 1100 * ms };
	struct load_options opt = options();
	const struct histogram *h;

	(void)state;
	run(&opt, s);
	h = &o.t->response;
	assert_int_equal(h->count, 5001);
	assert_int_equal(in_bucket(h, 100 * us), 5000);
	assert_int_equal(h->max, 500 * ms + 100 * us); /* just one */
	assert_int_equal(histogram_percentile(h, 0.999, NULL),
			 histogram_highest(histogram_index(100 * us)));
	nothing_wrong();
}

/* The same with full sockets: the schedule does not move. */
static void full_sockets_move_no_schedule(void **state)
{
	const struct server s = { .delay = 100 * us,
				  .full_from = 600 * ms + 500 * us,
				  .full_to = 900 * ms + 500 * us };
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	for (opt.connections = 1; opt.connections <= 400;
	     opt.connections *= 20) {
		run(&opt, s);
		assert_int_equal(o.t->answered, 1000);
		all_are(&o.t->service, 100 * us, 1000);
		assert_int_equal(in_bucket(&o.t->send_lag, 0), 700);
		for (int k = 0; k < 300; k++) {
			int64_t waited = k * ms + 500 * us;

			assert_int_equal(in_bucket(&o.t->send_lag, waited), 1);
			assert_int_equal(in_bucket(&o.t->response,
						   waited + 100 * us),
					 1);
		}
		assert_int_equal(o.t->held, 300);
		assert_int_equal(o.t->response.max, 299 * ms + 600 * us);
		nothing_wrong();
	}
}

/* ------------------------------------------------------------ pattern connect */

static void connect_open_loop(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.pattern = PATTERN_CONNECT;
	opt.rate = 500;
	for (opt.connections = 1; opt.connections <= 4; opt.connections++)
		for (opt.threads = 1; opt.threads <= opt.connections;
		     opt.threads++) {
			run(&opt, (struct server){ .connect = 300 * us,
						   .delay = 100 * us });
			all_are(&o.t->response, 400 * us, 500);
			all_are(&o.t->service, 100 * us, 500);
			all_are(&o.t->send_lag, 0, 500);
			all_are(&o.t->connect, 300 * us, 500);
			assert_int_equal(o.t->total, 550);
			assert_int_equal(o.connects, 550);
			assert_int_equal(o.t->held, 0);
			nothing_wrong();
		}
}

/* Four requests at once, one connection: three wait in turn. */
static void connect_queue(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.pattern = PATTERN_CONNECT;
	opt.burst = 4;
	opt.rate = 400;
	run(&opt, (struct server){ .connect = 300 * us, .delay = 100 * us });
	assert_int_equal(o.t->answered, 400);
	all_are(&o.t->connect, 300 * us, 400);
	all_are(&o.t->service, 100 * us, 400);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(in_bucket(&o.t->send_lag, i * 400 * us), 100);
		assert_int_equal(in_bucket(&o.t->response, (i + 1) * 400 * us),
				 100);
	}
	assert_int_equal(o.t->held, 330); /* with those of the warm-up */
	nothing_wrong();
}

/* Overload: requests that wait at the end are unanswered. */
static void connect_overload(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.pattern = PATTERN_CONNECT;
	opt.rate = 1000;
	opt.connections = 2;
	run(&opt, (struct server){ .connect = 5 * ms, .delay = 5 * ms });
	/* 200 a second, and 2 s more after the end */
	assert_int_equal(o.t->answered + o.t->unanswered, 1000);
	assert_in_range(o.t->total, 2 * 308, 2 * 310);
	assert_in_range(o.over, 3100 * ms, 3111 * ms);
	assert_in_range(o.t->response.max, 2400 * ms, 2600 * ms);
}

static void connect_closed_loop(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.pattern = PATTERN_CONNECT;
	for (opt.connections = 1; opt.connections <= 5; opt.connections++) {
		unsigned n = opt.connections * 100;

		run(&opt,
		    (struct server){ .connect = 6 * ms, .delay = 4 * ms });
		all_are(&o.t->response, 10 * ms, n);
		all_are(&o.t->service, 4 * ms, n);
		all_are(&o.t->send_lag, 0, n);
		all_are(&o.t->connect, 6 * ms, n);
		assert_int_equal(o.t->in_window, n);
		nothing_wrong();
	}
}

/* The first connections are refused; waiting requests get the others. */
static void refused_ones_hold_up_nobody(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.pattern = PATTERN_CONNECT;
	opt.burst = 4;
	opt.rate = 40;
	opt.warmup = 0;
	run(&opt, (struct server){ .connect = 300 * us,
				   .delay = 100 * us,
				   .connect_error = ECONNREFUSED,
				   .connect_fails = 1 });
	assert_int_equal(o.t->failures[FAILURE_REFUSED], 1);
	assert_int_equal(o.t->unanswered, 1);
	assert_int_equal(o.t->answered, 39);
	assert_in_range(o.t->response.max, 1500 * us, 1600 * us);
}

/* -------------------------------------------------------------------- set-up */

static void set_up_is_64_at_a_time(void **state)
{
	static const unsigned connections[] = { 1, 64, 65, 128, 1000 };

	(void)state;
	for (int i = 0; i < 5; i++)
		for (unsigned idle = 0; idle <= 300; idle += 150) {
			struct load_options opt = options();
			unsigned n = connections[i] + idle;

			opt.connections = connections[i];
			opt.idle = idle;
			opt.duration = 10 * ms;
			opt.warmup = 0;
			run(&opt,
			    (struct server){ .connect = 2 * ms, .delay = ms });
			all_are(&o.t->connect, 2 * ms, n);
			assert_int_equal(o.set_up_ns, (n + 63) / 64 * 2 * ms);
			assert_int_equal(o.set_up_open, connections[i]);
			assert_int_equal(o.connects, n);
			/* The idle ones send nothing. */
			all_are(&o.t->response, ms, 10 * connections[i]);
			nothing_wrong();
		}
}

static void idle_ones_are_shared_out(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 5;
	opt.idle = 7;
	for (opt.threads = 1; opt.threads <= 5; opt.threads++) {
		run(&opt, (struct server){ .connect = ms, .delay = 10 * ms });
		assert_int_equal(o.connects, 12);
		assert_int_equal(o.set_up_open, 5);
		assert_int_equal(o.t->answered, 500);
		nothing_wrong();
	}
}

static void idle_ones_alone(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 0;
	opt.idle = 7;
	for (opt.threads = 1; opt.threads <= 7; opt.threads += 3) {
		run(&opt, (struct server){ .connect = ms });
		assert_int_equal(o.connects, 7);
		assert_int_equal(o.set_up_open, 7);
		assert_int_equal(o.still_open, 7);
		assert_int_equal(o.over, 1100 * ms);
		nothing_wrong();
	}
	opt.threads = 1;
	run(&opt, (struct server){ .close_at = 600 * ms, .close_n = 3 });
	assert_int_equal(o.t->failures[FAILURE_CLOSED], 3);
	assert_int_equal(o.still_open, 4);
	assert_int_equal(o.over, 1100 * ms);
	/* Without connections nothing is measured. */
	run(&opt, (struct server){ .close_at = 600 * ms, .close_n = 7 });
	assert_int_equal(o.t->failures[FAILURE_CLOSED], 7);
	assert_int_equal(o.over, 600 * ms);
}

static void who_cannot_connect_is_counted(void **state)
{
	static const struct {
		int error;
		enum failure failure;
	} cases[] = {
		{ ECONNREFUSED, FAILURE_REFUSED },
		{ ETIMEDOUT, FAILURE_TIMEOUT },
		{ ECONNRESET, FAILURE_RESET },
		{ EMFILE, FAILURE_OTHER },
		{ EADDRNOTAVAIL, FAILURE_OTHER },
	};
	struct load_options opt = options();

	(void)state;
	opt.connections = 100;
	opt.idle = 20;
	for (int i = 0; i < 5; i++) {
		run(&opt, (struct server){ .connect = ms,
					   .delay = 10 * ms,
					   .connect_error = cases[i].error,
					   .connect_fails = 64 });
		assert_int_equal(o.t->failures[cases[i].failure], 64);
		assert_int_equal(o.t->troubles, 64);
		assert_int_equal(o.set_up_open, 100 - 64);
		all_are(&o.t->response, 10 * ms, 36 * 100);
		if (cases[i].failure == FAILURE_OTHER)
			assert_int_equal(o.t->other_error, cases[i].error);
	}
}

static void connecting_for_ever_times_out(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 100;
	opt.timeout = 2 * second;
	run(&opt, (struct server){ .deaf = true });
	assert_int_equal(o.t->failures[FAILURE_TIMEOUT], 100);
	assert_int_equal(o.set_up_open, 0);
	assert_in_range(o.set_up_ns, 4 * second, 4 * second + 400 * ms);
	assert_int_equal(o.t->total, 0);
	assert_in_range(o.over, 0, 100 * ms);
}

/* ------------------------------------------------------------------ bad ends */

static void a_server_that_stops_answering(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 8;
	opt.duration = 20 * second;
	opt.timeout = 3 * second;
	for (int open = 0; open <= 1; open++) {
		opt.rate = open ? 100 : 0;
		run(&opt, (struct server){ .delay = 10 * ms,
					   .dumb_from = 2 * second });
		assert_true(o.run.gave_up);
		assert_in_range(o.ended, 5 * second, 5 * second + 200 * ms);
		assert_in_range(o.over, o.ended, o.ended + 10 * ms);
		assert_int_equal(o.t->failures[FAILURE_STALLED], 8);
		assert_int_equal(o.t->troubles, 8);
		if (open)
			assert_in_range(o.t->unanswered, 300, 302);
		else
			assert_int_equal(o.t->unanswered, 8);
		assert_int_equal(o.t->response.max, 10 * ms);
	}
}

static void it_never_answered_at_all(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 8;
	opt.warmup = 0;
	opt.duration = 10 * second;
	opt.timeout = second;
	opt.rate = 1000;
	run(&opt, (struct server){ .dumb_from = 1 });
	assert_true(o.run.gave_up);
	assert_in_range(o.ended, second, second + 10 * ms);
	opt.rate = 0;
	run(&opt, (struct server){ .delay = never / 4 });
	assert_true(o.run.gave_up);
	assert_in_range(o.ended, second, second + 200 * ms);
	assert_int_equal(o.t->unanswered, 8);
}

/* Long gaps between requests are no hang: nothing is outstanding. */
static void seldom_is_not_never(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 0.5;
	opt.warmup = 0;
	opt.duration = 20 * second;
	opt.timeout = second;
	run(&opt, (struct server){ .delay = 900 * ms });
	all_are(&o.t->response, 900 * ms, 10);
	nothing_wrong();
}

static void all_connections_lost(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 8;
	opt.idle = 3;
	for (int i = 0; i < 4; i++) {
		opt.rate = i & 1 ? 1000 : 0;
		run(&opt,
		    (struct server){ .delay = 3 * ms,
				     .close_at = 600 * ms,
				     .close_n = 8,
				     .close_error = i & 2 ? ECONNRESET : 0 });
		assert_int_equal(
			o.t->failures[i & 2 ? FAILURE_RESET : FAILURE_CLOSED],
			8);
		assert_int_equal(o.t->troubles, 8);
		assert_in_range(o.ended, 600 * ms, 601 * ms);
		assert_in_range(o.over, o.ended, o.ended + ms);
		assert_false(o.run.gave_up);
		/* In flight were those of the last 3 ms. */
		if (opt.rate > 0)
			assert_in_range(o.t->unanswered, 2, 3);
		else
			assert_int_equal(o.t->unanswered, 8);
	}
}

/* The remaining connections take the load of an open loop. */
static void some_connections_lost(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 8;
	opt.rate = 1000;
	run(&opt, (struct server){ .delay = 500 * us,
				   .close_at = 600 * ms + 700 * us,
				   .close_n = 7 });
	assert_int_equal(o.t->failures[FAILURE_CLOSED], 7);
	all_are(&o.t->response, 500 * us, 1000);
	all_are(&o.t->send_lag, 0, 1000);
	assert_int_equal(o.t->unanswered, 0);
}

static void an_interrupt_ends_it(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.connections = 4;
	for (int i = 0; i < 2; i++) {
		opt.rate = i ? 1000 : 0;
		run(&opt,
		    (struct server){ .delay = ms, .interrupt_at = 600 * ms });
		assert_int_equal(o.ended, 600 * ms);
		assert_int_equal(o.t->answered, i ? 500 : 2000);
		assert_int_equal(o.t->unanswered, 0); /* those are awaited */
		assert_int_equal(o.t->troubles, 0);
	}
	run(&opt, (struct server){ .delay = ms, .interrupt_at = 50 * ms });
	assert_int_equal(o.ended, 50 * ms);
	assert_int_equal(o.t->answered, 0);
}

static void the_last_replies_are_awaited_2_s(void **state)
{
	struct load_options opt = options();

	(void)state;
	opt.rate = 1000;
	opt.connections = 4;
	opt.timeout = 60 * second;
	run(&opt, (struct server){ .delay = 1900 * ms });
	all_are(&o.t->response, 1900 * ms, 1000);
	assert_int_equal(o.over, 1099 * ms + 1900 * ms);
	nothing_wrong();
	/* The last half second is too late. */
	run(&opt, (struct server){ .delay = 2500 * ms });
	assert_int_equal(o.over, 3100 * ms);
	assert_in_range(o.t->answered, 500, 501);
	assert_int_equal(o.t->answered + o.t->unanswered, 1000);
	assert_int_equal(o.t->failures[FAILURE_STALLED], 4);
	/* In a closed loop likewise */
	opt.rate = 0;
	run(&opt, (struct server){ .delay = 2500 * ms });
	assert_int_equal(o.over, 2500 * ms);
	assert_int_equal(o.t->answered + o.t->unanswered, 0);
	opt.warmup = 0;
	run(&opt, (struct server){ .delay = 4000 * ms });
	assert_int_equal(o.over, 3000 * ms);
	assert_int_equal(o.t->unanswered, 4);
}

/* --------------------------------------------------------------------- slices */

enum { SLICES_MAX = 4 };

/* The outcome of each slice */
static struct {
	struct tally *t;
	int64_t took;
	unsigned open, connects;
} slices[SLICES_MAX];

static void free_slices(void)
{
	for (int i = 0; i < SLICES_MAX; i++)
		free(slices[i].t);
	memset(slices, 0, sizeof(slices));
}

/* Slices with these numbers, a second apart: warm-up and window are those of `opt`. */
static void run_slices(struct load_options *opt, struct server s,
		       const uint64_t *numbers, int n)
{
	struct world world;
	struct worker w;

	s = as_said(s);
	opt->hold = 3;
	free_slices();
	o.run = (struct run){ .opt = opt };
	open_world(&world, opt, &s, &w, 0);
	for (int i = 0; i < n; i++) {
		o.run.slice = numbers[i];
		o.run.start = world.now += second;
		o.run.from = o.run.start + opt->warmup;
		o.run.to = o.run.from + opt->duration;
		atomic_store(&o.run.stop, false);
		if (i == 0)
			world.epoch = world.now;
		world.connects = 0;
		tally_clear(w.tally);
		worker_run(&w);
		assert_int_equal(w.tally->outstanding, 0);
		assert_int_equal(w.rest, world.now);
		slices[i].t = tally_copy(w.tally);
		slices[i].took = w.rest - o.run.start;
		slices[i].open = worker_connections(&w);
		slices[i].connects = world.connects;
	}
	close_world(&world, &w);
}

static void a_slice_is_from_rest_to_rest(void **state)
{
	static const uint64_t numbers[] = { 1, 2, 3, 1 };
	struct load_options opt = options();

	(void)state;
	opt.connections = 7;
	opt.idle = 2;
	opt.warmup = 10 * ms;
	opt.duration = 40 * ms;
	for (opt.depth = 1; opt.depth <= 16; opt.depth *= 4) {
		run_slices(&opt, (struct server){ .delay = 5 * ms }, numbers,
			   4);
		for (int i = 0; i < 4; i++) {
			const struct tally *t = slices[i].t;

			all_are(&t->response, 5 * ms, 7 * opt.depth * 8);
			assert_int_equal(t->total, 7 * opt.depth * 10);
			assert_int_equal(t->in_window, 7 * opt.depth * 8);
			assert_int_equal(t->never, 0);
			assert_int_equal(t->troubles, 0);
			assert_int_equal(slices[i].took, 50 * ms);
			assert_int_equal(slices[i].open, 9);
			assert_int_equal(slices[i].connects, 0);
		}
	}
	free_slices();
}

static void a_slice_has_arrivals_of_its_own(void **state)
{
	static const uint64_t numbers[] = { 5, 6, 5, 6 };

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct load_options opt = options();

		opt.rate = 2000;
		opt.connections = 5;
		opt.arrivals = i % 3 ? ARRIVALS_UNIFORM : ARRIVALS_POISSON;
		opt.burst = i % 3 == 2 ? 20 : 1;
		opt.pattern = i < 3 ? PATTERN_STEADY : PATTERN_CONNECT;
		run_slices(&opt, (struct server){ .delay = 1 * ms }, numbers,
			   4);
		for (int j = 0; j < 4; j++) {
			const struct tally *t = slices[j].t;

			assert_in_range(t->answered, 1800, 2200);
			assert_int_equal(t->response.count, t->answered);
			assert_int_equal(t->never, 0);
			assert_int_equal(slices[j].connects,
					 i < 3 ? 0 : t->total);
			assert_int_equal(slices[j].open, i < 3 ? 5 : 0);
		}
		assert_int_equal(slices[0].t->total, slices[2].t->total);
		assert_int_equal(slices[0].took, slices[2].took);
		assert_int_equal(slices[1].took, slices[3].took);
		if (opt.burst == 1) /* some are in flight at the end */
			assert_true(slices[0].took != slices[1].took);
	}
	free_slices();
}

static void connecting_for_each_request_in_slices(void **state)
{
	static const uint64_t numbers[] = { 1, 2, 3 };
	struct load_options opt = options();

	(void)state;
	opt.connections = 4;
	opt.pattern = PATTERN_CONNECT;
	run_slices(&opt, (struct server){ .delay = 5 * ms, .connect = 5 * ms },
		   numbers, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(slices[i].t->total, 4 * 110);
		assert_int_equal(slices[i].connects, 4 * 110);
		all_are(&slices[i].t->response, 10 * ms, 4 * 100);
		assert_int_equal(slices[i].open, 0);
	}
	free_slices();
}

/* A reply that comes too late belongs to no later slice: its connection is closed. */
static void late_replies_are_of_no_slice(void **state)
{
	static const uint64_t numbers[] = { 1, 2, 3 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct load_options opt = options();

		opt.connections = 6;
		opt.rate = i & 1 ? 1000 : 0;
		opt.pattern = i & 2 ? PATTERN_CONNECT : PATTERN_STEADY;
		opt.warmup = 100 * ms;
		opt.duration = 20 * ms;
		/* It stops answering in the warm-up of the second slice. */
		run_slices(&opt,
			   (struct server){ .delay = 10 * ms,
					    .stall_from = 1130 * ms,
					    .stall_to = 20 * second },
			   numbers, 3);
		assert_int_equal(slices[0].t->never, 0);
		assert_in_range(slices[0].t->total, 60, 140);
		assert_true(slices[1].t->never > 0);
		assert_int_equal(slices[1].took, 2120 * ms);
		assert_int_equal(slices[1].open, 0);
		if (i == 0) /* they were due in the warm-up */
			assert_int_equal(slices[1].t->unanswered, 0);
		if (i & 2) /* a new connection hangs as well */
			assert_true(slices[2].t->never > 0);
		else
			assert_int_equal(slices[2].took, 0);
		for (int j = 0; j < 3; j++)
			for (int k = 0; k < DAMAGES; k++)
				assert_int_equal(slices[j].t->damages[k], 0);
	}
	free_slices();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_loop_is_exact),
		cmocka_unit_test(replies_split_the_stream),
		cmocka_unit_test(uniform_is_exact),
		cmocka_unit_test(poisson_is_exact),
		cmocka_unit_test(bursts_are_exact),
		cmocka_unit_test(lateness_is_counted),
		cmocka_unit_test(a_generator_without_cpu),
		cmocka_unit_test(without_cpu_at_the_end),
		cmocka_unit_test(spins_when_it_has_a_cpu),
		cmocka_unit_test(a_stall_is_seen_in_an_open_loop),
		cmocka_unit_test(a_closed_loop_hides_it),
		cmocka_unit_test(full_sockets_move_no_schedule),
		cmocka_unit_test(connect_open_loop),
		cmocka_unit_test(connect_queue),
		cmocka_unit_test(connect_overload),
		cmocka_unit_test(connect_closed_loop),
		cmocka_unit_test(refused_ones_hold_up_nobody),
		cmocka_unit_test(set_up_is_64_at_a_time),
		cmocka_unit_test(idle_ones_are_shared_out),
		cmocka_unit_test(idle_ones_alone),
		cmocka_unit_test(who_cannot_connect_is_counted),
		cmocka_unit_test(connecting_for_ever_times_out),
		cmocka_unit_test(a_server_that_stops_answering),
		cmocka_unit_test(it_never_answered_at_all),
		cmocka_unit_test(seldom_is_not_never),
		cmocka_unit_test(all_connections_lost),
		cmocka_unit_test(some_connections_lost),
		cmocka_unit_test(an_interrupt_ends_it),
		cmocka_unit_test(the_last_replies_are_awaited_2_s),
		cmocka_unit_test(a_slice_is_from_rest_to_rest),
		cmocka_unit_test(a_slice_has_arrivals_of_its_own),
		cmocka_unit_test(connecting_for_each_request_in_slices),
		cmocka_unit_test(late_replies_are_of_no_slice),
	};
	int status;

	alarm(60); /* an endless loop fails */
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(o.t);
	return status;
}
