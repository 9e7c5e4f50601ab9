/* SPDX-License-Identifier: MIT */
/*
 * uring.c - waits by polls of an io_uring, and batches of no-ops
 *
 * One-shot: a poll ends when it has reported a descriptor, and is queued again together with
 * the next wait, in one io_uring_enter. Multishot: a poll stays, and reports a descriptor
 * when it becomes ready again, so it is edge-triggered. The ring has the features that the
 * model uring has, with which the kernel makes completions within the wait.
 */
#include "harness/primitives/primitive.h"
#include "harness/primitives/wait.h"

#include "harness/base/grow.h"

#ifdef HAVE_URING

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct uring_state {
	struct io_uring ring;
	bool multishot;
	unsigned ended; /* polls in w->found that have to be queued again */
};

static bool open_ring(struct io_uring *ring, unsigned entries, char *why)
{
	static const unsigned features[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	const unsigned *flags = features;
	int res;

	do {
		struct io_uring_params params = {
			.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
				 *flags,
			.cq_entries = 2 * entries,
		};

		res = io_uring_queue_init_params(entries, ring, &params);
	} while (res == -EINVAL && *flags++);
	if (res < 0)
		return why_not(
			why, "io_uring_setup: %s%s", strerror(-res),
			res == -ENOMEM ?
				"" :
				"; bin/matrix doctor says what forbids it");
	io_uring_register_ring_fd(ring);
	return true;
}

static bool queue_poll(struct watch *w, unsigned i)
{
	struct uring_state *s = w->state;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	if (!sqe)
		return false;
	if (s->multishot)
		io_uring_prep_poll_multishot(sqe, w->fd[i], POLLIN);
	else
		io_uring_prep_poll_add(sqe, w->fd[i], POLLIN);
	io_uring_sqe_set_data64(sqe, i);
	return true;
}

static void uring_close(struct watch *w)
{
	struct uring_state *s = w->state;

	io_uring_queue_exit(&s->ring);
	free(s);
}

static bool open_polls(struct watch *w, bool multishot, char *why)
{
	struct uring_state *s = w->state = grow(NULL, 1, sizeof(*s));
	int res;

	*s = (struct uring_state){ .multishot = multishot };
	if (!open_ring(&s->ring, w->n + 1, why)) {
		free(s);
		return false;
	}
	for (unsigned i = 0; i < w->n; i++)
		queue_poll(w, i);
	res = io_uring_submit(&s->ring);
	if (res == (int)w->n)
		return true;
	uring_close(w);
	return why_not(why, "io_uring_enter: %s",
		       res < 0 ? strerror(-res) : "not all were submitted");
}

static bool oneshot_open(struct watch *w, char why[WHY_SIZE])
{
	return open_polls(w, false, why);
}

static bool multishot_open(struct watch *w, char why[WHY_SIZE])
{
	return open_polls(w, true, why);
}

static unsigned uring_wait(struct watch *w)
{
	struct uring_state *s = w->state;
	struct io_uring_cqe *cqe;
	unsigned head, found = 0, ended = 0;

	for (unsigned i = 0; i < s->ended; i++)
		queue_poll(w, w->found[i]);
	s->ended = 0;
	if (io_uring_submit_and_wait(&s->ring, w->ready) < 0)
		return 0;
	io_uring_for_each_cqe(&s->ring, head, cqe) {
		if (found == w->ready || !(cqe->res & POLLIN))
			return 0;
		ended += !(cqe->flags & IORING_CQE_F_MORE);
		w->found[found++] = io_uring_cqe_get_data64(cqe);
	}
	io_uring_cq_advance(&s->ring, found);
	if (s->multishot && ended)
		return 0;
	s->ended = ended;
	return found;
}

static bool uring_add(struct watch *w, unsigned i)
{
	struct uring_state *s = w->state;

	return queue_poll(w, i) && io_uring_submit(&s->ring) == 1;
}

/* Two completions: that of the removal, and that of the poll */
static bool uring_remove(struct watch *w, unsigned i)
{
	struct uring_state *s = w->state;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	if (!sqe)
		return false;
	io_uring_prep_poll_remove(sqe, i);
	io_uring_sqe_set_data64(sqe, w->n + 1);
	if (io_uring_submit_and_wait(&s->ring, 2) != 1)
		return false;
	io_uring_cq_advance(&s->ring, 2);
	return true;
}

const struct wait_method wait_uring_oneshot = {
	.name = "uring_oneshot",
	.open = oneshot_open,
	.wait = uring_wait,
	.add = uring_add,
	.remove = uring_remove,
	.close = uring_close,
};
const struct wait_method wait_uring_multishot = {
	.name = "uring_multishot",
	.edge = true,
	.open = multishot_open,
	.wait = uring_wait,
	.add = uring_add,
	.remove = uring_remove,
	.close = uring_close,
};

static bool one_batch(struct io_uring *ring, unsigned n)
{
	struct io_uring_cqe *cqe;
	unsigned head, done = 0;

	for (unsigned i = 0; i < n; i++)
		io_uring_prep_nop(io_uring_get_sqe(ring));
	if (io_uring_submit_and_wait(ring, n) != (int)n)
		return false;
	io_uring_for_each_cqe(ring, head, cqe)
		done++;
	io_uring_cq_advance(ring, done);
	return done == n;
}

void measure_batch(struct meter *m, const struct primitive *p)
{
	struct io_uring ring;

	m->operations = p->count;
	if (!open_ring(&ring, p->count, m->why))
		return;
	meter_start(m);
	for (uint64_t i = 0; i < m->iterations; i++)
		if (!one_batch(&ring, p->count)) {
			why_not(m->why, "not all no-ops were completed");
			break;
		}
	meter_stop(m);
	io_uring_queue_exit(&ring);
}

#else

static const char no_uring[] =
	"built without liburing (Debian, Ubuntu: liburing-dev)";

static bool no_open(struct watch *w, char why[WHY_SIZE])
{
	(void)w;
	return why_not(why, "%s", no_uring);
}

const struct wait_method wait_uring_oneshot = { .name = "uring_oneshot",
						.open = no_open };
const struct wait_method wait_uring_multishot = { .name = "uring_multishot",
						  .open = no_open };

void measure_batch(struct meter *m, const struct primitive *p)
{
	(void)p;
	why_not(m->why, "%s", no_uring);
}

#endif
