/* SPDX-License-Identifier: MIT */
/*
 * wait.c - waits by select, poll and epoll, and what is the same for all methods
 *
 * Each wait is timed alone. Before it, as many descriptors as are to be ready, chosen at
 * random, become ready; after it, they are read empty. Both are not in its time. If all are
 * ready, they stay so, and only edge-triggered methods have each written to before a wait.
 */
#include "harness/primitives/wait.h"
#include "harness/primitives/primitive.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"
#include "harness/base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

/* ---------------------------------------------------------------- descriptors */

bool watch_make(struct watch *w, unsigned n, unsigned ready, char why[WHY_SIZE])
{
	struct rlimit limit;
	unsigned i;

	*w = (struct watch){ .n = n, .ready = ready, .seed = n };
	w->fd = grow(NULL, n + 1, sizeof(*w->fd));
	w->order = grow(NULL, n, sizeof(*w->order));
	w->found = grow(NULL, n, sizeof(*w->found));
	memset(w->fd, -1, (n + 1) * sizeof(*w->fd));
	for (i = 0; i < n; i++)
		w->order[i] = i;
	for (i = 0; i <= n; i++)
		if ((w->fd[i] = eventfd(0, EFD_CLOEXEC)) < 0)
			break;
	if (i > n)
		return true;
	getrlimit(RLIMIT_NOFILE, &limit);
	why_not(why, "%u descriptors: %s; the limit is %lu (ulimit -n)", n + 1,
		strerror(errno), (unsigned long)limit.rlim_cur);
	watch_free(w);
	return false;
}

