/* SPDX-License-Identifier: MIT */
/* aio_limits.h - how many clients glibc's POSIX AIO can serve, found by trial */
#ifndef AIO_LIMITS_H
#define AIO_LIMITS_H

struct aiocb;

struct aio_limits {
	long threads; /* each an operation under way */
	long signals; /* each an operation ended */
};

/*
 * Tries for how many clients there can be threads and queued signals, up to
 * `wanted` (0: a number of our own). The threads are those that will serve the
 * clients: they stay. `signo` must be blocked.
 *
 * Why it must be tried: when glibc cannot make one more thread it does not say
 * so; the operation waits, for ever if need be, until another client's thread
 * is free. And when a signal cannot be queued, EAGAIN takes the place of the
 * operation's result.
 */
struct aio_limits prove_aio_limits(long wanted, int signo);

/*
 * Has glibc try again to make a thread if it has too few. It lets one go that
 * was woken and found its work done by another, and makes a new one with the
 * next operation; if that failed, this gets the operation going that waits.
 */
void aio_prompt(void);

/* Returns when the operation has ended and glibc will not touch it again. */
void aio_await(struct aiocb *block);

#endif
