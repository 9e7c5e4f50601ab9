/* SPDX-License-Identifier: MIT */
/* wait.c - waits for several programs at once and reads their output: see wait.h */
#include "harness/measure/wait.h"

#include "harness/base/die.h"
#include "harness/base/grow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int64_t tick_ns = 250 * 1000000;

/* -------------------------------------------------------------------- streams */

void stream_open(struct stream *s, int fd, size_t most)
{
	*s = (struct stream){ .fd = fd, .most = most, .room = 512 };
	s->text = malloc(s->room);
	if (!s->text)
		die("malloc");
	*s->text = '\0';
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* The beginning identifies a program, the end tells how it ended. */
static void drop_middle(struct stream *s)
{
	size_t keep = s->most / 4;

	memmove(s->text + keep, s->text + s->n - keep, keep + 1);
	s->lost += s->n - 2 * keep;
	s->n = 2 * keep;
}

static void make_room(struct stream *s)
{
	if (s->n + 1 < s->room)
		return;
	if (s->room > s->most) {
		drop_middle(s);
		return;
	}
	s->room *= 2;
	s->text = realloc(s->text, s->room);
	if (!s->text)
		die("realloc");
}

void stream_take(struct stream *s)
{
	/* Bounded: a program may write faster than this reads. */
	for (int reads = 0; s->fd >= 0 && reads < 64; reads++) {
		ssize_t n;

		make_room(s);
		n = read(s->fd, s->text + s->n, s->room - s->n - 1);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(s->fd);
			s->fd = -1;
			return;
		}
		/* A 0 would end the text for strchr() and sscanf(). */
		for (char *c = s->text + s->n; c < s->text + s->n + n; c++)
			if (*c == '\0')
				*c = '?';
		s->n += (size_t)n;
		s->text[s->n] = '\0';
	}
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->text);
	*s = (struct stream){ .fd = -1 };
}

bool stream_line(struct stream *s, char *line, size_t size)
{
	char *end = s->text ? strchr(s->text, '\n') : NULL;
	size_t length = end ? (size_t)(end - s->text) : 0;

	if (!end)
		return false;
	snprintf(line, size, "%.*s", (int)length, s->text);
	s->n -= length + 1;
	memmove(s->text, end + 1, s->n + 1);
	return true;
}

char *last_line(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	while (n > 0 && text[n - 1] != '\n')
		n--;
	return text + n;
}

int process_setup(void *data)
{
	const struct process_setup *setup = data;
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(setup->out, STDOUT_FILENO) < 0 ||
	    dup2(setup->err, STDERR_FILENO) < 0)
		return errno;
	/* dup2() of a descriptor onto itself keeps close-on-exec. */
	if (setup->hold == HOLD_FD && fcntl(HOLD_FD, F_SETFD, 0) < 0)
		return errno;
	if (setup->hold >= 0 && dup2(setup->hold, HOLD_FD) < 0)
		return errno;
	if (sched_setaffinity(0, sizeof(*setup->cpus), setup->cpus) < 0)
		return errno;
	return 0;
}

/* ---------------------------------------------------------------------- waits */

int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void make_polled(struct wait_set *w)
{
	w->polled = grow(w->polled, w->n_streams + w->n_children,
			 sizeof(*w->polled));
}

void wait_add_stream(struct wait_set *w, struct stream *s)
{
	w->stream = grow(w->stream, w->n_streams + 1, sizeof(*w->stream));
	w->stream[w->n_streams++] = s;
	make_polled(w);
}

unsigned wait_add_child(struct wait_set *w, const struct child *c)
{
	w->child = grow(w->child, w->n_children + 1, sizeof(*w->child));
	w->ended = grow(w->ended, w->n_children + 1, sizeof(*w->ended));
	w->child[w->n_children] = c;
	w->ended[w->n_children++] = false;
	make_polled(w);
	return w->n_children - 1;
}

void wait_set_free(struct wait_set *w)
{
	free(w->stream);
	free(w->child);
	free(w->ended);
	free(w->polled);
	w->stream = NULL;
	w->child = NULL;
	w->ended = NULL;
	w->polled = NULL;
	w->n_streams = w->n_children = 0;
}

static void wait_once(struct wait_set *w, int64_t until)
{
	struct pollfd *polled = w->polled;
	int64_t now = monotonic_ns();
	int64_t rest = until > now ? until - now : 0;
	struct timespec timeout = { rest / 1000000000, rest % 1000000000 };
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_streams; i++)
		polled[n++] = (struct pollfd){ .fd = w->stream[i]->fd,
					       .events = POLLIN };
	for (unsigned i = 0; i < w->n_children; i++)
		polled[n++] =
			(struct pollfd){ .fd = w->ended[i] ? -1 :
							     w->child[i]->fd,
					 .events = POLLIN };
	if (ppoll(polled, n, &timeout, w->mask) <= 0)
		return;
	for (unsigned i = 0; i < w->n_streams; i++)
		if (polled[i].revents)
			stream_take(w->stream[i]);
	for (unsigned i = 0; i < w->n_children; i++)
		if (polled[w->n_streams + i].revents)
			w->ended[i] = true;
}

/* ppoll() lets a signal in only if no descriptor is ready; here there is none. */
bool wait_interrupted(const struct wait_set *w)
{
	static const struct timespec at_once;

	ppoll(NULL, 0, &at_once, w->mask);
	return *w->interrupted;
}

enum wait_result wait_until(struct wait_set *w, int64_t until,
			    bool (*done)(void *), void *data)
{
	int64_t tick = monotonic_ns() + tick_ns;

	for (;;) {
		int64_t now = monotonic_ns();

		if (wait_interrupted(w))
			return WAIT_INTERRUPTED;
		if (done && done(data))
			return WAIT_DONE;
		if (now >= until)
			return WAIT_TIMED_OUT;
		if (now >= tick) {
			if (w->tick)
				w->tick(w->data);
			tick = now + tick_ns;
		}
		wait_once(w, tick < until ? tick : until);
	}
}