void watch_free(struct watch *w)
{
	for (unsigned i = 0; i <= w->n; i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	free(w->fd);
	free(w->order);
	free(w->found);
}

void watch_pick(struct watch *w)
{
	if (w->ready == w->n)
		return;
	for (unsigned i = 0; i < w->ready; i++) {
		unsigned j = i + random_next(&w->seed) % (w->n - i);
		unsigned chosen = w->order[j];

		w->order[j] = w->order[i];
		w->order[i] = chosen;
	}
}

bool watch_raise(struct watch *w)
{
	const uint64_t one = 1;

	for (unsigned i = 0; i < w->ready; i++)
		if (write(w->fd[w->order[i]], &one, sizeof(one)) < 0)
			return false;
	return true;
}

bool watch_lower(struct watch *w)
{
	uint64_t all;

	for (unsigned i = 0; i < w->ready; i++)
		if (read(w->fd[w->order[i]], &all, sizeof(all)) < 0)
			return false;
	return true;
}

/* --------------------------------------------------------------------- select */

/* Its bits are those of an fd_set, which FD_SET would limit to 1,024. */

enum { WORD_BITS = 8 * sizeof(unsigned long) };

struct select_state {
	int most; /* the number after the highest */
	size_t bytes;
	unsigned long *watched, *result;
};

static bool select_add(struct watch *w, unsigned i)
{
	struct select_state *s = w->state;
	int fd = w->fd[i];

	s->watched[fd / WORD_BITS] |= 1UL << fd % WORD_BITS;
	if (fd >= s->most)
		s->most = fd + 1;
	return true;
}

static bool select_remove(struct watch *w, unsigned i)
{
	struct select_state *s = w->state;
	int fd = w->fd[i];

	s->watched[fd / WORD_BITS] &= ~(1UL << fd % WORD_BITS);
	if (fd + 1 == s->most)
		s->most = fd;
	return true;
}

static void select_close(struct watch *w)
{
	struct select_state *s = w->state;

	free(s->watched);
	free(s->result);
	free(s);
}

static bool open_set(struct watch *w, int bits)
{
	struct select_state *s = w->state = grow(NULL, 1, sizeof(*s));

	s->most = 0;
	s->bytes = (bits + WORD_BITS - 1) / WORD_BITS * sizeof(unsigned long);
	s->watched = grow(NULL, 1, s->bytes);
	s->result = grow(NULL, 1, s->bytes);
	memset(s->watched, 0, s->bytes);
	for (unsigned i = 0; i < w->n; i++)
		select_add(w, i);
	return true;
}

static bool select_open(struct watch *w, char why[WHY_SIZE])
{
	for (unsigned i = 0; i <= w->n; i++)
		if (w->fd[i] >= FD_SETSIZE)
			return why_not(
				why, "descriptor %d is beyond FD_SETSIZE (%d)",
				w->fd[i], FD_SETSIZE);
	return open_set(w, FD_SETSIZE);
}

static bool select_gap_open(struct watch *w, char why[WHY_SIZE])
{
	enum { GAP = 1000 };
	int high = fcntl(w->fd[1], F_DUPFD_CLOEXEC, w->fd[0] + GAP);

	if (high < 0)
		return why_not(why, "descriptor %d: %s", w->fd[0] + GAP,
			       strerror(errno));
	close(w->fd[1]);
	w->fd[1] = high;
	return select_open(w, why);
}

static bool select_large_open(struct watch *w, char why[WHY_SIZE])
{
	(void)why;
	return open_set(w, w->fd[w->n] + 1);
}

static unsigned select_wait(struct watch *w)
{
	struct select_state *s = w->state;
	unsigned found = 0;
	int ready;

	memcpy(s->result, s->watched, s->bytes);
	ready = select(s->most, (fd_set *)s->result, NULL, NULL, NULL);
	for (unsigned i = 0; i < w->n && (int)found < ready; i++)
		if (s->result[w->fd[i] / WORD_BITS] >> w->fd[i] % WORD_BITS & 1)
			w->found[found++] = i;
	return found;
}

#define SELECT(text, opened)                                                   \
	{                                                                      \
		.name = text, .open = opened, .wait = select_wait,             \
		.add = select_add, .remove = select_remove,                    \
		.close = select_close,                                         \
	}

const struct wait_method wait_select = SELECT("select", select_open);
const struct wait_method wait_select_gap =
	SELECT("select_gap", select_gap_open);
const struct wait_method wait_select_large =
	SELECT("select_large", select_large_open);

/* ----------------------------------------------------------------------- poll */

struct poll_state {
	struct pollfd *list;
	unsigned n;
};

static bool poll_add(struct watch *w, unsigned i)
{
	struct poll_state *s = w->state;

	s->list[s->n++] = (struct pollfd){ w->fd[i], POLLIN, 0 };
	return true;
}

/* The last one, as measure_register() removes what it added */
static bool poll_remove(struct watch *w, unsigned i)
{
	struct poll_state *s = w->state;

	s->n--;
	return s->list[s->n].fd == w->fd[i];
}

static bool poll_open(struct watch *w, char why[WHY_SIZE])
{
	struct poll_state *s = w->state = grow(NULL, 1, sizeof(*s));

	(void)why;
	s->n = 0;
	s->list = grow(NULL, w->n + 1, sizeof(*s->list));
	for (unsigned i = 0; i < w->n; i++)
		poll_add(w, i);
	return true;
}

static unsigned poll_wait(struct watch *w)
{
	struct poll_state *s = w->state;
	int ready = poll(s->list, s->n, -1);
	unsigned found = 0;

	for (unsigned i = 0; i < s->n && (int)found < ready; i++)
		if (s->list[i].revents)
			w->found[found++] = i;
	return found;
}

static void poll_close(struct watch *w)
{
	struct poll_state *s = w->state;

	free(s->list);
	free(s);
}

const struct wait_method wait_poll = {
	.name = "poll",
	.open = poll_open,
	.wait = poll_wait,
	.add = poll_add,
	.remove = poll_remove,
	.close = poll_close,
};

/* ---------------------------------------------------------------------- epoll */

struct epoll_state {
	int fd;
	uint32_t events;
	struct epoll_event *ready;
};

static bool epoll_add(struct watch *w, unsigned i)
{
	struct epoll_state *s = w->state;
	struct epoll_event event = { .events = s->events, .data.u32 = i };

	return epoll_ctl(s->fd, EPOLL_CTL_ADD, w->fd[i], &event) == 0;
}

static bool epoll_remove(struct watch *w, unsigned i)
{
	struct epoll_state *s = w->state;

	return epoll_ctl(s->fd, EPOLL_CTL_DEL, w->fd[i], NULL) == 0;
}

static void epoll_close(struct watch *w)
{
	struct epoll_state *s = w->state;

	if (s->fd >= 0)
		close(s->fd);
	free(s->ready);
	free(s);
}

static bool open_epoll(struct watch *w, uint32_t events, char *why)
{
	struct epoll_state *s = w->state = grow(NULL, 1, sizeof(*s));

	s->events = events;
	s->ready = grow(NULL, w->n, sizeof(*s->ready));
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd < 0)
		why_not(why, "epoll_create1: %s", strerror(errno));
	for (unsigned i = 0; s->fd >= 0 && i < w->n; i++)
		if (!epoll_add(w, i)) {
			why_not(why, "epoll_ctl: %s", strerror(errno));
			close(s->fd);
			s->fd = -1;
		}
	if (s->fd >= 0)
		return true;
	epoll_close(w);
	return false;
}

static bool epoll_open(struct watch *w, char why[WHY_SIZE])
{
	return open_epoll(w, EPOLLIN, why);
}

static bool epoll_et_open(struct watch *w, char why[WHY_SIZE])
{
	return open_epoll(w, EPOLLIN | EPOLLET, why);
}

static unsigned epoll_found(struct watch *w)
{
	struct epoll_state *s = w->state;
	int ready = epoll_wait(s->fd, s->ready, w->n, -1);

	for (int i = 0; i < ready; i++)
		w->found[i] = s->ready[i].data.u32;
	return ready < 0 ? 0 : ready;
}

const struct wait_method wait_epoll = {
	.name = "epoll",
	.open = epoll_open,
	.wait = epoll_found,
	.add = epoll_add,
	.remove = epoll_remove,
	.close = epoll_close,
};
const struct wait_method wait_epoll_et = {
	.name = "epoll_et",
	.edge = true,
	.open = epoll_et_open,
	.wait = epoll_found,
	.add = epoll_add,
	.remove = epoll_remove,
	.close = epoll_close,
};

/* -------------------------------------------------------------------- measuring */

/* false: m->why says why */
static bool one_wait(struct meter *m, const struct wait_method *how,
		     struct watch *w, bool first)
{
	bool stay = w->ready == w->n; /* ready, once they are */
	unsigned found;

	watch_pick(w);
	if ((first || !stay || how->edge) && !watch_raise(w)) {
		meter_fail(m, "write");
		return false;
	}
	meter_start(m);
	found = how->wait(w);
	meter_stop(m);
	if (found != w->ready)
		return why_not(m->why, "%s found %u of %u", how->name, found,
			       w->ready);
	if (!stay && !watch_lower(w)) {
		meter_fail(m, "read");
		return false;
	}
	return true;
}

void measure_wait(struct meter *m, const struct primitive *p)
{
	const struct wait_method *how = p->how;
	struct watch w;

	if (!watch_make(&w, p->watched, p->ready, m->why))
		return;
	if (how->open(&w, m->why)) {
		for (uint64_t i = 0; i < m->iterations; i++)
			if (!one_wait(m, how, &w, i == 0))
				break;
		how->close(&w);
	}
	watch_free(&w);
}

/* Keeps the compiler from removing what has no effect */
#define KEEP() __asm__ volatile("" ::: "memory")

void measure_register(struct meter *m, const struct primitive *p)
{
	const struct wait_method *how = p->how;
	struct watch w;
	bool good = true;

	if (!watch_make(&w, p->watched, 0, m->why))
		return;
	if (how->open(&w, m->why)) {
		meter_start(m);
		for (uint64_t i = 0; good && i < m->iterations; i++) {
			good = how->add(&w, w.n);
			KEEP();
			good = good && how->remove(&w, w.n);
			KEEP();
		}
		meter_stop(m);
		if (!good)
			meter_fail(m, how->name);
		how->close(&w);
	}
	watch_free(&w);
}
